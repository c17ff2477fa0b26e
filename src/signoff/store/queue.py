"""The queue: requests that wait for people, leases, answers, undo. SQL only; no transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from signoff.core.records import (
    CARRIED,
    NewRequest,
    OpenRequest,
    QueueCounts,
)
from signoff.errors import AnswersChanged
from signoff.store.schema import pools, requests, reviews


def open_requests(db: sa.Connection, project: str, pool: int, wanted: Sequence[NewRequest]) -> None:
    """Insert the requests that the items do not have yet; an answered one is left alone."""
    if not wanted:
        return
    have = {
        row.item: row.state
        for row in db.execute(
            sa.select(requests.c.item, requests.c.state).where(
                requests.c.project == project, requests.c.pool == pool
            )
        )
    }
    rows = [
        {
            "id": request.id,
            "project": project,
            "pool": pool,
            "item": request.item,
            "reason": request.reason,
            "priority": request.priority,
            "state": "open",
            "key": request.key,
            "shown": request.shown,
        }
        for request in wanted
        if request.item not in have
    ]
    if rows:
        db.execute(sa.insert(requests), rows)
    for request in wanted:
        if have.get(request.item, "answered") != "answered":
            db.execute(
                sa.update(requests)
                .where(
                    requests.c.project == project,
                    requests.c.pool == pool,
                    requests.c.item == request.item,
                )
                .values(reason=request.reason, priority=request.priority)
            )


def close_open(db: sa.Connection, project: str, pool: int) -> int:
    """Withdraw the requests nobody answered; how many there were."""
    gone = db.execute(
        sa.delete(requests).where(
            requests.c.project == project,
            requests.c.pool == pool,
            requests.c.state != "answered",
            requests.c.id.not_in(sa.select(reviews.c.request)),
        )
    )
    return gone.rowcount


def lease(
    db: sa.Connection,
    project: str,
    reviewer: str,
    *,
    limit: int,
    now: int,
    until: int,
    holding: Sequence[str] = (),
) -> list[OpenRequest]:
    """Lease the first requests of the queue: this reviewer's own, open ones, expired leases.

    What the reviewer is ``holding`` already is left out; see :func:`renew`.
    """
    free = sa.or_(
        requests.c.state == "open",
        sa.and_(requests.c.state == "leased", requests.c.leased_by == reviewer),
        sa.and_(requests.c.state == "leased", requests.c.leased_until < now),
    )
    rows = db.execute(
        sa.select(requests)
        .where(
            requests.c.project == project,
            requests.c.state != "answered",
            free,
            requests.c.id.not_in(holding),
        )
        .order_by(requests.c.priority, requests.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        db.execute(
            sa.update(requests)
            .where(requests.c.id.in_([row.id for row in rows]))
            .values(state="leased", leased_by=reviewer, leased_until=until)
        )
    return [replace(request_of(row), state="leased", leased_until=until) for row in rows]


def renew(
    db: sa.Connection, project: str, reviewer: str, holding: Sequence[str], *, until: int
) -> set[str]:
    """Lengthen the leases a reviewer still has; which of ``holding`` they are."""
    mine = set(
        db.scalars(
            sa.select(requests.c.id)
            .where(
                requests.c.project == project,
                requests.c.id.in_(holding),
                requests.c.state == "leased",
                requests.c.leased_by == reviewer,
            )
            .with_for_update()
        )
    )
    if mine:
        db.execute(sa.update(requests).where(requests.c.id.in_(mine)).values(leased_until=until))
    return mine


def find_request(db: sa.Connection, project: str, request: str) -> OpenRequest | None:
    """A request by its id."""
    row = db.execute(
        sa.select(requests).where(requests.c.project == project, requests.c.id == request)
    ).first()
    return None if row is None else request_of(row)


def pool_requests(db: sa.Connection, project: str, pool: int) -> list[OpenRequest]:
    """All requests of a pool, by item."""
    rows = db.execute(
        sa.select(requests)
        .where(requests.c.project == project, requests.c.pool == pool)
        .order_by(requests.c.item)
    )
    return [request_of(row) for row in rows]


def release(
    db: sa.Connection, project: str, reviewer: str, only: Sequence[str] | None = None
) -> None:
    """Give back what this reviewer leased and did not answer, or ``only`` these requests."""
    which = sa.true() if only is None else requests.c.id.in_(only)
    db.execute(
        sa.update(requests)
        .where(
            requests.c.project == project,
            requests.c.leased_by == reviewer,
            requests.c.state == "leased",
            which,
        )
        .values(state="open", leased_by=None, leased_until=None)
    )


def requeue(db: sa.Connection, project: str, request: str) -> bool:
    """Put a request behind all others of the project; False where it was answered meanwhile."""
    last = db.execute(
        sa.select(sa.func.max(requests.c.priority)).where(requests.c.project == project)
    ).scalar_one()
    moved = db.execute(
        sa.update(requests)
        .where(requests.c.id == request, requests.c.state != "answered")
        .values(
            state="open",
            leased_by=None,
            leased_until=None,
            priority=last + 1,
            skips=requests.c.skips + 1,
        )
    )
    return moved.rowcount == 1


def unchanged(db: sa.Connection, project: str, pool: int, undone: int) -> None:
    """Refuse to go on where an answer was taken back since the loop looked; until the transaction
    ends nobody takes one back. Raises :class:`AnswersChanged`."""
    row = db.execute(
        sa.select(pools.c.undone)
        .where(pools.c.project == project, pools.c.number == pool)
        .with_for_update()
    ).one()
    if row.undone != undone:
        raise AnswersChanged(
            "An answer was taken back meanwhile.", hint="It is asked again; run again."
        )


def counts(db: sa.Connection, project: str, pool: int) -> QueueCounts:
    """How many of a pool's requests wait and were answered."""
    carried = sa.func.sum(sa.case((requests.c.reason == CARRIED, 1), else_=0))
    rows = db.execute(
        sa.select(requests.c.state, sa.func.count(), sa.func.sum(requests.c.skips), carried)
        .where(requests.c.project == project, requests.c.pool == pool)
        .group_by(requests.c.state)
    ).all()
    found = {str(state): int(number) for state, number, _, _ in rows}
    return QueueCounts(
        open=found.get("open", 0) + found.get("leased", 0),
        answered=found.get("answered", 0),
        skipped=sum(int(skips or 0) for _, _, skips, _ in rows),
        carried=sum(int(carried or 0) for _, _, _, carried in rows),
    )


def request_of(row: sa.Row[tuple[object, ...]]) -> OpenRequest:
    """A request from its row."""
    return OpenRequest(
        id=row.id,
        pool=row.pool,
        item=row.item,
        reason=row.reason,
        priority=row.priority,
        state=row.state,
        key=row.key or "",
        shown=row.shown,
        leased_until=row.leased_until,
    )
