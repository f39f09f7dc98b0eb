"""Frozen test sets: the test rows of a version, which no later version may train on and every later version keeps.

So models that were trained on different versions can be compared on the very same requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import bodies, find_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, now, storable
from workbench.core.library.dataset_tables import DatasetRow, FrozenTestRow


@dataclass(frozen=True)
class FrozenTest:
    """A frozen test set: its name, and the version whose test rows it is."""

    name: str
    version_id: str
    curator: str
    note: str
    created_at: datetime


def freeze(database: Database, version: str, *, name: str, curator: str, note: str = "") -> FrozenTest:
    """Freeze the test rows of a version under a name. This cannot be taken back.

    Raises:
        InvalidInputError: no name, no such version, or it has no test rows.
        ConflictError: the name is taken by another version.
    """
    name = " ".join(storable(name).split())[:80]
    found = find_version(database, version)
    if not name or found is None:
        raise InvalidInputError(
            "A frozen test set needs a name." if not name else "There is no such version.", hint="Name one."
        )
    with database.writing() as session:
        count = session.scalar(
            select(func.count())
            .select_from(DatasetRow)
            .where(DatasetRow.version_id == found.id, DatasetRow.split == "test")
        )
        if not count:
            raise InvalidInputError("The version has no test rows.", hint="Build one with a share for the test.")
        row = session.get(FrozenTestRow, name)
        if row is not None and row.version_id != found.id:
            raise ConflictError(f"{name!r} is the test set of another version already.", hint="Give it another name.")
        if row is None:
            row = FrozenTestRow(
                name=name, version_id=found.id, curator=name_of(curator), note=storable(note)[:4000], created_at=now()
            )
            session.add(row)
        return _frozen(row)


def frozen_tests(database: Database) -> tuple[FrozenTest, ...]:
    """All frozen test sets, the oldest first."""
    with database.reading() as session:
        rows = session.scalars(select(FrozenTestRow).order_by(FrozenTestRow.created_at, FrozenTestRow.name)).all()
        return tuple(_frozen(row) for row in rows)


def frozen_rows(database: Database) -> Iterator[tuple[str, Row]]:
    """The rows of all frozen test sets, each once, with the version that it is read from."""
    seen: set[str] = set()
    for version in dict.fromkeys(each.version_id for each in frozen_tests(database)):
        for _, row in bodies(database, version, split="test"):
            if row.key not in seen:
                seen.add(row.key)
                yield version, row


def _frozen(row: FrozenTestRow) -> FrozenTest:
    return FrozenTest(row.name, row.version_id, row.curator, row.note, row.created_at)
