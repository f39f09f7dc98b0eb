"""The trail of the rollout: each change with who, when, why, and what was live and canary before and after.

It is only added to; the database refuses anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workbench.core.errors import ConflictError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, now, storable
from workbench.core.library.tuning_tables import RolloutRow, TunedModelRow

Action = Literal["register", "canary", "live", "share", "retire", "block", "unblock", "rollback"]
MAX_TEXT = 4_000


@dataclass(frozen=True)
class Places:
    """The ids of the live model and of the canary, and the canary's share of the requests (0 to 1)."""

    live: str | None = None
    canary: str | None = None
    share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class RolloutChange:
    """One change. ``undoes`` is the id of the change that it rolled back; ``override`` why the gate was passed by."""

    id: int
    action: str
    model_id: str | None
    before: Places
    after: Places
    override: str
    note: str
    undoes: int | None
    curator: str
    at: datetime

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        places = {"before": self.before.to_dict(), "after": self.after.to_dict()}
        return {**self.__dict__, **places, "at": self.at.isoformat()}


def trail(database: Database, most: int = 50, *, model: str = "") -> tuple[RolloutChange, ...]:
    """The newest changes, newest first; of one model, where its id is given."""
    wanted = select(RolloutRow).order_by(RolloutRow.id.desc()).limit(most)
    if model:
        wanted = wanted.where(RolloutRow.model_id == storable(model))
    with database.reading() as session:
        return tuple(change_of(row) for row in session.scalars(wanted).all())


def moves(session: Session) -> tuple[RolloutChange, ...]:
    """Every change but registrations, newest first."""
    wanted = select(RolloutRow).where(RolloutRow.action != "register").order_by(RolloutRow.id.desc())
    return tuple(change_of(row) for row in session.scalars(wanted).all())


def newest(session: Session) -> int:
    """The id of the newest change that is no registration; 0 before the first."""
    return int(session.scalar(select(func.max(RolloutRow.id)).where(RolloutRow.action != "register")) or 0)


def demand_unchanged(session: Session, seen: int | None) -> int:
    """The id of the newest change; refuses to go on where that is not the one that was seen, if one was.

    Raises:
        ConflictError: the rollout was changed since.
    """
    at = newest(session)
    if seen is not None and at != seen:
        raise ConflictError(
            "Somebody else has changed the rollout meanwhile; nothing was done.",
            hint="Look at it as it is now, then decide again.",
        )
    return at


def places_now(session: Session) -> Places:
    """Who is live and who is the canary at the moment."""
    columns = (TunedModelRow.state, TunedModelRow.id, TunedModelRow.share)
    rows = session.execute(select(*columns).where(TunedModelRow.state.in_(("live", "canary")))).all()
    placed = {state: (id, share) for state, id, share in rows}
    live, canary = placed.get("live"), placed.get("canary")
    return Places(live[0] if live else None, *(canary or (None, 0.0)))


def note_down(
    session: Session, action: Action, model: str | None, before: Places, *, curator: str, override: str = "",
    note: str = "", undoes: int | None = None,
) -> RolloutChange:  # fmt: skip
    """Add a change to the trail, after it was made."""
    session.flush()
    row = RolloutRow(
        action=action, model_id=model, before=before.to_dict(), after=places_now(session).to_dict(),
        override=storable(override)[:MAX_TEXT], note=storable(note)[:MAX_TEXT], undoes=undoes, curator=name_of(curator),
        at=now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return change_of(row)


def change_of(row: RolloutRow) -> RolloutChange:
    """The change that a row tells of."""
    return RolloutChange(
        row.id, row.action, row.model_id, _places(row.before), _places(row.after), row.override, row.note, row.undoes,
        row.curator, row.at,
    )  # fmt: skip


def _places(data: Mapping[str, Any]) -> Places:
    return Places(data.get("live"), data.get("canary"), float(data.get("share") or 0.0))
