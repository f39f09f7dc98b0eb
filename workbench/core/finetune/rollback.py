"""The way back in one step: the last change of the rollout is undone, then the one before it, and so on.

What can be undone are promotions, shares and retirements, the newest first; only what the change did is taken back. A
roll-back is not undone by the next one: that goes on below it. A block cannot be undone here, it is lifted by its own
name; so what a block has already taken back is passed over. A model that is blocked or whose rights were withdrawn is
not brought back: its place stays empty, and where that is the live one the base model answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.gate import hindrances
from workbench.core.finetune.lineage import Behind
from workbench.core.finetune.models import find_model
from workbench.core.finetune.rollout import place
from workbench.core.finetune.trail import (
    Places,
    RolloutChange,
    demand_unchanged,
    moves,
    newest,
    note_down,
    places_now,
)
from workbench.core.library.database import Database

_UNDONE = ("canary", "live", "share", "retire")


@dataclass(frozen=True)
class StepBack:
    """What rolling back would do: the change that it undoes, the places after it, and who is not brought back."""

    undoes: RolloutChange
    after: Places
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {**self.__dict__, "undoes": self.undoes.to_dict(), "after": self.after.to_dict()}


def step_back(database: Database) -> StepBack | None:
    """What rolling back would do now; None where there is nothing to undo."""
    return _looked(database)[0]


def roll_back(database: Database, *, curator: str, note: str = "", seen: int | None = None) -> RolloutChange:
    """Undo the last change of the rollout that is not undone and that still holds.

    Raises:
        InvalidInputError: there is nothing to undo.
        ConflictError: the rollout was changed since ``seen``, or while this was decided.
    """
    found, at = _looked(database)
    if found is None:
        raise InvalidInputError("There is nothing to roll back.", hint="Promote a model first.")
    with database.writing() as session:
        demand_unchanged(session, seen)
        demand_unchanged(session, at)
        before = places_now(session)
        place(session, found.after)
        return note_down(
            session, "rollback", found.undoes.model_id, before, curator=curator, undoes=found.undoes.id,
            note=" ".join([*found.left_out, *([note] if note else [])]),
        )  # fmt: skip


def _looked(database: Database) -> tuple[StepBack | None, int]:
    """The step back, and the newest change when it was looked for."""
    behind = Behind(database)

    def barred(id: str) -> str:
        model = find_model(database, id)
        if model is None:
            return f"The model {id} is not there."
        why = hindrances(database, model, behind)
        return f"{model.name} was not brought back. {' '.join(why)}" if why else ""

    with database.reading() as session:
        at, changes, today = newest(session), moves(session), places_now(session)
    return _last(changes, today, barred), at


def _last(changes: Sequence[RolloutChange], today: Places, barred: Callable[[str], str]) -> StepBack | None:
    """The newest change that is not undone and whose undoing changes something; ``changes`` are newest first."""
    below: int | None = None
    for change in changes:
        if below is not None and change.id >= below:
            continue
        if change.action == "rollback":
            below = change.undoes
        elif change.action in _UNDONE:
            after, left_out = _without(_undone(change, today), today, barred)
            if after != today:
                return StepBack(change, after, left_out)
    return None


def _undone(change: RolloutChange, today: Places) -> Places:
    """The places without what a change did to them."""
    before, after = change.before, change.after
    found = today
    if before.live != after.live:
        found = replace(found, live=before.live)
    if (before.canary, before.share) != (after.canary, after.share):
        found = replace(found, canary=before.canary, share=before.share)
    return found


def _without(wanted: Places, today: Places, barred: Callable[[str], str]) -> tuple[Places, tuple[str, ...]]:
    """The places without models that may not come back, and why each may not."""
    left_out: list[str] = []
    if wanted.live is not None and wanted.live != today.live and (why := barred(wanted.live)):
        wanted, left_out = replace(wanted, live=None), [*left_out, why]
    if wanted.canary is not None and wanted.canary != today.canary and (why := barred(wanted.canary)):
        wanted, left_out = replace(wanted, canary=None, share=0.0), [*left_out, why]
    return wanted, tuple(left_out)
