"""What the page on a run of 20,000 cells waits for: opening it, with nothing at hand, and filters; and its overview.

Beside what is measured here stands the drawing of the page, some tenths of a second.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable
from functools import cache

from benchmarks.large_run import large_run
from workbench.core.experiments.boards import Board, board, forget_boards
from workbench.core.experiments.overviews import make_overview, make_ready, overview
from workbench.core.experiments.reports.filters import Filter
from workbench.core.experiments.runs import Run, find_result, find_run
from workbench.core.experiments.statistics.resampling import forget_drawn
from workbench.core.library.database import Database

OPENED, FILTERED, MADE = 1.5, 0.5, 15.0
"""Seconds."""
WANTED = Filter(text="romantic", variants=("base", "tuned"), facets={"form": "ABA"}, metric="latency", low=1.0)
PAIRS = (
    Filter(a="base", b="tuned", choice="only-a", metric="valid-before-repair", text="piece"),
    Filter(a="base", b="tuned", choice="differ", element="cadences"),
    Filter(a="base", b="tuned", choice="worst", metric="latency", better="lower"),
)


@cache
def _large() -> tuple[Database, Run]:
    folder = tempfile.TemporaryDirectory(prefix="workbench-bench-")
    atexit.register(folder.cleanup)
    database = Database(f"sqlite:///{folder.name}/bench.sqlite3").upgrade()
    run = large_run(database)
    make_ready(database, run)
    return database, run


def _opened() -> Board:
    database, run = _large()
    forget_boards()
    found = find_run(database, run.id)
    assert found is not None
    assert overview(database, found) is not None
    shown = board(database, found)
    assert len(shown.frame) == 20_000
    return shown


def _shown(found: list[int]) -> None:
    """The first of what was found, as the page shows it."""
    database, run = _large()
    assert find_result(database, run.id, found[0]) is not None


def _filtered() -> None:
    database, run = _large()
    _shown(board(database, run).positions(WANTED))


def _paired() -> None:
    database, run = _large()
    for each in PAIRS:
        pairs = board(database, run).pairs(each)
        _shown([pairs[0].a])
        _shown([pairs[0].b])


def _made() -> None:
    database, run = _large()
    forget_drawn()
    make_overview(database, run)


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    return [
        ("a run of 20,000 cells: what its page opens with", _opened, OPENED),
        ("a filter of 20,000 cells, and the first result", _filtered, FILTERED),
        ("three filters of pairs, and the first of each", _paired, len(PAIRS) * FILTERED),
        ("the overview of 20,000 cells by all metrics, made", _made, MADE),
    ]
