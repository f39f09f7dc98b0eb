"""What the trainer tells while it trains: points of the curves, checkpoints, and the step that it has reached.

Imports transformers: only the trainer's own process may load it.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from workbench.core.finetune.local.journal import COMPLETE, Journal, read_status, write_status

TRAINED = {"train_loss": "loss", "train_accuracy": "mean_token_accuracy"}
HELD_OUT = {"valid_loss": "eval_loss", "valid_accuracy": "eval_mean_token_accuracy"}
"""The curves by the names that TRL gives them. Its accuracies are of tokens; DPO tells none."""


def teller(folder: Path, told: Journal | None, stop: object) -> TrainerCallback:
    """The callback for a trainer; without a journal it only stops."""
    return _Teller(folder, told, stop)


class _Teller(TrainerCallback):  # type: ignore[misc]  # transformers is not looked into
    def __init__(self, folder: Path, told: Journal | None, stop: object) -> None:
        self._folder, self._told, self._stop = folder, told, stop
        self._held: dict[str, float | None] = {}
        self._tokens = int(read_status(folder).get("trained_tokens") or 0)  # those of earlier attempts are used up, too

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._stop:
            control.should_training_stop = control.should_save = True
            control.should_evaluate = False
        elif state.global_step >= state.max_steps:
            control.should_log = control.should_save = True
            control.should_evaluate = args.eval_strategy != "no"

    def on_log(self, _: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **__: Any) -> None:
        if self._told is None or not logs:
            return
        if "loss" in logs:
            found = {name: _number(logs.get(theirs)) for name, theirs in TRAINED.items()}
            more = {"trained_tokens": self._tokens + int(logs["num_tokens"])} if "num_tokens" in logs else {}
            write_status(self._folder, raw="training", step=state.global_step, steps=state.max_steps, **more)
            if control.should_evaluate:
                self._held = found  # a step is told once, with all that belongs to it
            else:
                self._told.metric(state.global_step, found)
        elif "eval_loss" in logs:
            found = {name: _number(logs.get(theirs)) for name, theirs in HELD_OUT.items()}
            self._told.metric(state.global_step, {**self._held, **found})
            self._held = {}

    def on_save(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        if self._told is None:
            return
        name = f"checkpoint-{state.global_step}"
        done = Path(args.output_dir) / name / COMPLETE
        for path in done.parent.iterdir():
            if path.is_file():
                _to_disk(path)
        done.touch()
        self._told.event(f"Checkpoint after step {state.global_step}.")


def _number(value: Any) -> float | None:
    """A finite number, or nothing: JSON knows no infinity."""
    return float(value) if value is not None and math.isfinite(value) else None


def _to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
