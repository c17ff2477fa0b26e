"""The tables of long work: jobs that a worker leases, and what webhooks were sent."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from signoff.store.schema import Json, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    # Null while the job is to make the project.
    Column("project", String(36), ForeignKey("projects.id")),
    Column("kind", String(32), nullable=False),
    Column("body", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due", BigInteger, nullable=False),
    Column("error", Json),
    Column("result", Json),
    Column("leased_by", Text),
    Column("leased_until", BigInteger),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("idempotency", Text, unique=True),
)
Index(
    "ix_jobs_waiting",
    jobs.c.due,
    jobs.c.id,
    sqlite_where=jobs.c.state.in_(("queued", "running")),
    postgresql_where=jobs.c.state.in_(("queued", "running")),
)
Index("ix_jobs_project", jobs.c.project, jobs.c.id)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Json, nullable=False),
    # What deliveries are signed with: it must be readable here, so the database is a secret too.
    Column("secret", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    # The leaf number in the project's log up to which deliveries were made out.
    Column("cursor", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
)
Index("ix_webhooks_project", webhooks.c.project)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("webhook", String(36), ForeignKey("webhooks.id"), nullable=False),
    Column("event", String(36), ForeignKey("events.id"), nullable=False),
    # One event of many decisions is told in parts, numbered from 0.
    Column("part", Integer, nullable=False),
    Column("type", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("leased_by", Text),
    Column("leased_until", BigInteger),
    Column("status", Integer),
    Column("error", Text),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    UniqueConstraint("webhook", "event", "part"),
)
Index(
    "ix_deliveries_waiting",
    deliveries.c.due,
    deliveries.c.id,
    sqlite_where=deliveries.c.state == "waiting",
    postgresql_where=deliveries.c.state == "waiting",
)
Index("ix_deliveries_webhook", deliveries.c.webhook, deliveries.c.id)
