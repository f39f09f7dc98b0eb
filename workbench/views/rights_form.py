"""The rights of a piece as a form: three layers, each with its ground, and beside it what follows from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.core.library.rights import (
    BASES,
    LAYER_TITLES,
    LAYERS,
    MAX_LICENCE_TEXT,
    Layer,
    Rights,
    licences,
    missing,
    own_rights,
    uses_of,
)
from workbench.views.details import plain, quiet

USE_WORDS = {
    "prompt": "shown to models",
    "commercial_prompt": "shown to models in a product",
    "training": "learned from",
    "commercial_training": "learned from for a product",
    "sharing": "handed on",
}


def rights_form(rights: Rights, *, key: str, holder: str = "") -> Rights:
    """Draw the form and answer with the rights as they stand in it."""
    version = st.session_state.setdefault(f"{key}_version", 0)
    filled: Rights | None = st.session_state.get(f"{key}_filled")
    rights = filled or rights

    def fill() -> None:
        st.session_state[f"{key}_filled"] = own_rights(holder or "AIRIA Workbench", "written here")
        st.session_state[f"{key}_version"] = version + 1

    st.button("All of it is our own work (CC0)", key=f"{key}_own", icon=":material/edit_document:", on_click=fill)
    tag = f"{key}_{version}"
    layers = tuple(_layer(rights.layer(name), f"{tag}_{name}") for name in LAYERS)
    with st.container(horizontal=True):
        prompt = st.checkbox("Offer it for prompts", rights.prompt, key=f"{tag}_prompt")
        training = st.checkbox("Offer it for training", rights.training, key=f"{tag}_training")
    return Rights(tuple(layer for layer in layers if layer != Layer(layer.layer)), prompt, training)


def rights_verdicts(rights: Rights) -> None:
    """What follows: each use, allowed or not, and why."""
    for use, verdict in uses_of(rights).items():
        mark = ":green-badge[:material/check: may be" if verdict.allowed else ":red-badge[:material/close: may not be"
        st.markdown(f"{mark} {USE_WORDS[use]}]  \n{quiet(plain(' '.join(verdict.reasons)))}")
    for gap in missing(rights):
        st.markdown(f"- {quiet('still to say:')} {plain(gap)}")


def _layer(layer: Layer, key: str) -> Layer:
    with st.container(border=True, gap="small", key=f"{key}_box"):
        st.markdown(f"**{LAYER_TITLES[layer.layer]}**")
        with st.grid(2, min_column_width=180, gap="small"):
            basis = st.selectbox(
                "Ground", ["", *BASES], index=["", *BASES].index(layer.basis), key=f"{key}_basis",
                format_func=lambda name: name or "not said",
            )  # fmt: skip
            values: dict[str, Any] = {"basis": basis, "holder": _text("Holder", layer.holder, f"{key}_holder")}
            if basis == "public domain":
                values["holder"] = values["holder"] or "public domain"
                values |= _public(layer, key)
            elif basis:
                values["licence"] = _licence(layer, key)
            if basis:
                values["source"] = _text("Where it comes from", layer.source, f"{key}_source")
                values["evidence"] = _text("How one knows", layer.evidence, f"{key}_evidence")
        if basis == "licence":
            values["licence_text"] = _attached(layer, key)
    plain_layer = Layer(layer.layer)
    return replace(plain_layer, **values)


def _public(layer: Layer, key: str) -> dict[str, Any]:
    died = st.number_input("Author died in", 500, 2200, layer.died, 1, key=f"{key}_died")
    published = st.number_input("First published in", 500, 2200, layer.published, 1, key=f"{key}_published")
    return {
        "licence": "public domain",
        "author": _text("Author", layer.author, f"{key}_author"),
        "died": None if died is None else int(died),
        "published": None if published is None else int(published),
    }


def _licence(layer: Layer, key: str) -> str:
    known = licences()
    options = ["", *known]
    index = options.index(layer.licence) if layer.licence in options else 0
    chosen = st.selectbox(
        "Licence",
        options,
        index=index,
        key=f"{key}_licence",
        format_func=lambda id: known[id].name if id else "not said",
    )
    return str(chosen or "")


def _attached(layer: Layer, key: str) -> str:
    file = st.file_uploader("Attach the licence's text", type=["txt", "md"], key=f"{key}_file", max_upload_size=2)
    if file is None:
        return layer.licence_text
    return file.getvalue().decode("utf-8", "replace")[:MAX_LICENCE_TEXT]


def _text(label: str, value: str, key: str) -> str:
    return str(st.text_input(label, value, key=key, max_chars=1000) or "").strip()
