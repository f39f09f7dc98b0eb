"""How long a training would take: by trainings of the same kind that were done here, else by a rule of thumb."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import select

from workbench.core.finetune.backends import Backend
from workbench.core.finetune.local.asking import has_gpu
from workbench.core.finetune.wishes import Wish
from workbench.core.library.database import Database
from workbench.core.library.tuning_tables import TrainingRow

KNOWN = 20
"""The latest trainings that are looked at."""
CPU, GPU = 2e10, 1e14
"""Operations a second: of a processor's core in 32 bits, and of one GPU in 16. A rule of thumb, right within a factor
of three."""
PER_TOKEN = 6
"""Operations for each parameter and token, forwards and backwards (Kaplan et al. 2020, "Scaling Laws")."""
STARTS = 15.0
"""Seconds in which a trainer loads its packages and its model."""


@dataclass(frozen=True)
class Duration:
    """Seconds, None where nobody can say, and how that is known."""

    seconds: float | None
    words: str


def duration(database: Database, backend: Backend, wish: Wish, *, rows: int, tokens: int) -> Duration:
    """The time that a training would take, waiting in queues left out."""
    work = tokens * _epochs(wish, rows)
    known = _before(database, wish)
    if known:
        seconds = median(known) * work
        count = f"{len(known)} training{'s' * (len(known) != 1)}"
        return Duration(seconds, f"{in_words(seconds)}, as {count} of this model took")
    if backend.remote:
        return Duration(None, "The provider does not say; no training of this model is known here.")
    size = parameters(Path(wish.model))
    if size is None:
        return Duration(None, "Not known: the model's size is told by its files, which are not here.")
    speed = GPU if has_gpu() else CPU * (os.cpu_count() or 1)
    seconds = STARTS + PER_TOKEN * size * work / speed
    return Duration(seconds, f"{in_words(seconds)}, by a rule of thumb")


def in_words(seconds: float) -> str:
    """About how long: ``about 40 seconds``, ``about 12 minutes``, ``about 3 hours``, ``about 5 days``."""
    for unit, length, most in (("second", 1, 90), ("minute", 60, 90 * 60), ("hour", 3600, 48 * 3600)):
        if seconds < most:
            count = max(1, round(seconds / length))
            return f"about {count} {unit}{'s' * (count != 1)}"
    return f"about {round(seconds / 86_400):,} days"


def parameters(folder: Path) -> int | None:
    """How many parameters a model in a folder has, by the headers of its weights; None where there are none.

    Source of the layout: the safetensors format, an eight-byte length and then JSON.
    """
    total = 0
    for file in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        try:
            with file.open("rb") as stream:
                length = int.from_bytes(stream.read(8), "little")
                head = json.loads(stream.read(min(length, 100_000_000)))
            for name, tensor in head.items():
                if name != "__metadata__":
                    count = 1
                    for size in tensor["shape"]:
                        count *= int(size)
                    total += count
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
    return total or None


def _epochs(wish: Wish, rows: int) -> float:
    if wish.steps is None or not rows:
        return wish.epochs
    return wish.steps * (wish.batch_size or 4) * (wish.accumulate or 1) / rows


def _before(database: Database, wish: Wish) -> list[float]:
    """Seconds for each token, of trainings of the same model by the same backend."""
    wanted = (
        select(TrainingRow.seconds, TrainingRow.offer, TrainingRow.plan)
        .where(
            TrainingRow.backend == wish.backend,
            TrainingRow.base == wish.model,
            TrainingRow.state == "succeeded",
            TrainingRow.seconds.is_not(None),
        )
        .order_by(TrainingRow.created_at.desc())
        .limit(KNOWN)
    )
    with database.reading() as session:
        rows = session.execute(wanted).all()
    found = []
    for seconds, offer, plan in rows:
        try:
            earlier = Wish.model_validate(plan)
        except ValueError:
            continue
        work = offer.get("tokens", 0) * _epochs(earlier, offer.get("rows", 0))
        if work and seconds:
            found.append(seconds / work)
    return found
