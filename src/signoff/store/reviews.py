"""Answers that people gave: stored once, counted once, taken back. SQL only; no transactions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import sqlalchemy as sa

from signoff.core.questions import Choice
from signoff.core.records import (
    CARRIED,
    CarriedAnswer,
    NewEvent,
    NewReview,
    OpenRequest,
    Phase,
    Review,
    Tell,
)
from signoff.errors import NotLeased, OtherAnswer, Settled
from signoff.store.queue import request_of
from signoff.store.schema import pools, requests, reviews


def add_reviews(
    db: sa.Connection, project: str, wanted: Sequence[NewReview], tell: Tell
) -> tuple[list[bool], list[NewEvent]]:
    """Store answers and close their requests: for each whether it counts, and the events.

    The first answer to a request counts. A later one is kept beside it and counts for nothing;
    one that was stored before under the same id is not stored again.

    Raises :class:`OtherAnswer` where the one stored before is another answer, :class:`NotLeased`
    where the request was withdrawn.
    """
    before = _stored_before(db, project, wanted)
    states = _states(db, project, [review.request.id for review in wanted])
    phases = _phases(db, project)
    counted: list[bool] = []
    rows: list[dict[str, object]] = []
    events: list[NewEvent] = []
    for review in wanted:
        if review.id in before:
            counted.append(before[review.id])
            continue
        counts = states.get(review.request.id) in ("open", "leased")
        if not counts and states.get(review.request.id) != "answered":
            raise NotLeased(
                "This item no longer waits for an answer.", hint="Go on with the next one."
            )
        states[review.request.id] = "answered"
        event = tell(review, counts)
        before[review.id] = counts
        counted.append(counts)
        events.append(event)
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
                "at": event.at,
                "reason": review.request.reason,
                "phase": phases[review.request.pool],
                "event": event.id,
                "undone": False,
                "counted": counts,
            }
        )
    if rows:
        db.execute(sa.insert(reviews), rows)
        db.execute(
            sa.update(requests)
            .where(requests.c.id.in_([row["request"] for row in rows if row["counted"]]))
            .values(state="answered", leased_by=None, leased_until=None)
        )
    return counted, events


def carry(
    db: sa.Connection, project: str, pool: int, phase: Phase, carried: Sequence[CarriedAnswer]
) -> None:
    """Store answers that were given to equal items of earlier pools, with requests to hold them."""
    if not carried:
        return
    db.execute(
        sa.insert(requests),
        [
            {
                "id": each.request.id,
                "project": project,
                "pool": pool,
                "item": each.request.item,
                "reason": each.request.reason,
                "priority": each.request.priority,
                "state": "answered",
                "key": each.request.key,
                "shown": each.request.shown,
            }
            for each in carried
        ],
    )
    db.execute(
        sa.insert(reviews),
        [
            {
                "id": each.id,
                "project": project,
                "request": each.request.id,
                "pool": pool,
                "item": each.request.item,
                "reviewer": each.reviewer,
                "answer": each.answer.to_json(),
                "seconds": None,
                "at": each.event.at,
                "reason": each.request.reason,
                "phase": phase,
                "event": each.event.id,
                "undone": False,
                "counted": True,
            }
            for each in carried
        ],
    )


def _stored_before(db: sa.Connection, project: str, wanted: Sequence[NewReview]) -> dict[str, bool]:
    """Reviews that are stored already, by id: whether they count."""
    sent = {review.id: review for review in wanted}
    found = db.execute(
        sa.select(reviews).where(reviews.c.project == project, reviews.c.id.in_(sent))
    ).all()
    for row in found:
        second = sent[row.id].answer.to_json()
        same = (row.answer, row.request) == (second, sent[row.id].request.id)
        if not same or row.reviewer != sent[row.id].reviewer:
            raise OtherAnswer(row.answer, second)
    return {row.id: bool(row.counted) for row in found}


def _states(db: sa.Connection, project: str, ids: Sequence[str]) -> dict[str, str]:
    """The states of these requests, which nobody changes until the transaction ends."""
    found = db.execute(
        sa.select(requests.c.id, requests.c.state)
        .where(requests.c.project == project, requests.c.id.in_(ids))
        .order_by(requests.c.id)
        .with_for_update()
    )
    return {row.id: row.state for row in found}


def _phases(db: sa.Connection, project: str) -> dict[int, Phase]:
    found = db.execute(sa.select(pools.c.number, pools.c.phase).where(pools.c.project == project))
    return {row.number: row.phase for row in found}


def recent(
    db: sa.Connection, project: str, reviewer: str, question: Choice, limit: int
) -> list[Review]:
    """This reviewer's last answers that count and stand, newest first; none that was carried."""
    rows = db.execute(
        _standing(project)
        .where(reviews.c.reviewer == reviewer, reviews.c.reason != CARRIED)
        .order_by(reviews.c.n.desc())
        .limit(limit)
    )
    return [_review(row, question) for row in rows]


def answered_by(db: sa.Connection, project: str, pool: int, reviewer: str) -> int:
    """How many answers this reviewer gave in a pool that count and stand."""
    return db.execute(
        sa.select(sa.func.count()).where(
            reviews.c.project == project,
            reviews.c.pool == pool,
            reviews.c.reviewer == reviewer,
            reviews.c.reason != CARRIED,
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        )
    ).scalar_one()


def undo(db: sa.Connection, project: str, review: Review) -> OpenRequest:
    """Take an answer back; its request is the first in the queue again.

    Raises :class:`Settled` where the pool is beyond the phase of the answer, or another window
    took it back first.
    """
    # The pool's row first: the loop changes phase under the same lock.
    same_phase = db.execute(
        sa.update(pools)
        .where(
            pools.c.project == project,
            pools.c.number == review.pool,
            pools.c.phase == review.phase,
        )
        .values(undone=pools.c.undone + 1)
    )
    if same_phase.rowcount != 1:
        raise Settled(
            "This answer can no longer be taken back: something was built on it.",
            hint="Labels were frozen after it, or its audit is sealed.",
        )
    taken = db.execute(
        sa.update(reviews)
        .where(reviews.c.id == review.id, reviews.c.undone.is_(False))
        .values(undone=True)
    )
    if taken.rowcount != 1:
        raise Settled("That answer was taken back already.", hint="Answer the item again.")
    first = db.execute(
        sa.select(sa.func.min(requests.c.priority)).where(requests.c.project == project)
    ).scalar_one()
    db.execute(
        sa.update(requests)
        .where(requests.c.id == review.request)
        .values(state="open", leased_by=None, leased_until=None, priority=first - 1)
    )
    row = db.execute(sa.select(requests).where(requests.c.id == review.request)).one()
    return request_of(row)


def pool_reviews(db: sa.Connection, project: str, pool: int, question: Choice) -> list[Review]:
    """The answers of a pool that stand, in the order they were given."""
    rows = db.execute(_standing(project).where(reviews.c.pool == pool).order_by(reviews.c.n))
    return [_review(row, question) for row in rows]


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
    """Answers that count and were not taken back, with what was shown of their items."""
    return (
        sa.select(reviews, requests.c.key, requests.c.shown)
        .join(requests, requests.c.id == reviews.c.request)
        .where(
            reviews.c.project == project,
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        )
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
        key=row.key or "",
        shown=row.shown,
    )
