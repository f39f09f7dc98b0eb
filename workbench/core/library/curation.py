"""The curated library and its queue: what is submitted, voted on, edited, approved, and the trail of all of it.

Every action is one transaction: it changes the example, counts its version up and adds a row to the audit trail, which
the database lets nobody change. Whoever acts says which version they saw; when it is no longer that one, nothing is
overwritten and they are told. An undo is an action too.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from workbench.core.checks import check
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.rights import Rights, missing, read_rights, uses_of
from workbench.core.library.tables import AuditRow, ExampleRow
from workbench.core.library.takes import Take
from workbench.core.music.moods import WORDS
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, piece_id

Status = Literal["waiting", "approved", "rejected", "changes"]
Vote = Literal["approve", "reject", "changes"]
STATUSES: tuple[Status, ...] = ("waiting", "changes", "approved", "rejected")
VOTES: tuple[Vote, ...] = ("approve", "reject", "changes")
PAGE = 50
_KEPT = ("status", "request", "structure", "tags", "teaches", "rights", "note", "round")
"""What an audit row holds of an example, before and after."""


@dataclass(frozen=True)
class Item:
    """An example in the library or its queue. ``version`` counts its changes, ``round`` the rounds of votes."""

    id: str
    status: str
    request: Request
    structure: MusicStructure
    tags: tuple[str, ...]
    teaches: str
    rights: Rights
    origin: Mapping[str, Any]
    note: str
    errors: int
    warnings: int
    version: int
    round: int
    created_at: datetime
    updated_at: datetime

    @property
    def example(self) -> Example:
        """The item as a prompt may show it."""
        return Example(self.id, self.request, self.structure, self.tags, self.teaches, self.rights.to_dict())

    @property
    def hindrances(self) -> tuple[str, ...]:
        """Why it cannot be approved as it is; nothing where it can."""
        errors = (f"{self.errors} error{'' if self.errors == 1 else 's'} in the findings.",) if self.errors else ()
        return (*errors, *missing(self.rights))


@dataclass(frozen=True)
class Filters:
    """What of the queue is seen. Empty fields let everything through; ``words`` must all occur."""

    status: str = "waiting"
    words: str = ""
    form: str = ""
    period: str = ""
    mode: str = ""
    mood: str = ""
    origin: str = ""
    trainable: bool | None = None
    faulty: bool | None = None

    screen: ClassVar[str] = "examples"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def submit(
    database: Database, request: Request, structure: MusicStructure, *, curator: str, origin: Mapping[str, Any],
    rights: Rights | None = None, tags: Iterable[str] = (), teaches: str = "", note: str = "", id: str = "",
    status: Status = "waiting",
) -> tuple[Item, bool]:  # fmt: skip
    """Put a piece into the queue; False where the same piece is there already, which is then given back.

    Raises:
        InvalidInputError: it is to be approved at once, but may not be.
    """
    digest = content_hash(structure)
    with database.writing() as session:
        known = session.scalar(select(ExampleRow).where(ExampleRow.content_hash == digest))
        if known is not None:
            return item_of(known), False
        row = ExampleRow(id=id or new_id(), version=1, round=1, created_at=now(), origin=storable_json(dict(origin)))
        write(row, request, structure, tuple(tags), teaches, rights or Rights(()), note)
        row.status = status
        if status == "approved":
            demand_approvable(item_of(row))
        session.add(row)
        session.flush()
        note_down(session, row, curator, "submitted", None, note)
        return item_of(row), True


def submit_take(database: Database, take: Take, *, curator: str, note: str = "") -> tuple[Item, bool]:
    """Put a take into the queue, with where it came from; False where its music is there already."""
    origin = {"kind": "take", "take": take.id, "generation": take.generation_id or "", "change": take.change}
    return submit(
        database, take.request or Request(), take.structure, curator=curator, note=note,
        origin={name: value for name, value in origin.items() if value},
    )  # fmt: skip


def load_built_in(database: Database, examples: Sequence[Example]) -> int:
    """Take the examples that ship into the library, approved, where they are not yet in it; how many were new.

    One that is there already under another id stays as it is; one that may not be approved waits for the curators.
    """
    with database.reading() as session:
        known = set(session.scalars(select(ExampleRow.id)).all())
    rows = []
    for example in examples:
        if example.id not in known:
            origin = {"kind": "built-in", "file": f"{example.id}.json"}
            row = ExampleRow(id=example.id, version=1, round=1, created_at=now(), origin=origin)
            rights = read_rights(dict(example.rights))
            write(row, example.request, example.structure, example.tags, example.teaches, rights, "")
            row.status = "approved"
            row.status = "waiting" if item_of(row).hindrances else "approved"
            rows.append(row)
    if not rows:
        return 0
    count = 0
    with database.writing() as session:
        ids = set(session.scalars(select(ExampleRow.id).where(ExampleRow.id.in_([row.id for row in rows]))).all())
        hashes = [row.content_hash for row in rows]
        music = set(session.scalars(select(ExampleRow.content_hash).where(ExampleRow.content_hash.in_(hashes))).all())
        for row in rows:
            if row.id not in ids and row.content_hash not in music:
                session.add(row)
                session.flush()
                note_down(session, row, "workbench", "submitted", None, "")
                count += 1
    return count


class Approved:
    """The approved examples; only what has changed is read again. What ships, while there are none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = 0
        self._known: dict[str, Example] = {}
        self._examples: tuple[Example, ...] = ()
        self._lock = threading.Lock()

    def __call__(self) -> tuple[Example, ...]:
        """The examples that may stand in prompts, by id; the same object until something changes."""
        with self._lock:
            changed, seen = changed_since(self._database, self._seen)
            if seen != self._seen:
                self._read(changed if self._seen else None)
                self._examples = tuple(self._known[id] for id in sorted(self._known))
                self._seen = seen
            return self._examples if self._seen else load_examples()

    def _read(self, ids: Sequence[str] | None) -> None:
        for id in ids or ():
            self._known.pop(id, None)
        self._known |= {example.id: example for example in approved(self._database, ids)}


def changed_since(database: Database, seen: int) -> tuple[tuple[str, ...], int]:
    """The ids of the examples that were changed after a revision, and the present revision."""
    with database.reading() as session:
        now_at = int(session.scalar(select(func.max(AuditRow.id))) or 0)
        if now_at == seen:
            return (), now_at
        rows = session.scalars(select(AuditRow.example_id).where(AuditRow.id > seen).distinct()).all()
        return tuple(rows), now_at


def queue(
    database: Database, filters: Filters, *, offset: int = 0, most: int = PAGE, newest: bool = False
) -> tuple[tuple[Item, ...], int]:
    """A page of the queue, oldest first, and how many there are in all."""
    where = conditions(filters)
    order = (ExampleRow.created_at.desc(), ExampleRow.id.desc()) if newest else (ExampleRow.created_at, ExampleRow.id)
    with database.reading() as session:
        count = session.scalar(select(func.count()).select_from(ExampleRow).where(*where)) or 0
        rows = session.scalars(select(ExampleRow).where(*where).order_by(*order).offset(offset).limit(most)).all()
        return tuple(item_of(row) for row in rows), count


def neighbours_in_queue(database: Database, filters: Filters, item: Item) -> tuple[str | None, str | None]:
    """The ids before and after an item in the queue, also when the item itself has just left it."""
    where = conditions(filters)
    at = (ExampleRow.created_at, ExampleRow.id)
    before = (ExampleRow.created_at < item.created_at) | (
        (ExampleRow.created_at == item.created_at) & (ExampleRow.id < item.id)
    )
    after = (ExampleRow.created_at > item.created_at) | (
        (ExampleRow.created_at == item.created_at) & (ExampleRow.id > item.id)
    )
    with database.reading() as session:
        previous = session.scalar(
            select(ExampleRow.id).where(*where, before).order_by(*(column.desc() for column in at)).limit(1)
        )
        following = session.scalar(select(ExampleRow.id).where(*where, after).order_by(*at).limit(1))
    return previous, following


def counts(database: Database) -> dict[str, int]:
    """How many examples there are in each status."""
    with database.reading() as session:
        rows = session.execute(select(ExampleRow.status, func.count()).group_by(ExampleRow.status)).all()
    found = {str(status): int(number) for status, number in rows}
    return {status: found.get(status, 0) for status in STATUSES}


def find(database: Database, id: str) -> Item | None:
    """An example by its id."""
    with database.reading() as session:
        row = session.get(ExampleRow, storable(id)[:100])
        return None if row is None else item_of(row)


def approved(database: Database, ids: Sequence[str] | None = None) -> tuple[Example, ...]:
    """The examples that may stand in a product's prompts: approved, without errors, permitted by every layer.

    With ``ids``, those of them alone.
    """
    may = select(ExampleRow).where(
        ExampleRow.status == "approved", ExampleRow.errors == 0, ExampleRow.may_prompt.is_(True)
    )
    found: list[Example] = []
    with database.reading() as session:
        parts = [None] if ids is None else [ids[at : at + 500] for at in range(0, len(ids), 500)]
        for part in parts:
            wanted = may if part is None else may.where(ExampleRow.id.in_(list(part)))
            found += [item_of(row).example for row in session.scalars(wanted.order_by(ExampleRow.id)).all()]
    return tuple(found)


def revision(database: Database) -> int:
    """A number that grows with every change of the library."""
    with database.reading() as session:
        return int(session.scalar(select(func.max(AuditRow.id))) or 0)


def content_hash(structure: MusicStructure) -> str:
    """A hash of the music alone: the same piece under another title or with other words is the same."""
    plain = structure.to_dict()
    for name in ("title", "reasoning", "character", "schemaVersion"):
        plain.pop(name, None)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write(
    row: ExampleRow, request: Request, structure: MusicStructure, tags: tuple[str, ...], teaches: str, rights: Rights,
    note: str,
) -> None:  # fmt: skip
    """Write an example's content, and everything that follows from it."""
    rights = read_rights(storable_json(rights.to_dict()))  # what follows from them follows from what is kept
    profile = structure.period or request.period or "classical"
    found = check(structure, request=request, profile=profile).counts
    uses = uses_of(rights)
    row.piece_id, row.content_hash = piece_id(structure), content_hash(structure)
    row.title = storable(structure.title or f"{structure.form} in {structure.tonality.pretty}")[:160]
    row.request, row.structure = storable_json(request.to_dict()), storable_json(structure.to_dict())
    row.tags = [storable(tag)[:80] for tag in tags][:32]
    row.teaches, row.note = storable(teaches)[:1000], storable(note)[:4000]
    row.rights = storable_json(rights.to_dict())
    row.form, row.period, row.mode = structure.form, profile, structure.tonality.mode
    row.meter, row.valence, row.arousal = structure.time_signature, request.valence, request.arousal
    row.errors, row.warnings = found["error"], found["warning"]
    row.rights_gaps = len(missing(rights))
    row.may_prompt, row.may_train = uses["commercial_prompt"].allowed, uses["commercial_training"].allowed
    words = [row.title, row.teaches, row.note, request.brief or "", structure.key, structure.form, *row.tags]
    row.search = storable(" ".join(words).lower())[:8000]
    row.updated_at = now()


def name_of(curator: str) -> str:
    """A curator's name as every database takes it."""
    return storable(curator)[:80]


def demand_approvable(item: Item) -> None:
    """Refuse what has errors or incomplete rights.

    Raises:
        InvalidInputError: the item may not be approved as it is; the message says why.
    """
    if item.hindrances:
        raise InvalidInputError(
            f"It cannot be approved yet. {' '.join(item.hindrances[:4])}",
            hint="Mend the piece or complete its rights, then approve it.",
        )


def state_of(row: ExampleRow) -> dict[str, Any]:
    """What an audit row holds of an example."""
    return {name: getattr(row, name) for name in _KEPT} | {"version": row.version}


def note_down(
    session: Session, row: ExampleRow, curator: str, action: str, before: dict[str, Any] | None, note: str,
    undoes: int | None = None,
) -> None:  # fmt: skip
    """Add a row to the audit trail."""
    session.add(
        AuditRow(
            example_id=row.id, curator=name_of(curator), action=action, before=before, after=state_of(row),
            note=storable(note)[:4000], undoes=undoes, at=now(),
        )
    )  # fmt: skip


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """The filters as SQL."""
    where: list[ColumnElement[bool]] = []
    for name in ("status", "form", "period", "mode"):
        value = storable(getattr(filters, name))
        if value:
            where.append(getattr(ExampleRow, name) == value)
    for word in filters.words.lower().split()[:12]:
        where.append(ExampleRow.search.contains(storable(word)[:80], autoescape=True))
    if filters.mood:
        where += _in_mood(filters.mood)
    if filters.origin:
        where.append(ExampleRow.origin["kind"].as_string() == storable(filters.origin))
    if filters.trainable is not None:
        where.append(ExampleRow.may_train.is_(filters.trainable))
    if filters.faulty is not None:
        where.append(ExampleRow.errors > 0 if filters.faulty else ExampleRow.errors == 0)
    return where


def _in_mood(word: str) -> list[ColumnElement[bool]]:
    """The ninth of the plane that a mood's word names, counted as ``mood_word`` counts; what is no mood is nowhere."""
    across, down = (ExampleRow.valence + 1) * 1.5, (1 - ExampleRow.arousal) * 3
    for row, words in enumerate(WORDS):
        if word in words:
            column = words.index(word)
            borders = [(across >= column, column > 0), (across < column + 1, column < 2)]
            borders += [(down >= row, row > 0), (down < row + 1, row < 2)]
            return [condition for condition, inside in borders if inside]
    return [false()]


def item_of(row: ExampleRow) -> Item:
    """The item of a row."""
    return Item(
        row.id, row.status, Request.model_validate(row.request), MusicStructure.model_validate(row.structure),
        tuple(row.tags), row.teaches, read_rights(row.rights), row.origin, row.note, row.errors, row.warnings,
        row.version, row.round, row.created_at, row.updated_at,
    )  # fmt: skip
