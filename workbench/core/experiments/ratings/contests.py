"""Blind comparisons as they are kept: begun over a run, found again, and closed."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.pairs import SHARED, Contest, new_secret
from workbench.core.experiments.ratings.ratings import MAX_TEXT
from workbench.core.experiments.runs import Run, results
from workbench.core.experiments.samples import Sample
from workbench.core.library.curation import content_hash, name_of
from workbench.core.library.database import Database, new_id, now, storable
from workbench.core.library.experiment_tables import CellRow, ContestRow

WANTED, MAX_WANTED = 30, 1_000
"""How many pairs a rater judges."""
REQUESTS, MAX_REQUESTS = 200, 2_000
"""Of how many requests a comparison is made, at most: no group of raters hears more."""
_PART = 100
_KNOWN = 8


class Made(NamedTuple):
    """A piece: its hash, and the position of its cell."""

    piece: str
    position: int


@dataclass(frozen=True)
class BlindContest:
    """A comparison. ``shared`` and ``repeats`` are shares as in ``pairs.next_pair``; a rater judges ``wanted`` pairs.

    ``over`` and ``made`` say which variant made what: they never leave the server.
    """

    id: str
    run_id: str
    seed: int
    shared: float
    repeats: float
    wanted: int
    curator: str
    created_at: datetime
    closed_at: datetime | None
    over: Contest = field(repr=False)
    made: Mapping[str, Mapping[str, Made]] = field(repr=False)

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants that are compared, by name."""
        return self.over.variants

    def position(self, request: str, piece: str) -> int:
        """The cell of a piece.

        Raises:
            InvalidInputError: it is none of this comparison.
        """
        for made in self.made.get(request, {}).values():
            if made.piece == piece:
                return made.position
        raise InvalidInputError("There is no such piece.", hint="Go on to the next pair.")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without the secret and without who made what."""
        names = ("id", "run_id", "seed", "shared", "repeats", "wanted", "curator")
        return {name: getattr(self, name) for name in names} | {
            "variants": list(self.variants), "requests": len(self.over.pieces),
            "created_at": self.created_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
        }  # fmt: skip


def begin_contest(
    database: Database, run: Run, *, curator: str, variants: Sequence[str] = (), wanted: int = WANTED,
    shared: float = SHARED, repeats: float = 0.0, requests: int = REQUESTS, seed: int = 0,
) -> BlindContest:  # fmt: skip
    """Begin a comparison of what the variants of a run made.

    Args:
        database: where the run is.
        run: its cells that have ended count.
        curator: who begins it.
        variants: two or more of the run's; all of them when empty.
        wanted: how many pairs each rater judges, 1 to 1,000.
        shared: how many of them others should judge, too, from 0 to 1.
        repeats: how many should be shown once more, the other way round, from 0 to 0.5.
        requests: of how many requests at most; they are drawn by lot.
        seed: another one draws other requests, and gives another order.

    Raises:
        InvalidInputError: something is out of range, or there is nothing to compare.
    """
    for name, value, low, high in (
        ("wanted", wanted, 1, MAX_WANTED), ("shared", shared, 0, 1), ("repeats", repeats, 0, 0.5),
        ("requests", requests, 1, MAX_REQUESTS), ("seed", seed, 0, 2**53),
    ):  # fmt: skip
        if not low <= value <= high:
            raise InvalidInputError(f"{name} is out of range.", hint=f"Give {low} to {high:,}.", field=f"/{name}")
    known = [each.name for each in run.ordered().variants]
    unknown = sorted(set(variants) - set(known))
    if unknown or len(set(variants)) == 1:
        raise InvalidInputError(
            f"The run has no variant {unknown[0][:80]!r}." if unknown else "One variant alone cannot be compared.",
            hint=f"Choose two or more of {', '.join(known)[:300]}.", field="/variants",
        )  # fmt: skip
    made = _made(database, run.id, frozenset(variants or known), requests, seed)
    id, secret = new_id(), new_secret()
    over = Contest(id, {key: {name: each.piece for name, each in of.items()} for key, of in made.items()}, secret)
    wanted = min(wanted, _different(over))
    packed = zlib.compress(json.dumps(made, separators=(",", ":")).encode(), 6)
    row = ContestRow(
        id=id, run_id=run.id, secret=secret, seed=seed, shared=float(shared), repeats=float(repeats), wanted=wanted,
        pieces=packed, curator=name_of(curator), created_at=now(), closed_at=None,
    )  # fmt: skip
    with database.writing() as session:
        session.add(row)
    return _contest(row, over, made)


def _made(
    database: Database, run: str, variants: frozenset[str], most: int, seed: int
) -> dict[str, dict[str, Made]]:  # fmt: skip
    """What was made of some requests; of several seeds the first that gave a piece counts."""
    cells: dict[str, set[str]] = defaultdict(set)
    wanted = select(CellRow.request, CellRow.variant).where(CellRow.run_id == run, CellRow.state == "done").distinct()
    with database.reading() as session:
        for request, variant in session.execute(wanted):
            if variant in variants and 0 < len(request) <= MAX_TEXT:
                cells[request].add(variant)
    lots = sorted(
        (request for request, of in cells.items() if len(of) > 1),
        key=lambda request: hashlib.sha256(f"{seed} {request}".encode("utf-8", "replace")).digest(),
    )
    found: dict[str, dict[str, Made]] = {}
    for at in range(0, len(lots), _PART):  # more than ``most`` may be read: of some requests all pieces are the same
        part: dict[str, dict[str, Made]] = {request: {} for request in lots[at : at + _PART]}
        for result in results(database, run, request=list(part), variant=sorted(variants), state="done"):
            made = part[result.request]
            if result.sample.structure is not None and result.variant not in made:
                made[result.variant] = Made(content_hash(result.sample.structure), result.position)
        found |= {request: made for request, made in part.items() if len({each.piece for each in made.values()}) > 1}
        if len(found) >= most:
            break
    return dict(list(found.items())[:most])


def _different(over: Contest) -> int:
    """How many pairs of different pieces there are: nobody can be asked more."""
    return sum(
        len({frozenset(two) for two in combinations(sorted(set(made.values())), 2)}) for made in over.pieces.values()
    )  # fmt: skip


def find_contest(database: Database, id: str) -> BlindContest | None:
    """A comparison by its id."""
    with database.reading() as session:
        row = session.get(ContestRow, storable(id)[:40])
        return None if row is None else contest_of_row(row)


def contest_named(database: Database, id: str) -> BlindContest:
    """A comparison by its id.

    Raises:
        InvalidInputError: there is none.
    """
    found = find_contest(database, id)
    if found is None:
        raise no_contest()
    return found


def contests(database: Database, run: str) -> tuple[BlindContest, ...]:
    """The comparisons of a run, newest first."""
    wanted = select(ContestRow).where(ContestRow.run_id == run).order_by(ContestRow.created_at.desc(), ContestRow.id)
    with database.reading() as session:
        return tuple(contest_of_row(row) for row in session.scalars(wanted).all())


def close_contest(database: Database, id: str) -> BlindContest:
    """Let nobody rate any more. What is closed already stays so.

    Raises:
        InvalidInputError: there is none.
    """
    with database.writing() as session:
        row = session.get(ContestRow, storable(id)[:40])
        if row is None:
            raise no_contest()
        row.closed_at = row.closed_at or now()
        return contest_of_row(row)


def samples_of(database: Database, contest: BlindContest, positions: Iterable[int]) -> dict[int, Sample]:
    """The samples of some cells by their positions."""
    wanted, found = sorted(set(positions)), {}
    for at in range(0, len(wanted), _PART):
        for result in results(database, contest.run_id, position=wanted[at : at + _PART]):
            found[result.position] = result.sample
    return found


_known: dict[str, tuple[Contest, Mapping[str, Mapping[str, Made]]]] = {}
"""What the newest comparisons are over, by id: it never changes."""


def contest_of_row(row: ContestRow) -> BlindContest:
    """A comparison as its row says."""
    if row.id not in _known:
        told = json.loads(zlib.decompress(row.pieces))
        made = {key: {name: Made(*each) for name, each in of.items()} for key, of in told.items()}
        pieces = {key: {name: each.piece for name, each in of.items()} for key, of in made.items()}
        while len(_known) >= _KNOWN:
            _known.pop(next(iter(_known)), None)
        _known[row.id] = (Contest(row.id, pieces, row.secret), made)
    return _contest(row, *_known[row.id])


def _contest(row: ContestRow, over: Contest, made: Mapping[str, Mapping[str, Made]]) -> BlindContest:
    return BlindContest(
        row.id, row.run_id, row.seed, row.shared, row.repeats, row.wanted, row.curator, row.created_at, row.closed_at,
        over, made,
    )  # fmt: skip


def no_contest() -> InvalidInputError:
    """What is told of a comparison that is not there."""
    return InvalidInputError("There is no such comparison.", hint="Ask for the link once more.")
