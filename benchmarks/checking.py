"""How fast a piece is checked: on paper, and with its notes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

from benchmarks.composing import eighty_bars


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured here, and its targets in seconds."""
    from workbench.core.checks import check

    pieces = eighty_bars(12)
    turn, again = cycle(pieces), cycle(pieces)
    for piece in pieces:
        check(piece)
    return [
        ("a full report of 80 bars, realized notes included", lambda: check(next(turn)), 0.010),
        ("a report of 80 bars on paper", lambda: check(next(again), with_score=False), 0.002),
    ]
