"""The rows of a version: filters, a table that is paged in the database, and the chosen row beside it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.datasets.review.browsing import SORTED_BY, RowFilters, choices, page_of
from workbench.core.datasets.review.marks import MARKS, marked
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import Version
from workbench.core.library.saved_views import delete_view, save_view, saved_views
from workbench.views.datasets.choice import ROW, go_to_row
from workbench.views.datasets.row import A_PAGE, row_view
from workbench.views.datasets.wording import LABELS, value_words
from workbench.views.details import clock, quiet
from workbench.views.engine import database
from workbench.views.visits import this_visit

CHOSEN = ("split", "form", "period", "mode", "mood", "tonic", "meter", "origin", "cadence")
"""The filters with a box of their own, in the session under ``rows_NAME``."""
COLUMNS = (
    "marks", "title", "split", "form", "period", "tonic", "mood", "changes", "meter", "tempo", "seconds", "measures",
    "tokens_in", "tokens_out", "warnings", "origin", "cadence", "valence", "arousal", "source", "key",
)  # fmt: skip
USUAL = ("marks", "title", "split", "form", "period", "tonic", "mood", "changes", "tokens_out")
SIGNS = {"flag": "⚑", "exclude": "⊘", "comment": "✎"}
MARKED = {"": "Any", "flag": "Flagged", "exclude": "Excluded", "comment": "With comments"}
DERIVED = {"": "All rows", "no": "Originals", "yes": "Derived"}


def rows(version: Version) -> None:
    """The whole tab."""
    filters = _filters(version)
    number = int(st.session_state.get("rows_at", 1))
    found, count = page_of(database(), version.id, filters, offset=(number - 1) * A_PAGE, most=A_PAGE)
    if number > 1 and not found:
        _from_the_top()
        st.rerun()
    key = st.query_params.get(ROW) or (found[0].key if found else None)
    left, right = st.columns([5, 7], gap="medium")
    with left:
        one = count == 1
        st.markdown(
            quiet(f"{count:,} row{'' if one else 's'}{'' if count == version.rows else f' of {version.rows:,}'}")
        )
        _table(found, key or "")
        if count > A_PAGE:
            pages, name = -(-count // A_PAGE), f"rows_page_{number}"
            st.pagination(pages, default=min(number, pages), key=name, on_change=lambda: _turn(name))
    with right:
        if key is None:
            st.markdown(quiet("Nothing here: choose other filters."))
        else:
            row_view(version, key, filters)


def current_filters() -> RowFilters:
    """The filters as they are set, also from another tab."""
    state = st.session_state
    chosen = {name: str(state.get(f"rows_{name}") or "") for name in CHOSEN}
    derived = {"no": False, "yes": True}.get(str(state.get("rows_derived") or ""))
    return RowFilters(
        words=str(state.get("rows_words") or ""), derived=derived, mark=str(state.get("rows_mark") or ""),
        longer=int(state.get("rows_longer") or 0), sort=str(state.get("rows_sort") or "position"),
        down=bool(state.get("rows_down")), **chosen,
    )  # fmt: skip


def show_rows(**chosen: str) -> None:
    """Set the filters to these alone and show the rows; to be called before the widgets are drawn, as by a click."""
    _apply(RowFilters(**chosen))  # type: ignore[arg-type]
    st.session_state.datasets_tab = "Rows"
    go_to_row(None)


def _filters(version: Version) -> RowFilters:
    """The filters from their widgets; saved views set them all at once."""
    known = _choices(version.id)
    views = saved_views(database(), this_visit().visitor, RowFilters)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        splits = ["", *known["split"]]
        _only("rows_split", splits)
        st.radio(
            "Split", splits, key="rows_split", horizontal=True, persist_state="session", on_change=_from_the_top,
            format_func=lambda name: f"{name or 'all'} {known['split'].get(name, version.rows):,}",
        )  # fmt: skip
        st.text_input(
            "Words", key="rows_words", max_chars=200, persist_state="session", on_change=_from_the_top,
            help="Title, words of the request, key, form, or a part of the row's key.",
        )  # fmt: skip
        with st.popover("Filters", icon=":material/filter_list:"):
            _more_filters(known)
        with st.popover("Order", icon=":material/sort:"):
            st.selectbox(
                "Order by", SORTED_BY, key="rows_sort", persist_state="session", on_change=_from_the_top,
                format_func=lambda name: LABELS[name],
            )  # fmt: skip
            st.toggle("The largest first", key="rows_down", persist_state="session", on_change=_from_the_top)
            st.multiselect(
                "Columns", COLUMNS, default=None if "rows_columns" in st.session_state else USUAL, key="rows_columns",
                persist_state="session", format_func=lambda name: LABELS[name],
            )  # fmt: skip
        with st.popover("Views", icon=":material/bookmarks:"):
            _views(views)
    return current_filters()


def _more_filters(known: dict[str, dict[str, int]]) -> None:
    for name in CHOSEN[1:]:
        options = ["", *known[name]]
        _only(f"rows_{name}", options)
        st.selectbox(
            LABELS[name], options, key=f"rows_{name}", persist_state="session", on_change=_from_the_top,
            format_func=lambda value, name=name: f"{value_words(name, value)} ({known[name][value]:,})"
            if value
            else "Any",
        )  # fmt: skip
    st.selectbox(
        "Derived", list(DERIVED), key="rows_derived", persist_state="session", on_change=_from_the_top,
        format_func=lambda name: DERIVED[name],
    )  # fmt: skip
    st.selectbox(
        "Marked", ["", *MARKS], key="rows_mark", persist_state="session", on_change=_from_the_top,
        format_func=lambda name: MARKED[name],
    )  # fmt: skip
    st.number_input(
        "Longer than (tokens)", 0, 10_000_000, 0, 500, key="rows_longer", persist_state="session",
        on_change=_from_the_top,
    )  # fmt: skip
    st.button("Clear the filters", key="rows_clear", on_click=lambda: _apply(RowFilters()))


def _views(views: dict[str, RowFilters]) -> None:
    for name, view in views.items():
        with st.container(horizontal=True):
            st.button(name, key=f"rows_view_{name}", on_click=lambda view=view: _apply(view), width="stretch")
            st.button(
                "Forget", key=f"rows_forget_{name}", type="tertiary",
                on_click=lambda name=name: delete_view(database(), this_visit().visitor, name, RowFilters.screen),
            )  # fmt: skip
    name = st.text_input("Keep these filters as", key="rows_view_name", max_chars=80)
    if st.button("Save the view", disabled=not name.strip(), key="rows_view_save"):
        save_view(database(), this_visit().visitor, name, current_filters())
        st.rerun()


def _apply(view: RowFilters) -> None:
    state = st.session_state
    for name in CHOSEN:
        state[f"rows_{name}"] = getattr(view, name)
    state.rows_words, state.rows_mark, state.rows_longer = view.words, view.mark, view.longer
    state.rows_derived = "" if view.derived is None else "yes" if view.derived else "no"
    state.rows_sort, state.rows_down = view.sort, view.down
    _from_the_top()


def _only(key: str, options: list[str]) -> None:
    """A filter that the version does not know (another version's) is let go."""
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = ""


def _from_the_top() -> None:
    st.session_state.rows_at = 1


def _turn(name: str) -> None:
    """Another page of the table, and its first row."""
    st.session_state.rows_at = st.session_state[name]
    go_to_row(None)


@st.cache_data(show_spinner=False, max_entries=32)
def _choices(version: str) -> dict[str, dict[str, int]]:
    """A version does not change, so what its filters can be set to does not either."""
    return choices(database(), version)


def _table(found: tuple[Facts, ...], current: str) -> None:
    """One page of rows, with the one that is shown selected; choosing another shows that."""
    state = st.session_state
    state.rows_keys = [each.key for each in found]
    held = marked(database(), state.rows_keys)
    columns = [name for name in COLUMNS if name in (state.get("rows_columns") or USUAL)]
    data = {LABELS[name]: [_cell(each, name, held) for each in found] for name in columns}
    here = [at for at, each in enumerate(found) if each.key == current]
    state.rows_table = {"selection": {"rows": here, "columns": [], "cells": []}}  # the row that is shown
    st.dataframe(
        data, key="rows_table", on_select=_on_chosen, selection_mode="single-row", hide_index=True, height=420,
        row_height=30,
    )  # fmt: skip


def _on_chosen() -> None:
    state = st.session_state
    chosen = state.rows_table["selection"]["rows"]
    if chosen and chosen[0] < len(state.get("rows_keys", ())):
        go_to_row(state.rows_keys[chosen[0]])


def _cell(facts: Facts, name: str, held: dict[str, set[str]]) -> Any:
    if name == "marks":
        return " ".join(SIGNS[kind] for kind in MARKS if kind in held.get(facts.key, ()))
    value = getattr(facts, name)
    if name == "seconds":
        return clock(value)
    return value_words(name, value) if isinstance(value, str) else value
