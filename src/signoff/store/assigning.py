"""Who is asked what: skills of reviewers, requests for some of them, requests whose time ran out.

SQL only; no transactions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from signoff.core.queueing import EVERYBODY, QueueRules
from signoff.core.records import Expired, Waiting
from signoff.errors import NotLeased
from signoff.store import seats as held
from signoff.store.lanes import GOLD, audience_of, for_audience, is_done, is_for, is_open
from signoff.store.schema import requests
from signoff.store.schema_queue import reviewer_tags

MOST_AT_ONCE = 500
_TAGS_OF = sa.select(reviewer_tags.c.tag).where(
    reviewer_tags.c.reviewer == sa.bindparam("reviewer")
)


def tags_of(db: sa.Connection, reviewer: str) -> frozenset[str]:
    """The skills of a reviewer."""
    return frozenset(db.scalars(_TAGS_OF, {"reviewer": reviewer}))


def all_tags(db: sa.Connection, project: str) -> dict[str, list[str]]:
    """The skills of every reviewer of a project who has any."""
    found: dict[str, list[str]] = {}
    rows = db.execute(
        sa.select(reviewer_tags.c.reviewer, reviewer_tags.c.tag)
        .where(reviewer_tags.c.project == project)
        .order_by(reviewer_tags.c.tag)
    )
    for reviewer, tag in rows:
        found.setdefault(reviewer, []).append(tag)
    return found


def set_tags(db: sa.Connection, project: str, reviewer: str, tags: Collection[str]) -> None:
    """Let a reviewer have these skills and no other."""
    db.execute(sa.delete(reviewer_tags).where(reviewer_tags.c.reviewer == reviewer))
    rows = [{"project": project, "reviewer": reviewer, "tag": tag} for tag in sorted(set(tags))]
    if rows:
        db.execute(sa.insert(reviewer_tags), rows)


def assign(db: sa.Connection, project: str, request: str, audience: str) -> None:
    """Ask others than before; whoever holds the item and is none of them loses the seat.

    Raises :class:`NotLeased` where it waits no longer.
    """
    held.lock(db, project, [request])
    row = db.execute(
        sa.select(requests.c.lane).where(
            requests.c.project == project,
            requests.c.id == request,
            requests.c.state == "open",
        )
    ).first()
    if row is None:
        raise NotLeased("This item no longer waits for an answer.", hint="Choose another.")
    held.leave(db, [request], sa.true())
    db.execute(
        sa.update(requests)
        .where(requests.c.id == request)
        .values(lane=for_audience(row.lane, audience))
    )


def any_due(db: sa.Connection, project: str, *, now: int) -> bool:
    """Whether some request's time ran out; costs nothing to ask."""
    return db.execute(_due(project, now).limit(1)).first() is not None


def expire_due(db: sa.Connection, project: str, rules: QueueRules, *, now: int) -> list[Expired]:
    """Take the requests whose time ran out, each of them once, whoever asks; a part at a time."""
    rows = db.execute(
        _due(project, now)
        .order_by(requests.c.due)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    gone = [
        Expired(
            id=row.id,
            pool=row.pool,
            item=row.item,
            due=row.due,
            outcome="stay" if rules.due is None else rules.due.outcome,
            to=EVERYBODY if rules.due is None else rules.due.to,
        )
        for row in rows
    ]
    for row, expired in zip(rows, gone, strict=True):
        moved = for_audience(row.lane, expired.to) if expired.outcome == "next" else row.lane
        db.execute(sa.update(requests).where(requests.c.id == row.id).values(due=None, lane=moved))
    return gone


def _due(project: str, now: int) -> sa.Select[tuple[object, ...]]:
    return sa.select(requests).where(
        requests.c.project == project,
        requests.c.due.is_not(None),
        requests.c.due < now,
        # Written out, as the partial index has it.
        requests.c.state == sa.literal_column("'open'"),
    )


def waiting_for(db: sa.Connection, project: str, reviewer: str) -> Waiting:
    """Why a reviewer gets nothing, from the lanes that wait."""
    tags = tags_of(db, reviewer)
    lanes: Sequence[held.Lane] = held.lanes_in_use(db, project)
    mine = [lane.name for lane in lanes if is_for(lane.name, reviewer, tags)]
    return Waiting(
        second=any(
            is_done(name, reviewer) for name in mine if not audience_of(name).startswith(GOLD)
        ),
        assigned=any(not is_open(lane.name) and lane.name not in mine for lane in lanes),
        held_until=held.held_by_others(db, project, reviewer),
        with_you=held.holds_any(db, project, reviewer),
    )
