"""The tables of experiments: runs, what models said in them, what came of their cells, and blind ratings.

What a model said and what came of a cell are never changed, nor taken away but with their run: the database refuses it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workbench.core.library.tables import Table


class RunRow(Table):
    """One run of an experiment: what was ordered, how it stands, and who is at it.

    ``settled`` is how each variant was asked, so that it is asked the same after a pause; ``version_id`` the version of
    the dataset that is asked; ``wish`` what somebody has asked of the process that is at it. ``remaining`` is in
    seconds.
    """

    __tablename__ = "experiment_runs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    number: Mapped[int] = mapped_column(Integer)
    specification: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    version_id: Mapped[str | None] = mapped_column(String(40), index=True)
    settled: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), index=True)
    wish: Mapped[str] = mapped_column(String(10), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    cells: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    spent: Mapped[float]
    tokens_in: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_out: Mapped[int] = mapped_column(BigInteger, default=0)
    remaining: Mapped[float | None]
    notes: Mapped[list[Any]]
    curator: Mapped[str] = mapped_column(String(80), default="")
    owner: Mapped[str] = mapped_column(String(60), default="")
    beat_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("name", "number", name="uq_experiment_runs"),)


class AnswerRow(Table):
    """What a model said to one question of a cell, counted from 0; ``data`` is compressed JSON.

    ``cost`` is what it counts against a budget, in US dollars; None where no price is known.
    """

    __tablename__ = "experiment_answers"

    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), primary_key=True)
    cell_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    tokens_in: Mapped[int] = mapped_column(Integer)
    tokens_out: Mapped[int] = mapped_column(Integer)
    cost: Mapped[float | None]


class CellRow(Table):
    """What came of a cell: its sample (compressed JSON), what the metrics say of it, and what it is found by.

    ``state`` is ``done`` or ``failed``, ``fault`` a short word for why. ``traits`` are what its piece is told apart by
    (``elements.traits_of``), None in rows from before they were kept.
    """

    __tablename__ = "experiment_cells"

    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    cell_id: Mapped[str] = mapped_column(String(40))
    request: Mapped[str] = mapped_column(Text)
    variant: Mapped[str] = mapped_column(String(80))
    seed: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(20))
    fault: Mapped[str] = mapped_column(String(40), default="")
    outcome: Mapped[str] = mapped_column(String(20), default="")
    values: Mapped[dict[str, Any]] = mapped_column("measured", JSON)
    problems: Mapped[dict[str, Any]]
    form: Mapped[str] = mapped_column(String(40), default="")
    period: Mapped[str] = mapped_column(String(40), default="")
    mood: Mapped[str] = mapped_column(String(40), default="")
    mode: Mapped[str] = mapped_column(String(40), default="")
    meter: Mapped[str] = mapped_column(String(40), default="")
    sample: Mapped[bytes] = mapped_column(LargeBinary)
    traits: Mapped[dict[str, Any] | None]

    __table_args__ = (
        UniqueConstraint("run_id", "cell_id", name="uq_experiment_cells"),
        Index("ix_experiment_cells_variant", "run_id", "variant", "position"),
        Index("ix_experiment_cells_facets", "run_id", "form", "period", "mood", "mode", "meter"),
        Index("ix_experiment_cells_state", "run_id", "state"),
    )


class BoardRow(Table):
    """All ended cells of a run as one table of columns, packed (``boards``), as it was when ``done`` had ended."""

    __tablename__ = "experiment_boards"

    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), primary_key=True)
    done: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class OverviewRow(Table):
    """The summary of a run (compressed JSON) as it was when ``done`` cells had ended.

    ``against`` is the variant that the others were compared with, empty for each with each.
    """

    __tablename__ = "experiment_overviews"

    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), primary_key=True)
    against: Mapped[str] = mapped_column(String(80), primary_key=True, default="")
    done: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class BatchRow(Table):
    """Questions of a run that a hosted service answers in its own time: a batch, written down before it is made there.

    ``cells`` are the cells that it asks, each with the tokens that its question was counted at; ``held`` is what it may
    cost, in US dollars. ``state`` is ``making``, ``sent``, ``left`` (it was cancelled from here, and some answers may
    come), ``taken`` (its answers are kept) or ``gone`` (it was never made); ``told`` is what the service calls its
    state. ``asked`` says that its making was asked for. ``file_id`` and ``batch_id`` are the service's.
    """

    __tablename__ = "experiment_batches"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), index=True)
    variant: Mapped[str] = mapped_column(String(80))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20))
    told: Mapped[str] = mapped_column(String(40), default="")
    asked: Mapped[bool]
    cells: Mapped[dict[str, Any]]
    held: Mapped[float]
    answered: Mapped[int] = mapped_column(Integer, default=0)
    file_id: Mapped[str] = mapped_column(String(200), default="")
    batch_id: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ContestRow(Table):
    """A blind comparison of a run's pieces; ``secret`` is what its tokens hang on, and is shown to nobody.

    ``pieces`` (compressed JSON) are the hashes of the pieces and the positions of their cells, by request and variant.
    Each rater judges ``wanted`` pairs.
    """

    __tablename__ = "blind_contests"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("experiment_runs.id", ondelete="CASCADE"), index=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    seed: Mapped[int] = mapped_column(BigInteger, default=0)
    shared: Mapped[float]
    repeats: Mapped[float]
    wanted: Mapped[int] = mapped_column(Integer)
    pieces: Mapped[bytes] = mapped_column(LargeBinary)
    curator: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class BlindRatingRow(Table):
    """What a rater said of one pair, which ``token`` names; while it is being judged the verdict is empty.

    ``sound_a`` and ``sound_b`` name its sounds; ``at`` is when it was shown, and then when it was judged.
    """

    __tablename__ = "blind_ratings"

    token: Mapped[str] = mapped_column(String(80), primary_key=True)
    contest_id: Mapped[str] = mapped_column(ForeignKey("blind_contests.id", ondelete="CASCADE"), index=True)
    rater: Mapped[str] = mapped_column(String(80))
    request: Mapped[str] = mapped_column(Text)
    a: Mapped[str] = mapped_column(Text)
    b: Mapped[str] = mapped_column(Text)
    piece_a: Mapped[str] = mapped_column(Text)
    piece_b: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    repeat: Mapped[bool]
    verdict: Mapped[str] = mapped_column(String(20))
    criteria: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    at: Mapped[datetime]
    sound_a: Mapped[str] = mapped_column(String(40))
    sound_b: Mapped[str] = mapped_column(String(40))

    __table_args__ = (Index("uq_blind_ratings_place", "contest_id", "rater", "number", unique=True),)


class PreferredRow(Table):
    """Two pieces of which raters preferred one, for a dataset of preferences; rights are those of each piece."""

    __tablename__ = "preferred_pairs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    contest_id: Mapped[str] = mapped_column(ForeignKey("blind_contests.id", ondelete="CASCADE"), index=True)
    request: Mapped[dict[str, Any]]
    chosen: Mapped[dict[str, Any]]
    rejected: Mapped[dict[str, Any]]
    rights_chosen: Mapped[dict[str, Any] | None]
    rights_rejected: Mapped[dict[str, Any] | None]
    why: Mapped[str] = mapped_column(Text, default="")
    votes: Mapped[int] = mapped_column(Integer)
    raters: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
