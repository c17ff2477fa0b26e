"""The part of the store that reviewers meet: waiting requests, leases, answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa

from signoff.core.records import (
    Expired,
    NewEvent,
    NewReview,
    OpenRequest,
    OwnCounts,
    Project,
    QueueCounts,
    Review,
    Tell,
    Waiting,
)
from signoff.store import assigning, gold, log, queue, reviews, seats, tallies
from signoff.store.connections import Database


class Reviewing(Database):
    """Handing out work and taking answers; every method is one transaction.

    What happens at every key press shares its transaction with others (:meth:`Database.write`). A
    power cut may take a lease, which costs a second look at the queue, and never an answer.
    """

    def lease(
        self,
        project: str,
        reviewer: str,
        *,
        limit: int,
        now: int,
        until: int,
        holding: Sequence[str] = (),
        known: int = 0,
    ) -> list[OpenRequest]:
        """Lease the first requests of the queue to a reviewer, beside those it is holding; among
        them up to ``known`` whose answer is known."""
        self._free_expired(project, now=now)

        def take(db: sa.Connection) -> list[OpenRequest]:
            return seats.lease(
                db,
                project,
                reviewer,
                tags=assigning.tags_of(db, reviewer),
                limit=limit,
                until=until,
                holding=holding,
                known=known,
            )

        return self.write(take, durable=False)

    def _free_expired(self, project: str, *, now: int) -> None:
        with self.reading() as db:
            some = seats.any_expired(db, project, now=now)
        if some:
            self.write(lambda db: seats.expire(db, project, now=now), durable=False)

    def renew(
        self, project: str, reviewer: str, holding: Sequence[str], *, until: int
    ) -> frozenset[str]:
        """Lengthen a reviewer's leases; those it still has."""

        def lengthen(db: sa.Connection) -> frozenset[str]:
            tags = assigning.tags_of(db, reviewer)
            return frozenset(seats.renew(db, project, reviewer, holding, tags=tags, until=until))

        return self.write(lengthen, durable=False)

    def requests(self, project: str, pool: int) -> list[OpenRequest]:
        """All requests of a pool, answered ones too."""
        with self.reading() as db:
            return queue.pool_requests(db, project, pool)

    def request(self, project: str, id: str) -> OpenRequest | None:
        """A request by its id."""
        with self.reading() as db:
            return queue.find_request(db, project, id)

    def release(self, project: str, reviewer: str, only: Sequence[str] | None = None) -> None:
        """Give back what a reviewer leased and did not answer, or ``only`` these requests."""
        self.write(lambda db: seats.release(db, project, reviewer, only), durable=False)

    def skip(
        self,
        project: str,
        request: str,
        reviewer: str,
        events: Sequence[NewEvent],
        *,
        now: int,
        for_good: bool = False,
    ) -> None:
        """Put a request behind the others; ``for_good``: this reviewer is not asked again."""

        def put_back(db: sa.Connection) -> None:
            if seats.put_back(db, project, request, reviewer, now=now, for_good=for_good):
                log.append(db, project, events)

        self.write(put_back)

    def answer(self, project: Project, given: Sequence[NewReview], tell: Tell) -> list[bool]:
        """Store answers with their events; whether each counts, being one its item needed.

        Raises :class:`OtherAnswer` and :class:`NotLeased`; then none of them is stored.
        """

        def add(db: sa.Connection) -> list[bool]:
            counted, events = reviews.add_reviews(db, project, given, tell)
            log.append(db, project.id, events)
            return counted

        return self.write(add)

    def recent(self, project: Project, reviewer: str, limit: int) -> list[Review]:
        """A reviewer's last answers that stand, newest first."""
        with self.reading() as db:
            return reviews.recent(db, project.id, reviewer, project.form, limit)

    def answered_by(self, project: str, pool: int, reviewer: str) -> int:
        """How many answers of a reviewer stand in a pool."""
        with self.reading() as db:
            return tallies.answers_of(db, project, pool, reviewer)

    def own_counts(self, project: str, reviewer: str) -> OwnCounts:
        """What a reviewer did in the newest pool, and of the items whose answer is known."""
        with self.reading() as db:
            mine, checked = tallies.own(db, project, reviewer)
            return OwnCounts(mine=mine, known=gold.served(db, project), checked=checked)

    def undo(self, project: Project, review: Review, events: Sequence[NewEvent]) -> OpenRequest:
        """Take an answer back; raises :class:`Settled` where it is too late."""

        def take_back(db: sa.Connection) -> OpenRequest:
            opened = reviews.undo(db, project, review, now=events[0].at)
            log.append(db, project.id, events)
            return opened

        return self.write(take_back)

    def reviews(self, project: Project, pool: int) -> list[Review]:
        """The answers of a pool that stand, in order."""
        with self.reading() as db:
            return reviews.pool_reviews(db, project.id, pool, project.form)

    def queue_counts(self, project: str, pool: int) -> QueueCounts:
        """How many requests of a pool wait and were answered."""
        with self.reading() as db:
            return tallies.counts(db, project, pool)

    def seconds_per_answer(self, project: str, pool: int) -> float | None:
        """The median time of people's last answers; None before anybody answered by hand."""
        with self.reading() as db:
            return reviews.pace(db, project, pool)

    # ---------------------------------------------------------------- who is asked

    def waiting_for(self, project: str, reviewer: str) -> Waiting:
        """Why a reviewer gets nothing."""
        with self.reading() as db:
            return assigning.waiting_for(db, project, reviewer)

    def reviewer_tags(self, project: str) -> dict[str, list[str]]:
        """The skills of the reviewers of a project who have any, by id."""
        with self.reading() as db:
            return assigning.all_tags(db, project)

    def set_tags(
        self, project: str, reviewer: str, tags: Collection[str], events: Sequence[NewEvent]
    ) -> None:
        """Let a reviewer have these skills and no other."""
        with self.transaction() as db:
            assigning.set_tags(db, project, reviewer, tags)
            log.append(db, project, events)

    def assign(self, project: str, request: str, audience: str, events: Sequence[NewEvent]) -> None:
        """Ask an item of others than before; raises :class:`NotLeased` where it waits no longer."""
        with self.transaction() as db:
            assigning.assign(db, project, request, audience)
            log.append(db, project, events)

    def expire_requests(
        self, project: Project, tell: Callable[[Expired], NewEvent], *, now: int
    ) -> int:
        """Do what a project says about requests whose time ran out, and log each of them once; how
        many there were. Any process may do it at any time."""
        with self.reading() as db:
            if not assigning.any_due(db, project.id, now=now):
                return 0
        with self.transaction() as db:
            gone = assigning.expire_due(db, project.id, project.queue, now=now)
            log.append(db, project.id, [tell(each) for each in gone])
        return len(gone)
