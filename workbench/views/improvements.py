"""Suggested improvements: what a mend and the refining passes would change in a piece, each with a switch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench.core.checks import Report, check
from workbench.core.compose.refine import Step, all_passes, refine
from workbench.core.errors import WorkbenchError
from workbench.core.generate.repairs import Repair
from workbench.core.library.takes import Take
from workbench.core.music.reading import read_structure
from workbench.core.music.structure import MusicStructure
from workbench.views.details import plain, quiet
from workbench.views.edits import mended, own_text
from workbench.views.pieces import Piece
from workbench.views.places import place_words, value_at, value_words
from workbench.views.takes_strip import edited_take

MAX_CHANGES = 5
"""Changes of one step that are listed; the others are counted."""


def improvements(piece: Piece, take: Take, report: Report) -> None:
    """The list and one button, which makes a new take; a line of words where nothing is on offer."""
    st.subheader("Suggested improvements", anchor=False)
    request = take.request
    start = _repaired(piece, take)
    offered = refine(start, request=request).steps
    if not offered and start is piece.structure and not _mend(piece, take):
        st.markdown(quiet("None here: change the text under JSON as the hints say." if not report.valid else "None."))
        return
    explained = {each.id: each.explanation for each in all_passes()}
    chosen = []
    for step in offered:
        if _offer(piece, step.id, step.title, step_lines(step), help=plain(explained[step.id])):
            chosen.append(step.id)
    better = refine(start, request=request, passes=chosen).structure
    nothing = better == piece.structure
    if not nothing:
        st.markdown(quiet(effect_words(report, check(better, request=request, profile=report.profile))))
    if st.button("Apply", type="primary", icon=":material/auto_fix_high:", disabled=nothing, key="improve"):
        try:
            edited_take(better, take, "improved")
        except WorkbenchError as problem:
            st.error(f"{problem.message} {problem.hint}")
        else:
            st.rerun()
    st.markdown(quiet("Applying makes a new take; this one is kept."))


def _mend(piece: Piece, take: Take) -> tuple[str, tuple[Repair, ...]] | None:
    return piece.once(("mend", take.request), lambda: mended(own_text(piece.structure), take.request))


def _repaired(piece: Piece, take: Take) -> MusicStructure:
    """The structure with its contradictions mended, if there are any and the person lets it."""
    mend = _mend(piece, take)
    if mend is None:
        return piece.structure
    text, repairs = mend
    lines = repair_lines(repairs[:MAX_CHANGES], piece.structure.to_dict())
    if len(repairs) > MAX_CHANGES:
        lines.append(f"and {len(repairs) - MAX_CHANGES} more")
    wanted = _offer(piece, "mend", "Mend what cannot be right", lines, help="What is repaired in a model's answer too.")
    return read_structure(text) if wanted else piece.structure


def _offer(piece: Piece, name: str, title: str, lines: list[str], *, help: str) -> bool:
    wanted = st.checkbox(title, True, key=f"improve_{piece.id}_{name}", help=help, persist_state="page")
    st.markdown("\n".join(f"- {line}" for line in lines))
    return wanted


def repair_lines(repairs: tuple[Repair, ...], data: Mapping[str, Any]) -> list[str]:
    """Each repair as a line of Markdown: where, before, after and why."""
    lines = []
    for repair in repairs:
        change = plain(value_words(repair.before))
        # In the text as a whole there is often nothing to show that stands in its place.
        if repair.path or repair.after is not None:
            change += f" → {plain(value_words(repair.after))}"
        place = place_words(data, repair.path)
        lines.append(f"{plain(place[:1].upper() + place[1:])}: {change}. {quiet(plain(repair.why))}")
    return lines


def step_lines(step: Step) -> list[str]:
    """What a step changes, a line of Markdown each: where, before, after."""
    before, after = step.before.to_dict(), step.after.to_dict()
    # A section's chords only repeat what its phrases say.
    paths = [path for path in step.paths if "/phrases/" in path] or list(step.paths)
    lines = [
        f"{plain(place_words(before, path))}: {plain(value_words(value_at(before, path)))} → "
        f"{plain(value_words(value_at(after, path)))}"
        for path in paths[:MAX_CHANGES]
    ]
    if len(paths) > MAX_CHANGES:
        lines.append(f"and {len(paths) - MAX_CHANGES} more")
    return lines


def effect_words(before: Report, after: Report) -> str:
    """What applying does to the findings: ``Errors 1 → 0, warnings 2 → 2.``"""
    now, then = before.counts, after.counts
    return f"Errors {now['error']} → {then['error']}, warnings {now['warning']} → {then['warning']}."
