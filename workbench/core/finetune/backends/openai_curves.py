"""Curves as hosted services tell them: in the data of events while they train, in a CSV file when they are done."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.core.finetune.training import Metric

MAX_STEP = 10**9

_NAMES = {
    "train_loss": ("train_loss", "training_loss"),
    "valid_loss": ("valid_loss", "validation_loss", "full_valid_loss"),
    "train_accuracy": ("train_mean_token_accuracy", "train_accuracy", "training_token_accuracy"),
    "valid_accuracy": (
        "valid_mean_token_accuracy", "validation_mean_token_accuracy", "valid_accuracy",
        "validation_token_accuracy", "full_valid_mean_token_accuracy",
    ),
}  # fmt: skip
"""What each value is called: by OpenAI first, then by others."""


def metric_of(data: object, step: object = None) -> Metric | None:
    """A point from what an event, a checkpoint or a line of a file says; None where it says no step or nothing else."""
    if not isinstance(data, Mapping):
        return None
    at = _number(data.get("step") if step is None else step)
    if at is None or not 0 <= at <= MAX_STEP:
        return None
    values = {name: _first(data, names) for name, names in _NAMES.items()}
    for name in ("train_accuracy", "valid_accuracy"):
        value = values[name]
        if value is not None and not 0 <= value <= 1:
            values[name] = None
    if all(value is None for value in values.values()):
        return None
    return Metric(int(at), **values)


def merged(points: Iterable[Metric]) -> tuple[Metric, ...]:
    """One point a step, in order; where two tell of one step, the first counts and the other fills its gaps."""
    found: dict[int, Metric] = {}
    for point in points:
        first = found.get(point.step)
        if first is not None:
            gaps = {name: value for name, value in vars(point).items() if getattr(first, name) is None}
            point = Metric(**{**vars(first), **gaps})
        found[point.step] = point
    return tuple(found[step] for step in sorted(found))


def read_result(data: bytes) -> tuple[Metric, ...]:
    """The points in a result file, which some services give in base64; what is no CSV file has none."""
    if b"step" not in data.partition(b"\n")[0]:
        try:
            data = base64.b64decode(data, validate=False)
        except (binascii.Error, ValueError):
            return ()
    text = data.decode("utf-8-sig", "replace")
    try:
        points = [metric_of(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    except csv.Error:
        return ()
    return merged(point for point in points if point is not None)


def _first(data: Mapping[str, Any], names: Iterable[str]) -> float | None:
    return next((value for name in names if (value := _number(data.get(name))) is not None), None)


def _number(value: object) -> float | None:
    """A finite number, also where it is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
