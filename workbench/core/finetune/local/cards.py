"""Model cards: what a tuned model was made from, and the licence that a base model's own files tell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.core.finetune.training import Metric, Order

MAX_CARD = 200_000
"""Characters of a card that are looked at."""
_LICENCE = re.compile(r"^license(_name)?:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_UNKNOWN = frozenset({"unknown", "none", "other"})
_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")


def licence_of(folder: Path) -> str:
    """The licence that a model's card names, or else the name of its licence file; empty without both.

    A card that says ``other`` names the licence in ``license_name``. Source: Hugging Face's model card metadata.
    """
    try:
        card = (folder / "README.md").read_text("utf-8", errors="replace")[:MAX_CARD]
    except OSError:
        card = ""
    head = card.split("\n---", 1)[0] if card.startswith("---") else ""
    named = [found[2] for found in _LICENCE.finditer(head) if found[2].lower() not in _UNKNOWN]
    if named:
        return named[0]
    return next((name for name in _FILES if (folder / name).is_file()), "")


def card_text(order: Order, *, licence: str, settings: Mapping[str, Any], metrics: tuple[Metric, ...]) -> str:
    """The card of a tuned model in Markdown, with the metadata that Hugging Face reads.

    ``settings`` are the hyperparameters as used. The dataset is named by its hash, not by where it lay.
    """
    method = {"supervised": "supervised fine-tuning", "dpo": "direct preference optimization"}[order.method]
    base = Path(order.model).name if Path(order.model).is_absolute() else order.model
    head = {
        "base_model": base,
        "license": licence.lower(),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["trl", "sft" if order.method == "supervised" else "dpo"],
    }
    dataset = str(order.more.get("dataset", ""))
    lines = [
        "---",
        *(f"{name}: {json.dumps(value)}" for name, value in head.items()),
        "---",
        f"# {order.suffix or order.job}",
        "",
        f"{base}, tuned by {method}. It answers a request for music with a MusicStructure.",
        "",
        "| | |",
        "|---|---|",
        f"| dataset | {f'`{dataset}`' if dataset else 'not told'} |",
        f"| training file, SHA-256 | `{settings['train_sha256']}` |",
        f"| base | {base} |",
        f"| licence of the base | {licence} |",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in settings.items() if name != "train_sha256"),
        *(f"| {name} | {value} |" for name, value in _outcome(metrics)),
        "",
    ]
    return "\n".join(lines)


def _outcome(metrics: tuple[Metric, ...]) -> list[tuple[str, str]]:
    held_out = [each for each in metrics if each.valid_loss is not None]
    found = [(f"held-out loss at step {each.step}", f"{each.valid_loss:.4g}") for each in _ends(held_out)]
    trained = [each for each in metrics if each.train_loss is not None]
    return found + [(f"training loss at step {each.step}", f"{each.train_loss:.4g}") for each in trained[-1:]]


def _ends(points: list[Metric]) -> list[Metric]:
    return points if len(points) < 2 else [points[0], points[-1]]
