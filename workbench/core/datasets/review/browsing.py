"""Looking through a version: filters, search, order and pages, all in the database, so that size does not matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from workbench.core.datasets.rows import FACTS, Facts
from workbench.core.library.database import Database, storable
from workbench.core.library.dataset_tables import DatasetRow, MarkRow

PAGE = 100
SORTED_BY = (
    "position", "key", "title", "form", "period", "mood", "tonic", "meter", "tempo", "seconds", "measures", "tokens_in",
    "tokens_out", "warnings", "valence", "arousal", "split", "origin", "changes",
)  # fmt: skip
_CHOSEN = ("split", "form", "period", "mode", "mood", "tonic", "meter", "origin", "cadence", "group", "source")


@dataclass(frozen=True)
class RowFilters:
    """What of a version is seen. Empty fields let everything through; ``words`` must all occur.

    ``derived`` False shows originals alone. ``mark`` shows rows that are marked so: ``flag``, ``exclude``, ``comment``.
    ``longer`` shows rows of more tokens than that.
    """

    words: str = ""
    split: str = ""
    form: str = ""
    period: str = ""
    mode: str = ""
    mood: str = ""
    tonic: str = ""
    meter: str = ""
    origin: str = ""
    cadence: str = ""
    group: str = ""
    source: str = ""
    derived: bool | None = None
    mark: str = ""
    longer: int = 0
    sort: str = "position"
    down: bool = False

    screen: ClassVar[str] = "datasets"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def page_of(
    database: Database, version: str, filters: RowFilters, *, offset: int = 0, most: int = PAGE
) -> tuple[tuple[Facts, ...], int]:
    """A page of a version's rows, and how many there are in all that the filters let through."""
    where = _conditions(version, filters)
    columns = [getattr(DatasetRow, name) for name in FACTS]
    with database.reading() as session:
        count = session.scalar(select(func.count()).select_from(DatasetRow).where(*where)) or 0
        # Which rows they are is found first: a database that sorts all of them should not carry all that is in them.
        page = select(DatasetRow.position).where(*where).order_by(*_order(filters)).offset(offset).limit(most)
        wanted = select(*columns).where(DatasetRow.version_id == version, DatasetRow.position.in_(page))
        rows = session.execute(wanted.order_by(*_order(filters)))
        return tuple(Facts(*row) for row in rows.all()), count


def beside(database: Database, version: str, filters: RowFilters, key: str) -> tuple[str | None, str | None, int]:
    """The keys before and after a row in what the filters let through, and its place there (from 0).

    Where the row itself is not let through, the first row comes after it.
    """
    where = _conditions(version, filters)
    with database.reading() as session:
        position = session.scalar(
            select(DatasetRow.position).where(DatasetRow.version_id == version, DatasetRow.key == storable(key))
        )
        if position is None:
            return None, None, 0
        mine = session.execute(
            select(_column(filters), DatasetRow.position).where(
                DatasetRow.version_id == version, DatasetRow.position == position
            )
        ).one()
        before, after = _around(filters, tuple(mine))
        place = session.scalar(select(func.count()).select_from(DatasetRow).where(*where, before)) or 0
        return _end(session, where, before, filters, last=True), _end(session, where, after, filters), int(place)


def choices(database: Database, version: str) -> dict[str, dict[str, int]]:
    """What the filters can be set to: the values of each column that is chosen from, with how many rows have it."""
    found: dict[str, dict[str, int]] = {}
    with database.reading() as session:
        for name in ("split", "form", "period", "mode", "mood", "tonic", "meter", "origin", "cadence"):
            column = getattr(DatasetRow, name)
            rows = session.execute(
                select(column, func.count()).where(DatasetRow.version_id == version).group_by(column)
            ).all()
            found[name] = {str(value): int(count) for value, count in sorted(rows, key=lambda row: str(row[0]))}
    return found


def keys_of(database: Database, version: str, filters: RowFilters, by: str = "") -> tuple[tuple[str, str], ...]:
    """The keys of all rows that the filters let through, each with its value in the column ``by``, in order."""
    column = getattr(DatasetRow, by) if by else DatasetRow.split
    with database.reading() as session:
        wanted = select(DatasetRow.key, column).where(*_conditions(version, filters)).order_by(DatasetRow.position)
        return tuple((str(key), str(value) if by else "") for key, value in session.execute(wanted).all())


def _conditions(version: str, filters: RowFilters) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [DatasetRow.version_id == version]
    for name in _CHOSEN:
        value = storable(getattr(filters, name))
        if value:
            where.append(getattr(DatasetRow, name) == value)
    for word in filters.words.lower().split()[:12]:
        where.append(DatasetRow.search.contains(storable(word)[:80], autoescape=True))
    if filters.derived is not None:
        where.append(DatasetRow.changes != "" if filters.derived else DatasetRow.changes == "")
    if filters.longer > 0:
        where.append(DatasetRow.tokens_in + DatasetRow.tokens_out > filters.longer)
    if filters.mark:
        marks = select(MarkRow.row_key).where(MarkRow.kind == storable(filters.mark), MarkRow.taken_back_at.is_(None))
        where.append(DatasetRow.key.in_(marks))
    return where


def _column(filters: RowFilters) -> ColumnElement[Any]:
    column: ColumnElement[Any] = getattr(DatasetRow, filters.sort if filters.sort in SORTED_BY else "position")
    return column


def _order(filters: RowFilters) -> tuple[Any, Any]:
    column = _column(filters)
    return (column.desc(), DatasetRow.position.desc()) if filters.down else (column, DatasetRow.position)


def _around(filters: RowFilters, mine: tuple[Any, Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions for what stands before a row and after it in the order."""
    column, (value, position) = _column(filters), mine
    less = or_(column < value, and_(column == value, DatasetRow.position < position))
    more = or_(column > value, and_(column == value, DatasetRow.position > position))
    return (more, less) if filters.down else (less, more)


def _end(
    session: Session, where: list[ColumnElement[bool]], side: ColumnElement[bool], filters: RowFilters, *,
    last: bool = False,
) -> str | None:  # fmt: skip
    """The nearest key on one side: the last of what stands before, the first of what stands after."""
    order = [column.desc() if last != filters.down else column for column in (_column(filters), DatasetRow.position)]
    found = session.scalar(select(DatasetRow.key).where(*where, side).order_by(*order).limit(1))
    return None if found is None else str(found)
