"""The figures of a version's counts, alone or with another collection beside them, and how they are shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

import streamlit as st

from workbench.core.datasets.review.statistics import BETWEEN, EDGES, TITLES, Counts
from workbench.core.music.cadences import CADENCES
from workbench.core.music.forms import FORM_IDS, FORMS, PERIODS
from workbench.core.render.circle_of_fifths import circle_of_fifths
from workbench.core.render.distributions import bars, chords, coverage_map, histogram
from workbench.core.render.time_axis import FigureJson, figure
from workbench.views.player import is_dark

BY_MODE = ("chords", "local_keys")
"""Names whose counts are told apart by the mode that they are heard in."""
TOP = 16
"""Chords that are drawn: what there is room for beside another figure."""
_UNITS = {"seconds": "seconds", "tokens": "tokens", "measures": "bars", "phrase_lengths": "bars"}
_TITLES = TITLES | {"seconds": "Duration in seconds", "tokens": "Tokens of a row", "measures": "Bars of a piece"}
_CADENCES = {cadence: CADENCES[cadence].name.removesuffix(" cadence") for cadence in CADENCES}
_LABELS: Mapping[str, Mapping[str, str]] = {
    "forms": {id: FORMS[id].title for id in FORM_IDS},
    "periods": {period: period.capitalize() for period in PERIODS},
    "cadences": _CADENCES,
    "last_cadence": _CADENCES,
}

Side = tuple[str, Counts]
"""A collection: what it is called, and its counts."""


def figure_of(name: str, sides: tuple[Side, ...], *, mode: str = "major", mood: str = "", dark: bool) -> FigureJson:
    """The figure of one of ``NAMES``, of one or two collections; ``mood`` narrows the map, ``mode`` the chords."""
    title = _TITLES[name]
    if name == "cells":
        table = {side: by_form_and_period(counts, mood) for side, counts in sides}
        rows = {id: FORMS[id].title.split(" (")[0] for id in FORM_IDS}
        columns = {period: period.capitalize() for period in PERIODS}
        return coverage_map(table, _map_title(mood), rows=rows, columns=columns, dark=dark)
    if name in BY_MODE:
        of_mode = {side: counts.by_mode(name)[mode] for side, counts in sides}
        return chords(of_mode, f"{title} in {mode}", top=TOP, dark=dark)
    series = _together(name, sides)
    if name == "keys":
        return circle_of_fifths(series, title, dark=dark)
    if name in EDGES or name == "phrase_lengths":
        return histogram(series, title, unit=_UNITS[name], dark=dark)
    return bars(series, title, labels=_LABELS.get(name), dark=dark)


def by_form_and_period(counts: Counts, mood: str = "") -> dict[tuple[str, str], int]:
    """How many there are of each form and period, in all moods or in one."""
    found: dict[tuple[str, str], int] = {}
    for cell, count in counts.tallies["cells"].items():
        *form, period, its_mood = cell.split(BETWEEN)
        place = (BETWEEN.join(form), period)
        if mood in ("", its_mood):
            found[place] = found.get(place, 0) + count
    return found


def show(drawn: FigureJson, *, key: str, clicked: Callable[[], None] | None = None) -> None:
    """Draw a figure with its description for those who cannot see it; a click on one of its parts calls ``clicked``."""
    # Another visitor's table may be loading pandas just now, and plotly takes a half-loaded one for the whole.
    importlib.import_module("pandas")
    st.plotly_chart(
        figure(drawn),
        theme=None,
        key=key,
        alt=drawn["layout"]["meta"]["description"],
        config={"displayModeBar": False, "responsive": True},
        on_select=clicked or "ignore",
        selection_mode="points",
    )


def clicked_place(key: str) -> tuple[str, str] | None:
    """The form and period of the cell that was clicked in the map drawn under a key."""
    points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
    place = points[0].get("customdata") if points else None
    return (str(place[0]), str(place[1])) if place and len(place) == 2 else None


@st.cache_resource(show_spinner=False, max_entries=256)
def cached_figure(
    name: str,
    ids: tuple[str, ...],  # noqa: ARG001 - the counts belong to them
    mode: str,
    mood: str,
    dark: bool,
    _sides: tuple[Side, ...],
) -> FigureJson:
    """``figure_of``, kept by what it is drawn from: ids of versions, the library with its revision."""
    return figure_of(name, _sides, mode=mode, mood=mood, dark=dark)


def draw(name: str, ids: tuple[str, ...], sides: tuple[Side, ...], *, mode: str = "major", key: str = "") -> None:
    """Show the figure of a name in the theme of the page."""
    show(cached_figure(name, ids, mode, "", is_dark(), sides), key=key or f"chart_{name}")


def _map_title(mood: str) -> str:
    return f"Form and period, {mood}" if mood else "Form and period"


def _together(name: str, sides: tuple[Side, ...]) -> dict[str, dict[str, int]]:
    """The counts of each side over the same categories, in the order in which a name's categories are drawn.

    Bins that only the first side has would otherwise come after all of the second's.
    """
    whole = Counts()
    for _, counts in sides:
        whole.tallies[name].update(counts.tallies[name])
    return {
        side: {category: counts.tallies[name][category] for category in whole.ordered(name)} for side, counts in sides
    }
