"""Comparing: what a cell's piece is told apart by, and the tables and summaries of runs, kept ready to be shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """comparing."""
    op.add_column("experiment_cells", sa.Column("traits", sa.JSON(), nullable=True))
    op.create_table(
        "experiment_boards",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "experiment_overviews",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("against", sa.String(length=80), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "against"),
    )
    op.create_table(
        "experiment_batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("variant", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("told", sa.String(length=40), nullable=False),
        sa.Column("asked", sa.Boolean(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("held", sa.Double(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.String(length=200), nullable=False),
        sa.Column("batch_id", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_experiment_batches_run_id", "experiment_batches", ["run_id"], unique=False)
    op.add_column("blind_contests", sa.Column("wanted", sa.Integer(), nullable=False, server_default="30"))
    op.add_column("blind_contests", sa.Column("pieces", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("blind_contests", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    for side in ("sound_a", "sound_b"):
        op.add_column("blind_ratings", sa.Column(side, sa.String(length=40), nullable=False, server_default=""))
    op.create_index("uq_blind_ratings_place", "blind_ratings", ["contest_id", "rater", "number"], unique=True)


def downgrade() -> None:
    """Undo it."""
    op.drop_index("uq_blind_ratings_place", "blind_ratings")
    for side in ("sound_b", "sound_a"):
        op.drop_column("blind_ratings", side)
    for name in ("closed_at", "pieces", "wanted"):
        op.drop_column("blind_contests", name)
    op.drop_index("ix_experiment_batches_run_id", "experiment_batches")
    op.drop_table("experiment_batches")
    op.drop_table("experiment_overviews")
    op.drop_table("experiment_boards")
    op.drop_column("experiment_cells", "traits")  # as it stands: a table that is rebuilt loses its triggers
