"""Which training or model the page is about: the address says it, so that it can be linked to; and which tab."""

from __future__ import annotations

import streamlit as st

from workbench.core.finetune.trainings import short

TABS = ("Trainings", "New training", "Models")
TRAINING, MODEL = "training", "model"
"""The query parameters."""
TAB = "finetune_tab"
_GO, _TOLD = "finetune_go", "finetune_told"
DATASETS = "workbench/pages/datasets.py"


def choose_tab() -> None:
    """Set the tab that somebody was sent to, or that the address is about; before the tabs are drawn."""
    state = st.session_state
    if (wanted := state.pop(_GO, None)) is not None:
        state[TAB] = wanted
    elif TAB not in state:
        state[TAB] = "Models" if MODEL in st.query_params else "Trainings"


def go_to_training(id: str | None) -> None:
    """Show a training, or the list of all."""
    _go("Trainings", TRAINING, id)


def go_to_model(id: str | None) -> None:
    """Show a tuned model, or the list of all."""
    _go("Models", MODEL, id)


def go_to_form() -> None:
    """Show the form for a new training."""
    st.session_state[_GO] = "New training"


def _go(tab: str, parameter: str, id: str | None) -> None:
    st.session_state[_GO] = tab
    for name in (TRAINING, MODEL):
        st.query_params.pop(name, None)
    if id:
        st.query_params[parameter] = id


def tell(words: str, *, wrong: bool = False) -> None:
    """Say something on the page that is drawn next."""
    st.session_state[_TOLD] = (words, wrong)


def is_to_tell() -> bool:
    """Whether something is to be said: what draws itself anew alone has to have the whole page drawn."""
    return _TOLD in st.session_state


def told() -> None:
    """Draw what was to be said, once."""
    words, wrong = st.session_state.pop(_TOLD, ("", False))
    if words and wrong:
        st.error(words, icon=":material/error:")
    elif words:
        st.success(words, icon=":material/check_circle:")


def dataset_link(label: str, version: str) -> None:
    """A link to a dataset version on its own page."""
    st.page_link(DATASETS, label=label, icon=":material/dataset:", query_params={"version": version})


def base_words(base: str) -> str:
    """A base model's name, without the folders before it where it lies on this machine."""
    return short(base) if base.startswith(("/", "\\")) or base[1:3] == ":\\" else base
