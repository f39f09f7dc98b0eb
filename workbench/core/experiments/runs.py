"""Runs of experiments, as they are kept: begun, found, taken up by one process at a time, and what they have found.

What a model said and what came of a cell are only ever added. Running a specification again makes a new run.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, insert, select, update
from sqlalchemy.orm import Session

from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.experiments.heard import Said, read_said
from workbench.core.experiments.judging import FACETS, Judged
from workbench.core.experiments.requests import Expanded
from workbench.core.experiments.results import Ended, Result, Table
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.experiments.storing import read_sample
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.examples import Example
from workbench.core.library.experiment_tables import AnswerRow, CellRow, RunRow
from workbench.core.library.generations import is_gone

RESUMABLE = ("queued", "paused", "stopped", "interrupted", "failed")
"""States from which a run may go on."""
STATES = ("queued", "running", "paused", "done", "stopped", "interrupted", "failed")
_PAGE = 500
_here: set[str] = set()
"""The runs that this process is at."""
_guard = threading.Lock()


@dataclass(frozen=True)
class Run:
    """A run: ``queued``, ``running``, ``paused``, ``done``, ``stopped``, ``interrupted`` (its process is gone) or
    ``failed``.

    ``cells`` are all, ``done`` those that have ended, ``failed`` those of them in which something broke. ``spent`` is
    in US dollars, ``remaining`` in seconds, where the pace is known. ``version_id`` is the version that is asked.
    """

    id: str
    name: str
    number: int
    specification: Mapping[str, Any]
    digest: str
    version_id: str | None
    settled: Mapping[str, Any]
    state: str
    message: str
    cells: int
    done: int
    failed: int
    spent: float
    tokens_in: int
    tokens_out: int
    remaining: float | None
    notes: tuple[str, ...]
    curator: str
    owner: str
    beat_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @property
    def label(self) -> str:
        """For people: ``first steps 3``."""
        return f"{self.name} {self.number}"

    @property
    def imported(self) -> bool:
        """Whether its answers were made elsewhere, so that nothing can be asked."""
        return bool(self.settled.get("imported"))

    @property
    def own(self) -> tuple[str, ...]:
        """The files and modules that its own metrics are in."""
        return tuple(self.settled.get("own", ()))

    def ordered(self) -> Specification:
        """Its specification."""
        return read_specification(self.specification)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; how its variants were settled is left out."""
        told = {name: value for name, value in self.__dict__.items() if name not in ("settled", "owner", "beat_at")}
        told |= {"label": self.label, "notes": list(self.notes), "created_at": self.created_at.isoformat()}
        return told | {"ended_at": self.ended_at.isoformat() if self.ended_at else None}


def begin(
    database: Database, specification: Specification, expanded: Expanded, *, curator: str, cells: int,
    notes: Iterable[str] = (), settled: Mapping[str, Any] | None = None,
) -> Run:  # fmt: skip
    """Write down a new run, ``queued``, under the next number of its name.

    A dataset is kept by the id of its version, so that a run which goes on later asks the same.
    """
    if expanded.version is not None:
        pinned = specification.requests.model_copy(update={"dataset": expanded.version.id})
        specification = specification.model_copy(update={"requests": pinned})
    name = " ".join(storable(specification.name).split())[:80]
    with database.writing() as session:
        newest = session.scalar(select(func.max(RunRow.number)).where(RunRow.name == name))
        row = RunRow(
            id=new_id(), name=name, number=(newest or 0) + 1, specification=storable_json(specification.to_dict()),
            digest=specification.digest, version_id=expanded.version.id if expanded.version else None,
            settled=storable_json(dict(settled or {})), state="queued", wish="", message="", cells=cells, done=0,
            failed=0, spent=0.0, tokens_in=0, tokens_out=0, remaining=None, notes=[*expanded.notes, *notes],
            curator=name_of(curator), owner="", beat_at=now(), created_at=now(), ended_at=None,
        )  # fmt: skip
        session.add(row)
        return _run(row)


# Finding -------------------------------------------------------------------------------------------------------------


def runs(database: Database, most: int = 50, *, offset: int = 0, words: str = "") -> tuple[Run, ...]:
    """The latest runs, newest first; with ``words`` those whose name, number or curator holds them all."""
    wanted = select(RunRow).where(*_holding(words)).order_by(RunRow.created_at.desc(), RunRow.number.desc())
    with database.reading() as session:
        return tuple(_run(row) for row in session.scalars(wanted.limit(most).offset(offset)).all())


def count_runs(database: Database, words: str = "") -> int:
    """How many runs there are; ``words`` as in ``runs``."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(RunRow).where(*_holding(words))) or 0


def _holding(words: str) -> list[Any]:
    told = RunRow.name + " " + cast(RunRow.number, String) + " " + RunRow.curator
    return [told.icontains(word, autoescape=True) for word in storable(words).split()[:20]]


def find_run(database: Database, id: str) -> Run | None:
    """A run by its id, as it stands now."""
    with database.reading() as session:
        row = session.get(RunRow, storable(id)[:40])
        return None if row is None else _run(row)


def run_named(database: Database, wanted: str) -> Run:
    """A run by its id or the beginning of it, by ``NAME NUMBER``, or by its name alone (the newest).

    Raises:
        InvalidInputError: there is none, or the beginning fits several.
    """
    wanted = " ".join(storable(wanted).split())
    with database.reading() as session:
        known = session.execute(select(RunRow.id, RunRow.name, RunRow.number).order_by(RunRow.number.desc())).all()
    exact = [id for id, name, number in known if wanted in (id, f"{name} {number}")]
    named = [id for id, name, _ in known if name == wanted]
    begun = [id for id, _, _ in known if len(wanted) >= 4 and id.startswith(wanted)]
    for found in (exact[:1], named[:1], begun):
        if len(found) == 1 and (run := find_run(database, found[0])) is not None:
            return run
    raise InvalidInputError(
        f"{wanted[:60]!r} is {'the beginning of several runs' if len(begun) > 1 else 'no run'}.",
        hint="See: python -m workbench evaluate status.", field="run",
    )  # fmt: skip


# One process at a time -----------------------------------------------------------------------------------------------


def claim(database: Database, id: str, owner: str, *, imported: bool = False) -> Run:
    """Take a run up, for a process that calls itself ``owner``; it is ``running`` from now on.

    ``imported`` says that answers are brought in that were made elsewhere.

    Raises:
        InvalidInputError: there is none, it is done, or its answers were made elsewhere.
        ConflictError: another process is at it, or this one is.
    """
    with _guard, database.writing() as session:
        row = session.get(RunRow, storable(id)[:40])
        if row is None:
            raise InvalidInputError("There is no such run.", hint="See: python -m workbench evaluate status.")
        found = _run(row)
        if found.imported and not imported:
            raise InvalidInputError(f"{found.label} was made elsewhere.", hint="There is nothing to run.")
        if found.state == "done":
            raise InvalidInputError(f"{found.label} is done.", hint="Run its specification again for a new run.")
        if found.state == "running":
            raise ConflictError(f"{found.label} is running already.", hint="Wait until it has ended, or stop it.")
        row.state, row.owner, row.beat_at, row.wish, row.message = "running", owner, now(), "", ""
        row.ended_at, row.remaining = None, None
        _here.add(row.id)
        return _run(row)


def let_go(database: Database, id: str, owner: str, state: str, message: str = "") -> None:
    """Say how a run stands when a process leaves it."""
    with _guard:
        _here.discard(id)
    ended = now() if state in ("done", "stopped", "failed") else None
    with database.writing() as session:
        session.execute(
            update(RunRow)
            .where(RunRow.id == id, RunRow.owner == owner)
            .values(state=state, message=storable(message)[:2000], ended_at=ended, remaining=None, wish="")
        )


def forget_here(id: str) -> None:
    """This process is no longer at a run, whatever the database says."""
    with _guard:
        _here.discard(id)


def wish(database: Database, id: str, what: str) -> bool:
    """Ask whoever is at a run to ``pause`` or ``stop``; False where nobody is. Nobody stops what is only queued."""
    with database.writing() as session:
        row = session.get(RunRow, storable(id)[:40])
        if row is None:
            return False
        if _run(row).state == "running":
            row.wish = what
            return True
        if what == "stop" and row.state in ("queued", "paused", "running"):
            row.state, row.message, row.ended_at = "stopped", "It was stopped.", now()
        return False


def beat(database: Database, id: str, owner: str) -> str | None:
    """Say that a process lives; what is wished of it (empty: nothing), None where the run is another's by now."""
    with database.writing() as session:
        return _beat(session, id, owner)


def _beat(session: Session, id: str, owner: str, **told: Any) -> str | None:
    mine = (RunRow.id == id, RunRow.owner == owner, RunRow.state == "running")
    session.execute(update(RunRow).where(*mine).values(beat_at=now(), **told))
    return session.scalar(select(RunRow.wish).where(*mine))


# What is found out ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spoken:
    """An answer to be kept: as in ``AnswerRow``."""

    cell: str
    number: int
    said: Said
    cost: float | None


@dataclass(frozen=True)
class Finished:
    """A cell that has ended, to be kept."""

    position: int
    cell: str
    request: str
    variant: str
    seed: int
    judged: Judged


def keep(
    database: Database, id: str, owner: str, spoken: Sequence[Spoken], finished: Sequence[Finished], **told: Any
) -> str | None:
    """Keep answers and results in one transaction, and say how the run stands.

    What is wished of the process is given back; None, and nothing was kept, where the run is another's by now.
    """
    answers = [_answer_values(id, each) for each in spoken]
    results = [_cell_values(id, each) for each in finished]
    with database.writing() as session:
        wished = _beat(session, id, owner, **told)
        if wished is None:
            return None
        if answers:
            session.execute(insert(AnswerRow), answers)
        if results:
            session.execute(insert(CellRow), results)
        return wished


def _answer_values(id: str, spoken: Spoken) -> dict[str, Any]:
    told = json.dumps(spoken.said.to_dict(), separators=(",", ":"))
    tokens = spoken.said.tokens
    return {
        "run_id": id, "cell_id": spoken.cell, "number": spoken.number, "data": zlib.compress(told.encode(), 1),
        "tokens_in": tokens.into, "tokens_out": tokens.out, "cost": spoken.cost,
    }  # fmt: skip


def _cell_values(id: str, each: Finished) -> dict[str, Any]:
    found = each.judged
    return {
        "run_id": id, "position": each.position, "cell_id": each.cell, "request": storable(each.request),
        "variant": each.variant, "seed": each.seed, "state": "failed" if found.fault else "done",
        "fault": storable(found.fault)[:40], "outcome": found.outcome, "values": found.values,
        "problems": found.problems, "sample": found.sample, "traits": found.traits,
        **{name: storable(found.facets[name])[:40] for name in FACETS},
    }  # fmt: skip


def ended_positions(database: Database, id: str) -> set[int]:
    """The positions of the cells that have ended."""
    with database.reading() as session:
        return set(session.scalars(select(CellRow.position).where(CellRow.run_id == id)).all())


def open_answers(database: Database, id: str) -> dict[str, list[Said]]:
    """What models said in cells that have not ended, by the cell."""
    ended = select(CellRow.cell_id).where(CellRow.run_id == id)
    wanted = (
        select(AnswerRow.cell_id, AnswerRow.data)
        .where(AnswerRow.run_id == id, AnswerRow.cell_id.not_in(ended))
        .order_by(AnswerRow.cell_id, AnswerRow.number)
    )
    found: dict[str, list[Said]] = {}
    with database.reading() as session:
        for cell, data in session.execute(wanted).all():
            found.setdefault(cell, []).append(read_said(json.loads(zlib.decompress(data))))
    return found


def tally(database: Database, id: str) -> dict[str, Any]:
    """How a run stands by what is kept: the values of ``done``, ``failed``, ``spent`` and tokens."""
    counted = select(func.count(), func.count().filter(CellRow.state == "failed")).where(CellRow.run_id == id)
    summed = select(func.sum(AnswerRow.cost), func.sum(AnswerRow.tokens_in), func.sum(AnswerRow.tokens_out))
    with database.reading() as session:
        done, failed = session.execute(counted).one()
        spent, into, out = session.execute(summed.where(AnswerRow.run_id == id)).one()
    return {
        "done": done, "failed": failed, "spent": float(spent or 0.0), "tokens_in": int(into or 0),
        "tokens_out": int(out or 0),
    }  # fmt: skip


# Results -------------------------------------------------------------------------------------------------------------


def ended(database: Database, id: str, *, metrics: Iterable[str] | None = None, **filters: Any) -> Iterator[Ended]:
    """The cells that have ended, in order, without their samples, read in parts.

    ``filters`` are ``variant``, ``request``, ``seed``, ``state``, ``outcome`` and facets: a value, or several.
    ``metrics`` leaves out the values of others.
    """
    wanted = None if metrics is None else frozenset(metrics)
    columns = [getattr(CellRow, name) for name in (*_ENDED, *FACETS)]
    for row in _paged(database, id, columns, filters):
        told = dict(zip((*_ENDED, *FACETS), row, strict=True))
        facets = {name: told.pop(name) for name in FACETS}
        told["cell"] = told.pop("cell_id")
        if wanted is not None:
            told["values"] = {name: value for name, value in told["values"].items() if name in wanted}
        yield Ended(facets=facets, **told)


def results(
    database: Database, id: str, *, examples: Mapping[str, Example] | None = None, **filters: Any
) -> Iterator[Result]:
    """The results of a run, in order, each read as it is taken; ``filters`` as in ``ended``, ``examples`` as in
    ``read_sample``."""
    columns = [getattr(CellRow, name) for name in (*_ENDED, *FACETS, "sample")]
    for row in _paged(database, id, columns, filters):
        told = dict(zip((*_ENDED, *FACETS, "sample"), row, strict=True))
        yield Result(
            told["position"], told["cell_id"], told["request"], told["variant"], told["seed"],
            unpacked(told["sample"], examples), told["values"], {name: told[name] for name in FACETS},
            told["problems"],
        )  # fmt: skip


def find_result(
    database: Database, id: str, position: int, examples: Mapping[str, Example] | None = None
) -> Result | None:
    """One result by its place; None where its cell has not ended."""
    return next(results(database, id, examples=examples, position=position), None)


def table(database: Database, id: str, metrics: Iterable[str], **filters: Any) -> Table:
    """The values of some metrics, as the statistics read them: those of ``results.table_of``, without the samples."""
    names, found = tuple(metrics), Table()
    for each in sorted(ended(database, id, **filters), key=lambda each: (each.request, each.seed)):
        columns = found.setdefault(each.variant, {name: {} for name in names})
        for name in names:
            columns[name].setdefault(each.request, []).append(each.values.get(name))
    return found


def counts(database: Database, id: str, by: str = "state") -> dict[str, int]:
    """How many ended cells there are of each ``state``, ``variant``, ``outcome``, ``fault`` or facet."""
    column = _column(by)
    with database.reading() as session:
        rows = session.execute(
            select(column, func.count()).where(CellRow.run_id == id).group_by(column).order_by(column)
        )
        return {str(value): count for value, count in rows.all()}


def unpacked(data: bytes, examples: Mapping[str, Example] | None = None) -> Sample:
    """A sample as it is kept.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        told = json.loads(zlib.decompress(data))
    except (zlib.error, ValueError):
        raise InvalidInputError("This is no sample of an experiment.", hint="Run the cell again.") from None
    return read_sample(told, examples)


_ENDED = (
    "position", "cell_id", "request", "variant", "seed", "state", "fault", "outcome", "values", "problems",
)  # fmt: skip


def _paged(database: Database, id: str, columns: Sequence[Any], filters: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The rows of a run, in order, a page at a time: nothing stays open between them."""
    where = [_among(_column(name), value) for name, value in filters.items() if value is not None]
    last = -1
    while True:
        wanted = (
            select(*columns)
            .where(CellRow.run_id == id, CellRow.position > last, *where)
            .order_by(CellRow.position)
            .limit(_PAGE)
        )
        with database.reading() as session:
            rows = session.execute(wanted).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        last = rows[-1][0]


def _column(name: str) -> Any:
    if name not in ("position", "variant", "request", "seed", "state", "outcome", "fault", *FACETS):
        raise InvalidInputError(
            f"Results are not found by {name[:40]!r}.", hint=f"Use {', '.join(FACETS)}.", field=name
        )  # fmt: skip
    return getattr(CellRow, name)


def _among(column: Any, value: Any) -> Any:
    return column.in_(list(value)) if isinstance(value, list | tuple | set | frozenset) else column == value


_NAMES: tuple[str, ...] = tuple(name for name in Run.__dataclass_fields__ if name not in ("notes", "state", "message"))


def _run(row: RunRow) -> Run:
    """A run as it stands: one whose process is gone is interrupted, whatever that could not write down."""
    state, message = row.state, row.message
    if state == "running" and row.id not in _here and is_gone(row.owner, row.beat_at, now()):
        state, message = "interrupted", "Its process has ended. What was found out is kept; it can go on."
    return Run(**{name: getattr(row, name) for name in _NAMES}, state=state, message=message, notes=tuple(row.notes))
