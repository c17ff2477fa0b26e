"""The queue: requests that wait for people. SQL only; no transactions."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from signoff.core.records import Json, NewRequest, OpenRequest, overlap_of
from signoff.errors import AnswersChanged
from signoff.store import tallies
from signoff.store.lanes import lane
from signoff.store.schema import pools, projects, requests

_ONE = sa.select(requests).where(
    requests.c.project == sa.bindparam("project"), requests.c.id == sa.bindparam("request")
)

FEW = 500
"""As many items as are looked up one by one; for more all requests of the pool are read."""


def open_requests(db: sa.Connection, project: str, pool: int, wanted: Sequence[NewRequest]) -> None:
    """Insert the requests that the items do not have yet; an answered one is left alone."""
    if not wanted:
        return
    overlap = _overlap(db, project)
    known = sa.select(requests.c.item, requests.c.state).where(
        requests.c.project == project, requests.c.pool == pool
    )
    if len(wanted) <= FEW:
        known = known.where(requests.c.item.in_([request.item for request in wanted]))
    have = {row.item: row.state for row in db.execute(known)}
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
            "wanted": overlap,
            "given": 0,
            "free": overlap,
            "lane": lane(request.audience),
            "due": request.due,
            "hint": request.hint,
        }
        for request in wanted
        if request.item not in have
    ]
    if rows:
        db.execute(sa.insert(requests), rows)
        tallies.add(db, project, pool, opened=len(rows))
    for request in wanted:
        if have.get(request.item, "answered") != "answered":
            db.execute(
                sa.update(requests)
                .where(
                    requests.c.project == project,
                    requests.c.pool == pool,
                    requests.c.item == request.item,
                )
                .values(reason=request.reason, priority=request.priority, hint=request.hint)
            )


def _overlap(db: sa.Connection, project: str) -> int:
    """How many answers each item of a project needs."""
    process: Json = db.execute(
        sa.select(projects.c.process).where(projects.c.id == project)
    ).scalar_one()
    return overlap_of(process)


def find_request(db: sa.Connection, project: str, request: str) -> OpenRequest | None:
    """A request by its id."""
    row = db.execute(_ONE, {"project": project, "request": request}).first()
    return None if row is None else request_of(row)


def pool_requests(db: sa.Connection, project: str, pool: int) -> list[OpenRequest]:
    """All requests of a pool, by item."""
    rows = db.execute(
        sa.select(requests)
        .where(requests.c.project == project, requests.c.pool == pool)
        .order_by(requests.c.item)
    )
    return [request_of(row) for row in rows]


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
        gold=row.gold,
        hint=row.hint,
    )
