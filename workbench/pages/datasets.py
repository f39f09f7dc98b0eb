"""Datasets: versions of training data, to be built, looked through, audited, compared and exported."""

import streamlit as st

from workbench.core.datasets.versions import Version
from workbench.core.errors import WorkbenchError
from workbench.views.datasets.audit import audit
from workbench.views.datasets.charts import charts
from workbench.views.datasets.choice import chosen_version, version_notes
from workbench.views.datasets.compare import comparison
from workbench.views.datasets.files import files
from workbench.views.datasets.recipe import recipe_editor
from workbench.views.datasets.rows import rows
from workbench.views.datasets.running import running_builds
from workbench.views.engine import library

TABS = ("Rows", "Charts", "Compare", "Audit", "Recipe", "Files")


def tab(name: str, version: Version) -> None:
    """What stands under one tab."""
    match name:
        case "Rows":
            rows(version)
        case "Charts":
            charts(version)
        case "Compare":
            comparison(version)
        case "Audit":
            audit(version)
        case "Recipe":
            recipe_editor(version)
        case "Files":
            files(version)


def page() -> None:
    """The screen: the version, what is being built, and all that can be done with it."""
    library()
    running_builds()
    version = chosen_version()
    if version is None:
        st.title("No dataset yet", anchor=False)
        st.markdown("A dataset is built from the approved library by a recipe. This one makes a first version.")
        recipe_editor(None)
        return
    version_notes(version)
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key="datasets_tab"), strict=True):
        if body.open:
            with body:
                tab(name, version)


try:
    page()
except WorkbenchError as problem:
    st.error(f"{problem.message} {problem.hint}", icon=":material/error:")
