"""The tables of accounts. A removed person's account keeps its id; name and password go.

Secrets are kept as digests only; what has expired stays until somebody signs in.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from signoff.store.schema import Json, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text),
    # What two names share that people would take for one.
    Column("name_key", Text, unique=True),
    Column("password", Text),
    Column("everywhere", String(16)),
    Column("created", BigInteger, nullable=False),
    Column("removed", BigInteger),
)

roles = Table(
    "roles",
    metadata,
    Column("account", String(36), ForeignKey("accounts.id"), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("role", String(16), nullable=False),
)
Index("ix_roles_project", roles.c.project)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account", String(36), ForeignKey("accounts.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
Index("ix_sessions_account", sessions.c.account)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("project", String(36), ForeignKey("projects.id")),
    Column("role", String(16), nullable=False),
    Column("made_by", String(36), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
)
Index("ix_invitations_project", invitations.c.project)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account", String(36), ForeignKey("accounts.id"), nullable=False),
    Column("name", Text),
    Column("prefix", String(32), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("last_used", BigInteger),
    Column("revoked", BigInteger),
)
Index("ix_api_tokens_account", api_tokens.c.account)
