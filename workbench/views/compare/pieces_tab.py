"""The pieces of a run: filters as a researcher thinks, a list, and the piece or pair that is chosen, seen and heard."""

from __future__ import annotations

import streamlit as st

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.boards import board
from workbench.core.experiments.runs import Run
from workbench.views.compare.beside import opened
from workbench.views.compare.pieces_filter import chosen_filter, why_empty
from workbench.views.compare.pieces_list import chosen_place, found_places, places_table, walking
from workbench.views.details import plain, quiet
from workbench.views.engine import database


def pieces_tab(run: Run) -> None:
    """The whole tab."""
    known = board(database(), run)
    if not len(known.frame):
        st.markdown(quiet("Nothing has ended yet: pieces appear here one by one."))
        return
    try:
        filter = chosen_filter(known)
        found = found_places(known, filter)
    except InvalidInputError as problem:
        st.error(f"{plain(problem.message)} {plain(problem.hint)}", icon=":material/error:")
        return
    if not found:
        st.markdown(f"**Nothing here.** {plain(why_empty(known, filter))}")
    else:
        places_table(known, filter, found)
    place = chosen_place(found)
    if place is not None:
        walking(found, place)
        opened(run, place)
