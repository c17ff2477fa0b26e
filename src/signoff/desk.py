"""One reviewer's place at the queue: lease, answer, skip, undo. Blind: it carries no reasons.

A desk needs a store and no engine, so that any process can seat reviewers: what people see of an
item comes with its request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from signoff.core.items import Item
from signoff.core.process import PERSON, Source
from signoff.core.questions import Answer
from signoff.core.records import Json, NewEvent, NewReview, OpenRequest, Pool, Project, Review
from signoff.errors import NotLeased, Settled, UsageError
from signoff.loop.progress import progress_of
from signoff.loop.recorder import Recorder
from signoff.ports import Progress, Request, Store

LEASE_MICROSECONDS = 5 * 60 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Requests leased to a reviewer, and which of those it thought it held are no longer its."""

    requests: list[Request]
    lost: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An answer is stored. ``counted``: it was the first to its item."""

    id: str
    request: str
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """One of a reviewer's answers; ``undoable`` while nothing was built on it."""

    id: str
    request: str
    item: Item
    answer: Answer | None
    at: int
    undoable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """An answer taken back: its item waits for this reviewer again."""

    request: Request
    answer: Answer | None


def sign_in(store: Store, recorder: Recorder, *, name: str, kind: str) -> str:
    """The id of a reviewer of a project by name, who joins it where new.

    Raises :class:`UsageError` where a reviewer of another kind has the name.
    """
    known = store.find_reviewer(recorder.project, name)
    if known is not None:
        _refuse_other_kind(store.reviewer_sources(recorder.project)[known], name, kind)
        return known
    id = recorder.new_id()
    body: Json = {"reviewer": id, "kind": kind}
    if kind != PERSON:
        body["name"] = name  # of a column or a function: nobody's name
    joined = recorder.event("reviewer.added", body, {"name": name})
    store.add_reviewer(recorder.project, id, name, kind, [joined])
    return id


def _refuse_other_kind(known: Source, name: str, kind: str) -> None:
    """Answers of a person must never count as a column's, nor the other way round."""
    if known.kind != kind:
        raise UsageError(
            f"{name[:40]!r} answers this project as a {known.kind} already, not as a {kind}.",
            hint="Pass another --as NAME.",
        )


def shown_item(request: OpenRequest) -> Item:
    """An item as people see it, from its request alone."""
    return Item.from_shown(request.item, request.key, request.shown)


@dataclass(slots=True, kw_only=True)
class QueueDesk:
    """A :class:`signoff.ports.Desk` over a store.

    ``budget``: how many answers the newest pool may get in all, None for no limit. ``item_of``
    gives the item of a request; a process that holds the pool can give it with its own types.
    """

    store: Store
    project: Project
    recorder: Recorder
    reviewer: str
    budget: int | None = None
    item_of: Callable[[OpenRequest], Item] = shown_item
    _waiting: dict[str, OpenRequest] = field(default_factory=dict[str, OpenRequest], init=False)

    # -------------------------------------------------------------------- asking

    def next(self) -> Request | None:
        """The next item for this reviewer; None when the machine must think first."""
        found = self.next_many(1)
        return found[0] if found else None

    def next_many(self, limit: int) -> list[Request]:
        """Up to ``limit`` items, leased to this reviewer; no more than the budget allows."""
        return self.lease(limit).requests

    def lease(self, limit: int, *, holding: Sequence[str] = ()) -> Lease:
        """Up to ``limit`` items beside those held already, whose leases are lengthened."""
        now = self.recorder.now()
        until = now + LEASE_MICROSECONDS
        kept: frozenset[str] = frozenset()
        if holding:
            kept = self.store.renew(self.project.id, self.reviewer, holding, until=until)
        left = self._budget_left()
        limit = limit if left is None else min(limit, left - len(kept))
        leased: list[OpenRequest] = []
        if limit > 0:
            leased = self.store.lease(
                self.project.id,
                self.reviewer,
                limit=limit,
                now=now,
                until=until,
                holding=list(kept),
            )
        return Lease(
            requests=[self._shown(request) for request in leased],
            lost=[id for id in holding if id not in kept],
        )

    def _shown(self, request: OpenRequest) -> Request:
        self._waiting[request.id] = request
        return Request(
            id=request.id,
            item=self.item_of(request),
            question=self.project.question,
            until=request.leased_until or 0,
        )

    def give_back(self, requests: Sequence[str]) -> None:
        """Give back some of what was leased and not answered."""
        self.store.release(self.project.id, self.reviewer, requests)

    def leave(self) -> None:
        """Give back all that was leased and not answered."""
        self.store.release(self.project.id, self.reviewer)

    # ----------------------------------------------------------------- answering

    def answer(
        self,
        request: Request | str,
        answer: Answer,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> Receipt:
        """Store one answer; returns once it is durable.

        The same ``id`` again is the same answer sent again: it is stored once. Raises
        :class:`OtherAnswer` where it is another answer, :class:`NotLeased` where the request was
        withdrawn or never was.
        """
        asked = self._asked(request if isinstance(request, str) else request.id)
        spent = None if seconds is None else round(seconds, 3)
        review = self._review(asked, answer, seconds=spent, id=id, note=note)
        (counted,) = self.store.answer(self.project.id, [review], self._tell)
        return Receipt(id=review.id, request=asked.id, counted=counted)

    def answer_many(self, answers: Sequence[tuple[Request, Answer]]) -> None:
        """Store several answers in one durable step."""
        reviews = [
            self._review(self._asked(request.id), answer, seconds=None)
            for request, answer in answers
        ]
        self.store.answer(self.project.id, reviews, self._tell)

    def _asked(self, request: str) -> OpenRequest:
        known = self._waiting.pop(request, None) or self.store.request(self.project.id, request)
        if known is None:
            raise NotLeased("There is no such request.", hint="Load the page again.")
        return known

    def _review(
        self,
        asked: OpenRequest,
        answer: Answer,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> NewReview:
        return NewReview(
            id=id or self.recorder.new_id(),
            request=asked,
            reviewer=self.reviewer,
            answer=answer,
            seconds=seconds,
            note=note,
        )

    def _tell(self, review: NewReview, counted: bool) -> NewEvent:
        asked, question = review.request, self.project.question
        content: dict[str, object] = {"answer": review.answer.to_json()}
        if review.note:
            content["note"] = review.note
        return self.recorder.event(
            "answer.given" if counted else "answer.extra",
            {
                "pool": asked.pool,
                "item": asked.item,
                "question": question.name,
                "question_version": question.version,
                "reviewer": self.reviewer,
                "seconds": review.seconds,
                "reason": asked.reason,
            },
            content,
            pool=asked.pool,
            item=asked.item,
        )

    def skip(self, request: Request | str, reason: str | None = None) -> None:
        """Put the item back, behind the others."""
        asked = self._asked(request if isinstance(request, str) else request.id)
        event = self.recorder.event(
            "answer.skipped",
            {"pool": asked.pool, "item": asked.item, "reviewer": self.reviewer},
            {"note": reason} if reason else None,
            pool=asked.pool,
            item=asked.item,
        )
        self.store.skip(self.project.id, asked.id, [event])

    def flag(self, request: str, note: str) -> None:
        """Note that something is wrong with an item; it waits on."""
        asked = self._asked(request)
        body: dict[str, object] = {
            "pool": asked.pool, "item": asked.item, "reviewer": self.reviewer,
        }  # fmt: skip
        event = self.recorder.event(
            "item.flagged", body, {"note": note}, pool=asked.pool, item=asked.item
        )
        self.store.record(self.project.id, [event])

    # ---------------------------------------------------------------- looking back

    def recent(self, limit: int) -> list[Recent]:
        """This reviewer's last answers, newest first."""
        pool = self._pool()
        return [
            Recent(
                id=review.id,
                request=review.request,
                item=Item.from_shown(review.item, review.key, review.shown),
                answer=review.answer,
                at=review.at,
                undoable=_undoable(review, pool),
            )
            for review in self.store.recent(self.project, self.reviewer, limit)
        ]

    def take_back(self, review: str | None = None) -> Undone:
        """Take back this reviewer's last answer, or one of the recent ones by id.

        An answer stays when its phase is over: labels were frozen after it, or an audit's
        verdicts are sealed. Raises :class:`Settled`.
        """
        mine = self.store.recent(self.project, self.reviewer, 1 if review is None else 1000)
        found = next((each for each in mine if review in (None, each.id)), None)
        if found is None or not _undoable(found, self._pool()):
            raise Settled(
                "There is no answer of yours that can still be taken back.",
                hint="Labels were frozen after it, or its audit is sealed.",
            )
        event = self.recorder.event(
            "answer.undone", {"pool": found.pool, "item": found.item, "answer": found.event}
        )
        opened = self.store.undo(self.project.id, found, [event])
        return Undone(request=self._shown(opened), answer=found.answer)

    def undo(self) -> Request | None:
        """Take back this reviewer's last answer while that is still possible; the item again."""
        try:
            return self.take_back().request
        except Settled:
            return None

    # -------------------------------------------------------------------- counting

    def progress(self) -> Progress:
        """Where the pool stands."""
        return progress_of(self.store, self.project, self._pool(), budget_left=self._budget_left())

    def mine(self) -> int:
        """How many of the newest pool's answers are this reviewer's."""
        return self.store.answered_by(self.project.id, self._pool().number, self.reviewer)

    def _pool(self) -> Pool:
        return self.store.pools(self.project.id)[-1]

    def _budget_left(self) -> int | None:
        if self.budget is None:
            return None
        given = self.store.queue_counts(self.project.id, self._pool().number).given
        return max(0, self.budget - given)


def _undoable(review: Review, pool: Pool) -> bool:
    return review.pool == pool.number and review.phase == pool.phase
