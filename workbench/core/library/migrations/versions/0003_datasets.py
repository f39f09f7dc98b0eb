"""Datasets: versions, rows, builds, recipes, marks, samples, frozen tests; saved views of more screens than one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Datasets: versions, rows, builds, recipes, marks, samples, frozen tests; saved views of more screens than one."""
    op.create_table(
        "dataset_bodies",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "dataset_builds",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("phase", sa.String(length=80), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("version_id", sa.String(length=40), nullable=True),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "dataset_marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("row_key", sa.String(length=400), nullable=False),
        sa.Column("version_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_by", sa.String(length=80), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataset_marks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_marks_row_key"), ["row_key"], unique=False)

    op.create_table(
        "dataset_recipes",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("build_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataset_versions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_versions_name"), ["name"], unique=False)

    op.create_table(
        "dataset_rows",
        sa.Column("version_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.Column("group", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=400), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("changes", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("form", sa.String(length=120), nullable=False),
        sa.Column("period", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("tonic", sa.String(length=20), nullable=False),
        sa.Column("meter", sa.String(length=10), nullable=False),
        sa.Column("mood", sa.String(length=20), nullable=False),
        sa.Column("valence", sa.Double(), nullable=False),
        sa.Column("arousal", sa.Double(), nullable=False),
        sa.Column("tempo", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("measures", sa.Integer(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=False),
        sa.Column("tokens_out", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("cadence", sa.String(length=10), nullable=False),
        sa.Column("search", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version_id", "position"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("dataset_rows", schema=None) as batch_op:
        batch_op.create_index("ix_dataset_rows_digest", ["digest"], unique=False)
        batch_op.create_index("ix_dataset_rows_key", ["key"], unique=False)

    op.create_table(
        "dataset_samples",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("version_id", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=20), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("strata", sa.JSON(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataset_samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dataset_samples_version_id"), ["version_id"], unique=False)

    op.create_table(
        "frozen_tests",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("version_id", sa.String(length=40), nullable=False),
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["dataset_versions.id"], ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("name"),
    )
    _rebuild_views(screen=True)
    for table in ("dataset_rows", "dataset_bodies"):
        if op.get_bind().dialect.name == "sqlite":
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'a version is never changed'); END"
            )
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE FUNCTION version_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a version is never changed'; END $$"
        )
        for table in ("dataset_rows", "dataset_bodies"):
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION version_is_never_changed()"
            )


def downgrade() -> None:
    """Undo it."""
    _rebuild_views(screen=False)
    op.drop_table("frozen_tests")
    with op.batch_alter_table("dataset_samples", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dataset_samples_version_id"))

    op.drop_table("dataset_samples")
    with op.batch_alter_table("dataset_rows", schema=None) as batch_op:
        batch_op.drop_index("ix_dataset_rows_key")
        batch_op.drop_index("ix_dataset_rows_digest")

    op.drop_table("dataset_rows")
    with op.batch_alter_table("dataset_versions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dataset_versions_name"))

    op.drop_table("dataset_versions")
    op.drop_table("dataset_recipes")
    with op.batch_alter_table("dataset_marks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dataset_marks_row_key"))

    op.drop_table("dataset_marks")
    op.drop_table("dataset_builds")
    op.drop_table("dataset_bodies")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION version_is_never_changed()")


def _rebuild_views(*, screen: bool) -> None:
    """Saved views anew, with or without their screen in the primary key; going down, other screens' views go."""
    column = [sa.Column("screen", sa.String(length=20), nullable=False)] if screen else []
    keys = ["screen", "curator", "name"] if screen else ["curator", "name"]
    op.rename_table("saved_views", "saved_views_before")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER INDEX saved_views_pkey RENAME TO saved_views_before_pkey")
    op.create_table(
        "saved_views",
        *column,
        sa.Column("curator", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*keys),
    )
    kept = "curator, name, filters, created_at"
    into, given = (f"screen, {kept}", f"'examples', {kept}") if screen else (kept, kept)
    only = "" if screen else " WHERE screen = 'examples'"
    op.execute(f"INSERT INTO saved_views ({into}) SELECT {given} FROM saved_views_before{only}")
    op.drop_table("saved_views_before")
