"""The JSON of a piece as an editor: checked as one types, mended where it can be, made into a new take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench.core.checks import check
from workbench.core.errors import WorkbenchError
from workbench.core.generate.repairs import Repair
from workbench.core.library.takes import Take
from workbench.core.music.reading import MAX_BYTES
from workbench.views.component import component
from workbench.views.details import quiet
from workbench.views.edits import Edit, edit_of, mended, own_text, read_text
from workbench.views.findings import counts_words, findings_list, own_profile
from workbench.views.improvements import repair_lines
from workbench.views.pieces import Piece
from workbench.views.takes_strip import edited_take
from workbench.views.visits import this_visit

MAX_REPAIRS = 60
"""Repairs that are listed; the others are counted."""

_EDITOR = component("editor")


@st.fragment
def editor_tab(piece: Piece, take: Take, *, key: str = "editor") -> None:
    """The editor, what is found in its text, and what can be done with it."""
    edits = this_visit().edits
    edit = edit_of(edits, piece.id, piece.structure)
    reading = read_text(edit.text)
    structure = reading.structure
    report = check(structure, request=take.request, profile=own_profile(structure)) if structure else None
    left, right = st.columns([7, 4], gap="medium")
    with left:
        data = {
            "piece": piece.id,
            "version": edit.version,
            "text": edit.text,
            "most": MAX_BYTES,
            "valid": structure is not None,
            "message": counts_words(report) if report else reading.message,
            "hint": "" if structure else reading.hint,
            "line": reading.line,
        }
        _EDITOR(key=key, data=data, on_typed_change=lambda: _typed(edit, piece.id, key))
    with right:
        same = structure is not None and own_text(structure) == edit.own
        mend = mended(edit.text, take.request)
        _buttons(edit, take, piece, usable=structure is not None and not same, mend=mend)
        if edit.repairs:
            _repairs(edit.repairs, edit.text)
        if not edit.changed:
            st.markdown(quiet("Change the text: it is checked as you type. The piece stays as it is until you use it."))
        if structure is None:
            st.markdown(quiet("The player keeps the last piece that could be read. What is typed here is kept."))
        elif report is not None and report.findings:
            if not same and not report.valid and mend is None:
                st.markdown(quiet("Use this, and see under Findings whether there is an improvement to apply."))
            findings_list(report, piece.id, key=f"{key}_findings", line_of=reading.line_of)
    this_visit().save()


def _buttons(
    edit: Edit, take: Take, piece: Piece, *, usable: bool, mend: tuple[str, tuple[Repair, ...]] | None
) -> None:
    with st.container(horizontal=True):
        if st.button("Use this", type="primary", disabled=not usable, key="edit_use", icon=":material/check:"):
            structure = read_text(edit.text).structure
            try:
                assert structure is not None
                edited_take(structure, take, "edited")
            except WorkbenchError as problem:
                st.error(f"{problem.message} {problem.hint}")
            else:
                this_visit().edits.pop(piece.id, None)
                st.rerun()
        if mend is not None:
            text, repairs = mend
            st.button(
                "Mend it",
                key="edit_mend",
                icon=":material/healing:",
                on_click=lambda: edit.put(text, repairs=repairs),
            )
        if edit.changed:
            st.button("Undo my changes", key="edit_undo", icon=":material/undo:", on_click=lambda: edit.put(edit.own))
        if edit.before is not None:
            words = "Take the mend back" if edit.repairs else "Bring my changes back"
            st.button(words, key="edit_back", icon=":material/redo:", on_click=edit.bring_back)


def _repairs(repairs: tuple[Repair, ...], text: str) -> None:
    """What the mend has changed: where, before, after and why."""
    import json

    data: Any = json.loads(text)
    st.markdown(f"**Mended in {len(repairs)} place{'' if len(repairs) == 1 else 's'}**")
    with st.container(height=360 if len(repairs) > 5 else "content", border=False, key="edit_repairs"):
        st.markdown("\n".join(f"- {line}" for line in repair_lines(repairs[:MAX_REPAIRS], data)))
        if len(repairs) > MAX_REPAIRS:
            st.markdown(quiet(f"and {len(repairs) - MAX_REPAIRS} more"))


def _typed(edit: Edit, piece_id: str, key: str) -> None:
    typed = st.session_state[key].get("typed")
    # A text that was typed before the last mend or undo comes too late.
    if isinstance(typed, Mapping) and (typed.get("piece"), typed.get("version")) == (piece_id, edit.version):
        edit.type(str(typed.get("text", "")))
