"""What a training made: its model and checkpoints, how a model on this machine is served, and its registration."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.lineage import served_name
from workbench.core.finetune.models import models
from workbench.core.finetune.serving.offers import offers_of, vllm_command
from workbench.core.finetune.trainings import Training
from workbench.views.details import plain
from workbench.views.engine import database
from workbench.views.finetune.places import go_to_model
from workbench.views.finetune.registering import register_made

HOST, PORT = "127.0.0.1", 8600
"""Where ``serve-model`` listens when nobody says otherwise."""


def result(training: Training) -> None:
    """The model, its checkpoints, how it is served, how it is registered."""
    made = training.model or ""
    here = Path(made).is_absolute()
    st.subheader("What it made", anchor=False)
    if not here:
        st.markdown(f"Model `{made.replace('`', '')}`")
    else:
        _serving(training, made)
    if training.checkpoints:
        st.markdown(_table(training.checkpoints))
    known = [each for each in models(database()) if each.training_id == training.id]
    for each in known:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Registered as **{plain(each.name)}**")
            st.button("Open it", key=f"open_model_{each.id}", type="tertiary", on_click=go_to_model, args=(each.id,))
    with st.expander("Register", icon=":material/app_registration:", expanded=not known, key="register_made"):
        endpoint = f"http://{HOST}:{PORT}/v1" if here else training.endpoint
        register_made(training, choices(training, here=here), endpoint)


def choices(training: Training, *, here: bool) -> dict[str, str]:
    """What can be registered, by its id: the end, and each checkpoint."""
    made = training.model or ""
    found = {served_name(training.id) if here else made: "The end"}
    for each in training.checkpoints:
        id = served_name(training.id, int(each["step"])) if here else str(each["model"])
        found.setdefault(id, f"The checkpoint at step {int(each['step']):,}")
    return found


def _serving(training: Training, folder: str) -> None:
    try:
        [offer] = offers_of([folder], [served_name(training.id)])
    except WorkbenchError as problem:
        st.warning(plain(f"{problem.message} {problem.hint}"), icon=":material/folder_off:")
        return
    st.markdown("It lies on this machine. To let it answer, serve it here:")
    st.code(
        shlex.join(["python", "-m", "workbench", "serve-model", folder, "--name", offer.name]),
        language=None,
        wrap_lines=True,
    )
    st.markdown("or with vLLM:")
    st.code(vllm_command(offer, HOST, PORT), language=None, wrap_lines=True)


def _table(checkpoints: tuple[Mapping[str, Any], ...]) -> str:
    lines = []
    for each in checkpoints:
        metrics = each.get("metrics") or {}
        losses = [metrics.get(name) for name in ("train_loss", "valid_loss")]
        words = [f"{loss:.3g}" if isinstance(loss, int | float) else "" for loss in losses]
        lines.append(f"| {int(each['step']):,} | {words[0]} | {words[1]} |")
    head = "| Checkpoint after step | Training loss | Validation loss |\n|---|---|---|\n"
    return head + "\n".join(lines)
