"""Seats: who holds which request and for how long. SQL only; no transactions.

An item that k people answer has k seats. A request's ``free`` is what it wants less what it was
given and less the seats that are held; only requests with a free seat are in the queue's index.
Whoever changes seats holds the lock of their request's row, and who waits for several rows takes
them in the order of their ids: nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from signoff.core.records import OpenRequest
from signoff.store import gold, tallies
from signoff.store.lanes import is_done, is_for, is_open, with_done
from signoff.store.queue import request_of
from signoff.store.schema import requests
from signoff.store.schema_queue import seats

WAITS = requests.c.free > sa.literal_column("0")
"""Written out, since SQLite uses a partial index for a literal alone."""

SPARE = 100
"""How many requests beyond those wanted are looked at: others may have just locked the first. Not
where SQLite lets one write at a time."""


# Statements of every lease are made once: to build one takes ten times as long as SQLite takes to
# run it.
_PROJECT = sa.bindparam("in_project", type_=sa.String)
_REVIEWER = sa.bindparam("by", type_=sa.String)
_IDS = sa.bindparam("ids", expanding=True, type_=sa.String)
_MOST = sa.bindparam("most", type_=sa.Integer)
_MINE = sa.and_(seats.c.project == _PROJECT, seats.c.reviewer == _REVIEWER)


def _lanes() -> sa.Select[Any, Any]:
    """Every lane in which something waits, with the first priority in it."""
    waiting = sa.and_(requests.c.project == _PROJECT, WAITS)
    hop = sa.select(sa.func.min(requests.c.lane).label("lane")).where(waiting).cte(recursive=True)
    after = sa.select(sa.func.min(requests.c.lane)).where(waiting, requests.c.lane > hop.c.lane)
    hop = hop.union_all(sa.select(after.scalar_subquery()).where(hop.c.lane.is_not(None)))
    first = (
        sa.select(requests.c.priority)
        .where(waiting, requests.c.lane == hop.c.lane)
        .order_by(requests.c.priority)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(hop.c.lane, first).where(hop.c.lane.is_not(None))


_LANES = _lanes()
_HELD = (
    sa.select(requests)
    .join(seats, seats.c.request == requests.c.id)
    .where(_MINE, requests.c.id.not_in(_IDS))
    .order_by(requests.c.priority, requests.c.id)
    .limit(_MOST)
)
_WAITING = (
    sa.select(requests.c.priority, requests.c.id)
    .where(
        requests.c.project == _PROJECT,
        WAITS,
        requests.c.lane == sa.bindparam("lane"),
        requests.c.id.not_in(_IDS),
        ~sa.exists().where(seats.c.request == requests.c.id, seats.c.reviewer == _REVIEWER),
    )
    .order_by(requests.c.priority, requests.c.id)
    .limit(_MOST)
)
_FREE = sa.select(requests).where(requests.c.id.in_(_IDS), WAITS).limit(_MOST)
_FREE_NOW = _FREE.order_by(requests.c.priority, requests.c.id).with_for_update(skip_locked=True)
_FREE_SOON = _FREE.order_by(requests.c.id).with_for_update()
_SIT = sa.insert(seats)
_TAKE = sa.update(requests).where(requests.c.id.in_(_IDS)).values(free=requests.c.free - 1)
_KEPT = sa.select(seats.c.request).where(_MINE, seats.c.request.in_(_IDS))
_LENGTHEN = (
    sa.update(seats).where(_MINE, seats.c.request.in_(_IDS)).values(until=sa.bindparam("then"))
)
_EXPIRED = (
    sa.select(seats.c.request)
    .where(seats.c.project == _PROJECT, seats.c.until < sa.bindparam("now"))
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane in use, and the priority of the first request in it."""

    name: str
    first: int


def lanes_in_use(db: sa.Connection, project: str) -> list[Lane]:
    """Every lane in which something waits: found by hopping through the index, lane by lane."""
    rows = db.execute(_LANES, {"in_project": project}).all()
    return [Lane(name=name, first=priority) for name, priority in rows if priority is not None]


def lease(
    db: sa.Connection,
    project: str,
    reviewer: str,
    *,
    tags: Collection[str],
    limit: int,
    until: int,
    holding: Sequence[str] = (),
    known: int = 0,
) -> list[OpenRequest]:
    """Seat a reviewer at the first requests of the queue: those held already, then free ones.

    What is for this reviewer alone comes before what is for everybody. What the reviewer is
    ``holding`` is left out; see :func:`renew`. Among what is new, up to ``known`` are items whose
    answer is known; alone they would stand out, so that they come with others or not at all.
    """
    chosen = gold.not_seen(db, project, reviewer, min(known, limit - 1))
    limit -= len(chosen)
    mine = _held(db, project, reviewer, holding, limit)
    renew(db, project, reviewer, [row.id for row in mine], until=until)
    lanes = [
        lane
        for lane in lanes_in_use(db, project)
        if is_for(lane.name, reviewer, tags) and not is_done(lane.name, reviewer)
    ]
    free = _first_free(db, project, reviewer, lanes, limit)
    if not (mine or free) and lanes:
        # All that waits is locked by others, who take one seat of it and perhaps not the last.
        ids = first_waiting(db, project, reviewer, lanes, (), limit)
        free = _locked(db, ids, limit, wait=True)
    found = [*mine, *free]
    found.sort(key=lambda row: (is_open(row.lane), row.priority, row.id))
    taken = found[:limit]
    held = {row.id for row in mine}
    fresh = [row for row in taken if row.id not in held]
    if chosen and fresh:
        ids = gold.serve(db, project, reviewer, chosen, fresh)
        taken = _among(taken, _locked(db, ids, len(ids), wait=True))
    _seat(db, project, reviewer, [row.id for row in taken if row.id not in held], until=until)
    return [replace(request_of(row), leased_until=until) for row in taken]


def _among(
    taken: Sequence[sa.Row[tuple[object, ...]]], more: Sequence[sa.Row[tuple[object, ...]]]
) -> list[sa.Row[tuple[object, ...]]]:
    """All of these in the order in which a later look finds them."""
    return sorted([*taken, *more], key=lambda row: (is_open(row.lane), row.priority, row.id))


def _held(
    db: sa.Connection, project: str, reviewer: str, holding: Sequence[str], limit: int
) -> Sequence[sa.Row[tuple[object, ...]]]:
    """What a reviewer holds beside what it says it is holding."""
    which = {"in_project": project, "by": reviewer, "ids": list(holding), "most": limit}
    return db.execute(_HELD, which).all()


def _first_free(
    db: sa.Connection, project: str, reviewer: str, lanes: Sequence[Lane], limit: int
) -> list[sa.Row[tuple[object, ...]]]:
    """The first requests of these lanes, locked; those that others have locked are passed over."""
    found: list[sa.Row[tuple[object, ...]]] = []
    own = [lane for lane in lanes if not is_open(lane.name)]
    for some in (own, [lane for lane in lanes if is_open(lane.name)]):
        passed: set[str] = set()
        while some and len(found) < limit:
            ids = first_waiting(db, project, reviewer, some, passed, limit - len(found))
            if not ids:
                break
            found += _locked(db, ids, limit - len(found), wait=False)
            passed |= set(ids)
    return found


def first_waiting(
    db: sa.Connection,
    project: str,
    reviewer: str,
    lanes: Sequence[Lane],
    passed: Collection[str],
    limit: int,
) -> list[str]:
    """The first requests of all these lanes together, and some spare ones."""
    most = limit + (SPARE if db.dialect.name == "postgresql" else 0)
    # No lane behind the first ``most`` can hold one of the first ``most`` requests.
    firsts = sorted(lanes, key=lambda lane: lane.first)[:most]
    heads: list[tuple[int, str]] = []
    for lane in firsts:
        if len(heads) >= most and lane.first > heads[most - 1][0]:
            break
        rows = db.execute(
            _WAITING,
            {
                "in_project": project,
                "lane": lane.name,
                "ids": list(passed),
                "by": reviewer,
                "most": most,
            },
        )
        heads = sorted([*heads, *((priority, id) for priority, id in rows)])
    return [id for _, id in heads[:most]]


def _locked(
    db: sa.Connection, ids: Sequence[str], limit: int, *, wait: bool
) -> list[sa.Row[tuple[object, ...]]]:
    """Of these requests the first that still have a free seat, nobody else's until the end of the
    transaction."""
    which = {"ids": list(ids), "most": limit}
    return list(db.execute(_FREE_SOON if wait else _FREE_NOW, which))


def _seat(
    db: sa.Connection, project: str, reviewer: str, ids: Sequence[str], *, until: int
) -> None:
    """Take a free seat of each of these locked requests."""
    if not ids:
        return
    db.execute(
        _SIT,
        [{"request": id, "reviewer": reviewer, "project": project, "until": until} for id in ids],
    )
    db.execute(_TAKE, {"ids": list(ids)})


def renew(
    db: sa.Connection,
    project: str,
    reviewer: str,
    holding: Sequence[str],
    *,
    tags: Collection[str] = (),
    until: int,
) -> set[str]:
    """Lengthen the leases of ``holding`` that a reviewer still has; which they are.

    One that ran out is taken up again where nobody else took the seat.
    """
    if not holding:
        return set()
    lock(db, project, holding)
    which = {"in_project": project, "by": reviewer, "ids": list(holding)}
    kept = set(db.scalars(_KEPT, which))
    if kept:
        db.execute(_LENGTHEN, {**which, "then": until})
    lost = [id for id in holding if id not in kept]
    again = _still_free(db, project, reviewer, lost, tags) if lost else []
    _seat(db, project, reviewer, again, until=until)
    return kept.union(again)


def _still_free(
    db: sa.Connection, project: str, reviewer: str, ids: Sequence[str], tags: Collection[str]
) -> list[str]:
    rows = db.execute(
        sa.select(requests.c.id, requests.c.lane).where(
            requests.c.project == project, requests.c.id.in_(ids), WAITS
        )
    )
    return [
        row.id
        for row in rows
        if is_for(row.lane, reviewer, tags) and not is_done(row.lane, reviewer)
    ]


def release(
    db: sa.Connection, project: str, reviewer: str, only: Sequence[str] | None = None
) -> None:
    """Give back what this reviewer holds and did not answer, or ``only`` these requests."""
    which = sa.true() if only is None else seats.c.request.in_(only)
    held = db.scalars(
        sa.select(seats.c.request).where(
            seats.c.project == project, seats.c.reviewer == reviewer, which
        )
    ).all()
    lock(db, project, held)
    leave(db, held, seats.c.reviewer == reviewer)


def expire(db: sa.Connection, project: str, *, now: int) -> None:
    """Free the seats whose leases ran out; those that somebody is at just now wait."""
    over = sa.and_(seats.c.project == project, seats.c.until < now)
    late = db.scalars(
        sa.select(requests.c.id)
        .where(requests.c.id.in_(sa.select(seats.c.request).where(over)))
        .order_by(requests.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    leave(db, late, seats.c.until < now)


def any_expired(db: sa.Connection, project: str, *, now: int) -> bool:
    """Whether a lease ran out; costs nothing to ask."""
    return db.execute(_EXPIRED, {"in_project": project, "now": now}).first() is not None


def leave(db: sa.Connection, ids: Sequence[str], who: sa.ColumnElement[bool]) -> None:
    """Free seats of locked requests."""
    for some in _parts(ids):
        here = sa.and_(seats.c.request.in_(some), who)
        freed = (
            sa.select(seats.c.request, sa.func.count().label("count"))
            .where(here)
            .group_by(seats.c.request)
        )
        for request, count in db.execute(freed).all():
            db.execute(
                sa.update(requests)
                .where(requests.c.id == request, requests.c.state == "open")
                .values(free=requests.c.free + count)
            )
        db.execute(sa.delete(seats).where(here))


def put_back(
    db: sa.Connection,
    project: str,
    request: str,
    reviewer: str,
    *,
    now: int,
    for_good: bool = False,
) -> bool:
    """Put a request behind all others; False where it was answered meanwhile.

    ``for_good``: this reviewer is not asked again, somebody else is.
    """
    lock(db, project, [request])
    leave(db, [request], seats.c.reviewer == reviewer)
    row = db.execute(
        sa.select(requests.c.pool, requests.c.lane, requests.c.state).where(
            requests.c.project == project, requests.c.id == request
        )
    ).one()
    if row.state != "open":
        return False
    db.execute(
        sa.update(requests)
        .where(requests.c.id == request)
        .values(
            # Places in a queue are small numbers: the time of the skip lies behind all of them.
            priority=now,
            skips=requests.c.skips + 1,
            lane=with_done(row.lane, reviewer) if for_good else row.lane,
        )
    )
    tallies.add(db, project, row.pool, reviewer, skips=1)
    return True


def lock(db: sa.Connection, project: str, ids: Sequence[str]) -> None:
    """Hold these requests until the transaction ends; waits for those who hold them now."""
    if ids and db.dialect.name == "postgresql":
        db.execute(
            sa.select(requests.c.id)
            .where(requests.c.project == project, requests.c.id.in_(ids))
            .order_by(requests.c.id)
            .with_for_update()
        ).all()


def held_by_others(db: sa.Connection, project: str, reviewer: str) -> int | None:
    """When the first of the leases that others have ends; None where they have none."""
    return db.execute(
        sa.select(sa.func.min(seats.c.until)).where(
            seats.c.project == project, seats.c.reviewer != reviewer
        )
    ).scalar_one_or_none()


def holds_any(db: sa.Connection, project: str, reviewer: str) -> bool:
    """Whether a reviewer has a seat."""
    mine = sa.and_(seats.c.project == project, seats.c.reviewer == reviewer)
    return db.execute(sa.select(seats.c.request).where(mine).limit(1)).first() is not None


def _parts(ids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
