"""Compose: from a mood and a form to a piece that can be seen, heard and read."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.takes import Take
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.views import details
from workbench.views.asking import asking
from workbench.views.change_tab import change_tab
from workbench.views.editor import editor_tab
from workbench.views.files import downloads
from workbench.views.findings import findings_tab
from workbench.views.history import history_tab
from workbench.views.pieces import Piece
from workbench.views.player import is_dark, player
from workbench.views.prompts_tab import prompts_tab
from workbench.views.runs import outcome_badge, runs_view, still_writing
from workbench.views.takes_strip import RUN, current_take, piece_title, takes_strip
from workbench.views.trace import generation_seed, trace_tab
from workbench.views.visits import origin_of, piece_of, this_visit

TABS = ("About", "Score", "Findings", "Change", "JSON", "Trace", "Downloads", "Prompts", "History")


def heading(take: Take, piece: Piece) -> None:
    """The piece's name and, in one line, what it is."""
    structure, request = piece.structure, take.request
    parts = [
        (structure.period or "").capitalize(),
        f"♩ = {structure.tempo:g}",
        structure.time_signature,
        f"{piece.score.measures} bars",
        details.clock(piece.performance.seconds),
        mood_word(request.valence, request.arousal) if request else "",
        details.plain(origin_of(take)),
    ]
    st.title(details.plain(piece_title(structure, take.name)), anchor=False)
    badge = piece.once(("badge", take.generation_id), lambda: outcome_badge(take))
    st.markdown(details.quiet("  ·  ".join(part for part in parts if part)) + (f"  {badge}" if badge else ""))


def tab(name: str, take: Take, piece: Piece) -> None:
    """What stands under one tab."""
    match name:
        case "About":
            details.facts(piece, take)
        case "Score":
            details.score_pages(piece)
        case "Findings":
            findings_tab(piece, take)
        case "Change":
            change_tab(piece, take)
        case "JSON":
            editor_tab(piece, take)
        case "Trace":
            trace_tab(take)
        case "Downloads":
            downloads(piece)
        case "Prompts":
            prompts_tab(take.request or Request(), seed_of(take))
        case "History":
            history_tab(take)


def seed_of(take: Take) -> int:
    """The seed of the plan that a take was written under, where it is known."""
    return take.seed if take.seed is not None else generation_seed(take) or 0


def page() -> None:
    """The screen: what is being written, or a take and all that can be done with it; beside it the form."""
    take = current_take()
    batch = st.query_params.get(RUN)
    shown, asked = st.columns([11, 4], gap="medium")
    with shown:
        watching = batch is not None and runs_view(batch)
        if batch is not None and not watching:
            take = current_take()
        if "notice" in st.session_state:
            st.warning(st.session_state.notice, icon=":material/info:")
        still_writing(batch)
        if not watching:
            piece = piece_of(take)
            heading(take, piece)
            player(piece)
        if len(this_visit().takes) > 1:
            takes_strip(take, dark=is_dark())
    with asked:
        asking(take)
    if watching:
        return
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key="tab"), strict=True):
        if body.open:
            with body:
                tab(name, take, piece)


try:
    page()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
