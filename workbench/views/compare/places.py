"""Which run the page is about, and which tab of it: the address says both, so that they can be linked to."""

from __future__ import annotations

from typing import Any

import streamlit as st

TABS = ("Summary", "Pieces", "Breakdown", "Before and after", "Rate", "Files")
RUN, VIEW, PAIR = "run", "view", "pair"
"""The query parameters: the run's id, the tab in small letters, and two positions of cells, ``17-217``."""
NEW = "new"
"""The value of ``run`` that stands for the form for a new one."""
TAB = "compare_tab"
_GO, _TOLD, _WANTED = "compare_go", "compare_told", "compare_wanted"


def chosen_run() -> str:
    """The id of the run that the page is about; empty for the list of all."""
    return str(st.query_params.get(RUN, ""))


def go_to_run(id: str, tab: str = "") -> None:
    """Show a run, or with no id the list of all; a callback, or followed by ``st.rerun``."""
    for name in (RUN, VIEW, PAIR):
        st.query_params.pop(name, None)
    if id:
        st.query_params[RUN] = id
    _to_tab(tab or TABS[0])


def go_to_form() -> None:
    """Show the form for a new run."""
    go_to_run(NEW)


def go_to_pieces(wanted: dict[str, Any] | None = None, pair: tuple[int, int] | None = None) -> None:
    """Show pieces: those that fields of a ``reports.filters.Filter`` name, or a pair by positions."""
    st.query_params.pop(PAIR, None)
    if pair is not None:
        st.query_params[PAIR] = f"{pair[0]}-{pair[1]}"
    if wanted is not None:
        st.session_state[_WANTED] = wanted
    _to_tab("Pieces")


def wanted_pieces() -> dict[str, Any] | None:
    """The filter that somebody was sent to the pieces with, once."""
    found = st.session_state.pop(_WANTED, None)
    return found if isinstance(found, dict) else None


def choose_tab() -> None:
    """Set the tab that somebody was sent to, or that the address names; before the tabs are drawn."""
    state = st.session_state
    if (wanted := state.pop(_GO, None)) is not None:
        state[TAB] = wanted
    elif TAB not in state:
        named = str(st.query_params.get(VIEW, "")).casefold()
        state[TAB] = next((each for each in TABS if each.casefold() == named), TABS[0])


def is_to_go() -> bool:
    """Whether somebody was sent elsewhere: what draws itself anew alone has to have the whole page drawn."""
    return _GO in st.session_state


def keep_tab() -> None:
    """Let the address name the tab that is open; after the tabs are drawn."""
    tab = str(st.session_state.get(TAB) or TABS[0])
    if tab == TABS[0]:
        st.query_params.pop(VIEW, None)
    elif st.query_params.get(VIEW) != tab.casefold():
        st.query_params[VIEW] = tab.casefold()


def tell(words: str, *, wrong: bool = False) -> None:
    """Say something on the page that is drawn next."""
    st.session_state[_TOLD] = (words, wrong)


def is_to_tell() -> bool:
    """Whether something is to be said or shown: what draws itself anew alone has to have the whole page drawn."""
    return _TOLD in st.session_state or _GO in st.session_state


def told() -> None:
    """Draw what was to be said, once."""
    words, wrong = st.session_state.pop(_TOLD, ("", False))
    if words and wrong:
        st.error(words, icon=":material/error:")
    elif words:
        st.success(words, icon=":material/check_circle:")


def _to_tab(tab: str) -> None:
    st.session_state[_GO] = tab
