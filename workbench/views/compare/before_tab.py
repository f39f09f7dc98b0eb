"""Before and after: a run against one before it, and curves over the checkpoints of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import FAMILIES
from workbench.core.experiments.reports.before import BeforeAfter, Change, before_after
from workbench.core.experiments.reports.charts import scale_of
from workbench.core.experiments.reports.summary import Column, headlines
from workbench.core.experiments.runs import Run, runs
from workbench.core.experiments.statistics.words import difference_words, interval_words
from workbench.views.compare.checkpoint_curves import checkpoint_curves
from workbench.views.compare.places import go_to_pieces
from workbench.views.compare.results_table import WAYS, Group, Row, Shown, Table, results_table, shown
from workbench.views.compare.summary_words import sentences
from workbench.views.details import plain, quiet
from workbench.views.engine import database

MOST_RUNS = 200
"""Runs to choose among: the newest."""
_BEFORE = "before_run"


def before_tab(run: Run) -> None:
    """The whole tab."""
    _against_a_run(run)
    st.subheader("Over checkpoints", anchor=False)
    checkpoint_curves(run)


def usual_before(run: Run, others: Sequence[Run]) -> Run:
    """What a run is compared with when nobody says: the one before it of its name, else the newest that is older and
    shares a variant, else the newest."""
    older = [each for each in others if each.created_at < run.created_at]
    same = [each for each in older if each.name == run.name]
    mine = _variants(run)
    return (same or [each for each in older if mine & _variants(each)] or list(others))[0]


def _variants(run: Run) -> set[str]:
    return {each["name"] for each in run.specification["variants"]}


def _against_a_run(run: Run) -> None:
    others = {each.id: each for each in runs(database(), MOST_RUNS) if each.id != run.id and each.done}
    if not others or not run.done:
        lacking = "another run" if run.done else "a cell of this run"
        st.markdown(quiet(f"Nothing to compare yet: {lacking} has to end first."))
        return
    if st.session_state.get(_BEFORE) not in others:
        st.session_state[_BEFORE] = usual_before(run, list(others.values())).id
    chosen = st.selectbox(
        "Compare with the run", list(others), key=_BEFORE, width=420, persist_state="session",
        format_func=lambda id: f"{others[id].label}, {others[id].created_at:%-d %b %Y %H:%M}",
    )  # fmt: skip
    before = others[chosen]
    try:
        found = _compared(run.id, run.done, before.id, before.done, run, before)
    except InvalidInputError as problem:
        st.info(plain(f"{problem.message} {problem.hint}"), icon=":material/info:")
        return
    _told(found)
    if found.changes:
        results_table(
            table_of(found), key="before_table", chosen=lambda metric, variant: _open(found, metric, variant)
        )  # fmt: skip


@st.cache_resource(show_spinner="Comparing …", max_entries=16)
def _compared(
    id: str,  # noqa: ARG001 - what is compared is known by these
    done: int,  # noqa: ARG001
    before: str,  # noqa: ARG001
    before_done: int,  # noqa: ARG001
    _run: Run,
    _before: Run,
) -> BeforeAfter:
    return before_after(database(), _run, _before)


def _told(found: BeforeAfter) -> None:
    """The verdict, and what was asked otherwise."""
    st.markdown(f"From {plain(found.before)} to **{plain(found.now)}**: {plain(found.lead)}")
    grid = st.grid(2, min_column_width=420, gap="large")
    with grid.cell():
        sentences("What changed", found.findings, "No difference was found.", key="changes")
    with grid.cell():
        nothing = "The same is asked, in the same way."
        asked = [*_counted(found), *found.notes]
        sentences("What is asked otherwise", found.changed, nothing, key="asked", first=8)
        st.markdown(quiet(plain(" ".join(asked))))
    if found.open_questions:
        sentences("What may be noise", found.open_questions, "", key="before_noise")


def _counted(found: BeforeAfter) -> list[str]:
    told = [f"{found.shared:,} request{' is' if found.shared == 1 else 's are'} in both"]
    told += [f"{found.only_now:,} only in {found.now}"] if found.only_now else []
    told += [f"{found.only_before:,} only in {found.before}"] if found.only_before else []
    return [", ".join(told) + ".", "Metrics of whole sets are not compared."]


def table_of(found: BeforeAfter) -> Table:
    """Every variant's value before and now with the difference: headlines first, then the others by family."""
    by_place: dict[str, dict[str, Change]] = {}
    for each in found.changes:
        by_place.setdefault(each.comparison.measure.name, {})[each.variant] = each
    known = [each for each in found.columns if each.name in by_place]
    first = headlines(known)
    heads = sorted((each for each in known if each.name in first), key=lambda each: first.index(each.name))
    groups = [Group("", [_row(each, by_place[each.name], found) for each in heads])]
    for family, title in FAMILIES.items():
        rest = [each for each in known if each.family == family and each.name not in first]
        if rest:
            groups.append(Group(title, [_row(each, by_place[each.name], found) for each in rest]))
    hint = f"Each cell: the difference that {found.now} makes, its 95 % interval, and the values before and now."
    return Table(f"{found.now} against {found.before}", "Metric", found.variants, groups, hint)


def _row(column: Column, changes: Mapping[str, Change], found: BeforeAfter) -> Row:
    """The differences on one scale, with 0 in it."""
    scale = scale_of([each.comparison.difference for each in changes.values()], _free(column))
    cells: dict[str, Shown] = {}
    for variant, each in changes.items():
        seen = each.comparison.difference
        drawn = shown(seen, column, scale)
        if drawn is not None:
            sign = "+" if (seen.value or 0) > 0 else "−" if (seen.value or 0) < 0 else "±"
            value = f"{sign}{difference_words(abs(seen.value or 0.0), seen, column.kind, column.unit)}"
            span = f"{drawn.span}\n{_ends(each, column)}"
            words = each.mark.words.removesuffix(f" {found.before}").removesuffix(" against").removesuffix(" to")
            than = f"{words} before" if words.endswith("than") else words
            cells[variant] = Shown(value, span, drawn.place, each.mark.shape, than, each.comparison.words)
    return Row(column.name, column.title, cells, WAYS[column.better], column.explanation)


def _free(column: Column) -> Column:
    """The column with a scale that may go below 0."""
    return replace(column, kind="number", unit="")


def _ends(change: Change, column: Column) -> str:
    """``70.0 % → 84.5 %``."""
    ends = (change.comparison.of_a, change.comparison.of_b)
    return " → ".join(interval_words(each, column.kind, column.unit).partition(" (")[0] for each in ends)


def _open(found: BeforeAfter, metric: str, variant: str) -> None:
    """The pieces of this run behind a cell."""
    better = next((each.better for each in found.columns if each.name == metric), "higher")
    go_to_pieces({"variants": (variant,), "metric": metric, "better": better})
