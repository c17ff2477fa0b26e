"""The tables of the queue beside its requests: who holds a seat, who passed, and the tallies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from signoff.store.schema import metadata

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
