"""Which tuned models answer at the moment, as every process reads it: changed on Fine-tune, in effect within a second.

What is written here is written by ``core/finetune``; generations only read it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from workbench.core.errors import WorkbenchError
from workbench.core.library.database import Database
from workbench.core.library.tuned import NOTHING, Rollout, Served, Taught
from workbench.core.library.tuning_tables import TunedModelRow

__all__ = ["FRESH", "NOTHING", "Rollout", "Served", "Taught", "Watched", "rollout", "taught_by", "watched"]

FRESH = 0.5
"""Seconds for which a reading counts, so that a busy server does not ask for every request anew."""


def rollout(database: Database) -> Rollout:
    """The rollout as it stands in the database, without what is blocked.

    Raises:
        DatabaseError: the database does not answer.
    """
    with database.reading() as session:
        rows = session.scalars(select(TunedModelRow)).all()
    placed = {row.state: row for row in rows if row.state in ("live", "canary") and not row.blocked}
    canary = placed.get("canary")
    return Rollout(
        _served(placed.get("live")), _served(canary), canary.share if canary else 0.0,
        frozenset(row.model for row in rows),
    )  # fmt: skip


class Watched:
    """The rollout, read again when the last reading is older than ``FRESH``; the last one while nothing is told."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._last, self._at = NOTHING, -FRESH

    def __call__(self) -> Rollout:
        """The rollout as it was at most ``FRESH`` seconds ago."""
        with self._guard:
            if time.monotonic() - self._at >= FRESH:
                with suppress(WorkbenchError):  # whoever answered a moment ago still does
                    self._last = rollout(self._database)
                self._at = time.monotonic()
            return self._last


@lru_cache(maxsize=8)
def watched(database: Database) -> Watched:
    """The one watch of a database in this process."""
    return Watched(database)


def _served(row: TunedModelRow | None) -> Served | None:
    return None if row is None else Served(row.id, row.name, row.model, row.endpoint, taught_by(row.lineage))


def taught_by(lineage: Mapping[str, Any]) -> Taught | None:
    """The prompt of the rows that a model was trained on, by the recipe that its lineage holds."""
    recipe = lineage.get("recipe")
    if not isinstance(recipe, Mapping) or not isinstance(recipe.get("template"), str):
        return None
    examples = recipe.get("examples", 0)
    return Taught(
        recipe["template"], examples if type(examples) is int else 0, recipe.get("system") is not False,
        lineage.get("trained") == "here",
    )  # fmt: skip
