"""The board of a run: its ended cells as one table, without their samples, which filters and charts of a page read.

It is made of what every cell was found by when it was judged. The board of a run that has ended is kept, packed, beside
the run; in a process it stays at hand, and grows with a run that goes on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from workbench.core.errors import DatabaseError
from workbench.core.experiments.framing import ELEMENT, frame_of_run, metrics_of
from workbench.core.experiments.judging import FACETS
from workbench.core.experiments.packing import packed, unpacked
from workbench.core.experiments.reports.filters import Filter, demand_metric, demand_variants
from workbench.core.experiments.runs import Run
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import BoardRow, RunRow

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_KEPT = 4
"""Boards that a process keeps at hand."""


@dataclass(frozen=True)
class BoardPair:
    """The positions of what two variants made of one request with one seed. ``gap`` is B's value less A's by the
    filter's metric, None where one has none."""

    request: str
    seed: int
    a: int
    b: int
    gap: float | None = None


@dataclass(frozen=True, eq=False)
class Board:
    """The ended cells of a run: a row each, by position.

    Columns of the frame are ``cell``, ``request``, ``variant``, ``seed``, ``state``, ``fault``, ``outcome``, ``model``,
    ``title``, the facets, ``words`` (what is searched, without the case of letters), one of floats for each metric
    (yes is 1, no value NaN), and ``element:NAME``: the signature of that element, empty where there is no piece.
    Nobody may change it.
    """

    run: Run
    frame: pd.DataFrame
    metrics: tuple[str, ...]

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """The variants that have ended cells, in the order of their first ones."""
        return tuple(dict.fromkeys(self.frame["variant"].tolist()))

    def positions(self, filter: Filter) -> list[int]:
        """The results that a filter lets in, as ``filters.where`` finds them.

        Raises:
            InvalidInputError: a variant of the pair, or a metric, that no result has.
        """
        if filter.choice:
            return [at for pair in self.pairs(filter) for at in (pair.a, pair.b)]
        self._demand_metric(filter)
        found: list[int] = self.frame.index[self._asked(filter, measured=True)].tolist()
        return found[: filter.most]

    def pairs(self, filter: Filter) -> list[BoardPair]:
        """The pairs that a filter lets in, as ``filters.pairs_where`` finds them.

        Raises:
            InvalidInputError: no two variants are named, or a variant or metric that no result has.
        """
        import numpy as np

        demand_variants(self.variants, (filter.a, filter.b))
        self._demand_metric(filter)
        a, b = self._sides(filter)
        asked = self._asked(filter, measured=False)
        wanted = asked[a] | asked[b]
        values = self._values(filter.metric)
        gaps = values[b] - values[a]
        if filter.choice == "differ":
            signs = self.frame[f"{ELEMENT}{filter.element}"].to_numpy(object)
            wanted &= (signs[a] != "") & (signs[b] != "") & (signs[a] != signs[b])
        elif filter.choice in ("only-a", "only-b"):
            yes, no = (a, b) if filter.choice == "only-a" else (b, a)
            wanted &= (values[yes] == 1.0) & (values[no] == 0.0)
        elif filter.choice:
            gaps_up = gaps * _sign(filter)
            wanted &= gaps_up > 0  # not so where there is none
        chosen = np.flatnonzero(wanted)
        if filter.choice in ("worst", "best"):
            chosen = chosen[np.argsort(-gaps_up[chosen], kind="stable")]
        return list(self._paired(chosen[: filter.most], a, b, gaps))

    def _paired(self, chosen: Any, a: Any, b: Any, gaps: Any) -> Iterator[BoardPair]:
        requests, seeds = self.frame["request"].to_numpy(object)[a], self.frame["seed"].to_numpy()[a]
        index = self.frame.index.to_numpy()
        for at in chosen.tolist():
            gap = float(gaps[at])
            yield BoardPair(
                requests[at], int(seeds[at]), int(index[a[at]]), int(index[b[at]]), None if gap != gap else gap
            )

    def _sides(self, filter: Filter) -> tuple[Any, Any]:
        """The rows of A and of B that belong together, in the order of A."""
        import numpy as np

        variants = self.frame["variant"].to_numpy(object)
        requests, seeds = self.frame["request"].tolist(), self.frame["seed"].tolist()
        rows: dict[str, dict[tuple[str, int], int]] = {}
        for side in (filter.a, filter.b):
            rows[side] = {(requests[at], seeds[at]): at for at in np.flatnonzero(variants == side).tolist()}
        others = rows[filter.b]
        both = [(at, others[key]) for key, at in rows[filter.a].items() if key in others]
        found = np.array(both, dtype=np.intp).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def _values(self, metric: str) -> Any:
        import numpy as np

        if metric in self.metrics:
            return self.frame[metric].to_numpy()
        return np.full(len(self.frame), np.nan)

    def _asked(self, filter: Filter, *, measured: bool) -> Mask:
        """What is asked of one result; of its value only where ``measured``."""
        import numpy as np

        frame = self.frame
        asked = np.ones(len(frame), dtype=bool)
        if filter.variants:
            asked &= frame["variant"].isin(filter.variants).to_numpy()
        if filter.failed is not None:
            asked &= (frame[f"{ELEMENT}key"] == "").to_numpy() == filter.failed
        if filter.outcomes:
            asked &= frame["outcome"].isin(filter.outcomes).to_numpy()
        for facet, level in filter.facets.items():
            levels = {level} if isinstance(level, str) else set(level)
            asked &= frame[facet].isin(levels).to_numpy() if facet in FACETS else "" in levels
        if words := filter.text.strip().casefold():
            asked &= np.fromiter((words in text for text in frame["words"].tolist()), bool, len(frame))
        if measured and filter.metric:
            asked &= self._within(filter)
        return asked

    def _within(self, filter: Filter) -> Any:
        import numpy as np

        values = self._values(filter.metric)
        if filter.unknown:
            return np.isnan(values)
        within = np.ones(len(values), dtype=bool)
        if filter.low is not None:
            within &= values >= filter.low
        if filter.high is not None:
            within &= values <= filter.high
        return within

    def _demand_metric(self, filter: Filter) -> None:
        if filter.metric and len(self.frame):
            demand_metric(self.metrics, filter.metric)


def board(database: Database, run: Run) -> Board:
    """The board of a run as it stands, at hand or kept or made anew.

    Raises:
        InvalidInputError: a sample of before traits were kept cannot be read.
        DatabaseError: the database does not answer.
    """
    with _lock_of(run.id):
        known = _at_hand(run.id)
        if known is None and (stored := _kept(database, run)) is not None:
            known = _Held(run.done, stored)
        if known is None or known.done != run.done:
            grown = frame_of_run(database, run.id, None if known is None else known.frame)
            known = _Held(run.done, grown)
            if run.state not in ("queued", "running"):
                with suppress(DatabaseError):  # somebody else writes: it is made again the next time
                    _keep(database, run, grown)
        _hold(run.id, known)
    return Board(run, known.frame, metrics_of(known.frame))


def keep_board(database: Database, run: Run) -> None:
    """Make the board of a run that has ended, so that it opens at once.

    Raises:
        InvalidInputError: as in ``board``.
        DatabaseError: the database does not answer.
    """
    board(database, run)


def forget_boards() -> None:
    """Keep no board at hand any more."""
    with _guard:
        _held.clear()


# What is at hand -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Held:
    done: int
    frame: pd.DataFrame


_guard = threading.Lock()
_held: OrderedDict[str, _Held] = OrderedDict()
_locks: OrderedDict[str, threading.Lock] = OrderedDict()


def _lock_of(id: str) -> threading.Lock:
    with _guard:
        return _locks.setdefault(id, threading.Lock())


def _at_hand(id: str) -> _Held | None:
    with _guard:
        return _held.get(id)


def _hold(id: str, held: _Held) -> None:
    with _guard:
        _held[id] = held
        _held.move_to_end(id)
        while len(_held) > _KEPT:
            _held.popitem(last=False)


def _kept(database: Database, run: Run) -> pd.DataFrame | None:
    with database.reading() as session:
        row = session.execute(select(BoardRow.done, BoardRow.data).where(BoardRow.run_id == run.id)).first()
    return unpacked(row[1]) if row is not None and row[0] == run.done else None


def _keep(database: Database, run: Run, frame: pd.DataFrame) -> None:
    data = packed(frame)
    with database.writing() as session:
        if session.get(RunRow, run.id) is not None and len(frame) == run.done:
            session.execute(delete(BoardRow).where(BoardRow.run_id == run.id))
            session.add(BoardRow(run_id=run.id, done=run.done, data=data))


def _sign(filter: Filter) -> int:
    return (-1 if filter.better == "lower" else 1) * (1 if filter.choice == "best" else -1)
