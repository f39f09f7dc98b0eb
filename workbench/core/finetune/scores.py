"""What models scored on frozen test sets: kept once and never changed; the newest of each test counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.models import BASE
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.dataset_tables import FrozenTestRow
from workbench.core.library.tuning_tables import ModelScoreRow, TunedModelRow

MEASURES: Mapping[str, str] = {"format_compliance": "Format compliance", "plan_adherence": "Plan adherence"}
"""What the gate compares, 0 to 1, more is better; with its name for people."""


@dataclass(frozen=True)
class Score:
    """What a model (its id, or ``base``) scored on a frozen test set. ``rows`` is how many of its rows were answered.

    ``format_compliance`` is the part that fits the schema before any repair, ``plan_adherence`` how far the plan was
    kept, both 0 to 1; ``source`` says what measured it.
    """

    id: str
    subject: str
    test: str
    rows: int
    format_compliance: float
    plan_adherence: float
    details: Mapping[str, Any]
    source: str
    at: datetime

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**self.__dict__, "details": dict(self.details), "at": self.at.isoformat()}


def write_score(
    database: Database, *, subject: str, test: str, rows: int, format_compliance: float, plan_adherence: float,
    details: Mapping[str, Any], source: str,
) -> Score:  # fmt: skip
    """Keep what a model scored on a frozen test set.

    Raises:
        InvalidInputError: no such model or test, no rows, or a value that is not between 0 and 1.
    """
    for field, value in (("format_compliance", format_compliance), ("plan_adherence", plan_adherence)):
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise InvalidInputError(f"{MEASURES[field]} is a number from 0 to 1.", hint="Give a part.", field=field)
    if rows < 1:
        raise InvalidInputError("A score needs at least one row.", hint="Evaluate the test set first.", field="rows")
    with database.writing() as session:
        if subject != BASE and session.get(TunedModelRow, storable(subject)[:40]) is None:
            raise InvalidInputError("There is no such tuned model.", hint=f"Give its id, or {BASE}.", field="subject")
        if session.get(FrozenTestRow, storable(test)[:80]) is None:
            raise InvalidInputError("There is no such frozen test set.", hint="Freeze one in Datasets.", field="test")
        row = ModelScoreRow(
            id=new_id(), subject=subject, test=test, rows=rows, format_compliance=float(format_compliance),
            plan_adherence=float(plan_adherence), details=storable_json(dict(details)), source=storable(source)[:80],
            at=now(),
        )  # fmt: skip
        session.add(row)
        return _score(row)


def scores_of(database: Database, subject: str) -> tuple[Score, ...]:
    """What a model scored, newest first."""
    wanted = select(ModelScoreRow).where(ModelScoreRow.subject == storable(subject))
    with database.reading() as session:
        rows = session.scalars(wanted.order_by(ModelScoreRow.at.desc(), ModelScoreRow.id)).all()
        return tuple(_score(row) for row in rows)


def newest_scores(database: Database, subject: str) -> dict[str, Score]:
    """The newest score of each test."""
    return {each.test: each for each in reversed(scores_of(database, subject))}


def _score(row: ModelScoreRow) -> Score:
    return Score(
        row.id, row.subject, row.test, row.rows, row.format_compliance, row.plan_adherence, row.details, row.source,
        row.at,
    )  # fmt: skip
