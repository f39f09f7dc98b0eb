"""The breakdown of a run: one metric for each level of what was asked, such as form or period, and every variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from workbench.core.experiments.boards import Board, board
from workbench.core.experiments.metrics import METRICS
from workbench.core.experiments.reports.charts import scale_of
from workbench.core.experiments.reports.figures import grouped_intervals
from workbench.core.experiments.reports.levels import facets_of, levels_of
from workbench.core.experiments.reports.summary import FACETS, MOST_LEVELS, Column, Level, column_of, headlines
from workbench.core.experiments.runs import Run
from workbench.core.experiments.statistics.intervals import Interval
from workbench.views.compare.places import go_to_pieces
from workbench.views.compare.results_table import Group, Row, Table, results_table, shown
from workbench.views.datasets.figures import show
from workbench.views.datasets.wording import value_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.player import is_dark

DRAWN = 6
"""Variants that are drawn when nobody says which."""
_METRIC, _FACET, _VARIANTS = "breakdown_metric", "breakdown_facet", "breakdown_variants"


def breakdown_tab(run: Run) -> None:
    """The whole tab."""
    found = board(database(), run) if run.done else None
    columns = columns_of(found.metrics) if found is not None else {}
    if found is None or not columns:
        st.markdown(quiet("No cell has ended yet."))
        return
    facets = facets_of(found.frame, FACETS)
    if not facets:
        st.markdown(
            quiet(f"All requests are alike in {', '.join(FACETS[:-1])} and {FACETS[-1]}: nothing to break down.")
        )
        return
    column, facet, variants = _chosen(columns, facets, found.variants, _usual(found, columns))
    levels = _levels(run.id, run.done, column.name, facet, variants, run, column)
    if not levels:
        st.markdown(quiet("There is no value to break down."))
        return
    by_level = grouped(levels)
    title = f"{column.title} by {facet}"
    named = {value_words(facet, level): row for level, row in by_level.items()}
    show(grouped_intervals(named, variants, column, title, dark=is_dark()), key="breakdown_figure")
    st.markdown(quiet(plain(_reading(column, by_level))))
    results_table(
        table_of(by_level, facet, variants, column, title), key="breakdown_table",
        chosen=lambda level, variant: go_to_pieces(
            {
                "variants": (variant,), "facets": {facet: level}, "metric": column.name, "better": column.better,
            }
        ),
    )  # fmt: skip


def columns_of(metrics: Sequence[str]) -> dict[str, Column]:
    """The metrics of a run that can be broken down, by name: the headlines first."""
    known = [column_of(each) for name, each in METRICS.items() if name in metrics]
    first = headlines(known)
    ordered = sorted(known, key=lambda each: (first.index(each.name) if each.name in first else len(first), each.title))
    return {each.name: each for each in ordered}


def grouped(levels: Sequence[Level]) -> dict[str, dict[str, Interval]]:
    """The intervals by level and variant."""
    found: dict[str, dict[str, Interval]] = {}
    for each in levels:
        found.setdefault(each.level, {})[each.variant] = each.interval
    return found


def table_of(
    levels: Mapping[str, Mapping[str, Interval]], facet: str, variants: Sequence[str], column: Column, title: str
) -> Table:
    """The levels as rows, on one scale for all."""
    scale = scale_of([each for row in levels.values() for each in row.values()], column)
    rows = []
    for level, row in levels.items():
        cells = {variant: shown(seen, column, scale) for variant, seen in row.items()}
        rows.append(Row(level, value_words(facet, level), {name: each for name, each in cells.items() if each}))
    hint = "A cell opens the requests behind it; arrow keys move in the table."
    return Table(title, facet.capitalize(), variants, [Group("", rows)], hint)


def _chosen(
    columns: Mapping[str, Column], facets: Sequence[str], known: Sequence[str], usual: str
) -> tuple[Column, str, tuple[str, ...]]:
    """The boxes: which metric, by what, of whom."""
    state = st.session_state
    for key, options, first in ((_METRIC, columns, usual), (_FACET, facets, facets[0])):
        if state.get(key) not in options:
            state[key] = first
    state[_VARIANTS] = [each for each in state.get(_VARIANTS) or known[:DRAWN] if each in known] or list(known[:DRAWN])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        metric = st.selectbox(
            "Metric", list(columns), key=_METRIC, width=320, format_func=lambda name: columns[name].title,
            persist_state="session",
        )  # fmt: skip
        facet = st.selectbox("By", facets, key=_FACET, width=160, persist_state="session")
        if len(known) > DRAWN:
            st.multiselect("Variants", known, key=_VARIANTS, persist_state="session")
    column = columns[metric]
    st.markdown(quiet(plain(column.explanation)))
    wanted = tuple(each for each in known if each in state[_VARIANTS])
    return column, str(facet), wanted if len(known) > DRAWN else tuple(known)


def _usual(found: Board, columns: Mapping[str, Column]) -> str:
    """The metric to begin with: the first of those that the most variants have a value of."""
    having = found.frame.groupby("variant", sort=False)[list(columns)].agg(lambda values: values.notna().any()).sum()
    return max(columns, key=lambda name: int(having[name]))


def _reading(column: Column, levels: Mapping[str, Mapping[str, Interval]]) -> str:
    """How to read it, and what not to read out of it."""
    least = min((each.requests for row in levels.values() for each in row.values()), default=0)
    requests = f"{least:,} request" if least == 1 else f"{least:,} requests"
    way = {"higher": "Higher is better. ", "lower": "Lower is better. ", "": ""}[column.better]
    many = f" The {MOST_LEVELS} levels with the most requests are shown." if len(levels) == MOST_LEVELS else ""
    return (
        f"{way}Bars are 95 % intervals; the smallest level has {requests}. Differences between levels are not tested: "
        f"where many are looked at, some differ by chance.{many}"
    )


@st.cache_data(show_spinner="Breaking down …", max_entries=64)
def _levels(
    id: str,  # noqa: ARG001 - what is broken down is known by these
    done: int,  # noqa: ARG001
    metric: str,  # noqa: ARG001
    facet: str,
    variants: tuple[str, ...],
    _run: Run,
    _column: Column,
) -> tuple[Level, ...]:
    return levels_of(board(database(), _run).frame, _column, facet, variants=variants)
