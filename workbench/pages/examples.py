"""Examples: the library that models learn from, and the queue to it."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.views.coverage_map import coverage_map
from workbench.views.engine import library
from workbench.views.examples_queue import examples_queue
from workbench.views.guideline import guideline
from workbench.views.importing import importing
from workbench.views.library_trail import library_trail

TABS = ("Queue", "Import", "Coverage", "Trail", "Guideline")
BODIES = {
    "Queue": examples_queue,
    "Import": importing,
    "Coverage": coverage_map,
    "Trail": library_trail,
    "Guideline": guideline,
}

try:
    library()
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key="examples_tab"), strict=True):
        if body.open:
            with body:
                BODIES[name]()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
