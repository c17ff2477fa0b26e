"""One reviewer's place at the queue: lease, answer, skip, undo. Blind: it carries no reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from signoff.core.questions import Answer
from signoff.core.records import NewEvent, NewReview, OpenRequest, Phase, Pool
from signoff.engine import Engine
from signoff.ports import Progress, Request

LEASE_MICROSECONDS = 5 * 60 * 1_000_000


class QueueDesk:
    """A :class:`signoff.ports.Desk` over the engine's store."""

    def __init__(
        self, engine: Engine, *, name: str, kind: Literal["person", "column", "callable"]
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._project = engine.project
        self._recorder = engine.recorder
        self._waiting: dict[str, OpenRequest] = {}
        self._reviewer = self._sign_in(name, kind)

    def _sign_in(self, name: str, kind: str) -> str:
        known = self._store.find_reviewer(self._project.id, name)
        if known is not None:
            return known
        id = self._recorder.new_id()
        joined = self._recorder.event(
            "reviewer.added", {"reviewer": id, "kind": kind}, {"name": name}
        )
        self._store.add_reviewer(self._project.id, id, name, kind, [joined])
        return id

    # -------------------------------------------------------------------- asking

    def next(self) -> Request | None:
        """The next item for this reviewer; None when the machine must think first."""
        found = self.next_many(1)
        return found[0] if found else None

    def next_many(self, limit: int) -> list[Request]:
        """Up to ``limit`` items, leased to this reviewer; no more than the budget allows."""
        left = self._engine.budget_left(self._engine.pool())
        if left is not None:
            limit = min(limit, left)
        if limit == 0:
            return []
        now = self._recorder.now()
        leased = self._store.lease(
            self._project.id,
            self._reviewer,
            limit=limit,
            now=now,
            until=now + LEASE_MICROSECONDS,
        )
        pools = {pool.number: pool for pool in self._store.pools(self._project.id)}
        return [self._shown(pools[request.pool], request) for request in leased]

    def _shown(self, pool: Pool, request: OpenRequest) -> Request:
        self._waiting[request.id] = request
        view = self._engine.views(pool)
        return Request(
            id=request.id,
            item=view.item(request.item),
            question=self._project.question,
        )

    def leave(self) -> None:
        """Give back what was leased and not answered."""
        self._store.release(self._project.id, self._reviewer)

    # ----------------------------------------------------------------- answering

    def answer(self, request: Request, answer: Answer, *, seconds: float) -> None:
        """Store one answer; returns once it is durable."""
        phase = self._engine.pool().phase
        taken = self._review(request, answer, seconds=round(seconds, 3), phase=phase)
        self._store.answer(self._project.id, [taken])

    def answer_many(self, answers: Sequence[tuple[Request, Answer]]) -> None:
        """Store several answers in one durable step."""
        phase = self._engine.pool().phase
        taken = [
            self._review(request, answer, seconds=None, phase=phase) for request, answer in answers
        ]
        self._store.answer(self._project.id, taken)

    def _review(
        self, request: Request, answer: Answer, *, seconds: float | None, phase: Phase
    ) -> tuple[NewReview, NewEvent]:
        asked = self._waiting.pop(request.id)
        question = self._project.question
        event = self._recorder.event(
            "answer.given",
            {
                "pool": asked.pool,
                "item": asked.item,
                "question": question.name,
                "question_version": question.version,
                "reviewer": self._reviewer,
                "seconds": seconds,
                "reason": asked.reason,
            },
            {"answer": answer.to_json()},
            pool=asked.pool,
            item=asked.item,
        )
        review = NewReview(
            id=self._recorder.new_id(),
            request=asked,
            reviewer=self._reviewer,
            answer=answer,
            seconds=seconds,
            at=event.at,
            phase=phase,
        )
        return review, event

    def skip(self, request: Request) -> None:
        """Put the item back, behind the others."""
        asked = self._waiting.pop(request.id)
        event = self._recorder.event(
            "answer.skipped",
            {"pool": asked.pool, "item": asked.item, "reviewer": self._reviewer},
        )
        self._store.skip(self._project.id, asked.id, [event])

    def undo(self) -> Request | None:
        """Take back this reviewer's last answer, as long as nothing was built on it.

        An answer stays when its phase is over: labels were frozen after it, or an audit's
        verdicts are sealed.
        """
        last = self._store.last_review(self._project, self._reviewer)
        pool = self._engine.pool()
        if last is None or last.pool != pool.number or last.phase != pool.phase:
            return None
        event = self._recorder.event(
            "answer.undone", {"pool": last.pool, "item": last.item, "answer": last.event}
        )
        return self._shown(pool, self._store.undo(self._project.id, last, [event]))

    def progress(self) -> Progress:
        """Where the pool stands."""
        return self._engine.progress()
