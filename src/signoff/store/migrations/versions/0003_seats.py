"""Seats of their own, so that several people answer one item; counts that need no counting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WAITS = sa.text("free > 0")
STANDING = sa.text("undone IS false AND counted IS true")
STANDING_IN_SQLITE = sa.text("undone IS 0 AND counted IS 1")
DUE = sa.text("due IS NOT NULL AND state = 'open'")
TIMED = sa.text("seconds IS NOT NULL")


def upgrade() -> None:
    """Move leases to rows of their own; count what there is."""
    _add_tables()
    _add_rooms()
    _widen_requests()
    _move_leases()
    _tally()
    _renew_indexes()


def _add_tables() -> None:
    op.create_table(
        "seats",
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("reviewer", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_seats_project")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_seats_request")),
        sa.PrimaryKeyConstraint("request", "reviewer", name=op.f("pk_seats")),
    )
    op.create_index("ix_seats_reviewer", "seats", ["project", "reviewer"])
    op.create_index("ix_seats_until", "seats", ["project", "until"])
    op.create_table(
        "tallies",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(length=36), nullable=False),
        sa.Column("opened", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("answers", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skips", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_tallies_project")),
        sa.PrimaryKeyConstraint("project", "pool", "reviewer", name=op.f("pk_tallies")),
    )


def _add_rooms() -> None:
    """What is beside the queue: skills, comments, known answers."""
    op.create_table(
        "reviewer_tags",
        sa.Column("reviewer", sa.String(length=36), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name=op.f("fk_reviewer_tags_project")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer"], ["reviewers.id"], name=op.f("fk_reviewer_tags_reviewer")
        ),
        sa.PrimaryKeyConstraint("reviewer", "tag", name=op.f("pk_reviewer_tags")),
    )
    op.create_index("ix_reviewer_tags_project", "reviewer_tags", ["project"])
    op.create_table(
        "comments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("request", sa.String(length=36), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("item", sa.BigInteger(), nullable=False),
        sa.Column("reviewer", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_comments_project")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_comments_request")),
        sa.ForeignKeyConstraint(["reviewer"], ["reviewers.id"], name=op.f("fk_comments_reviewer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index("ix_comments_request", "comments", ["request", "at"])
    op.create_index("ix_comments_item", "comments", ["project", "pool", "item"])
    op.create_table(
        "gold",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("shown", Json, nullable=True),
        sa.Column("answer", Json, nullable=True),
        sa.Column("pool", sa.Integer(), nullable=True),
        sa.Column("item", sa.BigInteger(), nullable=True),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_gold_project")),
        sa.PrimaryKeyConstraint("project", "number", name=op.f("pk_gold")),
    )


def _widen_requests() -> None:
    for name, least in (("wanted", "1"), ("free", "1")):
        op.add_column(
            "requests", sa.Column(name, sa.Integer(), server_default=least, nullable=False)
        )
    # In one piece: SQLite adds no constraint to a column that is there.
    op.execute(
        "ALTER TABLE requests ADD COLUMN given INTEGER DEFAULT '0' NOT NULL"
        " CONSTRAINT ck_requests_given CHECK (given <= wanted)"
    )
    op.add_column("requests", sa.Column("due", sa.BigInteger(), nullable=True))
    op.add_column("requests", sa.Column("gold", sa.Integer(), nullable=True))
    op.create_index(
        "ix_requests_due", "requests", ["project", "due"], sqlite_where=DUE, postgresql_where=DUE
    )
    op.add_column(
        "reviews",
        sa.Column("sealed", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column("requests", sa.Column("lane", sa.Text(), server_default="|", nullable=False))


def _move_leases() -> None:
    op.execute(
        "INSERT INTO seats (request, reviewer, project, until)"
        " SELECT id, leased_by, project, leased_until FROM requests WHERE state = 'leased'"
    )
    op.execute("UPDATE requests SET free = 0 WHERE state <> 'open'")
    op.execute("UPDATE requests SET given = 1 WHERE state = 'answered'")
    op.execute("UPDATE requests SET state = 'open' WHERE state = 'leased'")
    # Only who answered is in the lane, and only while others are still asked: with one answer an
    # item, nobody is.
    op.drop_index("ix_requests_queue", "requests")
    op.drop_column("requests", "leased_by")
    op.drop_column("requests", "leased_until")


def _tally() -> None:
    columns = "INSERT INTO tallies (project, pool, reviewer, opened, finished, answers, skips)"
    op.execute(
        f"{columns} SELECT project, pool, '', sum(CASE state WHEN 'withdrawn' THEN 0 ELSE 1 END),"
        " 0, 0, sum(skips) FROM requests GROUP BY project, pool"
    )
    standing = STANDING if op.get_bind().dialect.name == "postgresql" else STANDING_IN_SQLITE
    op.execute(
        f"{columns} SELECT project, pool, reviewer, 0, count(*), count(*), 0 FROM reviews"
        f" WHERE {standing} GROUP BY project, pool, reviewer"
    )


def _renew_indexes() -> None:
    op.create_index(
        "ix_requests_queue",
        "requests",
        ["project", "lane", "priority", "id"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
    op.drop_index("ix_reviews_standing", "reviews")
    op.create_index(
        "ix_reviews_standing",
        "reviews",
        ["project", "pool", "item", "reviewer"],
        unique=True,
        sqlite_where=STANDING_IN_SQLITE,
        postgresql_where=STANDING,
    )
    op.create_index(
        "ix_reviews_timed",
        "reviews",
        ["project", "pool", "n"],
        sqlite_where=TIMED,
        postgresql_where=TIMED,
    )
