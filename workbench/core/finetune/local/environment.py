"""The environment of processes that work beside the workbench: trainers and model servers."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[4]
_POLITE = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait give the processor away: the workbench runs beside them."""
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "DATABASE_URL")
_NOT_SECRET = ("HF_TOKEN", "TOKENIZERS_PARALLELISM")


def beside_environment() -> dict[str, str]:
    """This environment without secrets, from which the workbench's modules are found wherever the process starts.

    The hub's own key stays: some models are only given to those who have one.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**_POLITE, **_open(), "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}


def _open() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _NOT_SECRET or not any(word in name.upper() for word in _SECRET)
    }
