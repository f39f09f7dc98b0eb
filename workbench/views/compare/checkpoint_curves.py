"""Curves over checkpoints: a metric over the steps of a training, for variants that are stages of one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.core.experiments.reports.charts import scale_of
from workbench.core.experiments.reports.checkpoints import Line, lines_of
from workbench.core.experiments.reports.figures import curves_over_steps
from workbench.core.experiments.reports.summary import Column, Summary, headlines
from workbench.core.experiments.runs import Run
from workbench.views.compare.places import go_to_pieces
from workbench.views.compare.results_table import Group, Row, Table, results_table, shown
from workbench.views.compare.summary_tab import newest
from workbench.views.datasets.figures import show
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.player import is_dark

_METRIC = "checkpoint_metric"


def checkpoint_curves(run: Run) -> None:
    """The curves of a run, or that it has none."""
    lines = lines_of(database(), run)
    if not lines:
        st.markdown(
            quiet(
                "No two variants of this run are checkpoints of one training. To see curves, compare registered "
                "checkpoints, or name variants by their steps, such as tuned@100 and tuned@200."
            )
        )
        return
    found = newest(run, None)
    if found is None:
        st.markdown(quiet("The curves come with the summary, which is being made."))
        return
    summary = found.summary
    columns = {each.name: each for each in _columns(summary, lines)}
    if not columns:
        st.markdown(quiet("The checkpoints have no value yet."))
        return
    if st.session_state.get(_METRIC) not in columns:
        st.session_state[_METRIC] = next(iter(columns))
    metric = st.selectbox(
        "Over the steps", list(columns), key=_METRIC, width=320, persist_state="session",
        format_func=lambda name: columns[name].title,
    )  # fmt: skip
    column = columns[metric]
    st.markdown(quiet(plain(column.explanation)))
    title = f"{column.title} over the steps"
    points = {each.name: each.intervals(summary, metric) for each in lines}
    show(curves_over_steps(points, column, title, dark=is_dark()), key="checkpoint_figure")
    st.markdown(plain(" ".join(_ends(each, summary, column) for each in lines)))
    of_step = {(line.name, f"{stage.step:,}"): stage.variant for line in lines for stage in line.stages}
    results_table(
        table_of(lines, summary, column, title), key="checkpoint_table",
        chosen=lambda step, line: _open(of_step.get((line, step)), column),
    )  # fmt: skip


def table_of(lines: Sequence[Line], summary: Summary, column: Column, title: str) -> Table:
    """The steps as rows, the trainings as columns."""
    points = {line.name: dict(line.intervals(summary, column.name)) for line in lines}
    scale = scale_of([seen for each in points.values() for seen in each.values()], column)
    steps = sorted({step for each in points.values() for step in each})
    rows = []
    for step in steps:
        cells = {name: shown(each[step], column, scale) for name, each in points.items() if step in each}
        rows.append(Row(f"{step:,}", f"step {step:,}", {name: each for name, each in cells.items() if each}))
    return Table(title, "Step", list(points), [Group("", rows)], "A cell opens the requests behind it.")


def _columns(summary: Summary, lines: Sequence[Line]) -> list[Column]:
    """The metrics that have a value at some stage, the headlines first."""
    first = headlines(summary.columns)
    known = [each for each in summary.columns if any(line.intervals(summary, each.name) for line in lines)]
    return sorted(known, key=lambda each: first.index(each.name) if each.name in first else len(first))


def _ends(line: Line, summary: Summary, column: Column) -> str:
    """What the last stage is against the first, as the summary compares them."""
    first, last = line.stages[0], line.stages[-1]
    found = next(
        (each for each in summary.comparisons_of(column.name) if {each.a, each.b} == {first.variant, last.variant}),
        None,
    )
    steps = f"{line.name}, step {last.step:,} against step {first.step:,}"
    return f"{steps}: {found.words}" if found is not None else ""


def _open(variant: str | None, column: Column) -> None:
    """The pieces of one stage."""
    if variant is not None:
        measured = {} if column.of_set else {"metric": column.name, "better": column.better}
        go_to_pieces({"variants": (variant,), **measured})
