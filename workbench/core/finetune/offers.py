"""What a training would be: rows, tokens, price, time, limits, rights, and all that stands against it.

An offer is made before anything is uploaded or spent, and a person confirms it. What stands against a training is
told whole, each in a sentence of its own, and not one thing after the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from workbench.core.datasets.costs import estimate, limit_of
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.review.marks import excluded
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import Version, version_named
from workbench.core.datasets.withdrawn import withdrawn
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.finetune.backends import Backend, BaseModel, make_backend
from workbench.core.finetune.durations import Duration, duration
from workbench.core.finetune.files import training_folder, written
from workbench.core.finetune.training import LEAST_ROWS, Method, Order
from workbench.core.finetune.wishes import METHODS, Wish
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import DatasetRow
from workbench.core.settings import Settings

SOON = timedelta(days=60)
"""A model that goes within this time is warned of."""
TRAINS = ("training", "commercial_training")
NOT_YET = "not-yet"
"""The id of the training that an offer is made for: it has none before it is begun."""


@dataclass(frozen=True)
class Against:
    """One thing that stands against a training, what to do, and the member of the wish that it is about."""

    message: str
    hint: str = ""
    field: str = ""


@dataclass(frozen=True)
class Price:
    """What one provider would take, in US dollars; None where no price is known. ``here`` is where it is trained."""

    provider: str
    usd: float | None
    words: str
    here: bool = False


@dataclass(frozen=True)
class Offer:
    """A training as it would be.

    ``tokens`` are those of all training rows, prompts and answers, once; ``longest`` those of the longest row,
    ``limit`` the model's. ``until`` is the day on which the model goes, where it is known; ``uploads`` says whether
    rows leave this machine. It can be begun when nothing is ``against`` it.
    """

    wish: Wish
    method: Method
    dataset: str
    dataset_hash: str
    rows: int
    held_out: int
    tokens: int
    exact: bool
    longest: int
    limit: int | None
    prices: tuple[Price, ...]
    duration: Duration
    until: str
    licence: str
    rights: str
    uploads: bool
    place: str
    against: tuple[Against, ...]
    warnings: tuple[str, ...]

    @property
    def usd(self) -> float | None:
        """The price where it is trained, as far as that is known; 0 where nobody sends a bill."""
        return next((each.usd for each in self.prices if each.here), None)

    @property
    def billed_tokens(self) -> int:
        """Tokens of all rows in all epochs."""
        return math.ceil(self.tokens * self.wish.epochs)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self) | {"wish": self.wish.to_dict(), "usd": self.usd, "billed_tokens": self.billed_tokens}


def offer(database: Database, settings: Settings, wish: Wish, *, files: bool = True) -> Offer:
    """Look at all that a training would take, and at all that stands against it.

    With ``files`` the rows are written to this machine's disk and read as the backend would, line by line; without, the
    answer is quick and lacks what only that finds.

    Raises:
        InvalidInputError: there is no such backend or version.
        WorkbenchError: the backend does not answer, or the disk takes no file.
    """
    backend, version = make_backend(wish.backend, settings), version_named(database, wish.version)
    if not backend.remote and Path(wish.model).is_dir():
        wish = wish.model_copy(update={"model": str(Path(wish.model).resolve())})  # the trainer looks from elsewhere
    method = wish.method or METHODS["pair" if version.kind == "pair" else "chat"]
    model, trouble = _model(backend, wish.model)
    licence = wish.licence or model.licence
    limit = model.limit or limit_of(wish.model)
    # Of open weights the backend counts with their own vocabulary, in the files.
    checked = limit if backend.remote else None
    rows, held_out, tokens, longest, over = _lengths(database, version, checked, validation=wish.held_out)
    against = [
        *([trouble] if trouble else ()),
        *_against_model(backend, wish, model, licence),
        *_against_rows(version, method, rows, over, checked),
        *_against_rights(database, version),
    ]
    if files and not against:
        against += _against_files(database, settings, backend, wish, version, method, licence)
    exact = _exact(version)
    return Offer(
        wish, method, version.label, version.content_hash, rows, held_out, tokens, exact, longest, limit,
        _prices(backend, wish, method, tokens, version),
        duration(database, backend, wish, rows=rows, tokens=tokens), model.until, licence,
        str(version.recipe.get("use", "commercial_training")), backend.remote, backend.place, tuple(against),
        tuple(_warnings(database, version, model, held_out, wish)),
    )  # fmt: skip


def order_of(
    database: Database, settings: Settings, backend: Backend, wish: Wish, *, id: str, version: Version, method: Method,
    licence: str,
) -> Order:  # fmt: skip
    """The order for a backend, with its files written.

    Raises:
        InvalidInputError: the version has no rows to train on, or the launch command cannot be read.
        WorkbenchError: the disk takes no file.
    """
    format = backend.formats[method]
    train = written(database, settings, version, format, "train")
    if train is None:
        raise InvalidInputError(f"{version.label} has no training rows.", hint="Build one with a share for training.")
    validation = written(database, settings, version, format, "validation") if wish.held_out else None
    if licence and not wish.licence:
        wish = wish.model_copy(update={"licence": licence})
    return wish.order(
        id, method=method, train=train, validation=validation, folder=training_folder(settings, id),
        dataset=version.content_hash, extras=bool(backend.extras),
    )  # fmt: skip


# --- what stands against it ------------------------------------------------------------------------------------------


def _model(backend: Backend, wanted: str) -> tuple[BaseModel, Against | None]:
    """The model as the backend tells of it, or by its name alone."""
    unknown = BaseModel(wanted, ("supervised", "dpo"))
    if reason := backend.ready():
        return unknown, Against(reason, field="backend")
    try:
        return backend.described(wanted), None
    except WorkbenchError as problem:
        return unknown, Against(problem.message, problem.hint, "backend")


def _against_model(backend: Backend, wish: Wish, model: BaseModel, licence: str) -> Iterator[Against]:
    if not wish.model:
        yield Against("No base model is named.", "Choose one.", "model")
        return
    if model.until and model.until < date.today().isoformat():
        yield Against(f"{wish.model} was shut down on {model.until}.", "Choose another model.", "model")
    if wish.method and wish.method not in model.methods:
        yield Against(f"{wish.model} is not trained by {wish.method}.", "Choose another method.", "method")
    taken = {*backend.extras, "licence"}
    for name in wish.extras():
        if name not in taken:
            yield Against(f"{backend.title} takes no setting {name}.", "Leave it out.", name)
    if not backend.remote and not licence:
        yield Against(
            "Nobody knows the licence of this base model.",
            "Look it up where the model comes from and give it, as an SPDX id.", "licence",
        )  # fmt: skip


def _against_rows(version: Version, method: Method, rows: int, over: int, limit: int | None) -> Iterator[Against]:
    if (method == "dpo") != (version.kind == "pair"):
        kind = "preference pairs, which are for dpo" if version.kind == "pair" else "rows, which are for supervised"
        yield Against(f"{version.label} holds {kind}.", "Choose another version or method.", "method")
    if not rows:
        yield Against(f"{version.label} has no training rows.", "Build one with a share for training.", "version")
    elif rows < LEAST_ROWS:
        yield Against(
            f"{version.label} has {rows} training row{'s' * (rows != 1)}; at least {LEAST_ROWS} are needed.",
            "Build a larger version.", "version",
        )  # fmt: skip
    if over and limit:
        yield Against(
            f"{over:,} row{' is' if over == 1 else 's are'} longer than the {limit:,} tokens that the model takes.",
            "Leave long rows out, or take a model with a longer context.", "version",
        )  # fmt: skip


def _against_rights(database: Database, version: Version) -> Iterator[Against]:
    use = str(version.recipe.get("use", "commercial_training"))
    if use not in TRAINS:
        yield Against(f"{version.label} was built for {use}, not for training.", "Build one for training.", "version")
    gone = withdrawn(database, version.id)
    if gone:
        first = next(iter(gone.values()))
        yield Against(
            f"The rights of {len(gone):,} source{'s' * (len(gone) != 1)} of {version.label} do not allow it: {first}",
            "Build a version without them.", "version",
        )  # fmt: skip
    for name, shared in _frozen_in(database, version).items():
        yield Against(
            f"{shared:,} source{'s' * (shared != 1)} of the frozen test set {name} {'is' if shared == 1 else 'are'} "
            "trained on.",
            "Build the version again: frozen test rows stay out.", "version",
        )  # fmt: skip


def _against_files(
    database: Database, settings: Settings, backend: Backend, wish: Wish, version: Version, method: Method, licence: str
) -> list[Against]:
    """What the backend finds in the files themselves."""
    try:
        order = order_of(database, settings, backend, wish, id=NOT_YET, version=version, method=method, licence=licence)
        backend.refuse(order)
    except InvalidInputError as problem:
        return [Against(problem.message, problem.hint, problem.field)]
    except WorkbenchError as problem:
        return [Against(problem.message, problem.hint, "backend")]
    return []


def _frozen_in(database: Database, version: Version) -> dict[str, int]:
    """How many sources of each frozen test set are in the rows that a version trains on or measures by."""
    tests = frozen_tests(database)
    if not tests:
        return {}
    ours = _sources(database, version.id, ("train", "validation"))
    shared = {each.name: len(ours & _sources(database, each.version_id, ("test",))) for each in tests}
    return {name: count for name, count in shared.items() if count}


def _sources(database: Database, version: str, splits: tuple[str, ...]) -> set[str]:
    """The sources of a version's rows, and what is in the rows: the same row may come by another way."""
    wanted = (DatasetRow.version_id == version, DatasetRow.split.in_(splits))
    with database.reading() as session:
        sources = session.scalars(select(DatasetRow.source).where(*wanted).distinct()).all()
    return {source_of(each) for each in sources}


def _lengths(
    database: Database, version: Version, limit: int | None, *, validation: bool
) -> tuple[int, int, int, int, int]:
    """Training rows, held-out rows, tokens to train on, tokens of the longest row, and rows over the limit."""
    tokens = DatasetRow.tokens_in + DatasetRow.tokens_out
    with database.reading() as session:
        found = session.execute(
            select(DatasetRow.split, func.count(), func.sum(tokens), func.max(tokens))
            .where(DatasetRow.version_id == version.id)
            .group_by(DatasetRow.split)
        ).all()
        read = ("train", "validation") if validation else ("train",)
        over = session.scalar(
            select(func.count())
            .select_from(DatasetRow)
            .where(DatasetRow.version_id == version.id, DatasetRow.split.in_(read), tokens > (limit or 2**31))
        )
    by = {split: (count, int(total), int(longest)) for split, count, total, longest in found}
    train, held_out = by.get("train", (0, 0, 0)), by.get("validation", (0, 0, 0)) if validation else (0, 0, 0)
    return train[0], held_out[0], train[1], max(train[2], held_out[2]), int(over or 0)


# --- what it takes ---------------------------------------------------------------------------------------------------


def _prices(backend: Backend, wish: Wish, method: Method, tokens: int, version: Version) -> tuple[Price, ...]:
    if not backend.remote:
        return (Price(backend.title, 0.0, "No bill: it runs on this machine.", here=True),)
    exact = _exact(version)
    found = estimate(tokens, math.ceil(wish.epochs), exact, model=wish.model, method=method)
    host = urlsplit(backend.place).hostname or ""
    prices = [
        Price(each.provider, each.usd, each.words, each.usd != 0 and each.provider.split()[0].lower() in host)
        for each in found
    ]
    return tuple([each for each in prices if each.here] or prices)


def _exact(version: Version) -> bool:
    """Whether the tokens were counted with the vocabulary of the model that the version was built for."""
    return bool(version.summary.get("tokens", {}).get("exact", False))


def _warnings(database: Database, version: Version, model: BaseModel, held_out: int, wish: Wish) -> Iterator[str]:
    if model.until and model.until >= date.today().isoformat():
        soon = date.fromisoformat(model.until) - date.today() <= SOON
        yield f"The base model goes on {model.until}{', soon' if soon else ''}; what is tuned from it goes with it."
    if model.note:
        yield model.note
    out = len(excluded(database, version.id))
    if out:
        yield f"{out:,} row{' is' if out == 1 else 's are'} excluded since the version was built, and still in it."
    if wish.held_out and not held_out:
        yield "There are no validation rows: nothing will tell when the model only learns by heart."
