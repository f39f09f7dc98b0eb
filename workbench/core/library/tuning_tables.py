"""The tables of fine-tuning: trainings with what they told, tuned models, their rollout and their scores.

The trail of the rollout is never changed: the database refuses it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from workbench.core.library.tables import Table

LIVE, CANARY = text("state = 'live'"), text("state = 'canary'")


class TrainingRow(Table):
    """A training: what was ordered, how it stands, and all that its backend needs to be found again.

    ``version`` counts the changes; ``owner`` is the process that follows it, with its last sign of life.
    """

    __tablename__ = "trainings"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    backend: Mapped[str] = mapped_column(String(40))
    endpoint: Mapped[str] = mapped_column(String(500), default="")
    method: Mapped[str] = mapped_column(String(20))
    base: Mapped[str] = mapped_column(String(400))
    version_id: Mapped[str] = mapped_column(String(40), index=True)
    dataset_hash: Mapped[str] = mapped_column(String(64))
    plan: Mapped[dict[str, Any]]
    offer: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), index=True)
    raw: Mapped[str] = mapped_column(String(80), default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    hint: Mapped[str] = mapped_column(Text, default="")
    trouble: Mapped[str] = mapped_column(Text, default="")
    kept: Mapped[dict[str, Any]]
    handle: Mapped[dict[str, Any] | None]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    cancel: Mapped[int] = mapped_column(Integer, default=0)
    settled: Mapped[int] = mapped_column(Integer, default=0)
    model: Mapped[str | None] = mapped_column(String(400))
    checkpoints: Mapped[list[Any] | None]
    trained_tokens: Mapped[int | None]
    seconds: Mapped[float | None]
    compliance: Mapped[dict[str, Any] | None]
    curator: Mapped[str] = mapped_column(String(80), default="")
    owner: Mapped[str] = mapped_column(String(60), default="")
    beat_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TrainingEventRow(Table):
    """Something that a backend told of a training; ``event`` is its own id, so that nothing is kept twice."""

    __tablename__ = "training_events"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    level: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("training_id", "event", name="uq_training_events"),)


class TrainingMetricRow(Table):
    """One point of a training's curves, in the ``attempt`` that told it; what is told again replaces what was."""

    __tablename__ = "training_metrics"

    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True)
    step: Mapped[int] = mapped_column(Integer, primary_key=True)
    train_loss: Mapped[float | None]
    valid_loss: Mapped[float | None]
    train_accuracy: Mapped[float | None]
    valid_accuracy: Mapped[float | None]


class TunedModelRow(Table):
    """A tuned model: where it answers, what it was made of, and its place in the rollout.

    ``model`` is its id at ``endpoint``; without one it is the environment's. At most one is live and one a canary.
    """

    __tablename__ = "tuned_models"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    model: Mapped[str] = mapped_column(String(400))
    endpoint: Mapped[str] = mapped_column(String(500), default="")
    base: Mapped[str] = mapped_column(String(400), default="")
    training_id: Mapped[str | None] = mapped_column(String(40), index=True)
    version_id: Mapped[str | None] = mapped_column(String(40))
    dataset_hash: Mapped[str] = mapped_column(String(64), default="")
    lineage: Mapped[dict[str, Any]]
    licence: Mapped[str] = mapped_column(String(120), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20))
    share: Mapped[float]
    blocked: Mapped[str] = mapped_column(Text, default="")
    curator: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_tuned_models_live", "state", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        Index("uq_tuned_models_canary", "state", unique=True, sqlite_where=CANARY, postgresql_where=CANARY),
    )


class RolloutRow(Table):
    """One change of the rollout: who, when, why, and what was live and canary before and after."""

    __tablename__ = "rollout_changes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    action: Mapped[str] = mapped_column(String(20))
    model_id: Mapped[str | None] = mapped_column(String(40), index=True)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    override: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    undoes: Mapped[int | None]
    curator: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]


class ModelScoreRow(Table):
    """What a model scored on a frozen test set. ``subject`` is a tuned model's id, or ``base``."""

    __tablename__ = "model_scores"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40), index=True)
    test: Mapped[str] = mapped_column(String(80))
    rows: Mapped[int]
    format_compliance: Mapped[float]
    plan_adherence: Mapped[float]
    details: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
