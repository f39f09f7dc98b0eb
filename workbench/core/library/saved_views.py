"""Filters of a list that a person keeps under a name, screen by screen."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Protocol, TypeVar

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import Filters, name_of
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.tables import SavedViewRow


class Kept(Protocol):
    """Filters that can be kept: a dataclass whose fields are plain JSON, and the screen that it belongs to."""

    screen: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""


K = TypeVar("K", bound=Kept)


def save_view(database: Database, curator: str, name: str, filters: Kept) -> None:
    """Keep filters under a name; an empty name is refused.

    Raises:
        InvalidInputError: there is no name.
    """
    name = " ".join(storable(name).split())[:80]
    if not name:
        raise InvalidInputError("A view needs a name.", hint="Say what it shows.", field="name")
    kept = storable_json(filters.to_dict())
    who, screen = name_of(curator), filters.screen
    with database.writing() as session:
        row = session.get(SavedViewRow, (screen, who, name))
        if row is None:
            session.add(SavedViewRow(screen=screen, curator=who, name=name, filters=kept, created_at=now()))
        else:
            row.filters = kept


def saved_views(database: Database, curator: str, kind: type[K] = Filters) -> dict[str, K]:  # type: ignore[assignment]
    """A person's views of one kind of filters, by name; what such filters no longer know is left out."""
    known = {field.name for field in fields(kind)}
    with database.reading() as session:
        rows = session.scalars(
            select(SavedViewRow)
            .where(SavedViewRow.screen == kind.screen, SavedViewRow.curator == name_of(curator))
            .order_by(SavedViewRow.name)
        ).all()
        return {row.name: kind(**{k: v for k, v in row.filters.items() if k in known}) for row in rows}


def delete_view(database: Database, curator: str, name: str, screen: str) -> None:
    """Forget a view."""
    name = " ".join(storable(name).split())[:80]
    with database.writing() as session:
        row = session.get(SavedViewRow, (screen, name_of(curator), name))
        if row is not None:
            session.delete(row)
