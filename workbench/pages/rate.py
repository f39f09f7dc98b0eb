"""Rate: two pieces are heard blind, and one of them is better. For whoever was given the link."""

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.views.rating_room import rating_room

try:
    rating_room()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
