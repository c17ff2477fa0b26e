"""Answers that people gave: stored once, counted once, taken back. SQL only; no transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from statistics import median

import sqlalchemy as sa

from signoff.core.joining import form_wants
from signoff.core.questions import Form, answers_to_json
from signoff.core.records import (
    CARRIED,
    Answers,
    CarriedAnswer,
    NewEvent,
    NewReview,
    OpenRequest,
    Phase,
    Project,
    Review,
    Tell,
)
from signoff.errors import NotLeased, OtherAnswer, Settled
from signoff.store import tallies
from signoff.store.gold import POOL as KNOWN
from signoff.store.lanes import with_done, without_done
from signoff.store.queue import request_of
from signoff.store.schema import pools, requests, reviews
from signoff.store.schema_queue import seats

# Statements of every answer are made once, as in seats.py.
_IDS = sa.bindparam("ids", expanding=True, type_=sa.String)
_CHANGES = ("state", "lane", "wanted", "given", "free")
_BEFORE = sa.select(
    reviews.c.id, reviews.c.answers, reviews.c.request, reviews.c.reviewer, reviews.c.counted
).where(reviews.c.project == sa.bindparam("project"), reviews.c.id.in_(_IDS))
_ASKED = (
    sa.select(
        requests.c.id,
        requests.c.pool,
        requests.c.state,
        requests.c.lane,
        requests.c.wanted,
        requests.c.given,
    )
    .where(requests.c.project == sa.bindparam("project"), requests.c.id.in_(_IDS))
    .order_by(requests.c.id)
    .with_for_update()
)
_SAID = (
    sa.select(reviews.c.request, reviews.c.reviewer, reviews.c.answers)
    .where(reviews.c.request.in_(_IDS), reviews.c.undone.is_(False), reviews.c.counted.is_(True))
    .order_by(reviews.c.n)
)
_PHASES = sa.select(pools.c.number, pools.c.phase).where(pools.c.project == sa.bindparam("project"))
_INSERT = sa.insert(reviews)
_LEAVE_ALL = sa.delete(seats).where(seats.c.request.in_(_IDS))
_SAVE = (
    sa.update(requests)
    .where(requests.c.id == sa.bindparam("at"))
    .values({name: sa.bindparam(f"new_{name}") for name in _CHANGES})
)


def add_reviews(
    db: sa.Connection, project: Project, given: Sequence[NewReview], tell: Tell
) -> tuple[list[bool], list[NewEvent]]:
    """Store answers and close the requests that have all they need: for each whether it counts, and
    the events.

    Answers count until an item has as many as it needs, one per person. A later one is kept beside
    them and counts for nothing; one that was stored before under the same id is not stored again.

    Raises :class:`OtherAnswer` where the one stored before is another answer, :class:`NotLeased`
    where the request was withdrawn.
    """
    before = _stored_before(db, project.id, given)
    asked = _asked(db, project, {review.request.id for review in given if review.id not in before})
    phases = _phases(db, project.id)
    counted: list[bool] = []
    rows: list[dict[str, object]] = []
    events: list[NewEvent] = []
    for review in given:
        if review.id in before:
            counted.append(before[review.id])
            continue
        request = asked.get(review.request.id)
        if request is None or request.state == "withdrawn":
            raise NotLeased(
                "This item no longer waits for an answer.", hint="Go on with the next one."
            )
        counts = request.take(review.reviewer, review.answers)
        event = tell(review, counts)
        before[review.id] = counts
        counted.append(counts)
        events.append(event)
        rows.append(
            {
                "id": review.id,
                "project": project.id,
                "request": review.request.id,
                "pool": review.request.pool,
                "item": review.request.item,
                "reviewer": review.reviewer,
                "answers": answers_to_json(review.answers),
                "seconds": review.seconds,
                "at": event.at,
                "reason": review.request.reason,
                "phase": phases.get(review.request.pool, phases[max(phases)]),
                "event": event.id,
                "undone": False,
                "counted": counts,
            }
        )
    if rows:
        db.execute(_INSERT, rows)
        _save(db, list(asked.values()))
        _tally(db, project.id, list(asked.values()))
    return counted, events


@dataclass(slots=True, kw_only=True)
class _Asked:
    """A locked request, and what people said to it so far: reviewer to answer."""

    id: str
    pool: int
    state: str
    lane: str
    wanted: int
    project: Project
    said: dict[str, Answers | None]
    new: list[str] = field(default_factory=list[str])

    def take(self, reviewer: str, answers: Answers) -> bool:
        """Whether answers count; then it is one of those."""
        if self.state != "open" or reviewer in self.said:
            return False
        self.said[reviewer] = answers
        self.new.append(reviewer)
        self.lane = with_done(self.lane, reviewer)
        self.settle()
        return True

    def drop(self, reviewer: str) -> None:
        """Take an answer back."""
        del self.said[reviewer]
        self.lane = without_done(self.lane, reviewer)
        self.settle()

    def settle(self) -> None:
        """See whether the item has all it needs."""
        known = [answers for answers in self.said.values() if answers is not None]
        self.wanted = form_wants(known, self.project.overlap, self.project.form)
        self.state = "answered" if len(self.said) == self.wanted else "open"


def _save(db: sa.Connection, asked: Sequence[_Asked]) -> None:
    """Write locked requests as they are now. Nobody keeps a seat at an item that is answered, nor
    at one that they answered."""
    answered = [each.id for each in asked if each.state == "answered"]
    if answered:
        db.execute(_LEAVE_ALL, {"ids": answered})
    held = {each.id: _held(db, each) for each in asked if each.state == "open"}
    db.execute(
        _SAVE,
        [
            {
                "at": each.id,
                "new_state": each.state,
                "new_lane": each.lane,
                "new_wanted": each.wanted,
                "new_given": len(each.said),
                "new_free": each.wanted - len(each.said) - held[each.id] if each.id in held else 0,
            }
            for each in asked
        ],
    )


def carry(
    db: sa.Connection, project: str, pool: int, phase: Phase, carried: Sequence[CarriedAnswer]
) -> None:
    """Store answers that were given to equal items of earlier pools, with requests to hold them.

    They count as finished, and as nobody's answers: a budget is for what people are asked.
    """
    if not carried:
        return
    asked = {each.request.id: each.request for each in carried}
    said = Counter(each.request.id for each in carried)
    lanes = dict.fromkeys(asked, "")
    for each in carried:
        lanes[each.request.id] = with_done(lanes[each.request.id], each.reviewer)
    db.execute(
        sa.insert(requests),
        [
            {
                "id": id,
                "project": project,
                "pool": pool,
                "item": request.item,
                "reason": request.reason,
                "priority": request.priority,
                "state": "answered",
                "key": request.key,
                "shown": request.shown,
                "wanted": said[id],
                "given": said[id],
                "free": 0,
                "lane": lanes[id],
            }
            for id, request in asked.items()
        ],
    )
    tallies.add(db, project, pool, opened=len(asked), finished=len(asked))
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
                "answers": answers_to_json(each.answers),
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


def _held(db: sa.Connection, asked: _Asked) -> int:
    """How many hold a seat at a request, after those who answered it left theirs."""
    mine = seats.c.request == asked.id
    db.execute(sa.delete(seats).where(mine, seats.c.reviewer.in_(asked.said)))
    return db.execute(sa.select(sa.func.count()).where(mine)).scalar_one()


def _tally(db: sa.Connection, project: str, asked: Sequence[_Asked]) -> None:
    """Count new answers with who gave them, and finished items with who gave the last."""
    answers = Counter((each.pool, reviewer) for each in asked for reviewer in each.new)
    finished = Counter(
        (each.pool, each.new[-1]) for each in asked if each.new and each.state == "answered"
    )
    for place in sorted(answers):
        pool, reviewer = place
        tallies.add(db, project, pool, reviewer, answers=answers[place], finished=finished[place])


def _stored_before(db: sa.Connection, project: str, wanted: Sequence[NewReview]) -> dict[str, bool]:
    """Reviews that are stored already, by id: whether they count."""
    sent = {review.id: review for review in wanted}
    found = db.execute(_BEFORE, {"project": project, "ids": list(sent)}).all()
    for row in found:
        second = answers_to_json(sent[row.id].answers)
        same = (row.answers, row.request) == (second, sent[row.id].request.id)
        if not same or row.reviewer != sent[row.id].reviewer:
            raise OtherAnswer(row.answers, second)
    return {row.id: bool(row.counted) for row in found}


def _asked(db: sa.Connection, project: Project, ids: Collection[str]) -> dict[str, _Asked]:
    """These requests, which nobody changes until the transaction ends."""
    rows = db.execute(_ASKED, {"project": project.id, "ids": list(ids)}).all()
    begun = [row.id for row in rows if row.given]
    said = _said(db, project.form, begun) if begun else {}
    return {
        row.id: _Asked(
            id=row.id,
            pool=row.pool,
            state=row.state,
            lane=row.lane,
            wanted=row.wanted,
            project=project,
            said=said.get(row.id, {}),
        )
        for row in rows
    }


def _said(
    db: sa.Connection, form: Form, ids: Collection[str]
) -> dict[str, dict[str, Answers | None]]:
    """The answers to these requests that stand, by request and reviewer, in order."""
    found: dict[str, dict[str, Answers | None]] = {}
    for request, reviewer, answers in db.execute(_SAID, {"ids": list(ids)}):
        read = None if answers is None else form.from_json(answers)
        found.setdefault(request, {})[reviewer] = read
    return found


def _phases(db: sa.Connection, project: str) -> dict[int, Phase]:
    found = db.execute(_PHASES, {"project": project})
    return {row.number: row.phase for row in found}


def recent(db: sa.Connection, project: str, reviewer: str, form: Form, limit: int) -> list[Review]:
    """This reviewer's last answers that count and stand, newest first; none that was carried."""
    rows = db.execute(
        _standing(project)
        .where(reviews.c.reviewer == reviewer, reviews.c.reason != CARRIED)
        .order_by(reviews.c.n.desc())
        .limit(limit)
    )
    return [_review(row, form) for row in rows]


def undo(db: sa.Connection, project: Project, review: Review, *, now: int) -> OpenRequest:
    """Take an answer back; its request waits for one more person, before all others.

    Raises :class:`Settled` where the pool is beyond the phase of the answer, or another window
    took it back first.
    """
    # The pool's row first: the loop changes phase under the same lock.
    same_phase = db.execute(
        sa.update(pools)
        .where(
            pools.c.project == project.id,
            pools.c.number == (review.pool or _newest(project.id)),
            pools.c.phase == review.phase,
        )
        .values(undone=pools.c.undone + 1)
    )
    if same_phase.rowcount != 1:
        raise Settled(
            "This answer can no longer be taken back: something was built on it.",
            hint="Labels were frozen after it, or its audit is sealed.",
        )
    asked = _asked(db, project, [review.request])[review.request]
    taken = db.execute(
        sa.update(reviews)
        .where(
            reviews.c.id == review.id,
            reviews.c.undone.is_(False),
            reviews.c.sealed.is_(False),
            # A stream seals an answer by moving it out of its window's phase.
            reviews.c.phase == review.phase,
        )
        .values(undone=True)
    )
    if taken.rowcount != 1:
        raise Settled("That answer was taken back already.", hint="Answer the item again.")
    if None in asked.said.values():
        raise Settled("The item was erased since.", hint="Go on with the next one.")
    finished = asked.state == "answered"
    asked.drop(review.reviewer)
    _save(db, [asked])
    # Places in a queue are not negative, and the newest answer taken back comes first.
    db.execute(sa.update(requests).where(requests.c.id == asked.id).values(priority=-now))
    tallies.add(
        db,
        project.id,
        review.pool,
        review.reviewer,
        answers=-1,
        finished=(asked.state == "answered") - finished,
    )
    row = db.execute(sa.select(requests).where(requests.c.id == review.request)).one()
    return request_of(row)


def _newest(project: str) -> sa.ScalarSelect[int]:
    """The newest pool: what is in no pool is as old as that one."""
    return (
        sa.select(sa.func.max(pools.c.number)).where(pools.c.project == project).scalar_subquery()
    )


def pool_reviews(db: sa.Connection, project: str, pool: int, form: Form) -> list[Review]:
    """The answers of a pool that stand, in the order they were given."""
    rows = db.execute(_standing(project).where(reviews.c.pool == pool).order_by(reviews.c.n))
    return [_review(row, form) for row in rows]


def of_items(
    db: sa.Connection, project: str, pool: int, items: Sequence[int], form: Form
) -> list[Review]:
    """The answers to some items of a pool that stand, in the order they were given."""
    mine = sa.and_(reviews.c.pool == pool, reviews.c.item.in_(items))
    rows = db.execute(_standing(project).where(mine).order_by(reviews.c.n))
    return [_review(row, form) for row in rows]


def pace(db: sa.Connection, project: str, pool: int, *, last: int = 50) -> float | None:
    """The median seconds of the last answers that were timed, to items and to known answers alike:
    a number that moved with one kind only would tell which it was."""
    rows: list[tuple[int, float]] = []
    for part in {pool, KNOWN}:
        timed = (
            # A plain condition, as the partial index has it.
            sa.select(reviews.c.n, reviews.c.seconds)
            .where(
                reviews.c.project == project,
                reviews.c.pool == part,
                reviews.c.seconds.is_not(None),
            )
            .order_by(reviews.c.n.desc())
            .limit(last)
        )
        rows += [(row.n, row.seconds) for row in db.execute(timed)]
    newest = sorted(rows, reverse=True)[:last]
    return median(seconds for _, seconds in newest) if newest else None


def _standing(project: str) -> sa.Select[tuple[object, ...]]:
    """Answers that count and were not taken back, with what was shown of their items."""
    return (
        sa.select(reviews, requests.c.key, requests.c.shown, requests.c.gold)
        .join(requests, requests.c.id == reviews.c.request)
        .where(
            reviews.c.project == project,
            reviews.c.undone.is_(False),
            reviews.c.counted.is_(True),
        )
    )


def _review(row: sa.Row[tuple[object, ...]], form: Form) -> Review:
    return Review(
        id=row.id,
        request=row.request,
        pool=row.pool,
        item=row.item,
        reviewer=row.reviewer,
        answers=None if row.answers is None else form.from_json(row.answers),
        seconds=row.seconds,
        at=row.at,
        reason=row.reason,
        phase=row.phase,
        event=row.event,
        key=row.key or "",
        shown=row.shown,
        gold=row.gold,
        sealed=row.sealed,
    )
