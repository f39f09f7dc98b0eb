"""The form for a new training as a person left it: kept in the database, so that a reload finds it again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.finetune.wishes import usual_launch
from workbench.core.library.drafts import load_draft, save_draft
from workbench.views.engine import database
from workbench.views.visits import this_visit

DRAFT = "finetune training"
USUAL: dict[str, Any] = {
    "backend": "", "version": "", "name": "", "epochs": 3.0, "batch_size": None, "learning_rate": None, "beta": None,
    "suffix": "", "seed": 0, "held_out": True, "lora": True, "rank": None, "steps": None, "accumulate": None,
    "max_length": None, "licence": "", "cpu": False, "launch": usual_launch(),
}  # fmt: skip
"""What the form begins with; ``model`` is kept for each backend by itself."""
_TEXTS = {"name": 64, "suffix": 64, "licence": 120, "launch": 2000}
_WHOLE = {"batch_size": 4096, "rank": 1024, "steps": 10_000_000, "accumulate": 4096, "max_length": 10_000_000}
_PARTS = {"epochs": 1000.0, "learning_rate": 1000.0, "beta": 10.0}
MOST = _WHOLE | _PARTS
MAX_MODEL = 400


def key_of(field: str) -> str:
    """The key of a field's widget."""
    return f"tune_{field}"


def draft() -> dict[str, Any]:
    """The form's values by field, also those that are not drawn at the moment."""
    held = st.session_state.get("tune_draft")
    if held is None:
        held = st.session_state.tune_draft = USUAL | _sound(load_draft(database(), this_visit().visitor, DRAFT) or {})
    found: dict[str, Any] = held
    return found


def fill(field: str) -> str:
    """Give a field's widget its value before it is drawn; its key."""
    key = key_of(field)
    st.session_state.setdefault(key, draft().get(field, USUAL.get(field)))
    return key


def keep(**values: Any) -> None:
    """Take over what the widgets say, and write it down where it has changed."""
    held = draft()
    if any(held.get(name) != value for name, value in values.items()):
        held.update(values)
        save_draft(database(), this_visit().visitor, DRAFT, held)


def _sound(kept: dict[str, Any]) -> dict[str, Any]:
    """What can still be a widget's value: the draft may be an older version's."""
    found: dict[str, Any] = {}
    for name, value in kept.items():
        if name in _TEXTS or name in ("backend", "version") or name.startswith("model "):
            fits = isinstance(value, str) and len(value) <= _TEXTS.get(name, MAX_MODEL)
        elif name in MOST:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST[name]
            value = float(value) if fits and name in _PARTS else value
            fits = (fits and (name in _PARTS or isinstance(value, int))) or (value is None and name != "epochs")
        elif name == "seed":
            fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
        else:
            fits = name in USUAL and isinstance(value, bool)
        if fits:
            found[name] = value
    return found
