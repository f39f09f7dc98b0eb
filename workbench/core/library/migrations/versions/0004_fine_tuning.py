"""Fine-tuning: trainings with their events and curves, tuned models, the trail of their rollout, and their scores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Trainings with their events and curves, tuned models, the trail of their rollout, and their scores."""
    op.create_table(
        "model_scores",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("test", sa.String(length=80), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("format_compliance", sa.Double(), nullable=False),
        sa.Column("plan_adherence", sa.Double(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("model_scores", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_model_scores_subject"), ["subject"], unique=False)

    op.create_table(
        "rollout_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("model_id", sa.String(length=40), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("override", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rollout_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rollout_changes_model_id"), ["model_id"], unique=False)

    op.create_table(
        "trainings",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("backend", sa.String(length=40), nullable=False),
        sa.Column("endpoint", sa.String(length=500), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("base", sa.String(length=400), nullable=False),
        sa.Column("version_id", sa.String(length=40), nullable=False),
        sa.Column("dataset_hash", sa.String(length=64), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("offer", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("raw", sa.String(length=80), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("handle", sa.JSON(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("cancel", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=400), nullable=True),
        sa.Column("checkpoints", sa.JSON(), nullable=True),
        sa.Column("trained_tokens", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("compliance", sa.JSON(), nullable=True),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("trainings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trainings_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_trainings_version_id"), ["version_id"], unique=False)

    op.create_table(
        "tuned_models",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("model", sa.String(length=400), nullable=False),
        sa.Column("endpoint", sa.String(length=500), nullable=False),
        sa.Column("base", sa.String(length=400), nullable=False),
        sa.Column("training_id", sa.String(length=40), nullable=True),
        sa.Column("version_id", sa.String(length=40), nullable=True),
        sa.Column("dataset_hash", sa.String(length=64), nullable=False),
        sa.Column("lineage", sa.JSON(), nullable=False),
        sa.Column("licence", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("blocked", sa.Text(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    with op.batch_alter_table("tuned_models", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tuned_models_training_id"), ["training_id"], unique=False)
        batch_op.create_index(
            "uq_tuned_models_canary",
            ["state"],
            unique=True,
            sqlite_where=sa.text("state = 'canary'"),
            postgresql_where=sa.text("state = 'canary'"),
        )
        batch_op.create_index(
            "uq_tuned_models_live",
            ["state"],
            unique=True,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    op.create_table(
        "training_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("training_id", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("training_id", "event", name="uq_training_events"),
    )
    op.create_table(
        "training_metrics",
        sa.Column("training_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("train_loss", sa.Double(), nullable=True),
        sa.Column("valid_loss", sa.Double(), nullable=True),
        sa.Column("train_accuracy", sa.Double(), nullable=True),
        sa.Column("valid_accuracy", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("training_id", "attempt", "step"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for doing in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER rollout_no_{doing.lower()} BEFORE {doing} ON rollout_changes "
                "BEGIN SELECT RAISE(ABORT, 'the trail of the rollout is only added to'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION rollout_is_added_to() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the trail of the rollout is only added to'; END $$"
        )
        op.execute(
            "CREATE TRIGGER rollout_no_change BEFORE UPDATE OR DELETE ON rollout_changes "
            "FOR EACH ROW EXECUTE FUNCTION rollout_is_added_to()"
        )
        op.execute(
            "CREATE TRIGGER rollout_no_truncate BEFORE TRUNCATE ON rollout_changes "
            "FOR EACH STATEMENT EXECUTE FUNCTION rollout_is_added_to()"
        )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("training_metrics")
    op.drop_table("training_events")
    with op.batch_alter_table("tuned_models", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_tuned_models_live", sqlite_where=sa.text("state = 'live'"), postgresql_where=sa.text("state = 'live'")
        )
        batch_op.drop_index(
            "uq_tuned_models_canary",
            sqlite_where=sa.text("state = 'canary'"),
            postgresql_where=sa.text("state = 'canary'"),
        )
        batch_op.drop_index(batch_op.f("ix_tuned_models_training_id"))

    op.drop_table("tuned_models")
    with op.batch_alter_table("trainings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trainings_version_id"))
        batch_op.drop_index(batch_op.f("ix_trainings_state"))

    op.drop_table("trainings")
    with op.batch_alter_table("rollout_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rollout_changes_model_id"))

    op.drop_table("rollout_changes")
    with op.batch_alter_table("model_scores", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_model_scores_subject"))

    op.drop_table("model_scores")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION rollout_is_added_to()")
