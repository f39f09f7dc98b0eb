"""Takes: the pieces that people keep, with what was asked for and how each came about.

A take belongs to a visitor and is known by its piece, so that the same piece is kept once. Takes are never overwritten:
what is changed of one (its name) carries a version.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, func, select

from workbench.core.errors import ConflictError
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.tables import SubmissionRow, TakeRow
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import parse_key
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

_log = logging.getLogger(__name__)
MAX_NAME = 120
PAGE = 24


@dataclass(frozen=True)
class Take:
    """One piece that is kept.

    With a ``seed``, the rules make it again from the ``request``. ``source`` names the file that it was opened from,
    ``change`` says what was done to ``parent_id`` to make it, ``generation_id`` is the run that it came out of.
    """

    piece_id: str
    structure: MusicStructure
    request: Request | None = None
    seed: int | None = None
    source: str = ""
    change: str = ""
    name: str | None = None
    generation_id: str | None = None
    parent_id: str | None = None
    id: str = ""
    visitor: str = ""
    created_at: datetime | None = None
    version: int = 1


def keep_take(database: Database, take: Take, visitor: str) -> Take:
    """Keep a take; one whose piece this visitor already has is given back as it was kept."""
    with database.writing() as session:
        known = session.scalar(select(TakeRow).where(TakeRow.visitor == visitor, TakeRow.piece_id == take.piece_id))
        if known is None:
            known = take_row(take, visitor)
            session.add(known)
            session.flush()
        return _take(known)


def take_row(take: Take, visitor: str) -> TakeRow:
    """The row of a new take."""
    return TakeRow(
        id=new_id(),
        visitor=visitor,
        piece_id=take.piece_id,
        name=take.name and storable(take.name)[:MAX_NAME],
        request=None if take.request is None else storable_json(take.request.to_dict()),
        seed=take.seed,
        structure=storable_json(take.structure.to_dict()),
        source=storable(take.source)[:200],
        change=storable(take.change)[:200],
        generation_id=take.generation_id,
        parent_id=take.parent_id,
        search=_searchable(take),
        created_at=now(),
        version=1,
    )


def find_take(database: Database, piece_id: str, visitor: str) -> Take | None:
    """The take of a piece: this visitor's own, else anybody's."""
    with database.reading() as session:
        own = (TakeRow.visitor == visitor).desc()
        row = session.scalars(
            select(TakeRow).where(TakeRow.piece_id == storable(piece_id)).order_by(own).limit(1)
        ).first()
        return None if row is None else _take(row)


def takes_of(database: Database, visitor: str, *, most: int = PAGE) -> tuple[Take, ...]:
    """A visitor's newest takes, oldest first."""
    with database.reading() as session:
        rows = session.scalars(_newest(TakeRow.visitor == visitor).limit(most)).all()
    return _readable(reversed(rows))


def search_takes(
    database: Database, words: str = "", *, visitor: str | None = None, offset: int = 0, most: int = PAGE
) -> tuple[tuple[Take, ...], int]:
    """Takes that hold every word, newest first, and how many there are; of everybody, or of one visitor.

    Words are looked for in the title, the name, the request's own words, form, key, period, source and model.
    """
    conditions: list[ColumnElement[bool]] = [] if visitor is None else [TakeRow.visitor == visitor]
    for word in words.lower().split()[:12]:
        conditions.append(TakeRow.search.contains(storable(word)[:80], autoescape=True))
    with database.reading() as session:
        count = session.scalar(select(func.count()).select_from(TakeRow).where(*conditions)) or 0
        rows = session.scalars(_newest(*conditions).offset(offset).limit(most)).all()
    return _readable(rows), count


def name_take(database: Database, take: Take, name: str) -> Take:
    """Give a take another name; an empty one takes the name away.

    Raises:
        ConflictError: it was renamed by somebody else meanwhile, or is gone.
    """
    cleaned = " ".join(storable(name).split())[:MAX_NAME] or None
    with database.writing() as session:
        row = session.get(TakeRow, take.id)
        if row is None or row.version != take.version:
            raise ConflictError("This take was changed meanwhile.", hint="Open it again, then name it.")
        row.name, row.version = cleaned, row.version + 1
        row.search = _searchable(_take(row))
        session.flush()
        return _take(row)


def delete_takes(database: Database, ids: Sequence[str], visitor: str) -> int:
    """Delete a visitor's own takes; how many there were."""
    with database.writing() as session:
        rows = session.scalars(select(TakeRow).where(TakeRow.id.in_(list(ids)), TakeRow.visitor == visitor)).all()
        for row in rows:
            session.delete(row)
        return len(rows)


def send_to_curators(database: Database, take: Take, visitor: str, note: str = "") -> bool:
    """Put a take into the curators' queue; False where it is there already (its note is then renewed)."""
    with database.writing() as session:
        known = session.scalar(select(SubmissionRow).where(SubmissionRow.take_id == take.id))
        if known is not None:
            known.note = storable(note)[:4000] or known.note
            return False
        session.add(
            SubmissionRow(
                id=new_id(), take_id=take.id, visitor=visitor, note=storable(note)[:4000], state="waiting",
                created_at=now(),
            )
        )  # fmt: skip
        return True


def is_submitted(database: Database, take: Take) -> bool:
    """Whether a take is in the curators' queue."""
    with database.reading() as session:
        return session.scalar(select(SubmissionRow.id).where(SubmissionRow.take_id == take.id)) is not None


def _newest(*conditions: ColumnElement[bool]) -> Any:
    return select(TakeRow).where(*conditions).order_by(TakeRow.created_at.desc(), TakeRow.id)


def _searchable(take: Take) -> str:
    structure, request = take.structure, take.request
    form = FORMS.get(structure.form)
    parts = [
        take.name, structure.title, form.title if form else "", structure.form, structure.key,
        parse_key(structure.key).pretty, structure.period, structure.time_signature, structure.instrumentation,
        structure.character, take.source, take.change, request.brief if request else "",
        request.theme if request else "",
    ]  # fmt: skip
    return storable(" ".join(part for part in parts if part).lower())[:8000]


def _readable(rows: Iterable[TakeRow]) -> tuple[Take, ...]:
    """The takes of rows; one that no longer can be read does not hide the others."""
    takes: list[Take] = []
    for row in rows:
        try:
            takes.append(_take(row))
        except ValidationError:
            _log.warning("take %s cannot be read and is left out", row.id)
    return tuple(takes)


def _take(row: TakeRow) -> Take:
    return Take(
        piece_id=row.piece_id,
        structure=MusicStructure.model_validate(row.structure),
        request=None if row.request is None else Request.model_validate(row.request),
        seed=row.seed,
        source=row.source,
        change=row.change,
        name=row.name,
        generation_id=row.generation_id,
        parent_id=row.parent_id,
        id=row.id,
        visitor=row.visitor,
        created_at=row.created_at,
        version=row.version,
    )
