"""The entrypoint of the screens: navigation only."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parent / "assets"

st.set_page_config(page_title="AIRIA Workbench", page_icon=str(ASSETS / "icon.svg"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large")
page = st.navigation(
    [
        st.Page("workbench/pages/compose.py", title="Compose", icon=":material/piano:", default=True),
        st.Page("workbench/pages/examples.py", title="Examples", icon=":material/library_music:"),
        st.Page("workbench/pages/datasets.py", title="Datasets", icon=":material/dataset:"),
        st.Page("workbench/pages/finetune.py", title="Fine-tune", icon=":material/model_training:"),
        st.Page("workbench/pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("workbench/pages/rate.py", title="Rate", icon=":material/headphones:", visibility="hidden"),
    ],
    position="hidden" if str(st.context.url or "").rstrip("/").endswith("/rate") else "top",  # raters go nowhere else
)
page.run()
