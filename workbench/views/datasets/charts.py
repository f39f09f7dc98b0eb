"""The charts of a version: what it covers and what it lacks, and how its music is distributed."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.review.chart_words import beside_words, chart_words, coverage_words
from workbench.core.datasets.review.statistics import CellCoverage, Counts, Moved, coverage_of_cells, moved
from workbench.core.datasets.versions import Version
from workbench.core.library.coverage import MOODS
from workbench.views.datasets.beside import Beside, beside, counts_of
from workbench.views.datasets.figures import Side, cached_figure, clicked_place, draw, show
from workbench.views.datasets.rows import show_rows
from workbench.views.details import plain, quiet
from workbench.views.links import link_of
from workbench.views.player import is_dark
from workbench.views.request_form import new_seed

CHARTS = ("keys", "moods", "cadences", "phrase_lengths", "chords", "meters", "seconds", "tokens")
FIRST_HOLES, MAX_HOLES = 6, 24
COMPOSE = "workbench/pages/compose.py"
NARROW = 420
"""Figures that would be narrower than this, in pixels, stand one under the other."""
_MAP, _MOOD = "chart_cells", "charts_mood"


def charts(version: Version) -> None:
    """The whole tab."""
    if "everything" not in version.summary:
        st.markdown(quiet("This version was made without counts."))
        return
    other = beside(version)
    if other and other.note:
        st.markdown(quiet(other.note))
    counts = counts_of(version)
    _warnings(version)
    sides, ids = _sides(version, counts, other)
    _coverage(counts, sides, ids)
    moves = _moves(version, counts, other)
    grid = st.grid(2, min_column_width=NARROW, gap="large")
    for name in CHARTS:
        with grid.cell():
            mode = _mode() if name == "chords" else "major"
            draw(name, ids, sides, mode=mode)
            st.markdown(plain(chart_words(name, counts, mode=mode)))
            if other and sum(other.counts.tallies[name].values()):
                st.markdown(quiet(plain(beside_words(moves.get(name), other.called))))


def _sides(version: Version, counts: Counts, other: Beside | None) -> tuple[tuple[Side, ...], tuple[str, ...]]:
    """What is drawn, the other collection first, and what it is known by."""
    mine: Side = (version.label, counts)
    if other is None:
        return (mine,), (version.id,)
    return ((other.name, other.counts), mine), (other.id, version.id)


def _moves(version: Version, counts: Counts, other: Beside | None) -> dict[str, Moved]:
    if other is None:
        return {}
    sources = (other.sources, int(version.summary["groups"]))
    return {each.name: each for each in moved(other.counts, counts, sources=sources)}


def _warnings(version: Version) -> None:
    """What is lopsided, as the build found it."""
    found = [each for each in version.summary["findings"]["findings"] if each["check"].startswith("balance.")]
    if found:
        lines = [f"- {plain(each['message'])} {plain(each['hint'])}" for each in found]
        st.warning("**Out of balance**\n" + "\n".join(lines), icon=":material/balance:")


def _coverage(counts: Counts, sides: tuple[Side, ...], ids: tuple[str, ...]) -> None:
    """The map of forms and periods, and beside it the holes in words."""
    mood = st.selectbox(
        "Mood", ["", *MOODS], key=_MOOD, format_func=lambda word: word.capitalize() or "All moods",
        persist_state="session",
    ) or ""  # fmt: skip
    found = coverage_of_cells(counts.tallies["cells"])
    grid = st.grid(2, min_column_width=NARROW, gap="large")
    with grid.cell():
        show(cached_figure("cells", ids, "major", mood, is_dark(), sides), key=_MAP, clicked=lambda: _on_cell(found))
        st.markdown(plain(coverage_words(found, mood)))
        st.markdown(quiet("Click a number to see its rows; the filters under Rows do the same."))
    with grid.cell():
        _holes(found, mood)


def _holes(found: CellCoverage, mood: str) -> None:
    """The holes, the emptiest first, each with a way to fill it."""
    holes = [hole for hole in found.holes if not mood or hole.cell.mood == mood]
    st.subheader(f"{len(holes)} hole{'' if len(holes) == 1 else 's'}", anchor=False)
    rest = holes[FIRST_HOLES:MAX_HOLES]
    for hole in holes[:FIRST_HOLES]:
        _hole(hole.words, hole.cell.name, link_of(hole.cell.request, new_seed()))
    if rest:
        with st.expander(f"{len(rest)} more", key="charts_more_holes"):
            for hole in rest:
                _hole(hole.words, hole.cell.name, link_of(hole.cell.request, new_seed()))
    if len(holes) > MAX_HOLES:
        more = "" if mood else "; choose a mood to see its own"
        st.markdown(quiet(f"and {len(holes) - MAX_HOLES} that are less empty around them{more}."))


def _hole(words: str, name: str, link: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(words), width="stretch")
        if st.button("Compose one", key=f"dataset_hole_{name}"):
            st.switch_page(COMPOSE, query_params=link)


def _mode() -> str:
    return st.segmented_control(
        "Chords in", ["major", "minor"], default="major", required=True, key="charts_mode", persist_state="session"
    )


def _on_cell(found: CellCoverage) -> None:
    """A cell of the map was clicked: its rows, where it has some."""
    place, mood = clicked_place(_MAP), st.session_state.get(_MOOD) or ""
    if place and found.held(form=place[0], period=place[1], mood=mood or None).count:
        show_rows(form=place[0], period=place[1], mood=mood)
