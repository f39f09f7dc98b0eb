"""Drafts: what a person has typed and not yet used. They save themselves, and the newer one wins."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.tables import DraftRow

MAX_DRAFTS = 60
"""Drafts of one visitor; the longest untouched are let go."""


def save_draft(database: Database, visitor: str, name: str, data: dict[str, Any]) -> None:
    """Keep a draft under its name."""
    name = storable(name)[:160]
    with database.writing() as session:
        row = session.get(DraftRow, (visitor, name))
        if row is None:
            session.add(DraftRow(visitor=visitor, name=name, data=storable_json(data), version=1, updated_at=now()))
            old = select(DraftRow).where(DraftRow.visitor == visitor).order_by(DraftRow.updated_at.desc())
            for extra in session.scalars(old.offset(MAX_DRAFTS)).all():
                session.delete(extra)
        else:
            row.data, row.version, row.updated_at = storable_json(data), row.version + 1, now()


def load_draft(database: Database, visitor: str, name: str) -> dict[str, Any] | None:
    """A draft as it was last saved; None where there is none."""
    with database.reading() as session:
        row = session.get(DraftRow, (visitor, storable(name)[:160]))
        return None if row is None else row.data


def drop_draft(database: Database, visitor: str, name: str) -> None:
    """Forget a draft that has been used."""
    with database.writing() as session:
        row = session.get(DraftRow, (visitor, storable(name)[:160]))
        if row is not None:
            session.delete(row)
