"""The rollout: who is live, who is the canary, promotions and blocks.

Every change is one transaction with its row in the trail, and in effect wherever ``library/rollouts`` is read. Whoever
changes something says which change they saw last (``seen``); where another has come since, nothing is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.gate import gate, hindrances
from workbench.core.finetune.models import TunedModel, find_model, model_of
from workbench.core.finetune.trail import (
    MAX_TEXT,
    Places,
    RolloutChange,
    demand_unchanged,
    newest,
    note_down,
    places_now,
)
from workbench.core.library.database import Database, storable
from workbench.core.library.tuning_tables import TunedModelRow

SHARE = 0.1
MIN_OVERRIDE = 10
"""Characters that a reason for passing the gate by has at least."""
_WORDS = {"live": "live", "canary": "the canary", "retired": "retired"}


@dataclass(frozen=True)
class Standing:
    """How the rollout stands. ``seen`` is the id of the newest change, to be handed back with the next one."""

    live: TunedModel | None
    canary: TunedModel | None
    share: float
    seen: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        placed = {"live": self.live, "canary": self.canary}
        return {**self.__dict__, **{name: each.to_dict() if each else None for name, each in placed.items()}}


def state(database: Database) -> Standing:
    """How the rollout stands."""
    with database.reading() as session:
        seen = newest(session)  # first: what comes in between is then refused rather than overlooked
        rows = session.scalars(select(TunedModelRow).where(TunedModelRow.state.in_(("live", "canary")))).all()
        placed = {row.state: model_of(row) for row in rows}
    canary = placed.get("canary")
    return Standing(placed.get("live"), canary, canary.share if canary else 0.0, seen)


def promote(
    database: Database, id: str, to: str, *, curator: str, share: float = SHARE, override: str = "",
    seen: int | None = None,
) -> RolloutChange:  # fmt: skip
    """Make a model the canary for a ``share`` of the requests, or live for all of them.

    An earlier canary becomes a candidate again, an earlier live model is retired. To go live the gate has to be open,
    or ``override`` says in ten characters or more why it is passed by, which the trail keeps with what the gate said.
    What is blocked or made of what was withdrawn can be neither.

    Raises:
        InvalidInputError: no such model or place, it is there already, or it may not; the message says why.
        ConflictError: the rollout was changed since ``seen``, or while this was decided.
    """
    if to not in ("canary", "live"):
        _refuse(f"There is no place {to[:40]!r}.", "Choose canary or live.", "to")
    with database.reading() as session:
        at = demand_unchanged(session, seen)
    model = _found(database, id)
    if model.state == to:
        _refuse(f"{model.name} is {_WORDS[to]} already.", "There is nothing to do.", "to")
    part, note, override = read_share(share), "", storable(override).strip()[:MAX_TEXT]
    if to == "canary":
        _demand_canary(database, model)
        override = ""
    else:
        note = _told_gate(database, model, override)
        override = override if note else ""
    with database.writing() as session:
        demand_unchanged(session, at)
        before = places_now(session)
        after = replace(before, canary=id, share=part) if to == "canary" else replace(before, live=id)
        if after.canary == after.live:
            after = replace(after, canary=None, share=0.0)
        place(session, after)
        return note_down(
            session, "canary" if to == "canary" else "live", id, before, curator=curator, override=override, note=note
        )


def set_share(
    database: Database, id: str, share: float, *, curator: str, seen: int | None = None
) -> RolloutChange:  # fmt: skip
    """Give the canary another share of the requests.

    Raises:
        InvalidInputError: it is not the canary, or no such share.
        ConflictError: the rollout was changed since ``seen``.
    """
    part = read_share(share)
    with database.writing() as session:
        demand_unchanged(session, seen)
        row, before = _row(session, id), places_now(session)
        if row.state != "canary":
            _refuse(f"{row.name} is not the canary.", "Promote it to canary first.", "id")
        row.share = part
        return note_down(session, "share", id, before, curator=curator)


def retire(database: Database, id: str, *, curator: str, note: str = "", seen: int | None = None) -> RolloutChange:
    """Take a model out of use; where it was live the base model answers. It may be promoted again.

    Raises:
        InvalidInputError: no such model, or it is retired already.
        ConflictError: the rollout was changed since ``seen``.
    """
    with database.writing() as session:
        demand_unchanged(session, seen)
        row, before = _row(session, id), places_now(session)
        if row.state == "retired":
            _refuse(f"{row.name} is retired already.", "There is nothing to do.", "id")
        row.state, row.share = "retired", 0.0
        return note_down(session, "retire", id, before, curator=curator, note=note)


def block(database: Database, id: str, *, reason: str, curator: str) -> RolloutChange:
    """Forbid a model to answer: it leaves the rollout at once, whatever others change meanwhile.

    Where it was live the base model answers. It stays forbidden until it is unblocked.

    Raises:
        InvalidInputError: no such model, no reason, or it is blocked already.
    """
    said = storable(reason).strip()[:MAX_TEXT]
    if not said:
        _refuse("A block needs a reason.", "Say why.", "reason")
    with database.writing() as session:
        row, before = _row(session, id), places_now(session)
        if row.blocked:
            _refuse(f"{row.name} is blocked already.", "There is nothing to do.", "id")
        row.blocked, row.share = said, 0.0
        row.state = {"live": "retired", "canary": "candidate"}.get(row.state, row.state)
        return note_down(session, "block", id, before, curator=curator, note=said)


def unblock(database: Database, id: str, *, curator: str, note: str = "") -> RolloutChange:
    """Lift a block. The model is not brought back by that.

    Raises:
        InvalidInputError: no such model, or it is not blocked.
    """
    with database.writing() as session:
        row, before = _row(session, id), places_now(session)
        if not row.blocked:
            _refuse(f"{row.name} is not blocked.", "There is nothing to do.", "id")
        row.blocked = ""
        return note_down(session, "unblock", id, before, curator=curator, note=note)


def place(session: Session, after: Places) -> None:
    """Put models in their places; who leaves the live place is retired, who leaves the canary's is a candidate.

    At no moment are there two in one place, which the database would refuse.
    """
    placed = or_(TunedModelRow.state.in_(("live", "canary")), TunedModelRow.id.in_([after.live, after.canary]))
    rows = session.scalars(select(TunedModelRow).where(placed)).all()
    for row in rows:
        if row.state == "live" and row.id != after.live:
            row.state = "retired"
        elif row.state == "canary" and row.id != after.canary:
            row.state = "candidate"
        row.share = 0.0
    session.flush()
    for row in rows:
        if row.id == after.live:
            row.state = "live"
        elif row.id == after.canary:
            row.state, row.share = "canary", after.share
    session.flush()


def read_share(share: float) -> float:
    """A canary's share of the requests.

    Raises:
        InvalidInputError: it is not above 0 and at most 1.
    """
    if isinstance(share, bool) or not isinstance(share, int | float) or not (math.isfinite(share) and 0 < share <= 1):
        _refuse("A canary's share is above 0 and at most 1.", "Take 0.1 for a tenth.", "share")
    return float(share)


def _demand_canary(database: Database, model: TunedModel) -> None:
    if barred := hindrances(database, model):
        _refuse(f"It cannot be the canary. {' '.join(barred)}", "Choose another model.", "id")
    if model.state == "live":
        _refuse(f"{model.name} is live.", "Retire it or roll back first.", "to")


def _told_gate(database: Database, model: TunedModel, override: str) -> str:
    """What the gate said where it was passed by; empty where it is open.

    Raises:
        InvalidInputError: it is shut, and nothing or too little is said for passing it by.
    """
    found = gate(database, model)
    if found.open:
        return ""
    why = " ".join(found.reasons)
    if found.final:
        _refuse(f"It cannot go live. {why}", "Choose another model.", "id")
    if len(override) < MIN_OVERRIDE:
        hint = f"Evaluate it on a frozen test set, or say in {MIN_OVERRIDE} characters or more why it goes live."
        _refuse(f"The gate is shut. {why}", hint, "override")
    return f"The gate was shut. {why}"


def _found(database: Database, id: str) -> TunedModel:
    found = find_model(database, id)
    if found is None:
        _refuse("There is no such tuned model.", "Choose one from the list.", "id")
    return found


def _row(session: Session, id: str) -> TunedModelRow:
    row = session.get(TunedModelRow, storable(id)[:40])
    if row is None:
        _refuse("There is no such tuned model.", "Choose one from the list.", "id")
    return row


def _refuse(message: str, hint: str, field: str) -> NoReturn:
    raise InvalidInputError(message, hint=hint, field=field)
