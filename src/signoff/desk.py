"""One reviewer's place at the queue: lease, answer, skip, undo. Blind: it carries no reasons.

A desk needs a store and no engine, so that any process can seat reviewers: what people see of an
item comes with its request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from signoff.core.hints import ShownHint
from signoff.core.items import Item
from signoff.core.process import PERSON, Source
from signoff.core.questions import Given
from signoff.core.records import (
    Answers,
    CommentKind,
    Json,
    NewComment,
    NewEvent,
    NewReview,
    OpenRequest,
    OwnCounts,
    Pool,
    Project,
    Review,
    Waiting,
)
from signoff.core.routing import Certified
from signoff.errors import NotLeased, Settled, StoreBusy, UsageError
from signoff.loop.progress import progress_of
from signoff.loop.recorder import Recorder
from signoff.loop.revealing import Revealed, Revealer
from signoff.loop.telling import (
    answer_event,
    expiry_event,
    skip_event,
    undo_event,
    words_event,
)
from signoff.ports import Progress, Request, Store

GOLD_SHARE = 0.05
"""How many of the items that a person gets have a known answer, while there are such."""

LEASE_MICROSECONDS = 5 * 60 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Requests leased to a reviewer, and which of those it thought it held are no longer its."""

    requests: list[Request]
    lost: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An answer is stored. ``counted``: it is one of those its item needed."""

    id: str
    request: str
    counted: bool
    hint: ShownHint | None = None
    """What the machine said, where the project shows that after the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """One of a reviewer's answers; ``undoable`` while nothing was built on it."""

    id: str
    request: str
    item: Item
    answers: Answers | None
    at: int
    undoable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """An answer taken back: its item waits for this reviewer again."""

    request: Request
    answers: Answers | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A comment as somebody reads it; ``text`` is None once it was erased."""

    id: str
    author: str
    mine: bool
    kind: CommentKind
    text: str | None
    at: int


def sign_in(
    store: Store, recorder: Recorder, *, name: str, kind: str, account: str | None = None
) -> str:
    """The id of a reviewer of a project by name, who joins it where new.

    ``account``: whose name it is. Raises :class:`UsageError` where a reviewer of another kind has
    the name, :class:`InputError` where the account was removed.
    """
    known = store.find_reviewer(recorder.project, name, account=account)
    if known is not None:
        _refuse_other_kind(store.reviewer_sources(recorder.project)[known], name, kind)
        return known
    id = recorder.new_id()
    body: Json = {"reviewer": id, "kind": kind}
    if kind != PERSON:
        body["name"] = name  # of a column or a function: nobody's name
    joined = recorder.event("reviewer.added", body, {"name": name})
    try:
        store.add_reviewer(recorder.project, id, name, kind, [joined], account=account)
    except StoreBusy:
        # Somebody of that name came in by another door meanwhile; else the store is busy indeed.
        if store.find_reviewer(recorder.project, name, account=account) is None:
            raise
        return sign_in(store, recorder, name=name, kind=kind, account=account)
    return id


def expire(store: Store, project: Project, recorder: Recorder) -> int:
    """Do what a project says about requests whose time ran out; how many there were."""

    if project.queue.due is None:
        return 0
    return store.expire_requests(
        project, lambda gone: expiry_event(recorder, gone), now=recorder.now()
    )


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
    gold_share: float = GOLD_SHARE
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
        expire(self.store, self.project, self.recorder)
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
                known=self._known_among(limit),
            )
        return Lease(
            requests=self._shown(leased),
            lost=[id for id in holding if id not in kept],
        )

    def _known_among(self, limit: int) -> int:
        """How many of so many items check how this reviewer answers: chance says it, item by item,
        so that nobody can count ahead. A machine is not checked."""
        if self.gold_share == 0:
            return 0
        drawn = self.recorder.entropy(4 * limit)
        draws = [int.from_bytes(drawn[at : at + 4]) / 2**32 for at in range(0, len(drawn), 4)]
        return sum(draw < self.gold_share for draw in draws)

    def _shown(self, asked: Sequence[OpenRequest]) -> list[Request]:
        self._waiting |= {request.id: request for request in asked}
        hints = self._revealer.before(asked)
        return [
            Request(
                id=request.id,
                item=self.item_of(request),
                form=self.project.form,
                until=request.leased_until or 0,
                hint=hints.get(request.id),
            )
            for request in asked
        ]

    @property
    def _revealer(self) -> Revealer:
        return Revealer(store=self.store, project=self.project, reviewer=self.reviewer)

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
        answer: Given,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> Receipt:
        """Store one person's answers to an item; returns once they are durable.

        The same ``id`` again is the same review sent again: it is stored once. Raises
        :class:`InputError` where they are no answers to the form, :class:`OtherAnswer` where
        others were sent under this ``id``, :class:`NotLeased` where the request was withdrawn or
        never was.
        """
        asked = self._asked(request if isinstance(request, str) else request.id)
        spent = None if seconds is None else round(seconds, 3)
        review = self._review(asked, answer, seconds=spent, id=id, note=note)
        (counted,) = self.store.answer(self.project, [review], self._tell)
        hint = self._revealer.beside_receipt(asked)
        return Receipt(id=review.id, request=asked.id, counted=counted, hint=hint)

    def answer_many(self, answers: Sequence[tuple[Request, Given]]) -> None:
        """Store the answers to several items in one durable step."""
        reviews = [
            self._review(self._asked(request.id), answer, seconds=None)
            for request, answer in answers
        ]
        self.store.answer(self.project, reviews, self._tell)

    def _asked(self, request: str) -> OpenRequest:
        return self._waiting.pop(request, None) or self._look_up(request)

    def _look_up(self, request: str) -> OpenRequest:
        known = self.store.request(self.project.id, request)
        if known is None:
            raise NotLeased("There is no such request.", hint="Load the page again.")
        return known

    def _review(
        self,
        asked: OpenRequest,
        given: Given,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> NewReview:
        answers = self.project.form.taken(given)
        if asked.shown is not None:
            self.project.form.check_about(answers, str(asked.shown["text"]))
        return NewReview(
            id=id or self.recorder.new_id(),
            request=asked,
            reviewer=self.reviewer,
            answers=answers,
            seconds=seconds,
            note=note,
        )

    def _tell(self, review: NewReview, counted: bool) -> NewEvent:
        return answer_event(self.recorder, self.project, review, counted=counted)

    def skip(
        self, request: Request | str, reason: str | None = None, *, for_good: bool = False
    ) -> None:
        """Put the item back, behind the others; ``for_good``: for somebody else."""
        asked = self._asked(request if isinstance(request, str) else request.id)
        event = skip_event(self.recorder, asked, self.reviewer, reason, for_good=for_good)
        self.store.skip(
            self.project.id,
            asked.id,
            self.reviewer,
            [event],
            now=event.at,
            for_good=for_good,
        )

    def flag(self, request: str, note: str) -> None:
        """Note that something is wrong with an item; it waits on."""
        self._say(request, note, kind="flag", id=self.recorder.new_id())

    # ------------------------------------------------------------------- talking

    def comment(self, request: str, text: str, *, id: str | None = None) -> None:
        """Say something of an item; the same ``id`` again is the same comment sent again."""
        self._say(request, text, kind="comment", id=id or self.recorder.new_id())

    def _say(self, request: str, text: str, *, kind: CommentKind, id: str) -> None:
        asked = self._look_up(request)
        event = words_event(self.recorder, asked, self.reviewer, text, kind)
        comment = NewComment(
            id=id,
            request=asked.id,
            pool=asked.pool,
            item=asked.item,
            reviewer=self.reviewer,
            kind=kind,
            text=text,
        )
        self.store.comment(self.project.id, comment, event)

    def thread(self, request: str, *, everything: bool = False) -> list[Said]:
        """What was said of an item, oldest first.

        Where a certificate depends on answers that nobody nudged, it is one's own words alone until
        one's own answer is stored. ``everything`` is for managers, who are not asked about the item
        after that.
        """
        blind = isinstance(self.project.policy, Certified)
        found = self.store.thread(
            self.project.id, request, self.reviewer, blind=blind, everything=everything
        )
        names = self.store.reviewer_names(self.project.id) if found else {}
        return [
            Said(
                id=each.id,
                author=names.get(each.reviewer, each.reviewer),
                mine=each.reviewer == self.reviewer,
                kind=each.kind,
                text=each.text,
                at=each.at,
            )
            for each in found
        ]

    def hint(self, request: str) -> Revealed:
        """What the machine says of an item, if this reviewer may see it now."""
        return self._revealer.of(self._look_up(request))

    # ---------------------------------------------------------------- looking back

    def recent(self, limit: int) -> list[Recent]:
        """This reviewer's last answers, newest first; none before the project has rows."""
        pools = self.store.pools(self.project.id)
        return [
            Recent(
                id=review.id,
                request=review.request,
                item=Item.from_shown(review.item, review.key, review.shown),
                answers=review.answers,
                at=review.at,
                undoable=_undoable(review, pools[-1]),
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
                hint="Labels were frozen after it, its audit is sealed, or you read others' words.",
            )
        event = undo_event(self.recorder, found)
        opened = self.store.undo(self.project, found, [event])
        return Undone(request=self._shown([opened])[0], answers=found.answers)

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

    def counts(self) -> OwnCounts:
        """What this reviewer did in the newest pool, and of the items whose answer is known."""
        return self.store.own_counts(self.project.id, self.reviewer)

    def waiting(self) -> Waiting:
        """Why there is nothing for this reviewer, though something waits."""
        return self.store.waiting_for(self.project.id, self.reviewer)

    def _pool(self) -> Pool:
        return self.store.pools(self.project.id)[-1]

    def _budget_left(self) -> int | None:
        if self.budget is None:
            return None
        given = self.store.queue_counts(self.project.id, self._pool().number).answers
        return max(0, self.budget - given)


def _undoable(review: Review, pool: Pool) -> bool:
    newest = review.gold is not None or review.pool == pool.number
    same_phase = newest and review.phase == pool.phase
    return same_phase and not review.sealed
