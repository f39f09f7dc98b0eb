"""What happened in the library, how far curators agree, and how many approvals are asked for."""

from __future__ import annotations

import streamlit as st

from workbench.core.library.choices import choose
from workbench.core.library.decisions import agreement, told, trail
from workbench.views.curators import NEEDED, curator, needed
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import ago


def library_trail() -> None:
    """The audit trail of the whole library, newest first."""
    alpha, shared = agreement(database())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        value = "–" if alpha is None else f"{alpha:.2f}"
        st.metric("Agreement (Krippendorff's alpha)", value, help="1 is full agreement, 0 is chance; from all votes.")
        st.metric("Examples with two votes or more", shared)
        wanted = st.number_input("Approvals needed", 1, 9, needed(), 1, key="approvals_needed")
        if wanted != needed() and st.button("Set it for everybody", key="set_approvals"):
            choose(database(), NEEDED, int(wanted))
            st.rerun()
    rows = trail(database(), most=200)
    lines = []
    for row in rows:
        done, note = told(row, rows, curator())
        link = f"[{row.example_id}](?example={row.example_id})"
        lines.append(f"| {ago(row.at)} | {plain(row.curator)} | {done} | {link} | {plain(note)[:120]} |")
    if lines:
        st.markdown("| When | Who | What | Example | Note |\n|---|---|---|---|---|\n" + "\n".join(lines))
    else:
        st.markdown(quiet("Nothing has happened yet."))
