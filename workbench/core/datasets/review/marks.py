"""What reviewers say of rows: flags, exclusions with a reason, comments.

Marks belong to a row's key, so they hold in whatever version the row stands. Versions are not changed by them: the next
build leaves out what is excluded, and with a row made without changes everything derived from its source. A mark that
was taken back stays in the trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, now, storable
from workbench.core.library.dataset_tables import DatasetRow, MarkRow

MarkKind = Literal["flag", "exclude", "comment"]
MARKS: tuple[MarkKind, ...] = ("flag", "exclude", "comment")
MAX_TEXT = 4_000


@dataclass(frozen=True)
class Mark:
    """One mark; ``taken_back_by`` is empty while it holds."""

    id: int
    row_key: str
    version_id: str
    kind: str
    text: str
    curator: str
    at: datetime
    taken_back_by: str = ""
    taken_back_at: datetime | None = None


def mark(database: Database, version: str, key: str, kind: MarkKind, *, curator: str, text: str = "") -> Mark:
    """Mark a row. An exclusion needs a reason, a comment its words; a row is flagged or excluded once.

    Raises:
        InvalidInputError: no such row, or nothing is said.
    """
    said, who, key = storable(text).strip()[:MAX_TEXT], name_of(curator), storable(key)
    if kind != "flag" and not said:
        raise InvalidInputError(
            "An exclusion needs a reason." if kind == "exclude" else "The comment is empty.", hint="Say why.",
            field="text",
        )  # fmt: skip
    with database.writing() as session:
        there = select(DatasetRow.key).where(DatasetRow.version_id == version, DatasetRow.key == key)
        if session.scalar(there) is None:
            raise InvalidInputError("There is no such row.", hint="Choose one of the version's rows.", field="key")
        same = select(MarkRow).where(MarkRow.row_key == key, MarkRow.kind == kind, MarkRow.taken_back_at.is_(None))
        known = session.scalars(same).first() if kind != "comment" else None
        if known is not None:
            return _mark(known)
        row = MarkRow(row_key=key, version_id=version, kind=kind, text=said, curator=who, at=now())
        session.add(row)
        session.flush()
        return _mark(row)


def take_back(database: Database, id: int, *, curator: str) -> Mark:
    """Take a mark back; who did is kept.

    Raises:
        InvalidInputError: there is no such mark.
        ConflictError: somebody has taken it back already.
    """
    with database.writing() as session:
        row = session.get(MarkRow, id)
        if row is None:
            raise InvalidInputError("There is no such mark.", hint="Reload the page.")
        if row.taken_back_at is not None:
            raise ConflictError("It was taken back already.", hint="Look at the row as it is now.")
        row.taken_back_by, row.taken_back_at = name_of(curator), now()
        return _mark(row)


def marks_of(database: Database, key: str) -> tuple[Mark, ...]:
    """All marks of a row, also those taken back, oldest first."""
    with database.reading() as session:
        rows = session.scalars(select(MarkRow).where(MarkRow.row_key == storable(key)).order_by(MarkRow.id)).all()
        return tuple(_mark(row) for row in rows)


def marked(database: Database, keys: Sequence[str]) -> dict[str, set[str]]:
    """The kinds of marks that hold for each of a few rows."""
    found: dict[str, set[str]] = {}
    with database.reading() as session:
        wanted = select(MarkRow.row_key, MarkRow.kind).where(
            MarkRow.row_key.in_(list(keys)), MarkRow.taken_back_at.is_(None)
        )
        for key, kind in session.execute(wanted).all():
            found.setdefault(key, set()).add(kind)
    return found


def excluded(database: Database, version: str = "") -> dict[str, str]:
    """The keys of all excluded rows (of a version, where one is named) with their reasons."""
    wanted = select(MarkRow.row_key, MarkRow.text).where(MarkRow.kind == "exclude", MarkRow.taken_back_at.is_(None))
    if version:
        wanted = wanted.where(MarkRow.row_key.in_(select(DatasetRow.key).where(DatasetRow.version_id == version)))
    with database.reading() as session:
        rows = session.execute(wanted.order_by(MarkRow.id)).all()
        return {row[0]: row[1] for row in rows}


def _mark(row: MarkRow) -> Mark:
    return Mark(
        row.id, row.row_key, row.version_id, row.kind, row.text, row.curator, row.at, row.taken_back_by or "",
        row.taken_back_at,
    )  # fmt: skip
