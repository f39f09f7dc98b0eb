"""How a run stands, on top of its page: progress, failures, pause and stop, and how to go on or again."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.runs import RESUMABLE, Run, counts, find_run
from workbench.views.compare.draft import load
from workbench.views.compare.places import go_to_form, go_to_pieces, go_to_run, is_to_go, is_to_tell, tell
from workbench.views.compare.run_words import (
    by_whom,
    fault_words,
    left_words,
    progress_words,
    spent_words,
    state_badge,
)
from workbench.views.compare.specification_words import specification_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database, experiments
from workbench.views.takes_strip import ago

EVERY = 1.0
"""Seconds between two looks at what is on its way."""
_WISHED = "compare_wished"


class Drawn(NamedTuple):
    """What the whole page was drawn for; when it is no longer so, all of it is drawn anew."""

    state: str
    goes_on: bool


def standing(run: Run) -> None:
    """All of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All runs", icon=":material/arrow_back:", key="all_runs", on_click=go_to_run, args=("",))
        st.button(
            "Run again", icon=":material/replay:", key="run_again", type="tertiary", on_click=_again, args=(run,),
            disabled=run.imported, help="Fills in the form with what this run was ordered with.",
        )  # fmt: skip
    st.header(plain(run.label), anchor=False)
    drawn = _drawn(run)
    st.fragment(_live, run_every=EVERY if drawn.goes_on else None)(run.id, drawn)
    for note in run.notes:
        st.markdown(f":material/info: {plain(note)}")
    with st.expander("What was asked", icon=":material/description:", key="run_specification", on_change="rerun") as it:
        if it.open:
            specification_words(run)


def _drawn(run: Run) -> Drawn:
    # The thread of a run that is done still works out its summary.
    return Drawn(run.state, run.state == "running" or (run.state != "done" and experiments().runs(run.id)))


def _live(id: str, drawn: Drawn) -> None:
    """What changes while it runs, drawn every second; the rest of the page is left as it is."""
    run = find_run(database(), id)
    if run is None or _drawn(run) != drawn or is_to_tell() or is_to_go():
        st.rerun()
    assert run is not None
    with st.container(horizontal=True, vertical_alignment="center", key="run_standing"):
        st.markdown(f"{state_badge(run)} {quiet(_about(run))}", width="stretch")
        _buttons(run, drawn)
    if run.state != "done":
        facts = (progress_words(run), spent_words(run), left_words(run))
        st.progress(run.done / run.cells if run.cells else 0.0, "  ·  ".join(filter(None, facts)))
    if run.message:
        icon = ":material/error:" if run.state == "failed" else ":material/info:"
        (st.error if run.state == "failed" else st.warning)(plain(run.message), icon=icon)
    if any(each.get("batch") for each in run.specification.get("variants", ())):
        from workbench.core.experiments.batches.kept import batches

        for batch in batches(database(), run.id):
            st.markdown(quiet(plain(batch.words)))
    if run.failed:
        for fault, count in counts(database(), run.id, "fault").items():
            if fault:
                st.markdown(f":red[:material/close:] {plain(fault_words(fault, count))}")
        st.button(
            "Look at what failed", icon=":material/search:", key="run_failed", type="tertiary", on_click=go_to_pieces,
            args=({"failed": True},),
        )  # fmt: skip


def _about(run: Run) -> str:
    facts = [
        f"{progress_words(run)}" if run.state == "done" else "",
        spent_words(run) if run.state == "done" else "",
        f"{'brought in' if run.imported else 'begun'} by {plain(by_whom(run))}, {ago(run.created_at)}",
        f"ended {ago(run.ended_at)}" if run.ended_at else "",
    ]
    return "  ·  ".join(filter(None, facts))


def _buttons(run: Run, drawn: Drawn) -> None:
    """Callbacks: a click counts also where the page is about to be drawn anew."""
    if drawn.goes_on:
        wished = st.session_state.get(_WISHED, {}).get(run.id)
        if wished:
            st.markdown(quiet("It is being stopped." if wished == "stop" else "It is being paused."))
            return
        if run.state != "running":
            st.markdown(quiet("One moment …"))
            return
        if run.imported:
            return
        st.button(
            "Pause", icon=":material/pause_circle:", key="run_pause", on_click=_wish, args=(run.id, "pause"),
            help="What is being asked is waited for.",
        )  # fmt: skip
        st.button(
            "Stop", icon=":material/stop_circle:", key="run_stop", on_click=_wish, args=(run.id, "stop"),
            help="Nothing is waited for. It can go on later all the same.",
        )  # fmt: skip
    elif run.state in RESUMABLE and not run.imported:
        st.button(
            "Go on", icon=":material/play_arrow:", key="run_on", type="primary", on_click=_go_on, args=(run.id,),
            help="Nothing that was answered is asked again.",
        )  # fmt: skip
        limits = run.specification.get("limits") or {}
        with st.popover("With another budget", icon=":material/payments:"):
            budget = st.number_input(
                "US dollars in all", 0.0, 1_000_000.0, limits.get("budget_usd"), 1.0, key="run_budget",
                help="What was spent counts.",
            )  # fmt: skip
            st.button(
                "Go on with it", key="run_on_budget", disabled=budget is None, on_click=_go_on, args=(run.id, budget)
            )


def _wish(id: str, what: str) -> None:
    try:
        (experiments().stop if what == "stop" else experiments().pause)(id)
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)
        return
    st.session_state.setdefault(_WISHED, {})[id] = what


def _go_on(id: str, budget: float | None = None) -> None:
    st.session_state.get(_WISHED, {}).pop(id, None)
    try:
        experiments().resume(id, budget=budget)
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)


def _again(run: Run) -> None:
    try:
        load(run.ordered())
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)
        return
    go_to_form()
