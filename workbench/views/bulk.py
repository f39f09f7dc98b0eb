"""Deciding on all that the filters let through at once, after a look at what would happen."""

from __future__ import annotations

from itertools import islice
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.archive import all_items
from workbench.core.library.curation import Filters, Item
from workbench.core.library.decisions import vote
from workbench.views.curators import curator, needed
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import piece_title

MOST = 500
SHOWN = 12


@st.dialog("Decide on all of these", width="large")
def bulk(filters: Filters) -> None:
    """A preview, and one button for each decision."""
    items = list(islice(all_items(database(), filters), MOST))
    fit = [item for item in items if not item.hindrances]
    unfit = [item for item in items if item.hindrances]
    st.markdown(f"**{len(items)}** examples match; **{len(fit)}** can be approved, **{len(unfit)}** cannot yet.")
    _preview("Can be approved", fit, lambda _: "")
    _preview("Cannot be approved yet", unfit, lambda item: " ".join(item.hindrances[:2]))
    note = st.text_input("Note for all of them", key="bulk_note", max_chars=400)
    with st.container(horizontal=True):
        if st.button(f"Approve {len(fit)}", type="primary", disabled=not fit, key="bulk_approve"):
            _decide(fit, "approve", note)
        if st.button(f"Reject {len(items)}", disabled=not items, key="bulk_reject"):
            _decide(items, "reject", note)
    st.markdown(quiet("Each decision is in the trail by itself, and can be undone by itself."))


def _preview(words: str, items: list[Item], why: Any) -> None:
    if not items:
        return
    lines = [f"- {plain(piece_title(item.structure))} {quiet(plain(why(item)))}" for item in items[:SHOWN]]
    more = f"\n- and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    st.markdown(f"{words}:\n" + "\n".join(lines) + more)


def _decide(items: list[Item], choice: Any, note: str) -> None:
    """Decide on each as it was seen; what somebody else has changed meanwhile is left as it is."""
    done, left = 0, 0
    for item in items:
        try:
            vote(database(), item.id, choice, curator=curator(), version=item.version, note=note, needed=needed())
            done += 1
        except WorkbenchError:
            left += 1
    words = f"{done} decided." + (
        f" {left} were changed by somebody else meanwhile and left as they are." if left else ""
    )
    st.session_state.queue_told = (bool(left), words)
    st.rerun()
