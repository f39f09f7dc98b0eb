"""Asking for a piece: the form, who writes, and what a press of a button begins."""

from __future__ import annotations

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.takes import Take
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.views.engine import jobs
from workbench.views.player import come_into_sight
from workbench.views.request_form import new_seed, request_form
from workbench.views.runs import begin_watching, open_run, shown_runs
from workbench.views.takes_strip import open_take
from workbench.views.variants import AT_ONCE, RULES, orders_for, variants_form
from workbench.views.visits import link_to, this_visit

PATIENCE = 60.0
"""Seconds that a page waits for the rules; they need a hundredth of it."""


@st.fragment
def asking(take: Take) -> None:
    """The request form; a press of a button begins one generation, or several side by side."""
    visit = this_visit()
    if st.session_state.get("variant_removed") is not None:
        removed = st.session_state.pop("variant_removed")
        visit.draft["variants"] = [
            each for index, each in enumerate(visit.draft.get("variants") or []) if index != removed
        ]
    wanted = request_form(take.request, visit.draft, lambda: variants_form(visit.draft))
    visit.draft["address"] = link_to(take)
    visit.save()
    with st.popover("Open a file", icon=":material/folder_open:", type="tertiary", width="stretch"):
        _opening()
    if wanted is None:
        return
    request, typed, another = wanted
    # The seed stays while the settings change, so that one hears what a change has done.
    same = take.request is not None and take.request != request
    seed = typed if typed is not None and not another else take.seed if same and not another else None
    try:
        _begin(request, seed if seed is not None else new_seed())
    except WorkbenchError as problem:
        st.error(f"{problem.message} {problem.hint}")
    else:
        come_into_sight()
        st.rerun()


def _begin(request: Request, seed: int) -> None:
    """Begin what the variants say; what the rules write alone is waited for.

    Raises:
        WorkbenchError: nothing was begun.
    """
    visit = this_visit()
    variants = visit.draft.get("variants") or [{"writer": RULES, "temperature": 0.8, "editor": False}]
    batch = jobs().start(orders_for(request, variants, seed), visit.visitor)
    if len(variants) == 1 and variants[0].get("writer") in AT_ONCE:
        jobs().wait(jobs().batch(batch)[0].id, PATIENCE)
        run = shown_runs(batch)[0]
        if run.structure is not None and not run.running and not run.message:
            open_run(run)
            return
    begin_watching(batch)


def _opening() -> None:
    """Open a structure from a JSON file; one that cannot be read changes nothing."""
    file = st.file_uploader(
        "A structure in JSON, also AIRIA's request and structure pair", type="json", key="upload", max_upload_size=2
    )
    if file is None or st.session_state.get("opened") == file.file_id:
        return
    try:
        open_take(read_structure(file.getvalue()), file.name)
    except WorkbenchError as problem:
        st.error(f"{problem.message} {problem.hint}")
    else:
        st.session_state.opened = file.file_id
        st.rerun()
