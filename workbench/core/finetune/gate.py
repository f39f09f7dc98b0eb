"""The gate before going live: a score on a frozen test set that is no worse than that of the model that answers now.

A score counts where the whole test was answered and no piece of it is in what the model was trained on, as far as the
datasets here tell: whether the same piece is in both is looked up, whether two pieces are nearly the same is not.
Where nothing is live the base model is what is compared with, if it has scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select

from workbench.core.datasets.frozen import FrozenTest, frozen_tests
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.withdrawn import examples_of
from workbench.core.finetune.lineage import Behind, told_withdrawn
from workbench.core.finetune.models import BASE, TunedModel, model_of
from workbench.core.finetune.scores import MEASURES, Score, newest_scores
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import DatasetRow
from workbench.core.library.tuning_tables import TunedModelRow

_SAME = 1e-9
"""Below this two rates are the same: what is left is rounding."""


@dataclass(frozen=True)
class Compared:
    """A measure of the model on a test beside that of ``against``: a model's name, or ``base``."""

    test: str
    rows: int
    measure: str
    value: float
    other: float
    against: str

    @property
    def worse(self) -> bool:
        """Whether the model is worse."""
        return self.value < self.other - _SAME


@dataclass(frozen=True)
class Gate:
    """Whether a model may go live. ``reasons`` say why not; ``cautions`` what nobody knows though it may.

    ``final`` is a gate that no override opens. ``scores`` are those that count, ``live`` is the id of the live model
    that was compared with.
    """

    open: bool
    reasons: tuple[str, ...]
    compared: tuple[Compared, ...] = ()
    scores: tuple[Score, ...] = ()
    cautions: tuple[str, ...] = ()
    final: bool = False
    live: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        compared = [{**each.__dict__, "worse": each.worse} for each in self.compared]
        return {**self.__dict__, "compared": compared, "scores": [each.to_dict() for each in self.scores]}


def gate(database: Database, model: TunedModel) -> Gate:
    """Whether a model may go live, and why not."""
    behind = Behind(database)
    barred = hindrances(database, model, behind)
    live = _live(database)
    seen = _Seen(model)
    tests = {each.name: each for each in frozen_tests(database)}
    if not tests:
        seen.reasons.append("There is no frozen test set to compare on.")
    else:
        _weigh(database, seen, tests, behind.versions(model.version_id, model.base), live)
    if model.version_id is None:
        seen.cautions.append("Nobody here knows what it was trained on, so it may have seen the test.")
    reasons = (*barred, *seen.reasons)
    return Gate(
        not reasons, reasons, tuple(seen.compared), tuple(seen.scores), tuple(seen.cautions), bool(barred),
        live.id if live else None,
    )  # fmt: skip


def hindrances(database: Database, model: TunedModel, behind: Behind | None = None) -> tuple[str, ...]:
    """Why a model may answer nobody, whatever it scored; nothing where it may."""
    found = [f"{model.name} is blocked: {model.blocked}"] if model.blocked else []
    gone = (behind or Behind(database)).withdrawn(model.version_id, model.base)
    return (*found, *([told_withdrawn(gone)] if gone else []))


@lru_cache(maxsize=128)
def leaked(database: Database, version: str, tested: str) -> int:
    """How many pieces of one version's test rows another version, or the same, holds outside its test split."""
    return len(_pieces(database, version, trained=True) & _pieces(database, tested, trained=False))


@dataclass
class _Seen:
    """What was found out on the way."""

    model: TunedModel
    reasons: list[str] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)


def _weigh(
    database: Database, seen: _Seen, tests: dict[str, FrozenTest], versions: tuple[str, ...], live: TunedModel | None
) -> None:
    """Look at the scores that count, beside those of the live model or the base."""
    told = {name: each for name, each in newest_scores(database, seen.model.id).items() if name in tests}
    problems: list[str] = []
    for name, score in sorted(told.items()):
        problem = _short(database, score, tests[name]) or _known(database, versions, tests[name])
        if problem:
            problems.append(problem)
        else:
            seen.scores.append(score)
    if not seen.scores:
        seen.reasons += problems or ["It has no score on a frozen test set."]
        return
    seen.cautions += problems
    other = live if live is not None and live.id != seen.model.id else None
    rival = newest_scores(database, other.id if other else BASE)
    rival = {name: each for name, each in rival.items() if name in tests and not _short(database, each, tests[name])}
    if other is None and not rival:
        seen.cautions.append("There is nothing to compare with: nothing else is live, and the base has no score.")
        return
    for score in seen.scores:
        if score.test in rival:
            seen.compared += _beside(score, rival[score.test], other)
    if not seen.compared:
        who = f"the live model {other.name}" if other else "the base model"
        names = ", ".join(score.test for score in seen.scores)
        seen.reasons.append(f"There is no score of {who} on the same whole test ({names}).")
    seen.reasons += [_worse(each, live=other is not None) for each in seen.compared if each.worse]


def _beside(score: Score, rival: Score, other: TunedModel | None) -> Iterator[Compared]:
    for measure in MEASURES:
        yield Compared(
            score.test, score.rows, measure, getattr(score, measure), getattr(rival, measure),
            other.name if other else BASE,
        )  # fmt: skip


def _worse(found: Compared, *, live: bool) -> str:
    places = next((n for n in (1, 2, 3) if f"{found.value:.{n}%}" != f"{found.other:.{n}%}"), 6)
    who = f"the live model's ({found.against})" if live else "the base model's"
    return (
        f"{MEASURES[found.measure]} {found.value:.{places}%} is below {who} {found.other:.{places}%} "
        f"on test {found.test} ({found.rows} rows)."
    )


def _short(database: Database, score: Score, test: FrozenTest) -> str:
    """Why a score does not count where only a part of the test was answered."""
    rows = _test_rows(database, test.version_id)
    if score.rows >= rows:
        return ""
    return f"The score on test {test.name} does not count: it is of {score.rows} of its {rows} rows."


def _known(database: Database, versions: tuple[str, ...], test: FrozenTest) -> str:
    """Why a score does not count where pieces of the test were trained on."""
    count = max((leaked(database, version, test.version_id) for version in versions), default=0)
    if not count:
        return ""
    pieces = "1 piece of the test is" if count == 1 else f"{count} pieces of the test are"
    return f"The score on test {test.name} does not count: {pieces} in what it was trained on."


@lru_cache(maxsize=128)
def _test_rows(database: Database, version: str) -> int:
    """How many test rows a version has; versions never change."""
    wanted = select(func.count()).select_from(DatasetRow)
    with database.reading() as session:
        where = (DatasetRow.version_id == version, DatasetRow.split == "test")
        return int(session.scalar(wanted.where(*where)) or 0)


def _pieces(database: Database, version: str, *, trained: bool) -> set[str]:
    """The pieces that a version's rows were made from, wherever the version has them from."""
    side = DatasetRow.split != "test" if trained else DatasetRow.split == "test"
    wanted = select(DatasetRow.source).where(DatasetRow.version_id == version, side).distinct()
    with database.reading() as session:
        sources = session.scalars(wanted).all()
    found: set[str] = set()
    for source in sources:
        whole = source_of(source)
        found |= set(examples_of(source)) or {whole[max(0, whole.find("import/")) :]}
    return found


def _live(database: Database) -> TunedModel | None:
    with database.reading() as session:
        row = session.scalars(select(TunedModelRow).where(TunedModelRow.state == "live")).first()
        return None if row is None else model_of(row)
