"""Experiments: runs, what models said in them, what came of their cells, and blind ratings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEPT = ("experiment_answers", "experiment_cells")
"""Tables whose rows stay as they are."""


def upgrade() -> None:
    """experiments."""
    op.create_table(
        "experiment_runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("specification", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version_id", sa.String(length=40), nullable=True),
        sa.Column("settled", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("wish", sa.String(length=10), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("spent", sa.Double(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.Double(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "number", name="uq_experiment_runs"),
    )
    with op.batch_alter_table("experiment_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_experiment_runs_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_experiment_runs_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_experiment_runs_version_id"), ["version_id"], unique=False)

    op.create_table(
        "blind_contests",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.Double(), nullable=False),
        sa.Column("repeats", sa.Double(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("blind_contests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blind_contests_run_id"), ["run_id"], unique=False)

    op.create_table(
        "experiment_answers",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("cell_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "cell_id", "number"),
    )
    op.create_table(
        "experiment_cells",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cell_id", sa.String(length=40), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("variant", sa.String(length=80), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("measured", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("form", sa.String(length=40), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("mood", sa.String(length=40), nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.Column("meter", sa.String(length=40), nullable=False),
        sa.Column("sample", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["experiment_runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "position"),
        sa.UniqueConstraint("run_id", "cell_id", name="uq_experiment_cells"),
    )
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.create_index(
            "ix_experiment_cells_facets", ["run_id", "form", "period", "mood", "mode", "meter"], unique=False
        )
        batch_op.create_index("ix_experiment_cells_state", ["run_id", "state"], unique=False)
        batch_op.create_index("ix_experiment_cells_variant", ["run_id", "variant", "position"], unique=False)

    op.create_table(
        "blind_ratings",
        sa.Column("token", sa.String(length=80), nullable=False),
        sa.Column("contest_id", sa.String(length=40), nullable=False),
        sa.Column("rater", sa.String(length=80), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("a", sa.Text(), nullable=False),
        sa.Column("b", sa.Text(), nullable=False),
        sa.Column("piece_a", sa.Text(), nullable=False),
        sa.Column("piece_b", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contest_id"], ["blind_contests.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token"),
    )
    with op.batch_alter_table("blind_ratings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blind_ratings_contest_id"), ["contest_id"], unique=False)

    op.create_table(
        "preferred_pairs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("contest_id", sa.String(length=40), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.JSON(), nullable=False),
        sa.Column("rights_chosen", sa.JSON(), nullable=True),
        sa.Column("rights_rejected", sa.JSON(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("raters", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contest_id"], ["blind_contests.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("preferred_pairs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preferred_pairs_contest_id"), ["contest_id"], unique=False)

    if op.get_bind().dialect.name == "sqlite":
        for table in KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'what a run has found is never changed'); END"
            )
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
                "WHEN EXISTS (SELECT 1 FROM experiment_runs WHERE id = OLD.run_id) "
                "BEGIN SELECT RAISE(ABORT, 'what a run has found goes only with the run'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION run_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM experiment_runs WHERE id = OLD.run_id) THEN "
            "RETURN OLD; END IF; "
            "RAISE EXCEPTION 'what a run has found is never changed'; END $$"
        )
        for table in KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION run_is_only_added_to()"
            )


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("preferred_pairs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preferred_pairs_contest_id"))

    op.drop_table("preferred_pairs")
    with op.batch_alter_table("blind_ratings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blind_ratings_contest_id"))

    op.drop_table("blind_ratings")
    with op.batch_alter_table("experiment_cells", schema=None) as batch_op:
        batch_op.drop_index("ix_experiment_cells_variant")
        batch_op.drop_index("ix_experiment_cells_state")
        batch_op.drop_index("ix_experiment_cells_facets")

    op.drop_table("experiment_cells")
    op.drop_table("experiment_answers")
    with op.batch_alter_table("blind_contests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blind_contests_run_id"))

    op.drop_table("blind_contests")
    with op.batch_alter_table("experiment_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_experiment_runs_version_id"))
        batch_op.drop_index(batch_op.f("ix_experiment_runs_state"))
        batch_op.drop_index(batch_op.f("ix_experiment_runs_digest"))

    op.drop_table("experiment_runs")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION run_is_only_added_to()")
