"""Registering models: what a training made, and what was trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.core.datasets.versions import versions
from workbench.core.errors import WorkbenchError
from workbench.core.finetune.models import MAX_ENDPOINT, MAX_MODEL, MAX_NAME, register
from workbench.core.finetune.trainings import Training
from workbench.views.curators import curator, who
from workbench.views.datasets.choice import version_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.places import go_to_model, tell

WHERE = "Without one: the endpoint of the environment."


def register_made(training: Training, choices: Mapping[str, str], endpoint: str) -> None:
    """The form for what a training made; ``choices`` are its models by their ids."""
    tag = f"register_{training.id}"
    wanted = st.selectbox("Which", list(choices), key=f"{tag}_which", format_func=lambda id: choices[id])
    name = st.text_input("Name", training.name, key=f"{tag}_name", max_chars=MAX_NAME)
    where, called = st.columns(2)
    at = where.text_input("Endpoint", endpoint, key=f"{tag}_endpoint", max_chars=MAX_ENDPOINT)
    model = called.text_input(
        "Model id there", wanted, key=f"{tag}_model_{list(choices).index(wanted)}", max_chars=MAX_MODEL
    )
    who()
    if st.button("Register", type="primary", key=f"{tag}_go", disabled=not name.strip()):
        _registered(name=name, model=model, endpoint=at, training=training.id)


def register_elsewhere() -> None:
    """The form for a model that was trained elsewhere."""
    st.markdown(
        quiet("What it was trained on counts: choose the dataset if it is here, so that its rights are watched.")
    )
    left, right = st.columns(2)
    texts = {}
    for column, field, label, most, about in (
        (left, "name", "Name", MAX_NAME, ""),
        (right, "model", "Model id", MAX_MODEL, "As its endpoint writes it."),
        (left, "endpoint", "Endpoint", MAX_ENDPOINT, WHERE),
        (right, "base", "Base model", MAX_MODEL, "What it was tuned from."),
        (left, "licence", "Licence", 120, "An SPDX id, or the provider's terms."),
    ):
        texts[field] = column.text_input(
            label, key=f"elsewhere_{field}", max_chars=most, help=about or None, persist_state="session"
        )
    known = {each.id: each for each in versions(database())}
    version = right.selectbox(
        "Trained on", ["", *known], key="elsewhere_version", persist_state="session",
        format_func=lambda id: version_words(known[id]) if id in known else "Not known here",
    )  # fmt: skip
    note = st.text_input("Note", key="elsewhere_note", max_chars=1000, persist_state="session")
    if st.button("Register the model", key="elsewhere_go", disabled=not (texts["name"] or "").strip()):
        _registered(**{field: value or "" for field, value in texts.items()}, version=version or "", note=note or "")


def _registered(**given: str) -> None:
    try:
        model = register(database(), **given, curator=curator())
    except WorkbenchError as problem:
        st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
        return
    for key in [key for key in st.session_state if str(key).startswith("elsewhere_")]:
        del st.session_state[key]
    tell(f"{plain(model.name)} is registered.")
    go_to_model(model.id)
    st.rerun()
