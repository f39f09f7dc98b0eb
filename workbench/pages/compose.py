"""Compose: from a mood and a form to a piece that can be seen, heard and read."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.music.moods import mood_word
from workbench.core.music.reading import read_structure
from workbench.views import details
from workbench.views.editor import editor_tab
from workbench.views.files import downloads
from workbench.views.findings import findings_tab
from workbench.views.pieces import Piece
from workbench.views.player import is_dark, player
from workbench.views.request_form import new_seed, request_form
from workbench.views.takes_strip import compose_take, current_take, open_take, piece_title, takes_strip
from workbench.views.visits import Take, this_visit


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
        details.plain(take.origin),
    ]
    st.title(details.plain(piece_title(structure)), anchor=False)
    st.markdown(details.quiet("  ·  ".join(part for part in parts if part)))


@st.fragment
def asking(take: Take) -> None:
    """The request form; a press of a button makes a new take."""
    draft = this_visit().draft
    wanted = request_form(take.request, draft)
    draft["address"] = take.link
    with st.popover("Open a file", icon=":material/folder_open:", type="tertiary", width="stretch"):
        opening()
    if wanted is None:
        return
    request, typed, another = wanted
    # The seed stays while the settings change, so that one hears what a change has done.
    same = take.request is not None and take.request != request
    seed = typed if typed is not None and not another else take.seed if same and not another else new_seed()
    try:
        compose_take(request, seed if seed is not None else new_seed())
    except WorkbenchError as problem:
        st.error(f"{problem.message} {problem.hint}")
    else:
        st.rerun()


def opening() -> None:
    """Open a structure from a JSON file; one that cannot be read changes nothing."""
    file = st.file_uploader("A structure in JSON, also AIRIA's request and structure pair", type="json", key="upload")
    if file is None or st.session_state.get("opened") == file.file_id:
        return
    try:
        open_take(read_structure(file.getvalue()), file.name)
    except WorkbenchError as problem:
        st.error(f"{problem.message} {problem.hint}")
    else:
        st.session_state.opened = file.file_id
        st.rerun()


take = current_take()
piece = take.piece()
if "notice" in st.session_state:
    st.warning(st.session_state.notice, icon=":material/link_off:")
shown, asked = st.columns([11, 4], gap="medium")
with shown:
    heading(take, piece)
    player(piece)
with asked:
    asking(take)
if len(this_visit().takes) > 1:
    takes_strip(take, dark=is_dark())
about, score, findings, json, files = st.tabs(
    ["About", "Score", "Findings", "JSON", "Downloads"], on_change="rerun", key="tab"
)
if about.open:
    with about:
        details.facts(piece, take)
if score.open:
    with score:
        details.score_pages(piece)
if findings.open:
    with findings:
        findings_tab(piece, take)
if json.open:
    with json:
        editor_tab(piece, take)
if files.open:
    with files:
        downloads(piece)
