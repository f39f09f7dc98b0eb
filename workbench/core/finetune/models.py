"""The registry of tuned models: where each answers, what it was made of, its licence, and its place in the rollout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.lineage import MAX_BASE, MAX_LICENCE, Behind, by_hand, of_training, told_withdrawn
from workbench.core.finetune.trail import MAX_TEXT, note_down, places_now
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, new_id, now, storable
from workbench.core.library.tuning_tables import TunedModelRow

MAX_NAME, MAX_MODEL, MAX_ENDPOINT = 80, 400, 500
BASE = "base"
"""What scores call the model that was not tuned; no tuned model may be named so."""


@dataclass(frozen=True)
class TunedModel:
    """A tuned model. ``model`` is its id at ``endpoint``; without an endpoint it is at the environment's.

    ``state`` is ``candidate``, ``canary``, ``live`` or ``retired``; ``share`` is a canary's part of the requests (0 to
    1); ``blocked`` says why it may not answer. ``lineage`` holds the recipe, the plan, first and last losses and more.
    """

    id: str
    name: str
    model: str
    endpoint: str
    base: str
    training_id: str | None
    version_id: str | None
    dataset_hash: str
    lineage: Mapping[str, Any]
    licence: str
    note: str
    state: str
    share: float
    blocked: str
    curator: str
    created_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**self.__dict__, "lineage": dict(self.lineage), "created_at": self.created_at.isoformat()}


def register(
    database: Database, *, name: str, model: str = "", endpoint: str = "", training: str = "", base: str = "",
    version: str = "", licence: str = "", note: str = "", curator: str,
) -> TunedModel:  # fmt: skip
    """Register what a training made, or by hand a model that was trained elsewhere, as a candidate.

    From a training all but the name may be left out: ``model`` is then its result. One that was trained here needs the
    endpoint that serves it. By hand a model, its base and a licence are needed; ``version`` tells what it learned from.

    Raises:
        InvalidInputError: something is missing, wrong or taken (``field`` names it), the training has not succeeded, or
            the rights of its dataset were withdrawn.
    """
    name, model = _line(name, "name", MAX_NAME), _line(model, "model", MAX_MODEL)
    base, licence = _line(base, "base", MAX_BASE), _line(licence, "licence", MAX_LICENCE)
    if not name or name.lower() == BASE:
        _refuse("A model needs a name." if not name else f"No tuned model is called {BASE}.", "Name it.", "name")
    if not (model or training):
        _refuse("It is not told which model.", "Give the model's id.", "model")
    endpoint, version = read_endpoint(endpoint), version.strip()
    if training:
        made = of_training(
            database, training, model=model, endpoint=endpoint, base=base, version=version, licence=licence
        )
    else:
        made = by_hand(database, model=model, endpoint=endpoint, base=base, version=version, licence=licence)
    if not made.licence:
        _refuse("Nobody knows under which licence it is.", "Give the licence of its base model.", "licence")
    if gone := Behind(database).withdrawn(made.version_id, made.base):
        _refuse(
            told_withdrawn(gone), "Train it again on a version without them.", "training" if training else "version"
        )
    with database.writing() as session:
        if session.scalar(select(TunedModelRow.id).where(TunedModelRow.name == name)) is not None:
            _refuse("Another model has this name.", "Give it another one.", "name")
        same = select(TunedModelRow.name).where(
            TunedModelRow.model == made.model, TunedModelRow.endpoint == made.endpoint
        )
        if (known := session.scalar(same)) is not None:
            _refuse(f"It is registered already, as {known}.", "Take that one.", "model")
        row = TunedModelRow(
            id=new_id(), name=name, state="candidate", share=0.0, note=storable(note).strip()[:MAX_TEXT],
            curator=name_of(curator), created_at=now(), **{**made.__dict__, "lineage": dict(made.lineage)},
        )  # fmt: skip
        session.add(row)
        note_down(session, "register", row.id, places_now(session), curator=curator)
        return model_of(row)


def models(database: Database) -> tuple[TunedModel, ...]:
    """All tuned models, newest first."""
    with database.reading() as session:
        wanted = select(TunedModelRow).order_by(TunedModelRow.created_at.desc(), TunedModelRow.id)
        return tuple(model_of(row) for row in session.scalars(wanted).all())


def find_model(database: Database, id: str) -> TunedModel | None:
    """A tuned model by its id."""
    with database.reading() as session:
        row = session.get(TunedModelRow, storable(id)[:40])
        return None if row is None else model_of(row)


def model_named(database: Database, wanted: str) -> TunedModel:
    """A tuned model by its id, its name, or the beginning of its id (four characters or more).

    Raises:
        InvalidInputError: there is none, or the beginning fits several.
    """
    wanted = " ".join(storable(wanted).split())
    known = models(database)
    exact = [each for each in known if each.id == wanted] or [each for each in known if each.name == wanted]
    found = exact or [each for each in known if len(wanted) >= 4 and each.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    raise InvalidInputError(
        f"{wanted[:60]!r} is {'the beginning of several models' if found else 'no tuned model'}.",
        hint="See: python -m workbench finetune models.", field="model",
    )  # fmt: skip


def flagged(database: Database, model: TunedModel) -> dict[str, str]:
    """The sources of a model whose rights were withdrawn since, and why; also those of a base that was tuned here."""
    return flags(database, [model])[model.id]


def flags(database: Database, known: Iterable[TunedModel]) -> dict[str, dict[str, str]]:
    """The same for many models, by their ids; for pages: each version is read once for each state of the library."""
    behind = Behind(database, remembered=True)
    return {each.id: behind.withdrawn(each.version_id, each.base) for each in known}


def read_endpoint(text: str) -> str:
    """An endpoint's address without a slash at its end; empty stays empty.

    Raises:
        InvalidInputError: it is none, or it holds a user, a password or a query, where keys would be kept.
    """
    text = storable(text).strip()
    if not text:
        return ""
    said = _line(text, "endpoint", MAX_ENDPOINT)
    try:
        parts = urlsplit(said)
        host, _ = parts.hostname, parts.port  # a port that is no number raises
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or " " in said:
        _refuse("The endpoint is no address.", "Write http://HOST:PORT/v1 or https://HOST/v1.", "endpoint")
    if "@" in parts.netloc or "?" in said or "#" in said:
        _refuse(
            "The endpoint's address may hold no user, password or query.",
            "Keys are kept in the settings, never in addresses.", "endpoint",
        )  # fmt: skip
    return said.rstrip("/")


def model_of(row: TunedModelRow) -> TunedModel:
    """The tuned model of a row."""
    return TunedModel(
        row.id, row.name, row.model, row.endpoint, row.base, row.training_id, row.version_id, row.dataset_hash,
        row.lineage, row.licence, row.note, row.state, row.share, row.blocked, row.curator, row.created_at,
    )  # fmt: skip


def _line(text: str, field: str, most: int) -> str:
    """A text in one line.

    Raises:
        InvalidInputError: it is too long, or holds what cannot be seen.
    """
    line = " ".join(storable(text).split())
    if len(line) > most:
        _refuse(f"The {field} has {len(line)} characters; at most {most} are taken.", "Shorten it.", field)
    if not line.isprintable():
        _refuse(f"The {field} holds a character that cannot be seen.", "Take letters and digits.", field)
    return line


def _refuse(message: str, hint: str, field: str) -> NoReturn:
    raise InvalidInputError(message, hint=hint, field=field)
