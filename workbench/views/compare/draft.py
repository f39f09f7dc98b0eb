"""The form for a new run as a person left it: kept in the database, so that a reload finds it again."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import streamlit as st

from workbench.core.experiments.specification import Specification
from workbench.core.library.drafts import load_draft, save_draft
from workbench.views.compare.form_values import sound, usual, values_of
from workbench.views.engine import database
from workbench.views.visits import this_visit

DRAFT = "experiment"
_HELD, _SAVED = "spec_draft", "spec_saved"
_PREFIX = "spec_in_"


def draft() -> dict[str, Any]:
    """The form's values, also those that are not drawn at the moment."""
    state = st.session_state
    if _HELD not in state:
        state[_HELD] = sound(load_draft(database(), this_visit().visitor, DRAFT) or {})
        state[_SAVED] = deepcopy(state[_HELD])
    found: dict[str, Any] = state[_HELD]
    return found


def key_of(field: str) -> str:
    """The key of a field's widget."""
    return f"{_PREFIX}{field}"


def fill(field: str, value: Any) -> str:
    """Give a field's widget its value before it is drawn; its key."""
    key = key_of(field)
    st.session_state.setdefault(key, value)
    return key


def save() -> None:
    """Write the form down, where it has changed."""
    state = st.session_state
    if state[_HELD] != state.get(_SAVED):
        state[_SAVED] = deepcopy(state[_HELD])
        save_draft(database(), this_visit().visitor, DRAFT, state[_SAVED])


def load(specification: Specification) -> None:
    """Fill the form with a specification; a callback, or before anything of the form is drawn."""
    put(values_of(specification))


def start_over() -> None:
    """Fill the form as for the first time."""
    put(usual())


def put(values: dict[str, Any]) -> None:
    """Fill the form; all of its widgets begin anew."""
    state = st.session_state
    state[_HELD] = values
    for key in [key for key in state if str(key).startswith(_PREFIX)]:
        del state[key]
    save()
