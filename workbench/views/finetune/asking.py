"""The form for a new training: who trains, on what, from which model, and how; beside it what that would take."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.datasets.versions import Version, versions
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.finetune.backends import BACKENDS, Backend, BaseModel, make_backend
from workbench.core.finetune.wishes import METHODS, read_wish, usual_launch
from workbench.views.curators import who
from workbench.views.datasets.choice import version_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database, settings
from workbench.views.finetune.draft import MAX_MODEL, USUAL, draft, fill, keep, key_of
from workbench.views.finetune.more_settings import more_settings
from workbench.views.finetune.offering import offering
from workbench.views.finetune.places import DATASETS, base_words, dataset_link

EXPLAINED = {
    "supervised": "It learns the answers of the rows (supervised).",
    "dpo": "It learns to prefer one answer to another (DPO).",
}
LISTED_FOR = 120.0
"""Seconds for which a list of models is not asked for again."""


def new_training() -> None:
    """The whole tab."""
    known = versions(database())
    if not known:
        st.markdown("A model is trained on a dataset, and there is none yet.")
        st.page_link(DATASETS, label="Build a dataset", icon=":material/dataset:")
        return
    left, right = st.columns([6, 5], gap="large")
    with left:
        wish, problem = None, None
        try:
            wish = read_wish(_asked(known))
        except InvalidInputError as found:
            problem = found
        who()
    with right:
        if wish is None:
            st.warning(plain(f"{problem.message} {problem.hint}") if problem else "", icon=":material/edit:")
        else:
            offering(wish)


def _asked(known: tuple[Version, ...]) -> dict[str, Any]:
    """The widgets, and what they say as a wish."""
    backend = _backend()
    version = _version(known)
    model = _model(backend)
    method = METHODS["pair" if version.kind == "pair" else "chat"]
    at_epochs, at_name = st.columns(2)
    epochs = at_epochs.number_input(
        "Epochs", 0.1, 1000.0, step=1.0, format="%g", key=fill("epochs"), help="How often each row is learned from."
    )
    name = at_name.text_input("Name", key=fill("name"), max_chars=64, placeholder="By dataset and model")
    more = more_settings(backend, method, model)
    epochs = float(epochs or USUAL["epochs"])
    keep(epochs=epochs, name=name or "", **more)
    if more.get("launch") == usual_launch():
        more["launch"] = ""
    if more.get("lora"):
        more["lora"] = None
    return {
        "backend": backend.name, "version": version.id, "model": model.id, "epochs": epochs, "name": name or "",
        **more,
    }  # fmt: skip


def _backend() -> Backend:
    """Who trains; why it cannot, and what would mend that."""
    names = list(BACKENDS)
    if draft()["backend"] not in names:
        usable = [name for name in names if not make_backend(name, settings()).ready()]
        draft()["backend"] = (usable or names)[0]
    chosen = st.radio(
        "Trained by", names, key=fill("backend"), horizontal=True, format_func=lambda name: BACKENDS[name].title
    )
    keep(backend=chosen)
    backend = make_backend(chosen, settings())
    st.markdown(quiet(plain(backend.explanation)))
    if reason := backend.ready():
        st.warning(plain(reason), icon=":material/build:")
    return backend


def _version(known: tuple[Version, ...]) -> Version:
    by_id = {each.id: each for each in known}
    if draft()["version"] not in by_id:
        draft()["version"] = ""  # until somebody chooses, the newest
    key = key_of("version")
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = draft()["version"] or known[0].id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Dataset", list(by_id), key=key, format_func=lambda id: version_words(by_id[id]), width="stretch"
        )
        dataset_link("Look at it", chosen)
    version = by_id[chosen]
    keep(version="" if chosen == known[0].id else chosen)
    splits = version.summary["splits"]
    kind = METHODS["pair" if version.kind == "pair" else "chat"]
    train, held_out = splits.get("train", 0), splits.get("validation", 0)
    st.markdown(quiet(f"{train:,} rows to train on, {held_out:,} to measure by. {EXPLAINED[kind]}"))
    return version


def _model(backend: Backend) -> BaseModel:
    """The base model: one that the backend tells of, or any other by its id or its folder."""
    models, problem = ((), "") if backend.ready() else listed(backend.name, backend.place)
    by_id, field = {each.id: each for each in models}, f"model {backend.name}"
    key = fill(field)
    chosen = st.session_state[key]
    options = list(dict.fromkeys([*by_id, *([chosen] if chosen else [])]))
    given = st.selectbox(
        "Base model", options, index=None, key=key, accept_new_options=True, format_func=base_words,
        placeholder="Choose, or type an id" if backend.remote else "Choose, or type a folder or an id on the hub",
    )  # fmt: skip
    id = str(given or "").strip()[:MAX_MODEL]
    keep(**{field: id or None})
    if problem:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(plain(problem), icon=":material/cloud_off:", width="stretch")
            st.button("Ask again", key="tune_ask_again", on_click=listed.clear)
    model = by_id.get(id) or BaseModel(id, ("supervised", "dpo"))
    told = [
        f"takes rows of up to {model.limit:,} tokens" if model.limit else "",
        f"goes on {model.until}" if model.until else "",
        f"licence: {plain(model.licence)}" if model.licence else "",
        plain(model.note).rstrip(".") if model.note else "",
    ]
    if id and any(told):
        st.markdown(quiet("  ·  ".join(filter(None, told))))
    return model


@st.cache_data(show_spinner="Asking which models there are …", ttl=LISTED_FOR, max_entries=8)
def listed(name: str, place: str) -> tuple[tuple[BaseModel, ...], str]:  # noqa: ARG001 - the list is that place's
    """The models of a backend, and why there are none where it does not answer."""
    try:
        return make_backend(name, settings()).models(), ""
    except WorkbenchError as problem:
        return (), f"{problem.message} {problem.hint}"
