"""The list of what a filter lets in, a page at a time, and the way from one to the next."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.experiments.boards import Board
from workbench.core.experiments.judging import FACETS
from workbench.core.experiments.reports.filters import Filter
from workbench.core.experiments.reports.summary import Column
from workbench.core.experiments.reports.values import column_named, gap_words, value_words
from workbench.views.compare.pieces_filter import places_in_address
from workbench.views.compare.places import PAIR
from workbench.views.datasets.wording import value_words as level_words
from workbench.views.details import quiet
from workbench.views.runs import OUTCOMES

A_PAGE = 100
"""Rows on a page of the list."""
_HEIGHT = 280
Place = tuple[int, ...]
"""The position of a cell, or those of a pair."""


def found_places(board: Board, filter: Filter) -> list[Place]:
    """What the filter lets in: cells, or pairs where it names two variants.

    Raises:
        InvalidInputError: as ``Board.pairs``.
    """
    if filter.a and filter.b:
        return [(each.a, each.b) for each in board.pairs(filter)]
    return [(at,) for at in board.positions(filter)]


def chosen_place(found: list[Place]) -> Place | None:
    """What the address names, else the first of the list."""
    return places_in_address() or (found[0] if found else None)


def open_place(place: Place) -> None:
    """Let the address name a place, so that it is shown, and can be linked to."""
    st.query_params[PAIR] = "-".join(map(str, place))


def walking(found: list[Place], place: Place) -> None:
    """Previous and next in the list, each by one key."""
    at = found.index(place) if place in found else -1
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Previous", icon=":material/arrow_upward:", shortcut="P", key="pieces_previous", disabled=at < 1,
            on_click=lambda: _walk(found, at - 1),
        )  # fmt: skip
        st.button(
            "Next", icon=":material/arrow_downward:", shortcut="N", key="pieces_next", disabled=at + 1 >= len(found),
            on_click=lambda: _walk(found, at + 1),
        )  # fmt: skip
        st.markdown(quiet(f"{at + 1:,} of {len(found):,}" if at >= 0 else "not in the list above"))


def places_table(board: Board, filter: Filter, found: list[Place]) -> None:
    """One page of the list, with the place that is shown selected; choosing another shows that."""
    state = st.session_state
    pages = -(-len(found) // A_PAGE)
    number = min(int(state.get("pieces_at", 1)), pages)
    place = chosen_place(found)
    shown = found[(number - 1) * A_PAGE : number * A_PAGE]
    what = "pair" if len(found[0]) > 1 else "cell"
    st.markdown(quiet(f"{len(found):,} {what}{'' if len(found) == 1 else 's'}"))
    state.pieces_shown = shown
    here = [at for at, each in enumerate(shown) if each == place]
    state.pieces_table = {"selection": {"rows": here, "columns": [], "cells": []}}
    st.dataframe(
        rows_of(board, filter, shown), key="pieces_table", on_select=_on_chosen, selection_mode="single-row",
        hide_index=True, height=min(_HEIGHT, 38 + 30 * len(shown)), row_height=30,
    )  # fmt: skip
    if pages > 1:
        key = f"pieces_page_{number}"
        st.pagination(pages, default=number, key=key, on_change=lambda: _turn(key, found))


def rows_of(board: Board, filter: Filter, shown: list[Place]) -> dict[str, list[Any]]:
    """The columns of the list."""
    column = column_named(filter.metric) if filter.metric else None
    sides = [board.frame.loc[[place[side] for place in shown]] for side in range(len(shown[0]))]
    first = sides[0]
    told: dict[str, list[Any]] = {
        "Request": [request_words(row) for row in first[["request", *FACETS]].to_dict("records")],
        "Seed": [str(each) for each in first["seed"].tolist()],
    }
    for frame, name in zip(sides, ("A", "B"), strict=False):
        alone = len(sides) == 1
        variant = "" if alone else f"{name}: {filter.a if name == 'A' else filter.b}"
        if alone:
            told["Variant"] = frame["variant"].tolist()
        if column is not None:
            told[column.title if alone else variant] = _values(frame, column)
        told["Outcome" if alone else f"Outcome {name}"] = [
            "Failed" if not sign else OUTCOMES.get(outcome, (outcome, ""))[0]
            for outcome, sign in zip(frame["outcome"].tolist(), frame["element:key"].tolist(), strict=True)
        ]
        if alone:
            told["Title"] = frame["title"].tolist()
    if len(sides) == 2 and column is not None:
        a, b = (frame[column.name].tolist() for frame in sides)
        gaps = [gap_words(one, other, column) for one, other in zip(a, b, strict=True)]
        told["B against A"] = [" ".join(each for each in gap if each) for gap in gaps]
    return told


def request_words(row: dict[str, str]) -> str:
    """A request as a list tells it: its key, and what that does not say of form, period, mood, mode and meter."""
    key = row["request"]
    rest = [level_words(name, row[name]) for name in FACETS if row[name] and row[name] not in key]
    return " · ".join([key, *rest])


def _values(frame: Any, column: Column) -> list[str]:
    return [value_words(each, column) for each in frame[column.name].tolist()]


def _on_chosen() -> None:
    state = st.session_state
    rows = state.pieces_table["selection"]["rows"]
    shown = state.get("pieces_shown", ())
    if rows and rows[0] < len(shown):
        open_place(shown[rows[0]])


def _walk(found: list[Place], at: int) -> None:
    """Go to a place of the list; the list turns to its page."""
    open_place(found[at])
    st.session_state.pieces_at = at // A_PAGE + 1


def _turn(key: str, found: list[Place]) -> None:
    """Another page of the list, and its first row."""
    number = int(st.session_state[key])
    st.session_state.pieces_at = number
    open_place(found[(number - 1) * A_PAGE])
