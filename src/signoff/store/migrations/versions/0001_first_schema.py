"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("question", Json, nullable=False),
        sa.Column("policy", Json, nullable=False),
        sa.Column("rules", Json, nullable=False),
        sa.Column("process", Json, nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owner_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )
    op.create_table(
        "artifacts",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_artifacts_project")),
        sa.PrimaryKeyConstraint("project", "root", "name", name=op.f("pk_artifacts")),
    )
    op.create_table(
        "audits",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("committed", Json, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("seed_chosen_by", sa.String(length=16), nullable=False),
        sa.Column("certificate", Json, nullable=True),
        sa.Column("results", Json, nullable=True),
        sa.Column("tokens", Json, nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_audits_project")),
        sa.PrimaryKeyConstraint("project", "pool", "attempt", name=op.f("pk_audits")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_checkpoints_project")),
        sa.PrimaryKeyConstraint("project", "size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "erased_keys",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_erased_keys_project")),
        sa.PrimaryKeyConstraint("project", "digest", name=op.f("pk_erased_keys")),
    )
    op.create_table(
        "events",
        sa.Column("n", Serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_events_project")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint("project", "leaf", name=op.f("uq_events_project_leaf")),
    )
    op.create_table(
        "pools",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("rows_root", sa.String(length=64), nullable=False),
        sa.Column("frozen_root", sa.String(length=64), nullable=True),
        sa.Column("model_root", sa.String(length=64), nullable=True),
        sa.Column("people_root", sa.String(length=64), nullable=True),
        sa.Column("forecast", Json, nullable=True),
        sa.Column("undone", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_pools_project")),
        sa.PrimaryKeyConstraint("project", "number", name=op.f("pk_pools")),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("skips", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("shown", Json, nullable=True),
        sa.Column("leased_by", sa.String(length=36), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_requests_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("project", "pool", "item", name=op.f("uq_requests_project_pool_item")),
    )
    op.create_index(
        "ix_requests_queue",
        "requests",
        ["project", "priority", "id"],
        unique=False,
        sqlite_where=sa.text("state != 'answered'"),
        postgresql_where=sa.text("state != 'answered'"),
    )
    op.create_table(
        "reviewers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_reviewers_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewers")),
        sa.UniqueConstraint("project", "name", name=op.f("uq_reviewers_project_name")),
    )
    op.create_table(
        "rounds",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("answers", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("forecast", Json, nullable=True),
        sa.Column("scores", Json, nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_rounds_project")),
        sa.PrimaryKeyConstraint("project", "pool", "number", name=op.f("pk_rounds")),
    )
    op.create_table(
        "event_content",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=True),
        sa.Column("item", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["event"], ["events.id"], name=op.f("fk_event_content_event")),
        sa.PrimaryKeyConstraint("event", "name", name=op.f("pk_event_content")),
    )
    op.create_index("ix_event_content_item", "event_content", ["pool", "item"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("n", Serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("reviewer", sa.String(length=36), nullable=False),
        sa.Column("answer", Json, nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_reviews_project")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_reviews_request")),
        sa.ForeignKeyConstraint(["reviewer"], ["reviewers.id"], name=op.f("fk_reviews_reviewer")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_reviews")),
        sa.UniqueConstraint("id", name=op.f("uq_reviews_id")),
    )
    op.create_index("ix_reviews_reviewer", "reviews", ["project", "reviewer", "n"], unique=False)
    op.create_index(
        "ix_reviews_standing",
        "reviews",
        ["project", "pool", "item"],
        unique=True,
        sqlite_where=sa.text("undone IS 0 AND counted IS 1"),
        postgresql_where=sa.text("undone IS false AND counted IS true"),
    )
