"""Filters of the queue that a curator keeps under a name."""

from __future__ import annotations

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import Filters, name_of
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.tables import SavedViewRow


def save_view(database: Database, curator: str, name: str, filters: Filters) -> None:
    """Keep filters under a name; an empty name is refused.

    Raises:
        InvalidInputError: there is no name.
    """
    name = " ".join(storable(name).split())[:80]
    if not name:
        raise InvalidInputError("A view needs a name.", hint="Say what it shows.", field="name")
    kept = storable_json(filters.to_dict())
    with database.writing() as session:
        row = session.get(SavedViewRow, (name_of(curator), name))
        if row is None:
            session.add(SavedViewRow(curator=name_of(curator), name=name, filters=kept, created_at=now()))
        else:
            row.filters = kept


def saved_views(database: Database, curator: str) -> dict[str, Filters]:
    """A curator's views, by name."""
    known = set(Filters.__dataclass_fields__)
    with database.reading() as session:
        rows = session.scalars(
            select(SavedViewRow).where(SavedViewRow.curator == name_of(curator)).order_by(SavedViewRow.name)
        ).all()
        return {row.name: Filters(**{k: v for k, v in row.filters.items() if k in known}) for row in rows}


def delete_view(database: Database, curator: str, name: str) -> None:
    """Forget a view."""
    with database.writing() as session:
        row = session.get(SavedViewRow, (curator, name))
        if row is not None:
            session.delete(row)
