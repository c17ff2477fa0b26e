"""The tables of the queue beside its requests: seats, tallies, skills, comments, known answers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from signoff.store.schema import Json, metadata

seats = Table(
    "seats",
    metadata,
    Column("request", String(36), ForeignKey("requests.id"), primary_key=True),
    Column("reviewer", String(36), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_seats_reviewer", seats.c.project, seats.c.reviewer)
Index("ix_seats_until", seats.c.project, seats.c.until)

tallies = Table(
    "tallies",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("pool", Integer, primary_key=True, autoincrement=False),
    # Each reviewer counts in a row of their own, so that nobody waits for another; "" is the loop.
    Column("reviewer", String(36), primary_key=True),
    Column("opened", BigInteger, nullable=False, server_default="0"),
    Column("finished", BigInteger, nullable=False, server_default="0"),
    Column("answers", BigInteger, nullable=False, server_default="0"),
    Column("skips", BigInteger, nullable=False, server_default="0"),
)

reviewer_tags = Table(
    "reviewer_tags",
    metadata,
    Column("reviewer", String(36), ForeignKey("reviewers.id"), primary_key=True),
    Column("tag", String(40), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
)
Index("ix_reviewer_tags_project", reviewer_tags.c.project)

comments = Table(
    "comments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("request", String(36), ForeignKey("requests.id"), nullable=False),
    Column("pool", Integer, nullable=False),
    Column("item", BigInteger, nullable=False),
    Column("reviewer", String(36), ForeignKey("reviewers.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    # Gone once the item was erased.
    Column("text", Text),
    Column("at", BigInteger, nullable=False),
    Column("event", String(36), nullable=False),
)
Index("ix_comments_request", comments.c.request, comments.c.at)
Index("ix_comments_item", comments.c.project, comments.c.pool, comments.c.item)

gold = Table(
    "gold",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # What people see and what is right; gone once it was erased.
    Column("key", Text),
    Column("shown", Json),
    Column("answer", Json),
    # The item it was taken from, if any.
    Column("pool", Integer),
    Column("item", BigInteger),
    Column("retired", Boolean, nullable=False),
    Column("event", String(36), nullable=False),
    Column("at", BigInteger, nullable=False),
)
