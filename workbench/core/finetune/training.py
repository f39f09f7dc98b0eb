"""What a training is asked for with and what is told of it, whoever trains: orders, states, events, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Method = Literal["supervised", "dpo"]
State = Literal["preparing", "queued", "running", "paused", "succeeded", "failed", "cancelled", "unknown"]
"""``preparing`` is before the backend has taken it (uploading, validating); a status nobody knows is ``unknown``."""
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled")
LEAST_ROWS = 10
"""With fewer rows a model learns these and nothing else; the number that hosted services ask for as well."""


@dataclass(frozen=True)
class Order:
    """One training to be done.

    ``train`` and ``validation`` are files in the backend's own format; ``epochs`` may be a part of one.
    ``learning_rate`` is a factor of the backend's usual one. ``folder`` is where a local backend may write.
    """

    job: str
    model: str
    method: Method
    train: Path
    validation: Path | None
    folder: Path
    epochs: float = 3.0
    batch_size: int | None = None
    learning_rate: float | None = None
    beta: float | None = None
    suffix: str = ""
    seed: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that the backend told; ``id`` is its own, so that no event is kept twice."""

    id: str
    at: datetime
    level: str
    message: str


@dataclass(frozen=True)
class Metric:
    """One point of the curves; what is not measured at a step is None. Accuracies are of tokens, 0 to 1."""

    step: int
    train_loss: float | None = None
    valid_loss: float | None = None
    train_accuracy: float | None = None
    valid_accuracy: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A model as it was after some steps, which can be used as the last one can."""

    step: int
    model: str
    metrics: Metric | None = None


@dataclass(frozen=True)
class Status:
    """How a training stands. ``raw`` is the backend's own word; ``model`` is the tuned model's id once there is one.

    ``trained_tokens`` and ``seconds`` are what was used, where it is told; ``problem`` says why it failed, in plain
    words, and ``hint`` what to do.
    """

    state: State
    raw: str = ""
    model: str | None = None
    trained_tokens: int | None = None
    seconds: float | None = None
    problem: str = ""
    hint: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()
