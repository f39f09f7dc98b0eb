"""What few people change of a training: steps, rates, seeds, and for open weights how they are trained and launched."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.finetune.backends import Backend, BaseModel
from workbench.core.finetune.training import Method
from workbench.core.finetune.wishes import MAX_SEED, usual_launch
from workbench.views.details import quiet
from workbench.views.finetune.draft import MOST, fill

OWN = "Its own choice"


def more_settings(backend: Backend, method: Method, model: BaseModel) -> dict[str, Any]:
    """The fields under "More settings", by their names in a wish."""
    local = bool(backend.extras)
    found: dict[str, Any] = {}
    if local:
        found["licence"] = st.text_input(
            "Licence of the base model", key=fill("licence"), max_chars=120,
            placeholder=model.licence or "An SPDX id, such as Apache-2.0",
            help="Needed where the model's own files do not tell it.",
        )  # fmt: skip
    with st.expander("More settings", icon=":material/tune:", key="tune_more"):
        with st.grid(2, min_column_width=180, gap="small"):
            found["batch_size"] = _whole("Batch size", "batch_size")
            found["learning_rate"] = st.number_input(
                "Learning rate, times the usual", 0.01, MOST["learning_rate"], None, 0.1, format="%g",
                key=fill("learning_rate"), placeholder=OWN,
            )  # fmt: skip
            if method == "dpo":
                found["beta"] = st.number_input(
                    "Beta", 0.01, MOST["beta"], None, 0.05, format="%g", key=fill("beta"), placeholder=OWN,
                    help="How near it stays to the base model: more is nearer.",
                )  # fmt: skip
            found["seed"] = int(st.number_input("Seed", 0, MAX_SEED, step=1, key=fill("seed")) or 0)
            if not local:
                found["suffix"] = st.text_input(
                    "Ending of the model's id", key=fill("suffix"), max_chars=64, placeholder="None"
                )
        found["held_out"] = st.toggle("Measure on the validation rows", key=fill("held_out"))
        if local:
            found |= _open_weights()
    return found


def _open_weights() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["lora"] = st.toggle(
        "Train a small adapter (LoRA)", key=fill("lora"),
        help="Off: all weights are trained, which takes several times the memory and room.",
    )  # fmt: skip
    with st.grid(2, min_column_width=180, gap="small"):
        if found["lora"]:
            found["rank"] = _whole("Rank of the adapter", "rank")
        found["steps"] = _whole("Steps, in place of epochs", "steps")
        found["accumulate"] = _whole("Batches to a step", "accumulate")
        found["max_length"] = _whole("Longest row, tokens", "max_length", least=16)
    found["cpu"] = st.toggle(
        "Train without a GPU all the same", key=fill("cpu"), help="A large model takes weeks on a processor."
    )
    found["launch"] = st.text_area(
        "Started by", key=fill("launch"), max_chars=2000, height=80,
        help=f"For two GPUs: {usual_launch(2)}. {{folder}} is the training's folder.",
    )  # fmt: skip
    if not (found["launch"] or "").strip():
        st.markdown(quiet("Empty: started as usual."))
    return found | {"launch": found["launch"] or ""}


def _whole(label: str, field: str, least: int = 1) -> int | None:
    value = st.number_input(label, least, int(MOST[field]), None, 1, key=fill(field), placeholder=OWN)
    return None if value is None else int(value)
