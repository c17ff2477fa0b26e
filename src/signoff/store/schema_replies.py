"""The table of language models' replies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from signoff.store.schema import metadata

replies = Table(
    "replies",
    metadata,
    # Of who was asked and of the text: equal texts of other projects are not asked about again.
    Column("key", String(64), primary_key=True),
    # The project that paid.
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("content", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("version", Text, nullable=False),
    # Null where no call brought a reply.
    Column("text", Text),
    Column("ended", String(16), nullable=False),
    Column("weight", Float),
    Column("input", BigInteger, nullable=False),
    Column("output", BigInteger, nullable=False),
    Column("cached", BigInteger, nullable=False),
    Column("calls", Integer, nullable=False),
)
Index("ix_replies_content", replies.c.content)
Index("ix_replies_project", replies.c.project)
