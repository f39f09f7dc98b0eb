"""Any metric by the levels of a facet, from a run's values alone: what ``summary.breakdown`` tells of the headlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.core.experiments.reports.summary import MOST_LEVELS, Column, Level
from workbench.core.experiments.samples import Value
from workbench.core.experiments.statistics.intervals import CONFIDENCE, summary_interval

if TYPE_CHECKING:
    import pandas as pd


def levels_of(
    frame: pd.DataFrame, column: Column, facet: str, *, variants: Sequence[str] | None = None,
    confidence: float = CONFIDENCE,
) -> tuple[Level, ...]:  # fmt: skip
    """Every variant's value of a metric for each level of a facet; a facet of one level says nothing new.

    ``frame`` is a board's: a row for each cell, with the facets and the metrics as columns, NaN where there is no
    value. ``variants`` leaves out the others. Of many levels those with the most cells are told.
    """
    if column.name not in frame or column.of_set:
        return ()
    known = frame[frame[facet] != ""]
    sizes = known[facet].value_counts(sort=False).sort_index()
    if len(sizes) < 2:
        return ()
    largest = sorted(sizes.sort_values(ascending=False, kind="stable").index[:MOST_LEVELS])
    wanted = list(known["variant"].unique()) if variants is None else list(variants)
    chosen = known[known["variant"].isin(wanted) & known[facet].isin(largest)].sort_values(["request", "seed"])
    parts = dict(list(chosen.groupby([facet, "variant"], sort=False)))
    found: list[Level] = []
    for level in largest:
        for variant in wanted:
            values = values_of(parts[level, variant], column.name) if (level, variant) in parts else {}
            if any(each is not None for seeds in values.values() for each in seeds):
                seen = summary_interval(values, column.kind, confidence=confidence)
                found.append(Level(facet, str(level), column.name, variant, seen))
    return tuple(found)


def facets_of(frame: pd.DataFrame, facets: Sequence[str]) -> tuple[str, ...]:
    """The facets that divide the cells: those of two levels or more."""
    return tuple(each for each in facets if frame.loc[frame[each] != "", each].nunique() > 1)


def values_of(part: pd.DataFrame, metric: str) -> dict[str, list[Value]]:
    """A metric's values by request, in the order of the rows; what is not a number is None."""
    found: dict[str, list[Value]] = {}
    for request, value in zip(part["request"].tolist(), part[metric].tolist(), strict=True):
        found.setdefault(request, []).append(None if value != value else value)
    return found
