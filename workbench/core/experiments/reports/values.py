"""The values of single results in words, and which of two is better."""

from __future__ import annotations

from workbench.core.experiments.metrics import METRICS, SET_METRICS
from workbench.core.experiments.reports.marks import Shape
from workbench.core.experiments.reports.summary import Column, column_of
from workbench.core.experiments.samples import Value
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import difference_words, interval_words

NONE = "–"


def column_named(name: str) -> Column:
    """What a metric is; a plain number where this process does not know it, as one of somebody's own."""
    known = METRICS.get(name) or SET_METRICS.get(name)
    return Column(name, "number", title=name.replace("-", " ").capitalize()) if known is None else column_of(known)


def value_words(value: Value, column: Column) -> str:
    """One result's value: ``yes``, ``84.50 %``, ``1.20 s``; a dash where there is none."""
    if value is None or value != value:
        return NONE
    if column.kind == "rate":
        return "yes" if value else "no"
    if column.kind == "count":
        return f"{float(value):,.0f} {column.unit}".strip()
    return interval_words(_alone(float(value)), column.kind, column.unit).partition(" (")[0]


def gap_words(a: Value, b: Value, column: Column) -> tuple[Shape, str]:
    """What B is against A, as a shape and in words: ``▲``, ``B is better by 1.20 s``."""
    if a is None or b is None or a != a or b != b:
        return "", ""
    gap = float(b) - float(a)
    if not gap:
        return "=", "the same"
    better = column.better and (gap > 0) == (column.better == "higher")
    shape: Shape = ("▲" if better else "▼") if column.better else "↑" if gap > 0 else "↓"
    word = {"▲": "better", "▼": "worse", "↑": "higher", "↓": "lower"}[shape]
    if column.kind == "rate":
        return shape, f"B is {word}"
    size = abs(gap)
    told = (
        f"{size:,.0f} {column.unit}".strip()
        if column.kind == "count"
        else difference_words(size, _alone(gap), column.kind, column.unit)
    )
    return shape, f"B is {word} by {told}"


def _alone(value: float) -> Interval:
    return Interval(value, None, None, 1, 1)
