"""The tables of datasets: versions with their rows, what is in the rows, builds, and what reviewers say.

What is in a row is kept once, under its hash, however many versions hold it. Versions are never changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workbench.core.library.tables import Table

KEY = 400
"""The longest key of a row."""


class VersionRow(Table):
    """One version of a dataset. ``id`` is the beginning of ``content_hash``; ``state`` is ``writing`` or ``ready``."""

    __tablename__ = "dataset_versions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80), index=True)
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    content_hash: Mapped[str] = mapped_column(String(64))
    recipe: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    rows: Mapped[int]
    curator: Mapped[str] = mapped_column(String(80), default="")
    build_id: Mapped[str] = mapped_column(String(40), default="")
    created_at: Mapped[datetime]


class DatasetRow(Table):
    """One row of a version: what it is filtered and sorted by, and the hash of what is in it."""

    __tablename__ = "dataset_rows"

    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY))
    digest: Mapped[str] = mapped_column(String(64))
    split: Mapped[str] = mapped_column(String(10))
    group: Mapped[str] = mapped_column(String(KEY))
    kind: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(KEY))
    origin: Mapped[str] = mapped_column(String(20))
    changes: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(160))
    form: Mapped[str] = mapped_column(String(120))
    period: Mapped[str] = mapped_column(String(20))
    mode: Mapped[str] = mapped_column(String(10))
    tonic: Mapped[str] = mapped_column(String(20))
    meter: Mapped[str] = mapped_column(String(10))
    mood: Mapped[str] = mapped_column(String(20))
    valence: Mapped[float]
    arousal: Mapped[float]
    tempo: Mapped[float]
    seconds: Mapped[float]
    measures: Mapped[int]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    warnings: Mapped[int]
    cadence: Mapped[str] = mapped_column(String(10))
    search: Mapped[str] = mapped_column(String(400))

    __table_args__ = (
        Index("ix_dataset_rows_key", "key"),
        Index("ix_dataset_rows_digest", "digest"),
        {"sqlite_with_rowid": False},  # a version's rows lie together, so that reading one reads nothing else
    )


class BodyRow(Table):
    """What is in a row: its canonical JSON, compressed with zlib, under the hash of that JSON."""

    __tablename__ = "dataset_bodies"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class BuildRow(Table):
    """A build of a version: its recipe, how far it is, and what became of it."""

    __tablename__ = "dataset_builds"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    recipe: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    phase: Mapped[str] = mapped_column(String(80), default="")
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    message: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any] | None]
    version_id: Mapped[str | None] = mapped_column(String(40))
    curator: Mapped[str] = mapped_column(String(80), default="")
    owner: Mapped[str] = mapped_column(String(60), default="")
    beat_at: Mapped[datetime]
    created_at: Mapped[datetime]


class RecipeRow(Table):
    """A recipe under its name, as it was last saved."""

    __tablename__ = "dataset_recipes"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    recipe: Mapped[dict[str, Any]]
    curator: Mapped[str] = mapped_column(String(80), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[datetime]


class MarkRow(Table):
    """What a reviewer says of a row, in whatever version: ``flag``, ``exclude`` or ``comment``; never deleted."""

    __tablename__ = "dataset_marks"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    row_key: Mapped[str] = mapped_column(String(KEY), index=True)
    version_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text, default="")
    curator: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    taken_back_by: Mapped[str | None] = mapped_column(String(80))
    taken_back_at: Mapped[datetime | None]


class SampleRow(Table):
    """A sample of a version for audit: which rows, and what was found in each so far (by key)."""

    __tablename__ = "dataset_samples"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"), index=True)
    by: Mapped[str] = mapped_column(String(20), default="")
    seed: Mapped[int] = mapped_column(BigInteger)
    keys: Mapped[list[Any]]
    strata: Mapped[dict[str, Any]]
    results: Mapped[dict[str, Any]]
    curator: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime]


class FrozenTestRow(Table):
    """A test set that nothing may ever be trained on: the test rows of a version."""

    __tablename__ = "frozen_tests"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id", ondelete="RESTRICT"))
    curator: Mapped[str] = mapped_column(String(80))
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
