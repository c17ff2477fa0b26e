"""The log in SQL: events are appended with their change, numbered by a sequencer, and signed.

Appending gives no leaf number, so that writers never queue on one counter. The sequencer (the
writer on SQLite, whoever holds the project's advisory lock on PostgreSQL) numbers what was
committed and signs a checkpoint; an event counts as committed to once a checkpoint covers it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from signoff.core.merkle import Frontier, leaf_hash
from signoff.core.records import Content, NewEvent
from signoff.store.schema import checkpoints, event_content, events

CHUNK = 5000
_INSERT = sa.insert(events)
_INSERT_CONTENT = sa.insert(event_content)


class Signer(Protocol):
    """Signs tree heads; holds the private key."""

    def sign(self, *, project: str, size: int, root: bytes) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as the table holds it, with the content that was not erased."""

    id: str
    leaf: int | None
    type: str
    at: int
    canonical: str
    content: tuple[Content, ...]


def append(db: sa.Connection, project: str, new: Sequence[NewEvent]) -> None:
    """Add events and their content; they are numbered later."""
    if not new:
        return
    db.execute(
        _INSERT,
        [
            {
                "id": event.id,
                "project": project,
                "type": event.type,
                "at": event.at,
                "canonical": event.canonical,
            }
            for event in new
        ],
    )
    content = [
        {
            "event": event.id,
            "name": part.name,
            "salt": part.salt,
            "value": part.value,
            "pool": part.pool,
            "item": part.item,
        }
        for event in new
        for part in event.content
    ]
    if content:
        db.execute(_INSERT_CONTENT, content)


class Sequencer:
    """Numbers a project's events and signs checkpoints; remembers the tree it has hashed."""

    def __init__(self, project: str, signer: Signer) -> None:
        self._project = project
        self._signer = signer
        self._tree = Frontier()

    def run(self, db: sa.Connection, *, now: int) -> str | None:
        """Number what is new and sign the tree; the newest checkpoint, or None without events.

        It covers every event that was committed before this call.
        """
        self._alone(db)
        self._number(db)
        self._grow(db)
        size = self._tree.size
        if size == 0:
            return None
        last = newest_checkpoint(db, self._project, size=size)
        if last is not None:
            return last
        note = self._signer.sign(project=self._project, size=size, root=self._tree.root())
        db.execute(
            sa.insert(checkpoints).values(project=self._project, size=size, note=note, at=now)
        )
        return note

    def _alone(self, db: sa.Connection) -> None:
        """Wait until no other process is numbering; SQLite's write lock does that by itself."""
        if db.dialect.name == "postgresql":
            lock = zlib.crc32(self._project.encode())
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))

    def _number(self, db: sa.Connection) -> None:
        waiting = list(
            db.scalars(
                sa.select(events.c.n)
                .where(events.c.project == self._project, events.c.leaf.is_(None))
                .order_by(events.c.n)
            )
        )
        if not waiting:
            return
        first = db.execute(
            sa.select(sa.func.coalesce(sa.func.max(events.c.leaf) + 1, 0)).where(
                events.c.project == self._project
            )
        ).scalar_one()
        db.execute(
            sa.update(events)
            .where(events.c.n == sa.bindparam("at_n"))
            .values(leaf=sa.bindparam("new_leaf")),
            [{"at_n": n, "new_leaf": first + at} for at, n in enumerate(waiting)],
        )

    def _grow(self, db: sa.Connection) -> None:
        rows = db.execute(
            sa.select(events.c.canonical)
            .where(events.c.project == self._project, events.c.leaf >= self._tree.size)
            .order_by(events.c.leaf)
        )
        for canonical in rows.scalars():
            self._tree.append(leaf_hash(canonical.encode()))


def newest_checkpoint(db: sa.Connection, project: str, *, size: int | None = None) -> str | None:
    """The text of the newest checkpoint, or of the one of exactly this size."""
    query = sa.select(checkpoints.c.note).where(checkpoints.c.project == project)
    if size is not None:
        query = query.where(checkpoints.c.size == size)
    return db.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).scalar_one_or_none()


def all_checkpoints(db: sa.Connection, project: str) -> list[str]:
    """Every signed checkpoint, smallest tree first."""
    return list(
        db.scalars(
            sa.select(checkpoints.c.note)
            .where(checkpoints.c.project == project)
            .order_by(checkpoints.c.size)
        )
    )


def read_events(
    db: sa.Connection,
    project: str,
    types: Sequence[str] | None = None,
    *,
    unsigned: bool = False,
) -> Iterator[StoredEvent]:
    """Numbered events in log order, a few thousand at a time; with those that wait to be numbered
    at the end where ``unsigned`` asks for them."""
    query = sa.select(events).where(events.c.project == project)
    if types is not None:
        query = query.where(events.c.type.in_(types))
    after = -1
    while True:
        numbered = query.where(events.c.leaf > after).order_by(events.c.leaf)
        rows = db.execute(numbered.limit(CHUNK)).all()
        if not rows:
            break
        yield from _with_content(db, rows)
        after = rows[-1].leaf
    if unsigned:
        # One statement, so that none slips through that is numbered just now.
        rest = query.where(sa.or_(events.c.leaf.is_(None), events.c.leaf > after))
        yield from _with_content(db, db.execute(rest.order_by(events.c.n)).all())


def events_after(
    db: sa.Connection, project: str, leaf: int, *, types: Sequence[str], limit: int
) -> list[StoredEvent]:
    """The next numbered events of these types, from number ``leaf`` on."""
    rows = db.execute(
        sa.select(events)
        .where(events.c.project == project, events.c.leaf >= leaf, events.c.type.in_(types))
        .order_by(events.c.leaf)
        .limit(limit)
    ).all()
    return _with_content(db, rows)


def event_by_id(db: sa.Connection, id: str) -> StoredEvent | None:
    """An event, with the content that was not erased."""
    found = _with_content(db, db.execute(sa.select(events).where(events.c.id == id)).all())
    return found[0] if found else None


def _with_content(
    db: sa.Connection, rows: Sequence[sa.Row[tuple[object, ...]]]
) -> list[StoredEvent]:
    content = _content(db, [row.id for row in rows])
    return [
        StoredEvent(
            id=row.id,
            leaf=row.leaf,
            type=row.type,
            at=row.at,
            canonical=row.canonical,
            content=tuple(content.get(row.id, ())),
        )
        for row in rows
    ]


def _content(db: sa.Connection, ids: Sequence[str]) -> dict[str, list[Content]]:
    found: dict[str, list[Content]] = {}
    for at in range(0, len(ids), 500):
        rows = db.execute(
            sa.select(event_content)
            .where(event_content.c.event.in_(ids[at : at + 500]))
            .order_by(event_content.c.event, event_content.c.name)
        )
        for row in rows:
            found.setdefault(row.event, []).append(
                Content(name=row.name, salt=row.salt, value=row.value, pool=row.pool, item=row.item)
            )
    return found


def unnumbered(db: sa.Connection, project: str) -> int:
    """Events that no checkpoint can cover yet."""
    return db.execute(
        sa.select(sa.func.count()).where(events.c.project == project, events.c.leaf.is_(None))
    ).scalar_one()


def last_event(db: sa.Connection, project: str) -> int:
    """A number that grows with every event of a project; 0 without events."""
    return db.execute(
        sa.select(sa.func.coalesce(sa.func.max(events.c.n), 0)).where(events.c.project == project)
    ).scalar_one()


def signed_and_numbered(db: sa.Connection, project: str) -> tuple[int, int]:
    """Events under the newest checkpoint, and events with a number: as many, for one transaction
    does both."""
    signed = sa.select(sa.func.coalesce(sa.func.max(checkpoints.c.size), 0)).where(
        checkpoints.c.project == project
    )
    numbered = sa.select(sa.func.count()).where(
        events.c.project == project, events.c.leaf.is_not(None)
    )
    row = db.execute(sa.select(signed.scalar_subquery(), numbered.scalar_subquery())).one()
    return int(row[0]), int(row[1])


def last_instant(db: sa.Connection, project: str) -> int:
    """The time of the project's newest event, 0 where there is none."""
    return db.execute(
        sa.select(sa.func.coalesce(sa.func.max(events.c.at), 0)).where(events.c.project == project)
    ).scalar_one()


def event_of_batch(db: sa.Connection, project: str, root: str) -> str | None:
    """The id of the event that made a batch of decisions; the first of them that made an empty one,
    since all of those have one root."""
    return db.execute(
        sa.select(events.c.id)
        .where(
            events.c.project == project,
            events.c.type == "decisions.made",
            events.c.canonical.contains(f'"root":"{root}"'),
        )
        .order_by(events.c.n)
        .limit(1)
    ).scalar()
