"""Trainings as they are kept: begun, followed by one process at a time, ended once, and tried again.

All that a training needs to be found again after a restart is in the database: the ids of uploaded files and of the
job, or the folder and the process of a local trainer. What was told of it is kept as it comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from workbench.core.datasets.versions import find_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.finetune.offers import Offer
from workbench.core.finetune.training import ENDED, Checkpoint, Event, Method, Metric, State, Status
from workbench.core.finetune.wishes import Wish, read_wish
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.generations import is_gone
from workbench.core.library.tuning_tables import TrainingEventRow, TrainingMetricRow, TrainingRow

MOST_EVENTS = 20_000
"""Events that are kept of one training; what comes after is left at its backend."""
ASKED, PASSED_ON = 1, 2
"""How far a wish to cancel has come: asked of us, and passed on to the backend."""


@dataclass(frozen=True)
class Training:
    """A training. ``offer`` is what was confirmed, ``kept`` what is needed to try again, ``handle`` to follow it.

    ``trouble`` says why nothing is heard at the moment; ``problem`` and ``hint`` why it failed. ``attempts`` counts how
    often it was begun. ``model`` is what came out, ``compliance`` how well it keeps to the format.
    """

    id: str
    name: str
    backend: str
    endpoint: str
    method: Method
    base: str
    version_id: str
    dataset_hash: str
    plan: Mapping[str, Any]
    offer: Mapping[str, Any]
    state: State
    raw: str
    problem: str
    hint: str
    trouble: str
    kept: Mapping[str, Any]
    handle: Mapping[str, Any] | None
    tries: int
    cancel: int
    settled: int
    model: str | None
    checkpoints: tuple[Mapping[str, Any], ...]
    trained_tokens: int | None
    seconds: float | None
    compliance: Mapping[str, Any] | None
    curator: str
    owner: str
    beat_at: datetime
    created_at: datetime
    ended_at: datetime | None

    @property
    def wish(self) -> Wish:
        """What was asked for."""
        return read_wish(dict(self.plan))

    @property
    def ended(self) -> bool:
        """Whether it has come to an end, good or not."""
        return self.state in ENDED

    @property
    def licence(self) -> str:
        """The base model's licence, as it was known when the training was confirmed."""
        return str(self.offer.get("licence") or "")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without what only its backend understands."""
        left_out = {"kept", "handle", "owner", "settled", "cancel", "beat_at"}
        found = {name: value for name, value in self.__dict__.items() if name not in left_out}
        times = {"created_at": self.created_at.isoformat(), "ended_at": self.ended_at and self.ended_at.isoformat()}
        return found | {"checkpoints": list(self.checkpoints)} | times


def begin(database: Database, offer: Offer, *, curator: str) -> Training:
    """Write a training down; whoever follows trainings begins it.

    Raises:
        InvalidInputError: something stands against it.
    """
    if offer.against:
        first = offer.against[0]
        raise InvalidInputError(first.message, hint=first.hint, field=first.field)
    wish = offer.wish
    version = find_version(database, offer.dataset_hash[:16])
    if version is None or version.content_hash != offer.dataset_hash:
        raise InvalidInputError("The dataset is no longer there.", hint="Choose another version.", field="version")
    row = TrainingRow(
        id=new_id(), name=storable(wish.name or f"{offer.dataset} on {short(wish.model)}")[:80], backend=wish.backend,
        endpoint=offer.place, method=offer.method, base=storable(wish.model), version_id=version.id,
        dataset_hash=offer.dataset_hash, plan=storable_json(wish.to_dict()), offer=storable_json(offer.to_dict()),
        state="preparing", raw="", problem="", hint="", trouble="", kept={}, tries=1, cancel=0, settled=0,
        curator=name_of(curator), owner="", beat_at=now(), created_at=now(),
    )  # fmt: skip
    with database.writing() as session:
        session.add(row)
    return _record(row)


def try_again(database: Database, id: str) -> Training:
    """Begin a training again that failed or was stopped: what was uploaded is not uploaded again, and a local trainer
    goes on from its last checkpoint.

    Raises:
        InvalidInputError: there is no such training.
        ConflictError: it is on its way, or has succeeded.
    """
    with database.writing() as session:
        row = _locked(session, id)
        if row.state not in ("failed", "cancelled"):
            raise ConflictError(
                "Only a training that failed or was stopped is tried again.", hint="Look at how it stands now."
            )
        row.state, row.problem, row.hint, row.trouble, row.raw = "preparing", "", "", "", ""
        row.tries, row.cancel, row.settled, row.handle, row.ended_at = row.tries + 1, 0, 0, None, None
        row.owner, row.compliance = "", None
        return _record(row)


def ask_to_cancel(database: Database, id: str) -> Training:
    """Ask for a training to be stopped; stopping what has ended does nothing.

    Raises:
        InvalidInputError: there is no such training.
    """
    with database.writing() as session:
        row = _locked(session, id)
        if row.state not in ENDED and not row.cancel:
            row.cancel = ASKED
        return _record(row)


def forget(database: Database, id: str) -> None:
    """Take a training that has ended off the list, with all that was told of it; its files on this machine stay.

    Raises:
        InvalidInputError: there is no such training.
        ConflictError: it is on its way.
    """
    with database.writing() as session:
        row = _locked(session, id)
        if row.state not in ENDED:
            raise ConflictError("This training is on its way.", hint="Stop it first.")
        session.delete(row)


# --- reading ---------------------------------------------------------------------------------------------------------


def trainings(database: Database, most: int = 200) -> tuple[Training, ...]:
    """The latest trainings, newest first."""
    with database.reading() as session:
        rows = session.scalars(select(TrainingRow).order_by(TrainingRow.created_at.desc(), TrainingRow.id).limit(most))
        return tuple(_record(row) for row in rows.all())


def find_training(database: Database, id: str) -> Training | None:
    """A training by its id."""
    with database.reading() as session:
        row = session.get(TrainingRow, storable(id)[:40])
        return None if row is None else _record(row)


def training_named(database: Database, wanted: str) -> Training:
    """A training by its id, the beginning of it, or its name.

    Raises:
        InvalidInputError: there is none, or more than one.
    """
    wanted = storable(wanted.strip())[:80]
    like = TrainingRow.id.startswith(wanted, autoescape=True) if wanted else TrainingRow.id == ""
    with database.reading() as session:
        rows = session.scalars(select(TrainingRow).where(like | (TrainingRow.name == wanted)).limit(3)).all()
    exact = [row for row in rows if row.id == wanted]
    if len(exact or rows) != 1:
        said = "is the beginning or the name of more than one training" if rows else "is no training"
        raise InvalidInputError(f"{wanted[:60]!r} {said}.", hint="See: python -m workbench finetune status.")
    return _record((exact or rows)[0])


def unsettled(database: Database) -> tuple[Training, ...]:
    """The trainings that somebody has to follow: on their way, or ended and not read to their end."""
    with database.reading() as session:
        rows = session.scalars(select(TrainingRow).where(TrainingRow.settled == 0).order_by(TrainingRow.created_at))
        return tuple(_record(row) for row in rows.all())


def events_of(database: Database, id: str, most: int = 500) -> tuple[Event, ...]:
    """The latest events of a training, oldest first."""
    wanted = (
        select(TrainingEventRow)
        .where(TrainingEventRow.training_id == id)
        .order_by(TrainingEventRow.id.desc())
        .limit(most)
    )
    with database.reading() as session:
        rows = session.scalars(wanted).all()
    return tuple(Event(row.event, row.at, row.level, row.message) for row in reversed(rows))


def metrics_of(database: Database, id: str, attempt: int | None = None) -> tuple[Metric, ...]:
    """The curves of a training, by step: those of one attempt, else of the last that has any."""
    wanted = select(TrainingMetricRow).where(TrainingMetricRow.training_id == id)
    if attempt is None:
        last = select(TrainingMetricRow.attempt).where(TrainingMetricRow.training_id == id)
        wanted = wanted.where(
            TrainingMetricRow.attempt == last.order_by(TrainingMetricRow.attempt.desc()).limit(1).scalar_subquery()
        )
    else:
        wanted = wanted.where(TrainingMetricRow.attempt == attempt)
    with database.reading() as session:
        rows = session.scalars(wanted.order_by(TrainingMetricRow.step)).all()
    return tuple(
        Metric(row.step, row.train_loss, row.valid_loss, row.train_accuracy, row.valid_accuracy) for row in rows
    )


# --- whoever follows it ----------------------------------------------------------------------------------------------


def claim(database: Database, id: str, owner: str) -> Training | None:
    """Take a training to follow it; None where somebody who lives has it, or nothing is left to follow.

    Two who try at once do not both get it.
    """
    with database.writing() as session:
        row = session.get(TrainingRow, id)
        if row is None or row.settled:
            return None
        before = row.owner
        if before and before != owner and not is_gone(before, row.beat_at, now()):
            return None
        taken = session.execute(
            update(TrainingRow)
            .where(TrainingRow.id == id, TrainingRow.owner == before, TrainingRow.settled == 0)
            .values(owner=owner, beat_at=now())
        )
        if not taken.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
            return None
    return find_training(database, id)


def let_go(database: Database, id: str, owner: str) -> None:
    """Leave a training to whoever comes next."""
    _change(database, id, owner, owner="")


def beat(database: Database, owner: str) -> None:
    """Say that whoever follows these trainings lives."""
    with database.writing() as session:
        session.execute(
            update(TrainingRow).where(TrainingRow.owner == owner, TrainingRow.settled == 0).values(beat_at=now())
        )


def keep(database: Database, id: str, owner: str, kept: Mapping[str, Any]) -> bool:
    """Keep what a backend needs to try again."""
    return _change(database, id, owner, kept=storable_json(dict(kept)))


def started(database: Database, id: str, owner: str, handle: Mapping[str, Any]) -> bool:
    """A backend has taken it: what it is followed by."""
    return _change(database, id, owner, handle=storable_json(dict(handle)), trouble="")


def passed_on(database: Database, id: str, owner: str) -> bool:
    """The backend knows that it is to stop."""
    return _change(database, id, owner, cancel=PASSED_ON)


def in_trouble(database: Database, id: str, owner: str, words: str) -> bool:
    """Nothing is heard of it, and why."""
    return _change(database, id, owner, trouble=storable(words)[:1000])


def stands(database: Database, id: str, owner: str, status: Status) -> bool:
    """How it stands, as its backend tells."""
    values: dict[str, Any] = {
        "state": status.state, "raw": storable(status.raw)[:80], "problem": storable(status.problem)[:4000],
        "hint": storable(status.hint)[:1000], "trouble": "",
    }  # fmt: skip
    if status.model:
        values["model"] = storable(status.model)[:400]
    if status.checkpoints:
        values["checkpoints"] = storable_json([_plain(each) for each in status.checkpoints])
    if status.trained_tokens is not None:
        values["trained_tokens"] = status.trained_tokens
    if status.seconds is not None:
        values["seconds"] = status.seconds
    if status.state in ENDED:
        values["ended_at"] = now()
    return _change(database, id, owner, **values)


def failed(database: Database, id: str, owner: str, problem: str, hint: str = "") -> bool:
    """It came to nothing before a backend took it, or its backend no longer knows it."""
    return stands(database, id, owner, Status("failed", "", problem=problem, hint=hint))


def settle(database: Database, id: str, owner: str) -> bool:
    """All that there was to hear of it has been heard."""
    return _change(database, id, owner, settled=1, owner="")


def keep_events(database: Database, id: str, events: Iterable[Event]) -> int:
    """Keep events, each once; how many were new."""
    fresh = {event.id[:120]: event for event in events}
    if not fresh:
        return 0
    with database.writing() as session:
        if session.get(TrainingRow, id, with_for_update=True) is None:
            return 0
        known = set(session.scalars(select(TrainingEventRow.event).where(TrainingEventRow.training_id == id)))
        new = [(name, event) for name, event in fresh.items() if name not in known][: MOST_EVENTS - len(known)]
        session.add_all(
            TrainingEventRow(
                training_id=id, event=storable(name), at=event.at, level=storable(event.level)[:20],
                message=storable(event.message)[:4000],
            )
            for name, event in new
        )  # fmt: skip
    return len(new)


def keep_metrics(database: Database, id: str, attempt: int, points: Iterable[Metric]) -> None:
    """Keep points of the curves; a step that is told again counts as told last, and keeps what is not told again."""
    by_step = {point.step: point for point in points if 0 <= point.step < 2**31}
    if not by_step:
        return
    with database.writing() as session:
        if session.get(TrainingRow, id, with_for_update=True) is None:
            return
        first, last = min(by_step), max(by_step)
        mine = (TrainingMetricRow.training_id == id, TrainingMetricRow.attempt == attempt)
        rows = session.scalars(select(TrainingMetricRow).where(*mine, TrainingMetricRow.step.between(first, last)))
        known = {row.step: row for row in rows}
        for step, point in by_step.items():
            row = known.get(step)
            if row is None:
                row = TrainingMetricRow(training_id=id, attempt=attempt, step=step)
                session.add(row)
            for name in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy"):
                value = storable_json(getattr(point, name))
                if value is not None:
                    setattr(row, name, value)


def keep_compliance(database: Database, id: str, compliance: Mapping[str, Any] | None) -> None:
    """Keep how well a training's model keeps to the format, before and after."""
    plain = None if compliance is None else storable_json(dict(compliance))
    with database.writing() as session:
        session.execute(update(TrainingRow).where(TrainingRow.id == id).values(compliance=plain))


def last_event(database: Database, id: str) -> str:
    """The id of the event that was kept last; empty where there is none."""
    wanted = select(TrainingEventRow.event).where(TrainingEventRow.training_id == id)
    with database.reading() as session:
        return session.scalar(wanted.order_by(TrainingEventRow.id.desc()).limit(1)) or ""


def short(model: str) -> str:
    """A model's name without the folders or the owner before it."""
    return model.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or model


def _locked(session: Session, id: str) -> TrainingRow:
    row = session.get(TrainingRow, storable(id)[:40], with_for_update=True)
    if row is None:
        raise InvalidInputError("There is no such training.", hint="See: python -m workbench finetune status.")
    return row


def _change(database: Database, id: str, follower: str, **values: Any) -> bool:
    """Change a training that is still followed by this one; False where it no longer is."""
    mine: tuple[ColumnElement[bool], ...] = (TrainingRow.id == id, TrainingRow.owner == follower)
    with database.writing() as session:
        done = session.execute(update(TrainingRow).where(*mine).values(**values))
        return bool(done.rowcount)  # type: ignore[attr-defined]


def _plain(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "step": checkpoint.step,
        "model": checkpoint.model,
        "metrics": None if checkpoint.metrics is None else dict(checkpoint.metrics.__dict__),
    }


_NAMES = tuple(Training.__dataclass_fields__)


def _record(row: TrainingRow) -> Training:
    values = {name: getattr(row, name) for name in _NAMES}
    return Training(**values | {"checkpoints": tuple(row.checkpoints or ())})
