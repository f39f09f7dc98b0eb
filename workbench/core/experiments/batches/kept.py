"""Batches as they are kept: written down before they are made, so that none is paid for twice after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from workbench.core.errors import ConflictError
from workbench.core.library.database import Database, new_id, now, storable
from workbench.core.library.experiment_tables import AnswerRow, BatchRow, RunRow

OPEN = ("making", "sent", "left")
_WORDS = {
    "validating": "being checked by the service", "in_progress": "being answered", "finalizing": "almost answered",
    "completed": "answered", "failed": "refused by the service", "expired": "not answered in time",
    "cancelling": "being cancelled", "cancelled": "cancelled",
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """A batch of a run, numbered from 1; its fields are those of ``BatchRow``."""

    id: str
    run_id: str
    variant: str
    number: int
    state: str
    told: str
    asked: bool
    cells: Mapping[str, Any]
    held: float
    answered: int
    file_id: str
    batch_id: str
    message: str
    created_at: datetime
    changed_at: datetime

    @property
    def open(self) -> bool:
        """Whether answers may come of it."""
        return self.state in OPEN

    @property
    def words(self) -> str:
        """How it stands, for people."""
        count = len(self.cells)
        asked = f"batch {self.number} of {self.variant}: {count:,} question{'' if count == 1 else 's'}"
        if self.state == "making":
            how = "being handed over"
        elif self.state == "gone":
            how = "never handed over"
        else:
            how = _WORDS.get(self.told, self.told or "handed over")
        parts = [how]
        if self.answered and self.told != "completed":
            parts.append(f"{self.answered:,} answered")
        if self.state == "sent":
            parts.append(f"since {self.created_at:%d %B %H:%M} UTC".replace(" 0", " "))
        return f"{asked}, {', '.join(parts)}" + (f". {self.message}" if self.message else "")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; the cells are counted."""
        told: dict[str, Any] = {name: getattr(self, name) for name in _TOLD}
        times = {"created_at": self.created_at.isoformat(), "changed_at": self.changed_at.isoformat()}
        return told | {"questions": len(self.cells), "words": self.words} | times


_TOLD = ("id", "variant", "number", "state", "told", "held", "answered", "batch_id", "message")


def batches(database: Database, run: str) -> tuple[Batch, ...]:
    """The batches of a run, oldest first."""
    with database.reading() as session:
        rows = session.scalars(select(BatchRow).where(BatchRow.run_id == run).order_by(BatchRow.number)).all()
        return tuple(_batch(row) for row in rows)


def write(
    database: Database, run: str, owner: str, variant: str, cells: Mapping[str, int], held: float
) -> Batch:  # fmt: skip
    """Write down a batch that is about to be made.

    Raises:
        ConflictError: the run is another process's by now.
    """
    with database.writing() as session:
        mine = (RunRow.id == run, RunRow.owner == owner, RunRow.state == "running")
        if session.scalar(select(RunRow.id).where(*mine)) is None:
            raise ConflictError("Another process has taken up the run.", hint="Look at how it stands.")
        newest = session.scalar(select(func.max(BatchRow.number)).where(BatchRow.run_id == run))
        row = BatchRow(
            id=new_id(), run_id=run, variant=variant, number=(newest or 0) + 1, state="making", told="", asked=False,
            cells=dict(cells), held=held, answered=0, file_id="", batch_id="", message="", created_at=now(),
            changed_at=now(),
        )  # fmt: skip
        session.add(row)
        return _batch(row)


def note(database: Database, id: str, **values: Any) -> None:
    """Note how a batch stands."""
    told = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    with database.writing() as session:
        session.execute(update(BatchRow).where(BatchRow.id == id).values(changed_at=now(), **told))


def answered_cells(database: Database, run: str) -> set[str]:
    """The cells of a run in which a model has said something."""
    with database.reading() as session:
        return set(session.scalars(select(AnswerRow.cell_id).where(AnswerRow.run_id == run)).all())


def _batch(row: BatchRow) -> Batch:
    return Batch(**{name: getattr(row, name) for name in Batch.__dataclass_fields__})
