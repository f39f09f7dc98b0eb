"""Suggested improvements: what the refining passes would change in a piece, each with a switch."""

from __future__ import annotations

import streamlit as st

from workbench.core.checks import Report, check
from workbench.core.compose.refine import Step, all_passes, refine
from workbench.core.errors import WorkbenchError
from workbench.views.details import plain, quiet
from workbench.views.pieces import Piece
from workbench.views.places import place_words, value_at, value_words
from workbench.views.takes_strip import edited_take
from workbench.views.visits import Take

MAX_CHANGES = 5
"""Changes of one step that are listed; the others are counted."""


def improvements(piece: Piece, take: Take, report: Report) -> None:
    """The list and one button, which makes a new take; nothing where nothing is on offer."""
    st.subheader("Suggested improvements", anchor=False)
    offered = piece.once(("refined", take.request), lambda: refine(piece.structure, request=take.request)).steps
    if not offered:
        st.markdown(quiet("None: the piece is as its plan wants it."))
        return
    explained = {each.id: each.explanation for each in all_passes()}
    chosen = []
    for step in offered:
        key = f"improve_{piece.id}_{step.id}"
        if st.checkbox(step.title, True, key=key, help=plain(explained[step.id]), persist_state="page"):
            chosen.append(step.id)
        st.markdown("\n".join(f"- {line}" for line in step_lines(step)))
    better = refine(piece.structure, request=take.request, passes=chosen).structure if chosen else piece.structure
    if chosen:
        after = check(better, request=take.request, profile=report.profile)
        st.markdown(quiet(effect_words(report, after)))
    if st.button("Apply", type="primary", icon=":material/auto_fix_high:", disabled=not chosen, key="improve"):
        try:
            edited_take(better, take, "improved")
        except WorkbenchError as problem:
            st.error(f"{problem.message} {problem.hint}")
        else:
            st.rerun()
    st.markdown(quiet("Applying makes a new take; this one is kept."))


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
