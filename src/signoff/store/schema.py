"""The tables. Instants are UTC microseconds; JSON is JSONB on PostgreSQL.

Deletable content (answers, names, notes) sits in ``event_content``, ``reviews.answers`` and
``reviewers.name``; ``events`` holds what the log signs and is never changed or deleted.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects import postgresql

Json = JSON().with_variant(postgresql.JSONB(), "postgresql")
JsonOrNull = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Serial = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

projects = Table(
    "projects",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("form", Json, nullable=False),
    Column("policy", Json, nullable=False),
    Column("rules", Json, nullable=False),
    Column("process", Json, nullable=False),
    Column("settings", Json, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    # The loop's owner: at most one live run works on a project.
    Column("owner", Text),
    Column("owner_until", BigInteger),
)

pools = Table(
    "pools",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("rows_root", String(64), nullable=False),
    Column("forecast", Json),
    Column("undone", Integer, nullable=False, server_default="0"),
    # By question: frozen labels, and decisions by the model and by people, each one batch.
    Column("frozen_roots", Json, nullable=False, server_default="{}"),
    Column("model_roots", Json, nullable=False, server_default="{}"),
    Column("people_roots", Json, nullable=False, server_default="{}"),
)

reviewers = Table(
    "reviewers",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("name", Text),
    Column("kind", String(16), nullable=False),
    UniqueConstraint("project", "name"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("pool", Integer, nullable=False),
    Column("item", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("priority", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("skips", Integer, nullable=False, server_default="0"),
    # What people see of the item, so that serving it takes no columnar file; gone once erased.
    Column("key", Text),
    Column("shown", Json),
    # Answers the item needs, those that count, and seats that nobody took: see store/seats.py.
    Column("wanted", Integer, nullable=False, server_default="1"),
    Column("given", Integer, nullable=False, server_default="0"),
    Column("free", Integer, nullable=False, server_default="1"),
    # Whom it is for and who is done with it.
    Column("lane", Text, nullable=False, server_default="|"),
    # When it is due; nothing once that was over.
    Column("due", BigInteger),
    # The known answer it checks; nothing for an item of a pool.
    Column("gold", Integer),
    # What the machine said of the item when it was asked, where the project shows that.
    Column("hint", JsonOrNull),
    UniqueConstraint("project", "pool", "item"),
    CheckConstraint("given <= wanted", name="ck_requests_given"),
)
Index(
    "ix_requests_queue",
    requests.c.project,
    requests.c.lane,
    requests.c.priority,
    requests.c.id,
    sqlite_where=requests.c.free > 0,
    postgresql_where=requests.c.free > 0,
)
Index(
    "ix_requests_due",
    requests.c.project,
    requests.c.due,
    sqlite_where=requests.c.due.is_not(None) & (requests.c.state == "open"),
    postgresql_where=requests.c.due.is_not(None) & (requests.c.state == "open"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("n", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    Column("request", String(36), ForeignKey("requests.id"), nullable=False),
    Column("pool", Integer, nullable=False),
    Column("item", BigInteger, nullable=False),
    Column("reviewer", String(36), ForeignKey("reviewers.id"), nullable=False),
    # By question.
    Column("answers", Json),
    Column("seconds", Float),
    Column("at", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("event", String(36), nullable=False),
    Column("undone", Boolean, nullable=False),
    # False for an answer that came when the item had all it needed: kept, and counts for nothing.
    Column("counted", Boolean, nullable=False),
    # True once its reviewer saw what others said of the item.
    Column("sealed", Boolean, nullable=False, server_default=false()),
)
Index(
    "ix_reviews_standing",
    reviews.c.project,
    reviews.c.pool,
    reviews.c.item,
    reviews.c.reviewer,
    unique=True,
    sqlite_where=reviews.c.undone.is_(False) & reviews.c.counted.is_(True),
    postgresql_where=reviews.c.undone.is_(False) & reviews.c.counted.is_(True),
)
Index("ix_reviews_reviewer", reviews.c.project, reviews.c.reviewer, reviews.c.n)
Index(
    "ix_reviews_timed",
    reviews.c.project,
    reviews.c.pool,
    reviews.c.n,
    sqlite_where=reviews.c.seconds.is_not(None),
    postgresql_where=reviews.c.seconds.is_not(None),
)

rounds = Table(
    "rounds",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("pool", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("answers", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("model", String(64)),
    Column("forecast", Json),
    Column("scores", Json, nullable=False),
)

audits = Table(
    "audits",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("pool", Integer, primary_key=True, autoincrement=False),
    Column("question", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("committed", Json, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("seed_chosen_by", String(16), nullable=False),
    Column("certificate", Json),
    # Per test, once the verdicts are sealed; the model's tokens, gone once an item was erased.
    Column("results", Json),
    Column("tokens", Json),
)

events = Table(
    "events",
    metadata,
    Column("n", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("project", String(36), ForeignKey("projects.id"), nullable=False),
    # The leaf number in the project's log; null until the sequencer gave one.
    Column("leaf", BigInteger),
    Column("type", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("canonical", Text, nullable=False),
    UniqueConstraint("project", "leaf"),
)

event_content = Table(
    "event_content",
    metadata,
    Column("event", String(36), ForeignKey("events.id"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("value", Text, nullable=False),
    # What the content speaks of, so that erasing an item finds it.
    Column("pool", Integer),
    Column("item", BigInteger),
)
Index("ix_event_content_item", event_content.c.pool, event_content.c.item)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("root", String(64), primary_key=True),
    # Empty batches of every name have one root.
    Column("name", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
)

erased_keys = Table(
    "erased_keys",
    metadata,
    Column("project", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
)
