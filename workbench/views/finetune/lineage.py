"""What a training or a model was made of: base, dataset, settings, licence, price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench.core.datasets.versions import find_version
from workbench.core.finetune.models import TunedModel
from workbench.core.finetune.trainings import Training, find_training
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.offering import price_words
from workbench.views.finetune.places import base_words, dataset_link, go_to_training
from workbench.views.finetune.wording import METHODS, backend_words, seconds_words, table

SETTINGS = {
    "epochs": "epochs", "steps": "steps", "batch_size": "batch size", "accumulate": "batches to a step",
    "learning_rate": "times the usual learning rate", "beta": "beta", "rank": "rank", "max_length": "longest row",
    "seed": "seed", "suffix": "ending of the id", "held_out": "validation rows", "cpu": "without a GPU",
    "launch": "started by",
}  # fmt: skip
CURVES = {"train_loss": "training loss", "valid_loss": "validation loss"}


def training_lineage(training: Training) -> None:
    """What a training was ordered with and what was confirmed."""
    st.subheader("What it is made of", anchor=False)
    offer = training.offer
    rows = [
        ("Base model", plain(base_words(training.base))),
        ("Dataset", f"{plain(str(offer.get('dataset', '')))}, {offer.get('rows', 0):,} rows"),
        ("Content hash", f"`{training.dataset_hash[:32]}`"),
        ("Method", METHODS[training.method]),
        ("Settings", settings_words(training.plan)),
        (
            "Trained by",
            plain(backend_words(training.backend)) + (f" `{_code(training.endpoint)}`" if training.endpoint else ""),
        ),
        ("Licence", plain(training.licence)),
        ("Price, as confirmed", price_words(_cost(offer), uploads=bool(offer.get("uploads")))),
        ("Trained on", f"{training.trained_tokens:,} tokens" if training.trained_tokens else ""),
        ("Took", seconds_words(training.seconds) if training.seconds else ""),
        ("Id", f"`{training.id}`"),
    ]
    st.markdown(table(rows))
    if find_version(database(), training.version_id) is not None:
        dataset_link("Look at the dataset", training.version_id)


def _cost(offer: Mapping[str, Any]) -> float | None:
    usd = offer.get("usd")
    return float(usd) if isinstance(usd, int | float) else None


def settings_words(plan: Mapping[str, Any]) -> str:
    """The settings of a plan that say something, in a line of Markdown."""
    told = []
    for name, words in SETTINGS.items():
        value = plan.get(name)
        if value in (None, "", False) or (name == "epochs" and plan.get("steps")):
            continue
        if value is True:
            told.append(words)
        elif name in ("epochs", "steps", "learning_rate"):
            told.append(f"{value:,g} {words}")
        else:
            told.append(f"{words} {value:g}" if isinstance(value, int | float) else f"{words} {plain(str(value))}")
    if plan.get("lora") is False:
        told.append("all weights")
    return ", ".join(told)


def model_lineage(model: TunedModel) -> None:
    """What a tuned model was made of, as it was registered."""
    st.subheader("What it is made of", anchor=False)
    told = model.lineage
    metrics = told.get("metrics") or {}
    curves = [
        f"{words} {metrics[name]['first']['value']:.3g} → {metrics[name]['last']['value']:.3g}"
        for name, words in CURVES.items()
        if metrics.get(name)
    ]
    trained = told.get("trained")
    rows = [
        ("Model", f"`{_code(model.model)}`"),
        ("Endpoint", f"`{_code(model.endpoint)}`" if model.endpoint else "the one of the environment"),
        ("Base model", plain(base_words(model.base))),
        ("Dataset", plain(str(told.get("dataset") or "")) or "not known here"),
        ("Content hash", f"`{model.dataset_hash[:32]}`" if model.dataset_hash else ""),
        ("Settings", settings_words(told.get("plan") or {})),
        ("Checkpoint", f"step {told['step']:,}" if told.get("step") else ""),
        ("Curves", ", ".join(curves)),
        (
            "Trained by",
            {"here": "this machine"}.get(str(trained), plain(backend_words(str(trained)))) if trained else "",
        ),
        ("Licence", plain(model.licence)),
        ("Note", plain(model.note)),
        ("Registered by", plain(model.curator.partition(" ·")[0])),
        ("Id", f"`{model.id}`"),
    ]
    st.markdown(table(rows))
    with st.container(horizontal=True, vertical_alignment="center"):
        if model.version_id and find_version(database(), model.version_id) is not None:
            dataset_link("Look at the dataset", model.version_id)
        if model.training_id and find_training(database(), model.training_id) is not None:
            st.button(
                "Look at the training", icon=":material/model_training:", key="model_training", type="tertiary",
                on_click=go_to_training, args=(model.training_id,),
            )  # fmt: skip
    if not told.get("plan"):
        st.markdown(quiet("Registered by hand: what it was trained with is not known here."))


def _code(text: str) -> str:
    """A text inside Markdown's code marks."""
    return " ".join(text.replace("`", "'").replace("|", "¦").split())
