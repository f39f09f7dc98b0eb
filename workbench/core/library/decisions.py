"""Decisions on the queue: votes, edits and undoing, each checked against the version that its maker saw.

Every one is a transaction that changes the example, counts its version up and adds to the audit trail. When the version
is no longer the one that was seen, nothing is overwritten and the maker is told. An undo is an action too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.curation import (
    VOTES,
    Item,
    Status,
    Vote,
    demand_approvable,
    item_of,
    name_of,
    note_down,
    state_of,
    write,
)
from workbench.core.library.database import Database, now, storable
from workbench.core.library.rights import Rights, read_rights
from workbench.core.library.tables import AuditRow, ExampleRow, VoteRow
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

_ENDS: dict[str, Status] = {"approve": "approved", "reject": "rejected", "changes": "changes"}


@dataclass(frozen=True)
class Said:
    """One curator's vote in the present round."""

    curator: str
    vote: str
    note: str
    at: datetime


@dataclass(frozen=True)
class Trail:
    """One row of the audit trail."""

    id: int
    example_id: str
    curator: str
    action: str
    note: str
    undoes: int | None
    at: datetime
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def vote(
    database: Database, id: str, choice: Vote, *, curator: str, version: int, note: str = "", needed: int = 1
) -> Item:
    """Vote on an example; with enough votes of a kind it leaves the queue.

    Raises:
        InvalidInputError: it may not be approved as it is; the message says why.
        ConflictError: it was changed since ``version``.
    """
    curator = name_of(curator)
    with database.writing() as session:
        row = _current(session, id, version)
        if choice == "approve":
            demand_approvable(item_of(row))
        before = state_of(row)
        mine = session.scalar(
            select(VoteRow).where(VoteRow.example_id == row.id, VoteRow.round == row.round, VoteRow.curator == curator)
        )
        if mine is None:
            mine = VoteRow(example_id=row.id, round=row.round, curator=curator)
            session.add(mine)
        mine.vote, mine.note, mine.at = choice, storable(note)[:4000], now()
        session.flush()
        row.status = _status(session, row, choice, needed)
        return _changed(session, row, curator, choice, before, note)


def votes_of(database: Database, item: Item, curator: str) -> tuple[tuple[Said, ...], int]:
    """The votes of the present round as a curator may see them, and how many there are.

    First votes are blind: before one's own vote the others' are only counted.
    """
    with database.reading() as session:
        rows = session.scalars(
            select(VoteRow).where(VoteRow.example_id == item.id, VoteRow.round == item.round).order_by(VoteRow.at)
        ).all()
        said = tuple(Said(row.curator, row.vote, row.note, row.at) for row in rows)
    return (said if any(each.curator == name_of(curator) for each in said) else ()), len(said)


def edit(
    database: Database, id: str, *, curator: str, version: int, structure: MusicStructure | None = None,
    request: Request | None = None, tags: Iterable[str] | None = None, teaches: str | None = None,
    rights: Rights | None = None, note: str | None = None,
) -> Item:  # fmt: skip
    """Change an example. Another request, piece or rights start a new round of votes; what was approved waits again.

    Raises:
        ConflictError: it was changed since ``version``.
    """
    with database.writing() as session:
        row = _current(session, id, version)
        before, old = state_of(row), item_of(row)
        write(
            row, request or old.request, structure or old.structure, old.tags if tags is None else tuple(tags),
            old.teaches if teaches is None else teaches, rights or old.rights, old.note if note is None else note,
        )  # fmt: skip
        new = item_of(row)
        if (new.request, new.structure, new.rights) != (old.request, old.structure, old.rights):
            row.round += 1
            row.status = "waiting"
        return _changed(session, row, curator, "edited", before, "")


def undo(database: Database, *, curator: str, example_id: str = "") -> Item:
    """Take back the curator's last action, of one example or of any; again, the one before it.

    Raises:
        InvalidInputError: there is nothing to take back.
        ConflictError: somebody has changed the example since, and that stands.
    """
    curator = name_of(curator)
    with database.writing() as session:
        undone = select(AuditRow.undoes).where(AuditRow.undoes.is_not(None))
        mine = select(AuditRow).where(
            AuditRow.curator == curator, AuditRow.action.not_in(("undone", "submitted")), AuditRow.id.not_in(undone)
        )
        if example_id:
            mine = mine.where(AuditRow.example_id == example_id)
        last = session.scalars(mine.order_by(AuditRow.id.desc()).limit(1)).first()
        if last is None or last.before is None:
            raise InvalidInputError("There is nothing to undo.", hint="Only your own actions can be taken back.")
        row = session.get(ExampleRow, last.example_id)
        since = select(AuditRow.id).where(
            AuditRow.example_id == last.example_id, AuditRow.id > last.id, AuditRow.action != "undone",
            AuditRow.id.not_in(undone),
        )  # fmt: skip
        if row is None or session.scalar(since.limit(1)) is not None:
            raise ConflictError(
                "Somebody has changed this example since.", hint="Look at it as it is now, then decide again."
            )
        before = state_of(row)
        if last.action in VOTES:
            _take_vote_back(session, row, last)
        kept = last.before
        write(
            row, Request.model_validate(kept["request"]), MusicStructure.model_validate(kept["structure"]),
            tuple(kept["tags"]), kept["teaches"], read_rights(kept["rights"]), kept["note"],
        )  # fmt: skip
        row.status, row.round = kept["status"], kept["round"]
        return _changed(session, row, curator, "undone", before, last.action, undoes=last.id)


def trail(database: Database, *, example_id: str = "", most: int = 200) -> tuple[Trail, ...]:
    """The audit trail, newest first."""
    wanted = select(AuditRow).order_by(AuditRow.id.desc()).limit(most)
    if example_id:
        wanted = wanted.where(AuditRow.example_id == example_id)
    with database.reading() as session:
        return tuple(
            Trail(row.id, row.example_id, row.curator, row.action, row.note, row.undoes, row.at, row.before, row.after)
            for row in session.scalars(wanted).all()
        )


def told(row: Trail, rows: Sequence[Trail], curator: str) -> tuple[str, str]:
    """What a row of the trail tells a curator: what was done, and the note that goes with it.

    Others' votes are only "voted", without a note, until one has voted oneself or the votes have decided.
    """
    vote_like = row.action in VOTES or (row.action == "undone" and row.note in VOTES)
    if not vote_like or row.curator == name_of(curator):
        return row.action, row.note
    here = (row.after or {}).get("round")
    same = [each for each in rows if each.example_id == row.example_id and (each.after or {}).get("round") == here]
    taken_back = {each.undoes for each in same}
    mine = any(each.curator == name_of(curator) and each.action in VOTES and each.id not in taken_back for each in same)
    decided = any((each.after or {}).get("status") in {"approved", "rejected"} for each in same)
    if mine or decided:
        return row.action, row.note
    return ("voted" if row.action in VOTES else "took a vote back"), ""


def agreement(database: Database) -> tuple[float | None, int]:
    """Krippendorff's alpha of all votes (nominal), and how many examples have two or more; None where none has."""
    with database.reading() as session:
        rows = session.execute(select(VoteRow.example_id, VoteRow.round, VoteRow.curator, VoteRow.vote)).all()
    units: dict[tuple[str, int], dict[str, str]] = {}
    for example, number, curator, choice in rows:
        units.setdefault((example, number), {})[curator] = choice
    shared = [said for said in units.values() if len(said) > 1]
    examples = len({example for (example, _), said in units.items() if len(said) > 1})
    if not shared:
        return None, 0
    values: dict[str, int] = {name: index for index, name in enumerate(VOTES)}
    table = [[sum(values[v] == index for v in said.values()) for index in range(3)] for said in shared]
    return nominal_alpha(table), examples


def nominal_alpha(counts: Any) -> float:
    """Krippendorff's alpha (nominal) of how often each answer was given to each thing; 1 where all answers are alike.

    ``counts`` has the shape (things, answers), with two answers or more to each thing.
    """
    import krippendorff
    import numpy as np

    table = np.asarray(counts)
    if (table.sum(axis=0) > 0).sum() < 2:
        return 1.0  # nobody disagrees
    return float(krippendorff.alpha(value_counts=table, level_of_measurement="nominal"))


def _current(session: Session, id: str, version: int) -> ExampleRow:
    row = session.get(ExampleRow, storable(id)[:100])
    if row is None:
        raise InvalidInputError("There is no such example.", hint="Choose one from the queue.", field="id")
    if row.version != version:
        raise ConflictError(
            "Somebody has changed this example since you opened it.",
            hint="Look at it as it is now; what you wrote is kept.",
        )
    return row


def _changed(
    session: Session, row: ExampleRow, curator: str, action: str, before: dict[str, Any], note: str,
    undoes: int | None = None,
) -> Item:  # fmt: skip
    row.version += 1
    row.updated_at = now()
    session.flush()
    note_down(session, row, curator, action, before, note, undoes)
    return item_of(row)


def _status(session: Session, row: ExampleRow, choice: Vote, needed: int) -> Status:
    """What the votes of this round say: enough of one kind decide; a wish for changes holds until there are.

    What was approved without votes, or when fewer were needed, does not leave the library by one more approval.
    """
    said = session.scalars(select(VoteRow.vote).where(VoteRow.example_id == row.id, VoteRow.round == row.round)).all()
    for kind in ("reject", "approve"):
        if said.count(kind) >= max(1, needed):
            return _ENDS[kind]
    if choice == "approve" and row.status == "approved":
        return "approved"
    return "changes" if "changes" in said else "waiting"


def _take_vote_back(session: Session, row: ExampleRow, last: AuditRow) -> None:
    """The vote as it was before the action: another one by the same curator in the same round, or none."""
    earlier = session.scalars(
        select(AuditRow)
        .where(
            AuditRow.example_id == row.id, AuditRow.curator == last.curator, AuditRow.id < last.id,
            AuditRow.action.in_(VOTES),
        )
        .order_by(AuditRow.id.desc())
    ).all()  # fmt: skip
    taken = set(session.scalars(select(AuditRow.undoes).where(AuditRow.example_id == row.id)).all())
    before = next(
        (each for each in earlier if each.id not in taken and (each.after or {}).get("round") == row.round), None
    )
    mine = session.scalar(
        select(VoteRow).where(VoteRow.example_id == row.id, VoteRow.round == row.round, VoteRow.curator == last.curator)
    )
    if mine is not None and before is not None:
        mine.vote, mine.note, mine.at = before.action, before.note, before.at
    elif mine is not None:
        session.delete(mine)
