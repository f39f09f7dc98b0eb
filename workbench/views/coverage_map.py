"""What the library holds by form, period and mood; a click on a hole asks Compose for a piece that would fill it."""

from __future__ import annotations

import streamlit as st

from workbench.core.library.archive import all_items
from workbench.core.library.coverage import MOODS, Coverage, coverage
from workbench.core.library.curation import Filters, revision
from workbench.core.music.forms import FORM_IDS, FORMS, PERIODS
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.links import link_of
from workbench.views.request_form import new_seed

MAX_HOLES = 24
COMPOSE = "workbench/pages/compose.py"


@st.cache_resource(show_spinner=False, max_entries=8)
def _measured(name: str, revision: int) -> Coverage:  # noqa: ARG001 - they say which library, and as of when
    items = list(all_items(database(), Filters(status="approved")))
    return coverage((item.example for item in items), {item.id: float(item.warnings) for item in items})


def coverage_map() -> None:
    """The map as a table of forms by periods, and the holes in words."""
    found = _measured(database().name, revision(database()))
    mood = st.selectbox("Mood", ["", *MOODS], key="coverage_mood", format_func=lambda word: word or "All moods")
    st.markdown(_table(found, mood or ""))
    st.markdown(quiet("Each cell: approved examples, and warnings a piece where there are any."))
    holes = [hole for hole in found.holes if not mood or hole.cell.mood == mood]
    st.subheader(f"{len(holes)} holes", anchor=False)
    for hole in holes[:MAX_HOLES]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(hole.words), width="stretch")
            if st.button("Compose one", key=f"hole_{hole.cell.name}"):
                st.switch_page(COMPOSE, query_params=link_of(hole.cell.request, new_seed()))
    if len(holes) > MAX_HOLES:
        st.markdown(quiet(f"and {len(holes) - MAX_HOLES} more; choose a mood to see its own."))


def _table(found: Coverage, mood: str) -> str:
    head = "| Form | " + " | ".join(period.capitalize() for period in PERIODS) + " |"
    lines = [head, "|---|" + "---|" * len(PERIODS)]
    for form in FORM_IDS:
        cells = []
        for period in PERIODS:
            held = found.held(form=form, period=period, mood=mood or None)
            warned = f" · {held.findings:.1f}" if held.findings else ""
            cells.append(f"**{held.count}**{warned}" if held.count else "–")
        lines.append(f"| {FORMS[form].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
