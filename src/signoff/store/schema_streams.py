"""The tables of streams. Windows are rows of ``pools`` too: reviewers meet them as any pool.

A window's seed is in a table of its own, which :mod:`signoff.store.window_seeds` alone reads.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from signoff.store.schema import Json, metadata

streams = Table(
    "streams",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("spec", Json, nullable=False),
    # People's answers that count: sealed, never taken back.
    Column("answers", BigInteger, nullable=False),
    Column("model", String(64)),
    Column("fitted_at", BigInteger, nullable=False),
    Column("fresh_from", BigInteger, nullable=False),
)

windows = Table(
    "stream_windows",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan", Json, nullable=False),
    Column("seed_commitment", String(64), nullable=False),
    Column("seed_chosen_by", String(16), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("admitted", BigInteger, nullable=False),
    Column("audited", BigInteger, nullable=False),
    Column("tails", BigInteger, nullable=False),
    Column("finds", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    Column("automatic", BigInteger, nullable=False),
    Column("repeats", BigInteger, nullable=False),
    Column("alarmed", Boolean, nullable=False),
    # How many items it has, where somebody ended it before it was full.
    Column("ended", BigInteger),
    Column("certificate", Json),
)

window_seeds = Table(
    "stream_window_seeds",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("seed", LargeBinary, nullable=False),
)

items = Table(
    "stream_items",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("window", Integer, primary_key=True, autoincrement=False),
    Column("item", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(36), nullable=False, unique=True),
    Column("key", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("shown", Json),
    Column("request", String(36), nullable=False),
    Column("why", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("label", Text),
    Column("confidence", Float),
    Column("model", String(64)),
    Column("number", BigInteger),
    Column("heads", Boolean),
    Column("left", Boolean, nullable=False),
    Column("answer", Json),
    # Which of the stream's answers it is: 1, 2, 3, ...
    Column("answered", BigInteger),
    # The earlier item of the window whose answer it shares.
    Column("repeats", BigInteger),
    UniqueConstraint("project", "key"),
    UniqueConstraint("project", "answered"),
)
Index("ix_stream_items_digest", items.c.project, items.c.window, items.c.digest)
Index(
    "ix_stream_items_undecided",
    items.c.project,
    items.c.window,
    items.c.item,
    sqlite_where=items.c.state != "decided",
    postgresql_where=items.c.state != "decided",
)

models = Table(
    "stream_models",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("answers", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("calibration", Json, nullable=False),
    Column("threshold", Float, nullable=False),
    Column("scores", Json, nullable=False),
    Column("at", BigInteger, nullable=False),
)
