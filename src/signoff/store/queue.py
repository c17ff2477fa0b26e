"""The queue: requests that wait for people, leases, answers, undo. SQL only; no transactions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import sqlalchemy as sa

from signoff.core.questions import Choice
from signoff.core.records import NewRequest, NewReview, OpenRequest, QueueCounts, Review
from signoff.errors import StoreBusy
from signoff.store.schema import requests, reviews


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
) -> list[OpenRequest]:
    """Lease the first requests of the queue: this reviewer's own, open ones, expired leases."""
    free = sa.or_(
        requests.c.state == "open",
        sa.and_(requests.c.state == "leased", requests.c.leased_by == reviewer),
        sa.and_(requests.c.state == "leased", requests.c.leased_until < now),
    )
    rows = db.execute(
        sa.select(requests)
        .where(requests.c.project == project, requests.c.state != "answered", free)
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
    return [_request(row) for row in rows]


def release(db: sa.Connection, project: str, reviewer: str) -> None:
    """Give back what this reviewer leased and did not answer."""
    db.execute(
        sa.update(requests)
        .where(
            requests.c.project == project,
            requests.c.leased_by == reviewer,
            requests.c.state == "leased",
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


def add_reviews(
    db: sa.Connection, project: str, answers: Sequence[tuple[NewReview, str]]
) -> set[str]:
    """Store answers, each with its event's id, and close their requests.

    Gives the ids of the reviews that were the first to their request; others are left out.
    """
    wanted = [review.request.id for review, _ in answers]
    waiting = set(
        db.scalars(
            sa.select(requests.c.id)
            .where(requests.c.id.in_(wanted), requests.c.state != "answered")
            .with_for_update()
        )
    )
    rows: list[dict[str, object]] = []
    for review, event in answers:
        if review.request.id not in waiting:
            continue
        waiting.remove(review.request.id)
        rows.append(
            {
                "id": review.id,
                "project": project,
                "request": review.request.id,
                "pool": review.request.pool,
                "item": review.request.item,
                "reviewer": review.reviewer,
                "answer": review.answer.to_json(),
                "seconds": review.seconds,
                "at": review.at,
                "reason": review.request.reason,
                "phase": review.phase,
                "event": event,
                "undone": False,
            }
        )
    if rows:
        db.execute(sa.insert(reviews), rows)
        db.execute(
            sa.update(requests)
            .where(requests.c.id.in_([row["request"] for row in rows]))
            .values(state="answered", leased_by=None, leased_until=None)
        )
    return {str(row["id"]) for row in rows}


def last_review(db: sa.Connection, project: str, reviewer: str, question: Choice) -> Review | None:
    """This reviewer's last answer that still stands."""
    row = db.execute(
        _standing(project)
        .where(reviews.c.reviewer == reviewer)
        .order_by(reviews.c.n.desc())
        .limit(1)
    ).first()
    return None if row is None else _review(row, question)


def undo(db: sa.Connection, project: str, review: Review) -> OpenRequest:
    """Take an answer back; its request is the first in the queue again.

    Raises :class:`StoreBusy` where another window took it back first.
    """
    taken = db.execute(
        sa.update(reviews)
        .where(reviews.c.id == review.id, reviews.c.undone.is_(False))
        .values(undone=True)
    )
    if taken.rowcount != 1:
        raise StoreBusy("That answer was taken back already.", hint="Answer the item again.")
    first = db.execute(
        sa.select(sa.func.min(requests.c.priority)).where(requests.c.project == project)
    ).scalar_one()
    db.execute(
        sa.update(requests)
        .where(requests.c.id == review.request)
        .values(state="open", priority=first - 1)
    )
    row = db.execute(sa.select(requests).where(requests.c.id == review.request)).one()
    return _request(row)


def pool_reviews(db: sa.Connection, project: str, pool: int, question: Choice) -> list[Review]:
    """The answers of a pool that stand, in the order they were given."""
    rows = db.execute(_standing(project).where(reviews.c.pool == pool).order_by(reviews.c.n))
    return [_review(row, question) for row in rows]


def counts(db: sa.Connection, project: str, pool: int) -> QueueCounts:
    """How many of a pool's requests wait and were answered."""
    rows = db.execute(
        sa.select(requests.c.state, sa.func.count(), sa.func.sum(requests.c.skips))
        .where(requests.c.project == project, requests.c.pool == pool)
        .group_by(requests.c.state)
    ).all()
    found = {str(state): int(number) for state, number, _ in rows}
    return QueueCounts(
        open=found.get("open", 0) + found.get("leased", 0),
        answered=found.get("answered", 0),
        skipped=sum(int(skips or 0) for _, _, skips in rows),
    )


def pace(db: sa.Connection, project: str, pool: int, *, last: int = 50) -> float | None:
    """The median seconds of the last answers that were timed."""
    rows = db.scalars(
        sa.select(reviews.c.seconds)
        .where(
            reviews.c.project == project,
            reviews.c.pool == pool,
            reviews.c.seconds.is_not(None),
        )
        .order_by(reviews.c.n.desc())
        .limit(last)
    ).all()
    return median(rows) if rows else None


def _standing(project: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(reviews).where(reviews.c.project == project, reviews.c.undone.is_(False))


def _request(row: sa.Row[tuple[object, ...]]) -> OpenRequest:
    return OpenRequest(
        id=row.id,
        pool=row.pool,
        item=row.item,
        reason=row.reason,
        priority=row.priority,
        state=row.state,
    )


def _review(row: sa.Row[tuple[object, ...]], question: Choice) -> Review:
    return Review(
        id=row.id,
        request=row.request,
        pool=row.pool,
        item=row.item,
        reviewer=row.reviewer,
        answer=None if row.answer is None else question.from_json(row.answer),
        seconds=row.seconds,
        at=row.at,
        reason=row.reason,
        phase=row.phase,
        event=row.event,
    )
