"""What in the library is most like an example, and how the two differ."""

from __future__ import annotations

import streamlit as st

from workbench.core.library.curation import Item, find
from workbench.core.library.likeness import NEAR_DUPLICATE
from workbench.core.library.nearness import Nearness
from workbench.core.music.differences import differences
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.history import difference_line
from workbench.views.pieces import shelf
from workbench.views.player import player
from workbench.views.takes_strip import piece_title

MAX_LINES = 30


@st.cache_resource(show_spinner=False)
def nearness() -> Nearness:
    """The neighbours of this process's library."""
    return Nearness(database())


def near_duplicate(item: Item) -> str:
    """A word of warning where the library holds nearly the same piece; empty where it does not."""
    found = nearness().nearest(item.structure, 1, without=item.id)
    if not found or found[0].likeness < NEAR_DUPLICATE:
        return ""  # also while a large library is still being read
    other = find(database(), found[0].id)
    title = piece_title(other.structure) if other else found[0].id
    return f"Nearly the same as “{title}” ({found[0].likeness:.0%} alike)."


def neighbours(item: Item) -> None:
    """The nearest examples; one of them can be laid beside the item."""
    found = nearness().nearest(item.structure, 5, without=item.id)
    if found is None:
        st.markdown(quiet("The library is being read: look again in a moment."))
        return
    if not found:
        st.markdown(quiet("There is nothing else in the library yet."))
        return
    others = {each.id: find(database(), each.id) for each in found}
    for each in found:
        other = others[each.id]
        if other is None:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            near = " :orange-badge[nearly the same]" if each.likeness >= NEAR_DUPLICATE else ""
            why = quiet(f"{each.likeness:.0%} alike: {plain(each.why)}")
            st.markdown(f"**{plain(piece_title(other.structure))}**{near}  \n{why}", width="stretch")
            if st.button("Lay beside", key=f"beside_{item.id}_{each.id}"):
                st.session_state.beside = each.id
    chosen = others.get(st.session_state.get("beside", ""))
    if chosen is not None:
        _beside(item, chosen)


def _beside(item: Item, other: Item) -> None:
    st.subheader(plain(piece_title(other.structure)), anchor=False)
    player(shelf().put(other.structure), key="beside_player")
    found = differences(item.structure, other.structure)
    lines = [f"- {difference_line(each, item.structure, other.structure)}" for each in found[:MAX_LINES]]
    more = f"\n- and {len(found) - MAX_LINES} more" if len(found) > MAX_LINES else ""
    st.markdown("\n".join(lines) + more if lines else quiet("The music is the same."))
