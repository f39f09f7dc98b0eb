"""Generations as they are kept: begun, beaten while they run, ended once; found again by batch after a reload.

A row says which process runs it, and that process writes a beat now and then. A row without a living process is
interrupted: what had been written of it is still there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.tables import GenerationRow, TakeRow, UsageRow
from workbench.core.library.takes import Take, take_row

State = Literal["queued", "running", "done", "stopped", "failed", "interrupted"]
UNFINISHED: tuple[State, ...] = ("queued", "running")
LOST = timedelta(seconds=20)
"""Without a beat for so long, a process on another machine counts as gone."""


@dataclass(frozen=True)
class GenerationRecord:
    """A generation as it is kept; what is not there yet is None. ``model`` is what people may read of it."""

    id: str
    batch: str
    position: int
    visitor: str
    state: State
    label: str
    request: Mapping[str, Any]
    settings: Mapping[str, Any]
    plan: Mapping[str, Any] | None
    outcome: str | None
    provider: str | None
    variant: str | None
    model: str | None
    template: str | None
    structure: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    repairs: Sequence[Any] | None
    trace: Sequence[Any] | None
    usage: Mapping[str, Any] | None
    partial: str
    message: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class Ending:
    """What a generation ends with: its columns, the take that it made, and what it used."""

    state: State
    columns: Mapping[str, Any]
    take: Take | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    token_id: str | None = None


def new_owner() -> str:
    """A name for this process: host, process number and a random part, since numbers come again."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{token_hex(4)}"


def begin(
    database: Database, id: str, batch: str, position: int, *, visitor: str, owner: str, label: str,
    request: Mapping[str, Any], settings: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write down that a generation waits for its turn."""
    with database.writing() as session:
        session.add(
            GenerationRow(
                id=id, batch=batch, position=position, visitor=visitor, state="queued", label=storable(label)[:200],
                request=storable_json(request), settings=storable_json(settings), partial="", message="", owner=owner,
                beat_at=now(), created_at=now(),
            )
        )  # fmt: skip


def started(database: Database, id: str, plan: Mapping[str, Any]) -> None:
    """Write down that it has begun, and its plan."""
    with database.writing() as session:
        session.execute(
            update(GenerationRow)
            .where(GenerationRow.id == id, GenerationRow.state.in_(UNFINISHED))
            .values(state="running", started_at=now(), beat_at=now(), plan=storable_json(plan))
        )


def beat(database: Database, owner: str, partials: Mapping[str, str]) -> None:
    """Say that the process lives, and keep what its generations have written so far."""
    with database.writing() as session:
        session.execute(
            update(GenerationRow)
            .where(GenerationRow.owner == owner, GenerationRow.state.in_(UNFINISHED))
            .values(beat_at=now())
        )
        for id, text in partials.items():
            running = (GenerationRow.id == id, GenerationRow.state.in_(UNFINISHED))  # an ended one keeps its end
            session.execute(update(GenerationRow).where(*running).values(partial=storable(text)))


def end(database: Database, id: str, ending: Ending) -> bool:
    """End a generation and keep its take, in one transaction; False where it had ended already.

    One that was given up for lost, because its process gave no sign for too long, may still be done.
    """
    with database.writing() as session:
        row = session.get(GenerationRow, id)
        late = row is not None and row.state == "interrupted" and ending.state == "done"
        if row is None or not (row.state in UNFINISHED or late):
            return False
        _fill(session, row, ending)
        return True


def keep_finished(
    database: Database, id: str, *, visitor: str, request: Mapping[str, Any], settings: Mapping[str, Any],
    plan: Mapping[str, Any], ending: Ending,
) -> None:  # fmt: skip
    """Write down a generation that nobody had to find while it ran."""
    with database.writing() as session:
        row = GenerationRow(
            id=id, batch=id, position=0, visitor=visitor, label="", request=storable_json(request),
            settings=storable_json(settings), plan=storable_json(plan), message="", owner="", created_at=now(),
            started_at=now(), state="queued", partial="",
        )  # fmt: skip
        session.add(row)
        _fill(session, row, ending)


def _fill(session: Session, row: GenerationRow, ending: Ending) -> None:
    for name, value in ending.columns.items():
        setattr(row, name, storable(value) if isinstance(value, str) else storable_json(value))
    row.state, row.finished_at, row.partial = ending.state, now(), ""
    session.flush()
    if ending.take is not None:
        known = select(TakeRow.id).where(TakeRow.visitor == row.visitor, TakeRow.piece_id == ending.take.piece_id)
        if session.scalar(known) is None:
            session.add(take_row(replace(ending.take, generation_id=row.id), row.visitor))
    if ending.columns.get("provider"):
        session.add(
            UsageRow(
                token_id=ending.token_id, generation_id=row.id, day=now().date(), at=now(), cost=ending.cost,
                provider=str(ending.columns["provider"]), variant=str(ending.columns.get("variant") or ""),
                tokens_in=ending.tokens_in, tokens_out=ending.tokens_out,
            )
        )  # fmt: skip


def find_generation(database: Database, id: str) -> GenerationRecord | None:
    """A generation by its id."""
    with database.reading() as session:
        row = session.get(GenerationRow, storable(id))
        return None if row is None else _record(row)


def batch_of(database: Database, batch: str) -> tuple[GenerationRecord, ...]:
    """The generations that were begun together, in their order."""
    with database.reading() as session:
        rows = session.scalars(
            select(GenerationRow).where(GenerationRow.batch == storable(batch)).order_by(GenerationRow.position)
        ).all()
    return tuple(_record(row) for row in rows)


def unfinished_batches(database: Database, visitor: str) -> tuple[str, ...]:
    """The batches of a visitor in which something is still being written, newest first."""
    with database.reading() as session:
        rows = session.scalars(
            select(GenerationRow.batch)
            .where(GenerationRow.visitor == visitor, GenerationRow.state.in_(UNFINISHED))
            .order_by(GenerationRow.created_at.desc())
        ).all()
    return tuple(dict.fromkeys(rows))


def orphans(database: Database, *, living: Collection[str], at: datetime | None = None) -> tuple[GenerationRecord, ...]:
    """Unfinished generations whose process is gone: on this machine for certain, elsewhere when no beat came."""
    at = at or now()
    with database.reading() as session:
        rows = session.scalars(select(GenerationRow).where(GenerationRow.state.in_(UNFINISHED))).all()
    return tuple(_record(row) for row in rows if row.owner not in living and is_gone(row.owner, row.beat_at, at))


def is_gone(owner: str, beat_at: datetime | None, at: datetime) -> bool:
    """Whether the process that calls itself ``owner`` is gone: on this machine for certain, else by its last beat."""
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    if host == socket.gethostname()[:20] and number.isdigit():
        if int(number) == os.getpid():
            return True  # the number is ours now, the generation is not
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
    return beat_at is None or at - beat_at > LOST


_NAMES = tuple(field.name for field in fields(GenerationRecord))


def _record(row: GenerationRow) -> GenerationRecord:
    return GenerationRecord(**{name: getattr(row, name) for name in _NAMES})
