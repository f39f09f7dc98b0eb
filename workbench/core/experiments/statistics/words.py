"""Numbers as people read them: rates in percent and points, others to the digits that their interval vouches for."""

from __future__ import annotations

import math
from dataclasses import replace

from workbench.core.experiments.statistics.averages import Kind
from workbench.core.experiments.statistics.intervals import Interval

SHARE = "share"
"""The unit of numbers from 0 to 1, which are told in percent as rates are."""


def in_percent(kind: Kind, unit: str) -> bool:
    """Whether values are told times 100."""
    return kind == "rate" or unit == SHARE


def interval_words(seen: Interval, kind: Kind, unit: str = "") -> str:
    """``84.5 % (95 % interval 79.0 to 88.7)``; where there is no interval, what is lacking."""
    if seen.value is None:
        return "no value"
    return f"{_told(seen.value, seen, kind, unit, '%')} ({span_words(seen, kind, unit)})"


def difference_words(value: float, like: Interval, kind: Kind, unit: str = "") -> str:
    """``4.0 points``, or ``1.2 s``."""
    return _told(value, like, kind, unit, "points")


def span_words(seen: Interval, kind: Kind, unit: str = "") -> str:
    """``95 % interval 1.2 to 6.8``, without the unit, which stands before it."""
    if seen.low is None or seen.high is None:
        return seen.note[:1].lower() + seen.note[1:].rstrip(".") if seen.note else "no interval"
    low, high = (_number(end, seen, kind, unit) for end in (seen.low, seen.high))
    return f"{100 * seen.confidence:g} % interval {low} to {high}"


def turned(seen: Interval) -> Interval:
    """The same difference, looked at from the other side."""
    if seen.value is None:
        return seen
    low, high = (None if end is None else -end for end in (seen.high, seen.low))
    return replace(seen, value=-seen.value, low=low, high=high)


def _told(value: float, like: Interval, kind: Kind, unit: str, percent: str) -> str:
    after = percent if in_percent(kind, unit) else unit
    return f"{_number(value, like, kind, unit)} {after}".strip()


def _number(value: float, like: Interval, kind: Kind, unit: str) -> str:
    """A value to the digits that its interval vouches for: two of the half-width."""
    percent = in_percent(kind, unit)
    scale = 100.0 if percent else 1.0
    width = (like.high - like.low) * scale / 2 if like.low is not None and like.high is not None else 0.0
    digits = 1 - math.floor(math.log10(width)) if width > 0 else 2
    number = value * scale
    if percent:
        told = f"{number:,.{max(1, min(2, digits))}f}"
    elif digits > 6 or abs(number) >= 1e9:
        told = f"{number:.3g}"
    else:
        told = f"{number:,.{max(0, digits)}f}"
    if not float(told.replace(",", "")):
        told = told.lstrip("-")
    return f"−{told[1:]}" if told.startswith("-") else told
