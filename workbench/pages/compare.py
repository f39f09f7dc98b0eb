"""Compare: which model is better, by how much, and how sure one may be."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.runs import find_run
from workbench.views.compare.before_tab import before_tab
from workbench.views.compare.breakdown_tab import breakdown_tab
from workbench.views.compare.files_tab import files_tab
from workbench.views.compare.new_run import new_run
from workbench.views.compare.pieces_tab import pieces_tab
from workbench.views.compare.places import NEW, TAB, TABS, choose_tab, chosen_run, keep_tab, told
from workbench.views.compare.rating_tab import rating_tab
from workbench.views.compare.run_list import run_list
from workbench.views.compare.standing import standing
from workbench.views.compare.summary_tab import summary_tab
from workbench.views.engine import database

BODIES = dict(zip(TABS, (summary_tab, pieces_tab, breakdown_tab, before_tab, rating_tab, files_tab), strict=True))

try:
    told()
    if chosen_run() == NEW:
        new_run()
    elif (run := find_run(database(), chosen_run())) is None:
        run_list()
    else:
        choose_tab()
        standing(run)
        for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key=TAB), strict=True):
            if body.open:
                with body:
                    BODIES[name](run)
        keep_tab()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
