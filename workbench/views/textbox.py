"""A text box whose text reaches the server while one types, unlike Streamlit's, which waits until it is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from workbench.views.component import component

_BOX = component("textbox")


def textbox(
    label: str,
    text: str,
    *,
    key: str,
    version: int = 0,
    placeholder: str = "",
    rows: int = 3,
    most: int = 4000,
    code: bool = False,
    on_typed: Callable[[str], None] | None = None,
) -> str:
    """Draw the box and answer with what stands in it.

    ``text`` is what it begins with; a new ``version`` sets it again. ``most`` bounds the characters.
    """

    def typed() -> None:
        if on_typed is not None:
            on_typed(_typed(key, version, text, most))

    data: dict[str, Any] = {
        "name": key, "version": version, "text": _typed(key, version, text, most), "label": label,
        "placeholder": placeholder, "rows": rows, "most": most, "code": code,
    }  # fmt: skip
    _BOX(key=key, data=data, on_typed_change=typed)
    return _typed(key, version, text, most)


def _typed(key: str, version: int, text: str, most: int) -> str:
    typed = (st.session_state.get(key) or {}).get("typed")
    if isinstance(typed, Mapping) and typed.get("version") == version:
        return str(typed.get("text", ""))[:most]
    return text
