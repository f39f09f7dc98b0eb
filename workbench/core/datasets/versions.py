"""Versions of datasets: immutable, known by the hash of what they hold, written as a whole or not at all.

A version is written in short steps that nobody sees, and becomes visible by the last of them. What is in a row is kept
once under its own hash, so versions that share rows share their space.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from workbench.core.datasets.rows import FACTS, SPLITS, Facts, Row, row_from
from workbench.core.errors import ConflictError, DatabaseError, InvalidInputError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.dataset_tables import BodyRow, BuildRow, DatasetRow, VersionRow

ID = 16
"""Hexadecimal digits of a version's id: the beginning of its hash."""
STEP = 2_000
"""Rows that are written or read at once: others may write in between."""


@dataclass(frozen=True)
class Version:
    """One version; ``number`` counts the versions of one name, ``summary`` is what its build found out."""

    id: str
    name: str
    number: int
    kind: str
    content_hash: str
    recipe: Mapping[str, Any]
    summary: Mapping[str, Any]
    rows: int
    curator: str
    created_at: datetime

    @property
    def label(self) -> str:
        """For people: ``first steps 3``."""
        return f"{self.name} {self.number}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**self.__dict__, "created_at": self.created_at.isoformat()}


def content_hash(recipe: Mapping[str, Any], facts: Sequence[Facts]) -> str:
    """The hash of a version: its recipe, and of each row in order its key, split, group and content."""
    found = hashlib.sha256(json.dumps(recipe, sort_keys=True, ensure_ascii=False).encode())
    for each in facts:
        found.update(f"{each.key}\t{each.split}\t{each.group}\t{each.digest}\n".encode())
    return found.hexdigest()


def in_order(facts: Iterable[Facts]) -> list[Facts]:
    """Rows in the order in which a version holds them: by split, then by key."""
    places: dict[str, int] = {split: place for place, split in enumerate(SPLITS)}
    return sorted(facts, key=lambda each: (places[each.split], each.key))


def packed(row: Row) -> tuple[str, bytes]:
    """A row's hash and its canonical JSON, compressed."""
    return row.digest, zlib.compress(row.to_json().encode("utf-8", "surrogatepass"), 6)


def put_bodies(database: Database, bodies: Iterable[tuple[str, bytes]]) -> None:
    """Keep what is in rows; what is there already stays."""
    values = [{"digest": digest, "data": data} for digest, data in bodies]
    if not values:
        return
    dialect = sqlite if database.is_sqlite else postgresql
    with database.writing() as session:
        session.execute(dialect.insert(BodyRow).on_conflict_do_nothing(), values)


def write_version(
    database: Database, recipe: Mapping[str, Any], facts: Sequence[Facts], summary: Mapping[str, Any], *,
    name: str, kind: str, curator: str, build_id: str = "",
) -> tuple[Version, bool]:  # fmt: skip
    """Write a version whose bodies are kept already; False where the very same version is there, which is given back.

    Raises:
        ConflictError: another process is writing the same version now.
        DatabaseError: something that the rows hold is not there.
    """
    recipe, summary = storable_json(dict(recipe)), storable_json(dict(summary))
    digest = content_hash(recipe, facts)
    id = digest[:ID]
    with database.writing() as session:
        row = session.get(VersionRow, id)
        if row is not None and row.state == "ready":
            return _version(row), False
        if row is not None:
            raise ConflictError("The same version is being written just now.", hint="Look again in a moment.")
        session.add(
            VersionRow(
                id=id, name=storable(name)[:80], number=0, kind=kind, state="writing", content_hash=digest,
                recipe=recipe, summary=summary, rows=len(facts), curator=name_of(curator), build_id=build_id,
                created_at=now(),
            )
        )  # fmt: skip
    try:
        for at in range(0, len(facts), STEP):
            values = [_values(id, at + place, each) for place, each in enumerate(facts[at : at + STEP])]
            with database.writing() as session:
                session.execute(insert(DatasetRow), values)
        return _shown(database, id), True
    except BaseException:
        forget(database, id)
        raise


def _shown(database: Database, id: str) -> Version:
    """Make a whole version visible, under the next number of its name."""
    with database.writing() as session:
        row = session.get(VersionRow, id)
        if row is None:
            raise ConflictError("The version was taken away while it was written.", hint="Build it again.")
        missing = (
            select(DatasetRow.digest)
            .outerjoin(BodyRow, BodyRow.digest == DatasetRow.digest)
            .where(DatasetRow.version_id == id, BodyRow.digest.is_(None))
        )
        if session.scalar(missing.limit(1)) is not None:
            raise DatabaseError("Some rows of the version have no content.", hint="Build it again.")
        newest = session.scalar(
            select(func.max(VersionRow.number)).where(VersionRow.name == row.name, VersionRow.state == "ready")
        )
        row.number, row.state, row.created_at = (newest or 0) + 1, "ready", now()
        session.flush()
        return _version(row)


def forget(database: Database, id: str) -> None:
    """Take away what an interrupted writer left of a version; a version that is whole stays."""
    with database.writing() as session:
        row = session.get(VersionRow, id)
        if row is None or row.state == "ready":
            return
    while True:
        with database.writing() as session:
            part = session.scalars(select(DatasetRow.position).where(DatasetRow.version_id == id).limit(STEP)).all()
            session.execute(delete(DatasetRow).where(DatasetRow.version_id == id, DatasetRow.position.in_(part)))
            if len(part) < STEP:
                session.execute(delete(VersionRow).where(VersionRow.id == id, VersionRow.state != "ready"))
                return


def unfinished(database: Database) -> tuple[tuple[str, str], ...]:
    """Versions that are not whole: their ids, and the builds that write them."""
    with database.reading() as session:
        rows = session.execute(select(VersionRow.id, VersionRow.build_id).where(VersionRow.state != "ready")).all()
    return tuple((id, build) for id, build in rows)


def sweep(database: Database) -> int:
    """Take away contents that no version holds, unless something is built; how many."""
    with database.writing() as session:
        if session.scalar(select(BuildRow.id).where(BuildRow.state == "running").limit(1)) is not None:
            return 0
        held = select(DatasetRow.digest).where(DatasetRow.digest == BodyRow.digest)
        found = session.execute(delete(BodyRow).where(~held.exists()))
        return int(found.rowcount)  # type: ignore[attr-defined]


def versions(database: Database, name: str = "") -> tuple[Version, ...]:
    """All versions, newest first."""
    wanted = select(VersionRow).where(VersionRow.state == "ready").order_by(VersionRow.created_at.desc(), VersionRow.id)
    if name:
        wanted = wanted.where(VersionRow.name == storable(name))
    with database.reading() as session:
        return tuple(_version(row) for row in session.scalars(wanted).all())


def find_version(database: Database, id: str) -> Version | None:
    """A version by its id."""
    with database.reading() as session:
        row = session.get(VersionRow, storable(id)[:40])
        return _version(row) if row is not None and row.state == "ready" else None


def version_named(database: Database, wanted: str) -> Version:
    """A version by its id or the beginning of it, by ``NAME NUMBER``, or by its name alone (the newest).

    Raises:
        InvalidInputError: there is none, or the beginning fits several.
    """
    wanted = storable(wanted).strip()
    known = versions(database)
    exact = [each for each in known if wanted in {each.id, each.label, each.content_hash}]
    named = [each for each in known if each.name == wanted]
    begun = [each for each in known if len(wanted) >= 4 and each.id.startswith(wanted)]
    for found in (exact[:1], named[:1], begun):
        if len(found) == 1:
            return found[0]
    several = len(begun) > 1
    raise InvalidInputError(
        f"{wanted[:60]!r} is {'the beginning of several versions' if several else 'no version'}.",
        hint="See: python -m workbench dataset list.", field="version",
    )  # fmt: skip


def facts_of_version(database: Database, id: str, *, split: str = "") -> Iterator[Facts]:
    """The facts of a version's rows, or of one split's, in order."""
    columns = [getattr(DatasetRow, name) for name in FACTS]
    first, end = _span(database, id, split)
    for at in range(first, end, STEP):
        wanted = select(*columns).where(*_between(id, at, min(end, at + STEP))).order_by(DatasetRow.position)
        with database.reading() as session:
            rows = session.execute(wanted).all()
        yield from (Facts(*row) for row in rows)


def bodies(database: Database, id: str, *, split: str = "", step: int = 500) -> Iterator[tuple[str, Row]]:
    """The rows of a version, or of one split, in order, each with its split; read in parts, so that memory stays small.

    Raises:
        DatabaseError: what is kept is not what its hash says.
    """
    first, end = _span(database, id, split)
    for at in range(first, end, step):
        wanted = (
            select(DatasetRow.split, DatasetRow.digest, BodyRow.data)
            .join(BodyRow, BodyRow.digest == DatasetRow.digest)
            .where(*_between(id, at, min(end, at + step)))
            .order_by(DatasetRow.position)
        )
        with database.reading() as session:
            rows = session.execute(wanted).all()
        for side, digest, data in rows:
            yield side, unpacked(digest, data)


def _span(database: Database, id: str, split: str) -> tuple[int, int]:
    """The first position of a version's rows and the one after the last; of one split, since each lies together."""
    where = [DatasetRow.version_id == id, *([DatasetRow.split == storable(split)] if split else [])]
    with database.reading() as session:
        first, last = session.execute(
            select(func.min(DatasetRow.position), func.max(DatasetRow.position)).where(*where)
        ).one()
    return (0, 0) if first is None else (int(first), int(last) + 1)


def _between(id: str, first: int, end: int) -> tuple[ColumnElement[bool], ...]:
    return DatasetRow.version_id == id, DatasetRow.position >= first, DatasetRow.position < end


def find_row(database: Database, version: str, key: str) -> tuple[Facts, Row] | None:
    """A row of a version by its key."""
    columns = [getattr(DatasetRow, name) for name in FACTS]
    wanted = (
        select(BodyRow.data, *columns)
        .join(BodyRow, BodyRow.digest == DatasetRow.digest)
        .where(DatasetRow.version_id == version, DatasetRow.key == storable(key))
    )
    with database.reading() as session:
        found = session.execute(wanted).first()
    if found is None:
        return None
    facts = Facts(*found[1:])
    return facts, unpacked(facts.digest, found[0])


def find_body(database: Database, digest: str) -> Row:
    """The row that is kept under a hash.

    Raises:
        DatabaseError: there is none, or it is damaged.
    """
    with database.reading() as session:
        data = session.scalar(select(BodyRow.data).where(BodyRow.digest == digest))
    return unpacked(digest, data or b"")


def unpacked(digest: str, data: bytes) -> Row:
    """The row that was kept under a hash.

    Raises:
        DatabaseError: it is damaged, or was changed.
    """
    try:
        said = zlib.decompress(data)
    except zlib.error:
        said = b""
    if hashlib.sha256(said).hexdigest() != digest:
        raise DatabaseError(
            f"A row's content is not what its hash {digest[:12]} says.", hint="Bring the database back from a copy."
        )
    return row_from(json.loads(said))


def _values(version: str, position: int, facts: Facts) -> dict[str, Any]:
    values = {name: getattr(facts, name) for name in FACTS}
    for name, most in (("title", 160), ("form", 120), ("search", 400), ("changes", 120), ("origin", 20)):
        values[name] = storable(values[name])[:most]
    return {"version_id": version, "position": position, **values}


def _version(row: VersionRow) -> Version:
    return Version(
        row.id, row.name, row.number, row.kind, row.content_hash, row.recipe, row.summary, row.rows, row.curator,
        row.created_at,
    )  # fmt: skip
