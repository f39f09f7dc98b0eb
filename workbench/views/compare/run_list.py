"""All runs, newest first: the way into each, to a new one, and in for answers that were made elsewhere."""

from __future__ import annotations

import streamlit as st

from workbench.core.experiments.runs import Run, count_runs, runs
from workbench.views.compare.places import chosen_run, go_to_form, go_to_run
from workbench.views.compare.run_words import by_whom, left_words, progress_words, spent_words, state_badge
from workbench.views.compare.taking_in import taking_in
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import ago

A_PAGE = 20
MANY = 8
"""Runs from which on there is something to search among."""
EVERY = 1.0


def run_list() -> None:
    """The whole page."""
    if wanted := chosen_run():
        st.warning(f"There is no run {plain(wanted[:40])}.", icon=":material/info:")
    total = count_runs(database())
    if not total:
        _nothing()
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button("New run", icon=":material/add:", type="primary", key="new_run", on_click=go_to_form)
            if total >= MANY:
                st.text_input("Find a run", key="runs_words", max_chars=200, on_change=_from_the_top)
        words = str(st.session_state.get("runs_words") or "") if total >= MANY else ""
        live = any(each.state == "running" for each in runs(database(), A_PAGE))
        st.fragment(_list, run_every=EVERY if live else None)(words, live, wanted)
    with st.expander("Import answers", icon=":material/upload_file:", key="runs_import", on_change="rerun") as folded:
        if folded.open:
            taking_in()


def _nothing() -> None:
    st.markdown(
        "A run asks the same requests of several variants: the rules, models, models with other prompts. "
        "It measures what they answer, and says which is better, by how much, and how sure one may be."
    )
    st.markdown("There is none yet.")
    st.button("New run", icon=":material/add:", type="primary", key="new_run", on_click=go_to_form)


def _from_the_top() -> None:
    st.session_state.pop("runs_page", None)


def _list(words: str, live: bool, wanted: str) -> None:
    """The list; it keeps itself up to date while something runs. ``wanted`` is the run that the page was drawn for."""
    if chosen_run() != wanted:
        st.rerun()
    count = count_runs(database(), words)
    pages = -(-count // A_PAGE)
    number = st.pagination(pages, key="runs_page") if pages > 1 else 1
    shown = runs(database(), A_PAGE, offset=(number - 1) * A_PAGE, words=words)
    if number == 1 and not words and any(each.state == "running" for each in shown) != live:
        st.rerun()
    if not count:
        st.markdown("No run is called so.")
    for each in shown:
        _entry(each)


def _entry(run: Run) -> None:
    facts = [
        progress_words(run), left_words(run), spent_words(run),
        f"{'brought in' if run.imported else 'begun'} by {plain(by_whom(run))}, {ago(run.created_at)}",
    ]  # fmt: skip
    with st.container(border=True, gap="xsmall", key=f"run_{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(plain(run.label), key=f"open_run_{run.id}", type="tertiary", on_click=go_to_run, args=(run.id,))
            st.markdown(state_badge(run))
        st.markdown(quiet("  ·  ".join(filter(None, facts))))
