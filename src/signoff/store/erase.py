"""Erasing an item: its content and salts go, its numbers and digests stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from signoff.core.batches import BatchName
from signoff.core.events import example_name, silence_of
from signoff.core.records import overlap_of
from signoff.store import gold, tallies
from signoff.store.schema import (
    artifacts,
    audits,
    erased_keys,
    event_content,
    events,
    pools,
    projects,
    requests,
    reviews,
)
from signoff.store.schema_queue import comments, seats
from signoff.store.schema_streams import items
from signoff.store.streams import UNDONE_NO_MORE as SEALED

ERASED = "erased:"
"""What the key of an erased item of a stream begins with; its id follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An artifact as the database names it."""

    name: BatchName
    root: str
    sha256: str


def artifacts_of(db: sa.Connection, project: str, pool: int) -> list[Named]:
    """The artifacts that hold rows of a pool; two erasures of one pool follow each other."""
    row = db.execute(
        sa.select(
            pools.c.rows_root, pools.c.frozen_roots, pools.c.model_roots, pools.c.people_roots
        )
        .where(pools.c.project == project, pools.c.number == pool)
        .with_for_update()
    ).one()
    by_question = (row.frozen_roots, row.model_roots, row.people_roots)
    roots = [row.rows_root, *(root for roots in by_question for root in roots.values())]
    found = db.execute(
        sa.select(artifacts.c.name, artifacts.c.root, artifacts.c.sha256).where(
            artifacts.c.project == project, artifacts.c.root.in_(roots)
        )
    )
    return [Named(name=name, root=root, sha256=sha256) for name, root, sha256 in found]


def all_artifacts(db: sa.Connection, project: str) -> list[Named]:
    """Every artifact the database names; no erasure writes another one meanwhile."""
    db.execute(sa.select(pools.c.number).where(pools.c.project == project).with_for_update())
    found = db.execute(
        sa.select(artifacts.c.name, artifacts.c.root, artifacts.c.sha256).where(
            artifacts.c.project == project
        )
    )
    return [Named(name=name, root=root, sha256=sha256) for name, root, sha256 in found]


def remember_keys(db: sa.Connection, project: str, digests: Sequence[str]) -> None:
    """Keep the digests of erased keys, so that the rows do not come in again."""
    known = set(db.scalars(sa.select(erased_keys.c.digest).where(erased_keys.c.project == project)))
    new = [{"project": project, "digest": digest} for digest in set(digests) - known]
    if new:
        db.execute(sa.insert(erased_keys), new)


def renew_artifact(db: sa.Connection, project: str, old: Named, sha256: str) -> None:
    """Note the bytes of a rewritten artifact."""
    db.execute(
        sa.update(artifacts)
        .where(
            artifacts.c.project == project,
            artifacts.c.root == old.root,
            artifacts.c.name == old.name,
        )
        .values(sha256=sha256)
    )


def blank_item(db: sa.Connection, project: str, pool: int, item: int) -> None:
    """Remove an item's answers, notes and salts from the tables, and what was derived from it."""
    mine = sa.select(events.c.id).where(events.c.project == project)
    db.execute(
        sa.delete(event_content).where(
            event_content.c.event.in_(mine),
            event_content.c.pool == pool,
            event_content.c.item == item,
        )
    )
    telling = sa.select(events.c.id).where(
        events.c.project == project, events.c.type.in_(("model.silent", "prompt.fixed"))
    )
    db.execute(
        sa.delete(event_content).where(
            event_content.c.event.in_(telling),
            event_content.c.pool == pool,
            event_content.c.name.in_((silence_of(item), example_name(item))),
        )
    )
    db.execute(
        sa.update(reviews)
        .where(reviews.c.project == project, reviews.c.pool == pool, reviews.c.item == item)
        .values(answers=sa.null())
    )
    db.execute(
        sa.update(requests)
        .where(requests.c.project == project, requests.c.pool == pool, requests.c.item == item)
        .values(key=None, shown=sa.null(), hint=None)
    )
    db.execute(
        sa.update(comments)
        .where(comments.c.project == project, comments.c.pool == pool, comments.c.item == item)
        .values(text=None)
    )
    _withdraw(db, project, pool, item)
    for number in gold.numbers_of(db, project, pool, item):
        gold.blank(db, project, number)
    # Tokens a model learnt may stem from the erased text.
    db.execute(
        sa.update(audits)
        .where(audits.c.project == project, audits.c.pool == pool)
        .values(tokens=sa.null())
    )


def blank_stream_item(db: sa.Connection, project: str, window: int, item: int) -> None:
    """Remove an item of a stream, after :func:`blank_item`: nothing of it is to come.

    An answer to it that nobody built on yet is never built on.
    """
    db.execute(
        sa.update(items)
        .where(items.c.project == project, items.c.window == window, items.c.item == item)
        .values(
            key=sa.literal(ERASED) + items.c.id,
            digest="",
            shown=sa.null(),
            label=None,
            answer=sa.null(),
            state="decided",
        )
    )
    db.execute(
        sa.update(reviews)
        .where(reviews.c.project == project, reviews.c.pool == window, reviews.c.item == item)
        .values(phase=SEALED)
    )
    told = sa.select(events.c.id).where(
        events.c.project == project, events.c.type == "items.arrived"
    )
    db.execute(
        sa.delete(event_content).where(
            event_content.c.event.in_(told),
            event_content.c.pool == window,
            event_content.c.name.in_([f"item:{item}", f"label:{item}"]),
        )
    )


def _withdraw(db: sa.Connection, project: str, pool: int, item: int) -> None:
    """Ask nobody any more. An item with all the answers its project wants counts as answered, since
    nobody can tell any longer whether two of them led; one with fewer is taken from the queue."""
    row = db.execute(
        sa.select(requests.c.id, requests.c.given, projects.c.process)
        .join(projects, projects.c.id == requests.c.project)
        .where(
            requests.c.project == project,
            requests.c.pool == pool,
            requests.c.item == item,
            requests.c.state == "open",
        )
        .with_for_update(of=requests)
    ).first()
    if row is None:
        return
    enough = row.given >= overlap_of(row.process)
    db.execute(sa.delete(seats).where(seats.c.request == row.id))
    db.execute(
        sa.update(requests)
        .where(requests.c.id == row.id)
        .values(state="answered" if enough else "withdrawn", wanted=row.given, free=0)
    )
    tallies.add(db, project, pool, finished=int(enough), opened=int(enough) - 1)
