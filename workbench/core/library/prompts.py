"""Versions of prompt templates that people saved: each is added, none is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from workbench.core.errors import ConflictError
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.tables import TemplateRow


@dataclass(frozen=True)
class SavedTemplate:
    """One version of a template: its texts by part, and a word on what is new in it."""

    name: str
    version: int
    parts: Mapping[str, str]
    note: str
    created_at: datetime


def saved_templates(database: Database) -> tuple[SavedTemplate, ...]:
    """Every saved version, by name and version."""
    with database.reading() as session:
        rows = session.scalars(select(TemplateRow).order_by(TemplateRow.name, TemplateRow.version)).all()
    return tuple(_saved(row) for row in rows)


def save_template(
    database: Database, name: str, parts: Mapping[str, str], *, note: str = "", visitor: str = "", after: int = 0
) -> SavedTemplate:
    """Add the next version of a template; ``after`` is the highest version that it has outside the database.

    Raises:
        ConflictError: somebody saved a version in the same moment.
    """
    with database.writing() as session:
        last = session.scalar(select(func.max(TemplateRow.version)).where(TemplateRow.name == name)) or 0
        row = TemplateRow(
            name=name, version=max(last, after) + 1, parts=storable_json(dict(parts)), note=storable(note)[:2000],
            visitor=visitor, created_at=now(),
        )  # fmt: skip
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            raise ConflictError("Somebody saved a version in the same moment.", hint="Save again.") from None
        return _saved(row)


def _saved(row: TemplateRow) -> SavedTemplate:
    return SavedTemplate(row.name, row.version, row.parts, row.note, row.created_at)
