"""The part of the store that reviewers meet: waiting requests, leases, answers."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.core.records import (
    NewEvent,
    NewReview,
    OpenRequest,
    Project,
    QueueCounts,
    Review,
    Tell,
)
from signoff.store import log, queue, reviews
from signoff.store.connections import Database


class Reviewing(Database):
    """Handing out work and taking answers; every method is one transaction."""

    def lease(
        self,
        project: str,
        reviewer: str,
        *,
        limit: int,
        now: int,
        until: int,
        holding: Sequence[str] = (),
    ) -> list[OpenRequest]:
        """Lease the first requests of the queue to a reviewer, beside those it is holding."""
        with self.transaction() as db:
            return queue.lease(
                db, project, reviewer, limit=limit, now=now, until=until, holding=holding
            )

    def renew(
        self, project: str, reviewer: str, holding: Sequence[str], *, until: int
    ) -> frozenset[str]:
        """Lengthen a reviewer's leases; those it still has."""
        with self.transaction() as db:
            return frozenset(queue.renew(db, project, reviewer, holding, until=until))

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
        with self.transaction() as db:
            queue.release(db, project, reviewer, only)

    def skip(self, project: str, request: str, events: Sequence[NewEvent]) -> None:
        """Put a request behind the others."""
        with self.transaction() as db:
            if queue.requeue(db, project, request):
                log.append(db, project, events)

    def answer(self, project: str, given: Sequence[NewReview], tell: Tell) -> list[bool]:
        """Store answers with their events; whether each counts, being the first to its item.

        Raises :class:`OtherAnswer` and :class:`NotLeased`; then none of them is stored.
        """
        with self.transaction() as db:
            counted, events = reviews.add_reviews(db, project, given, tell)
            log.append(db, project, events)
        return counted

    def recent(self, project: Project, reviewer: str, limit: int) -> list[Review]:
        """A reviewer's last answers that stand, newest first."""
        with self.reading() as db:
            return reviews.recent(db, project.id, reviewer, project.form, limit)

    def answered_by(self, project: str, pool: int, reviewer: str) -> int:
        """How many answers of a reviewer stand in a pool."""
        with self.reading() as db:
            return reviews.answered_by(db, project, pool, reviewer)

    def undo(self, project: str, review: Review, events: Sequence[NewEvent]) -> OpenRequest:
        """Take an answer back; raises :class:`Settled` where it is too late."""
        with self.transaction() as db:
            opened = reviews.undo(db, project, review)
            log.append(db, project, events)
            return opened

    def reviews(self, project: Project, pool: int) -> list[Review]:
        """The answers of a pool that stand, in order."""
        with self.reading() as db:
            return reviews.pool_reviews(db, project.id, pool, project.form)

    def queue_counts(self, project: str, pool: int) -> QueueCounts:
        """How many requests of a pool wait and were answered."""
        with self.reading() as db:
            return queue.counts(db, project, pool)

    def seconds_per_answer(self, project: str, pool: int) -> float | None:
        """The median time of people's last answers; None before anybody answered by hand."""
        with self.reading() as db:
            return reviews.pace(db, project, pool)
