"""The tables of the database. What they hold is read and written by the modules beside this one.

Times are in UTC. JSON columns hold plain JSON values. No secret is ever stored: of a token only its hash.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A moment: always with its time zone in Python, and in UTC in every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Table(DeclarativeBase):
    """What every table shares."""

    type_annotation_map = {datetime: UtcTime(), dict[str, Any]: JSON(), list[Any]: JSON()}


class GenerationRow(Table):
    """A request on its way from a model (or the rules) to a piece, and what became of it."""

    __tablename__ = "generations"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    batch: Mapped[str] = mapped_column(String(40), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    visitor: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200), default="")
    request: Mapped[dict[str, Any]]
    settings: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any] | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    provider: Mapped[str | None] = mapped_column(String(60))
    variant: Mapped[str | None] = mapped_column(String(20))
    model: Mapped[str | None] = mapped_column(String(200))
    template: Mapped[str | None] = mapped_column(String(120))
    structure: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    repairs: Mapped[list[Any] | None]
    trace: Mapped[list[Any] | None]
    usage: Mapped[dict[str, Any] | None]
    partial: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(Text, default="")
    owner: Mapped[str] = mapped_column(String(40), default="")
    beat_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_generations_visitor", "visitor", "created_at"), Index("ix_generations_state", "state"))


class TakeRow(Table):
    """One piece that a person keeps: every take of every visit, until it is deleted."""

    __tablename__ = "takes"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    visitor: Mapped[str] = mapped_column(String(80))
    piece_id: Mapped[str] = mapped_column(String(40), index=True)
    name: Mapped[str | None] = mapped_column(String(120))
    request: Mapped[dict[str, Any] | None]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    structure: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(String(200), default="")
    change: Mapped[str] = mapped_column(String(200), default="")
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generations.id", ondelete="SET NULL"))
    parent_id: Mapped[str | None] = mapped_column(String(40))
    search: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __table_args__ = (
        UniqueConstraint("visitor", "piece_id"),
        Index("ix_takes_visitor", "visitor", "created_at"),
        Index("ix_takes_created", "created_at"),
        Index("ix_takes_generation", "generation_id"),
    )


class DraftRow(Table):
    """What a person has typed and not yet used: the request form, an edited JSON text, a changed template."""

    __tablename__ = "drafts"

    visitor: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    data: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]


class TemplateRow(Table):
    """One version of a prompt template; versions are never changed."""

    __tablename__ = "templates"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int]
    parts: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text, default="")
    visitor: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("name", "version"),)


class SettingRow(Table):
    """A choice that holds for everybody here, such as which template is the usual one."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]


class TokenRow(Table):
    """A token of the HTTP API: its hash, never itself, and its limits."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    requests_a_minute: Mapped[int]
    tokens_a_day: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class UsageRow(Table):
    """What one generation used: model tokens, money, and who asked."""

    __tablename__ = "usage"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    token_id: Mapped[str | None] = mapped_column(ForeignKey("tokens.id", ondelete="SET NULL"))
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generations.id", ondelete="SET NULL"))
    day: Mapped[date]
    at: Mapped[datetime]
    provider: Mapped[str] = mapped_column(String(60))
    variant: Mapped[str] = mapped_column(String(20))
    tokens_in: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_out: Mapped[int] = mapped_column(BigInteger, default=0)
    cost: Mapped[float | None]

    __table_args__ = (
        Index("ix_usage_token", "token_id", "at"),
        Index("ix_usage_day", "day"),
        Index("ix_usage_generation", "generation_id"),
    )


class SubmissionRow(Table):
    """A take that was sent to the curators, and what the sender says about it."""

    __tablename__ = "submissions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    take_id: Mapped[str] = mapped_column(ForeignKey("takes.id", ondelete="CASCADE"), unique=True)
    visitor: Mapped[str] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    created_at: Mapped[datetime]


class ExampleRow(Table):
    """One piece of the curated library, or of the queue to it; what it is filtered by stands in columns of its own."""

    __tablename__ = "examples"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    piece_id: Mapped[str] = mapped_column(String(40), index=True)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    status: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(160))
    request: Mapped[dict[str, Any]]
    structure: Mapped[dict[str, Any]]
    tags: Mapped[list[Any]]
    teaches: Mapped[str] = mapped_column(Text, default="")
    rights: Mapped[dict[str, Any]]
    origin: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text, default="")
    form: Mapped[str] = mapped_column(String(120))
    period: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(10))
    meter: Mapped[str] = mapped_column(String(10))
    valence: Mapped[float]
    arousal: Mapped[float]
    errors: Mapped[int]
    warnings: Mapped[int]
    rights_gaps: Mapped[int]
    may_prompt: Mapped[bool]
    may_train: Mapped[bool]
    search: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    round: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_examples_queue", "status", "created_at", "id"),
        Index("ix_examples_form", "form", "period"),
    )


class VoteRow(Table):
    """One curator's vote on one round of an example; a round ends when the piece is changed."""

    __tablename__ = "votes"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    example_id: Mapped[str] = mapped_column(ForeignKey("examples.id", ondelete="CASCADE"))
    round: Mapped[int]
    curator: Mapped[str] = mapped_column(String(80))
    vote: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("example_id", "round", "curator"),)


class AuditRow(Table):
    """What somebody did in the library. Rows are added and never changed: the database itself refuses it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    example_id: Mapped[str] = mapped_column(String(100), index=True)
    curator: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    note: Mapped[str] = mapped_column(Text, default="")
    undoes: Mapped[int | None]
    at: Mapped[datetime]


class SavedViewRow(Table):
    """Filters of a screen's list under a name."""

    __tablename__ = "saved_views"

    screen: Mapped[str] = mapped_column(String(20), primary_key=True)
    curator: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    filters: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
