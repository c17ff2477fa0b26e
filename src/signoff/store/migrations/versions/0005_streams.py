"""Streams: windows with their seeds, items that arrive one by one, models fitted on the way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables of streams."""
    op.create_table(
        "streams",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("answers", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("fitted_at", sa.BigInteger(), nullable=False),
        sa.Column("fresh_from", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_streams_project")),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_streams")),
    )
    op.create_table(
        "stream_windows",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("plan", Json, nullable=False),
        sa.Column("seed_commitment", sa.String(length=64), nullable=False),
        sa.Column("seed_chosen_by", sa.String(length=16), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("admitted", sa.BigInteger(), nullable=False),
        sa.Column("audited", sa.BigInteger(), nullable=False),
        sa.Column("tails", sa.BigInteger(), nullable=False),
        sa.Column("finds", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("automatic", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("alarmed", sa.Boolean(), nullable=False),
        sa.Column("certificate", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_stream_windows_project")
        ),
        sa.PrimaryKeyConstraint("project", "number", name=op.f("pk_stream_windows")),
    )
    op.create_table(
        "stream_window_seeds",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_stream_window_seeds_project")
        ),
        sa.PrimaryKeyConstraint("project", "number", name=op.f("pk_stream_window_seeds")),
    )
    op.create_table(
        "stream_items",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("window", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("shown", Json, nullable=True),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("heads", sa.Boolean(), nullable=True),
        sa.Column("left", sa.Boolean(), nullable=False),
        sa.Column("answer", Json, nullable=True),
        sa.Column("answered", sa.BigInteger(), nullable=True),
        sa.Column("repeats", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_stream_items_project")),
        sa.PrimaryKeyConstraint("project", "window", "item", name=op.f("pk_stream_items")),
        sa.UniqueConstraint("id", name=op.f("uq_stream_items_id")),
        sa.UniqueConstraint("project", "key", name=op.f("uq_stream_items_project_key")),
        sa.UniqueConstraint("project", "answered", name=op.f("uq_stream_items_project_answered")),
    )
    op.create_index("ix_stream_items_digest", "stream_items", ["project", "window", "digest"])
    op.create_index(
        "ix_stream_items_undecided",
        "stream_items",
        ["project", "window", "item"],
        sqlite_where=sa.text("state != 'decided'"),
        postgresql_where=sa.text("state != 'decided'"),
    )
    op.create_table(
        "stream_models",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("answers", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("calibration", Json, nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("scores", Json, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_stream_models_project")
        ),
        sa.PrimaryKeyConstraint("project", "version", name=op.f("pk_stream_models")),
    )
