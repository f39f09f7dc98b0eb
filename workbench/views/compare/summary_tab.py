"""The summary of a run: what was found, and the table of variants and metrics, whose cells open their requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from workbench.core.experiments.metrics import FAMILIES
from workbench.core.experiments.overviews import Overview
from workbench.core.experiments.reports.charts import scale_of
from workbench.core.experiments.reports.marks import LEGEND, brief_words
from workbench.core.experiments.reports.summary import Column, Summary, headlines
from workbench.core.experiments.runs import Run, find_run
from workbench.core.experiments.statistics.verdicts import Comparison
from workbench.views.compare.places import go_to_pieces
from workbench.views.compare.results_table import WAYS, Group, Row, Shown, Table, results_table, shown
from workbench.views.compare.summary_words import care, lead, told
from workbench.views.details import plain, quiet
from workbench.views.engine import database, overviews

CELLS, FAILED = "#cells", "#failed"
"""The rows that count answers; no metric is called so."""
EACH = ""
LOOK = 2.0
"""Seconds between two looks for newer numbers."""
KEPT = 8
"""Summaries that are kept at hand."""
_NAMED = 2
"""With more variants to compare with than this, a cell counts them and its title names them."""
_AGAINST = "compare_against"


def summary_tab(run: Run) -> None:
    """The whole tab."""
    if not run.done:
        st.markdown(quiet("No cell has ended yet: what is found out will stand here."))
        if run.state in ("queued", "running"):
            _live(run.id, None, None)
        return
    against = _against(run)
    found = newest(run, against)
    if found is None or found.done < run.done or run.state == "running":
        _live(run.id, against, None if found is None else found.made_at)
    if found is not None:
        st.markdown(lead(found.summary))
        told(found.summary)
        _table(found.summary)


def _against(run: Run) -> str | None:
    """The box that says what is compared with what."""
    names = [each["name"] for each in run.specification["variants"]]
    if len(names) < 2:
        return None
    if st.session_state.get(_AGAINST) not in (EACH, *names):
        st.session_state[_AGAINST] = EACH
    chosen = st.selectbox(
        "Compare", [EACH, *names], key=_AGAINST, width=360, persist_state="session",
        format_func=lambda name: f"each with {name}" if name else "each with each",
    )  # fmt: skip
    return chosen or None


# While it is made ----------------------------------------------------------------------------------------------------


def newest(run: Run, against: str | None) -> Overview | None:
    """The newest summary; a newer one is begun where cells have ended since. A whole one is kept at hand."""
    place = (run.id, against or EACH)
    if (whole := _at_hand().get(place)) is not None and whole.done == run.done:
        return whole
    found = overviews().wanted(run, against)
    if found is not None and found.done == run.done:
        _keep(place, found)
    return found


@st.cache_resource(show_spinner=False)
def _at_hand() -> dict[tuple[str, str], Overview]:
    """Summaries that were read: a large one takes a while."""
    return {}


def _keep(place: tuple[str, str], found: Overview) -> None:
    kept = _at_hand()
    for other in list(kept)[: max(0, len(kept) - KEPT + 1)]:
        kept.pop(other, None)
    kept[place] = found


@st.fragment(run_every=LOOK)
def _live(id: str, against: str | None, drawn: datetime | None) -> None:
    """Say that newer numbers are on their way, and draw the page again when they have come."""
    run = find_run(database(), id)
    found = newest(run, against) if run is not None and run.done else None
    busy = run is not None and overviews().busy(run, against)
    if found is None and run is not None and run.done and not busy:
        found = newest(run, against)  # it may have come just now
    if run is None or (found is not None and found.made_at != drawn):
        st.rerun()
    if run.done:
        st.markdown(_live_words(run, found, busy=busy))


def _live_words(run: Run, found: Overview | None, *, busy: bool) -> str:
    if found is None and not busy:
        return ":orange[:material/warning:] The summary could not be made. The log of the workbench says why."
    if found is None:
        return f":material/hourglass_top: The summary of {run.done:,} cells is being made …"
    late = ""
    if found.done < run.done:
        goes_on = "They are worked out anew while it goes on."
        lost = "Newer ones could not be made; the log of the workbench says why."
        late = "Newer ones are being worked out …" if busy else goes_on if run.state == "running" else lost
    return f":material/hourglass_top: These numbers are of {found.done:,} of {run.cells:,} cells. {late}"


# The table -----------------------------------------------------------------------------------------------------------


def _table(summary: Summary) -> None:
    st.subheader("Variants and metrics", anchor=False)
    empty = [each.title for each in summary.columns if not _measured(summary, each)]
    results_table(
        table_of(summary), key="summary_table",
        chosen=lambda metric, variant: go_to_pieces(wanted(summary, metric, variant)),
    )  # fmt: skip
    legend = "; ".join(f"{shape} {words}" for shape, words in LEGEND.items())
    st.markdown(quiet(f"{legend}. {care(summary)}"))
    if empty:
        st.markdown(quiet(plain(f"No value of: {', '.join(empty)}.")))


def table_of(summary: Summary) -> Table:
    """The summary as a table: counts and headlines first, then the other metrics by family."""
    compared: dict[str, list[Comparison]] = {}
    for each in summary.comparisons:
        compared.setdefault(each.measure.name, []).append(each)
    first = headlines(summary.columns)
    by_name = {each.name: each for each in summary.columns if _measured(summary, each)}
    heads = [_row(summary, by_name[name], compared) for name in first if name in by_name]
    groups = [Group("", [*_counts(summary), *heads])]
    for family, title in FAMILIES.items():
        rest = [each for name, each in by_name.items() if each.family == family and name not in first]
        if rest:
            groups.append(Group(title, [_row(summary, each, compared) for each in rest]))
    hint = "A cell opens the requests behind it, a metric's name says what it means; arrow keys move in the table."
    notes = {summary.against: "compared with"} if summary.against else {}
    return Table("Variants and metrics", "Metric", summary.variants, groups, hint, notes)


def wanted(summary: Summary, metric: str, variant: str) -> dict[str, Any]:
    """The fields of a filter that finds the requests behind a cell; against another variant, pairs with that one."""
    if metric in (CELLS, FAILED):
        return {"variants": (variant,)} | ({"failed": True} if metric == FAILED else {})
    column = summary.column(metric)
    if column is None or column.of_set:
        return {"variants": (variant,)}
    measured = {"metric": metric, "better": column.better}
    if summary.against and variant != summary.against:
        return {"a": summary.against, "b": variant, **measured}
    return {"variants": (variant,), **measured}


def _measured(summary: Summary, column: Column) -> bool:
    return any(summary.cells[variant][column.name].interval.value is not None for variant in summary.variants)


def _counts(summary: Summary) -> Iterator[Row]:
    """How many answers the numbers rest on."""
    tallies = summary.tallies
    asked = {name: f"{each.requests:,} requests, {each.seeds:,} seed{'' if each.seeds == 1 else 's'}"
             for name, each in tallies.items()}  # fmt: skip
    yield Row(CELLS, "Answers", {name: Shown(f"{each.cells:,}", asked[name]) for name, each in tallies.items()})
    failed = {name: Shown(f"{each.failed:,}", f"of {each.cells:,}") for name, each in tallies.items()}
    yield Row(FAILED, "Without a piece", failed)


def _row(summary: Summary, column: Column, compared: Mapping[str, Sequence[Comparison]]) -> Row:
    cells = {variant: summary.cells[variant][column.name] for variant in summary.variants}
    scale = scale_of([each.interval for each in cells.values()], column)
    few = summary.against is not None or len(summary.variants) <= _NAMED + 1
    drawn = {
        variant: shown(
            cell.interval, column, scale, shape=cell.mark.shape, about=cell.mark.words,
            words=cell.mark.words if few else brief_words(variant, compared.get(column.name, ())),
        )
        for variant, cell in cells.items()
    }  # fmt: skip
    known = {name: each for name, each in drawn.items() if each is not None}
    return Row(column.name, column.title, known, WAYS[column.better], column.explanation)
