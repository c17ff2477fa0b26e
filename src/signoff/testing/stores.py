"""Does a store keep what the loop writes, in one piece each time, and hand out work once?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import polars as pl
import uuid6

from signoff.core.batches import Batch, seal
from signoff.core.coding import labels_of
from signoff.core.decisions import Decision
from signoff.core.questions import CANNOT_SAY, Answer, Chosen, answers_to_json
from signoff.core.records import (
    Json,
    NewEvent,
    NewRequest,
    NewReview,
    OpenRequest,
    Pool,
    Project,
    Round,
)
from signoff.loop.recorder import Recorder
from signoff.ports import Store
from signoff.store.artifacts import PREFIX
from signoff.testing.expect import expect, expect_refusal

ITEMS = 12
MINUTE = 60_000_000


@dataclass(slots=True, kw_only=True)
class Bench:
    """A project to work on: makes rows, requests, answers and events for its store."""

    store: Store
    project: Project
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        ticks = count(self.project.created + 1)
        self.recorder = Recorder(
            project=self.project.id,
            actor="check",
            clock=lambda: next(ticks),
            new_id=new_id,
            entropy=os.urandom,
        )

    def event(self, type: str, body: Json, content: Json | None = None, **at: int) -> NewEvent:
        """An event of this project; ``pool`` and ``item`` say what its content speaks of."""
        return self.recorder.event(type, body, content, pool=at.get("pool"), item=at.get("item"))

    def add_pool(self, number: int = 1, items: int = ITEMS, text: str = "text of item") -> Pool:
        """Store a pool of so many rows, each an item."""
        keys = [f"key-{number}-{at}" for at in range(items)]
        table = pl.DataFrame(
            {"text": [f"{text} {at}" for at in range(items)], PREFIX + "key": keys}
        )
        ints = np.column_stack([np.arange(items), np.arange(items)]).astype(np.int64)
        batch = seal("rows", ints, [key.encode() for key in keys], entropy=os.urandom)
        pool = Pool(
            project=self.project.id,
            number=number,
            rows=items,
            items=items,
            phase="learning",
            rows_root=batch.root,
        )
        body: Json = {"pool": number, "rows": items, "items": items, "batch": batch.reference()}
        self.store.add_pool(pool, batch, table, [self.event("rows.added", body)])
        return pool

    def add_reviewer(self, name: str) -> str:
        """Store a reviewer; the id."""
        id = new_id()
        joined = self.event("reviewer.added", {"reviewer": id, "kind": "person"}, {"name": name})
        self.store.add_reviewer(self.project.id, id, name, "person", [joined])
        return id

    def ask(self, items: list[int], *, pool: int = 1, first: int = 0) -> None:
        """Open requests for these items, in this order."""
        wanted = [
            NewRequest(
                id=new_id(),
                item=item,
                reason="uncertain",
                priority=first + at,
                key=f"key-{pool}-{item}",
                shown={"text": f"text of item {item}", "data": {}},
            )
            for at, item in enumerate(items)
        ]
        body: Json = {"pool": pool, "reason": "uncertain", "items": items}
        undone = self.store.pools(self.project.id)[pool - 1].undone
        opened = self.event("requests.opened", body)
        self.store.ask(self.project.id, pool, wanted, [opened], undone=undone)

    def lease(self, reviewer: str, limit: int = 1, now: int = 0) -> list[OpenRequest]:
        """Lease for a minute from ``now``."""
        return self.store.lease(self.project.id, reviewer, limit=limit, now=now, until=now + MINUTE)

    def review(
        self, request: OpenRequest, reviewer: str, answer: Answer, *, id: str = ""
    ) -> NewReview:
        """An answer, ready to be stored."""
        return NewReview(
            id=id or new_id(),
            request=request,
            reviewer=reviewer,
            answers={self.project.question.name: answer},
            seconds=None,
        )

    def tell(self, review: NewReview, counted: bool) -> NewEvent:
        """The event of an answer."""
        request = review.request
        return self.event(
            "answer.given" if counted else "answer.extra",
            {
                "pool": request.pool,
                "item": request.item,
                "questions": self.project.form.versions,
                "reviewer": review.reviewer,
                "seconds": None,
                "reason": request.reason,
            },
            {"answers": answers_to_json(review.answers)},
            pool=request.pool,
            item=request.item,
        )

    def store_answers(self, reviews: Sequence[NewReview]) -> list[bool]:
        """Store answers; whether each counts."""
        return self.store.answer(self.project, reviews, self.tell)

    def answer(self, request: OpenRequest, reviewer: str, answer: Answer, *, id: str = "") -> bool:
        """Store one answer; whether it was the first."""
        return self.store_answers([self.review(request, reviewer, answer, id=id)])[0]

    def decisions(self, answers: dict[int, Answer]) -> Batch:
        """What people decided, sealed."""
        rows = [
            Decision(
                item=item,
                answer=answer,
                by="reviewers",
                confidence=None,
                reason="uncertain",
                reviewers="someone",
                model="",
            )
            for item, answer in answers.items()
        ]
        ints = np.array([[row.item, 1] for row in rows], dtype=np.int64).reshape(-1, 2)
        return seal("decisions", ints, [row.private() for row in rows], entropy=os.urandom)


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid6.uuid7())


def check_store(store: Store, project: Project) -> None:
    """Check a store that holds this project and nothing else of it; it ends with one pool."""
    bench = Bench(store=store, project=project)
    _check_pool(bench)
    _check_leases(bench)
    _check_answers(bench)
    _check_undo(bench)
    _check_all_or_nothing(bench)
    _check_decisions(bench)
    _check_log(bench)


def _check_pool(bench: Bench) -> None:
    store, project = bench.store, bench.project
    expect(store.pools(project.id) == [], "A new project has no pools.")
    pool = bench.add_pool()
    expect(store.pools(project.id) == [pool], "A stored pool comes back as it was.")
    expect(store.find_reviewer(project.id, "nobody") is None, "Unknown reviewers are None.")
    id = bench.add_reviewer("Ann")
    expect(store.find_reviewer(project.id, "Ann") == id, "A reviewer is found by name.")
    expect(store.reviewer_names(project.id) == {id: "Ann"}, "Reviewers' names are kept by id.")


def _check_leases(bench: Bench) -> None:
    bench.ask([5, 3, 4])
    ann, ben = bench.recorder.new_id(), bench.add_reviewer("Ben")
    ann = bench.store.find_reviewer(bench.project.id, "Ann") or ann
    mine = bench.lease(ann, limit=2)
    expect([r.item for r in mine] == [5, 3], "Requests are leased in order of priority.")
    expect([r.item for r in bench.lease(ben, limit=9)] == [4], "A leased request is nobody else's.")
    expect([r.item for r in bench.lease(ann, limit=9)] == [5, 3], "A reviewer's own lease renews.")
    late = bench.lease(ben, limit=9, now=2 * MINUTE)
    expect([r.item for r in late] == [5, 3, 4], "What was leased and not answered comes back.")
    bench.store.release(bench.project.id, ben)
    expect([r.item for r in bench.lease(ann)] == [5], "What is given back can be leased.")
    bench.store.skip(bench.project.id, mine[0].id, ann, [], now=bench.recorder.now())
    bench.store.release(bench.project.id, ann)
    left = [r.item for r in bench.lease(ann, limit=9)]
    expect(left == [3, 4, 5], "A skipped request goes behind the others.")
    bench.store.release(bench.project.id, ann)
    counts = bench.store.queue_counts(bench.project.id, 1)
    expect((counts.open, counts.answered, counts.skipped) == (3, 0, 1), "The queue is counted.")


def _check_answers(bench: Bench) -> None:
    ann = bench.store.find_reviewer(bench.project.id, "Ann") or ""
    label = Chosen((labels_of(bench.project.question) or ("",))[0])
    (request,) = bench.lease(ann)
    sent = new_id()
    expect(bench.answer(request, ann, label, id=sent), "A first answer counts.")
    expect(bench.answer(request, ann, label, id=sent), "Sent again, it is the same answer.")
    expect_refusal(
        lambda: bench.answer(request, ann, CANNOT_SAY, id=sent),
        "Another answer under the same id",
    )
    expect(not bench.answer(request, ann, CANNOT_SAY), "A second answer does not count.")
    (review,) = bench.store.reviews(bench.project, 1)
    expect(review.answer == label, "The first answer stands.")
    expect(review.item == request.item, "An answer belongs to its item.")
    bench.ask([request.item])
    expect(
        request.item not in [r.item for r in bench.lease(ann, limit=9)],
        "An answered item is not asked again.",
    )


def _check_undo(bench: Bench) -> None:
    ann = bench.store.find_reviewer(bench.project.id, "Ann") or ""
    (review,) = bench.store.recent(bench.project, ann, 9)
    expect(bench.store.answered_by(bench.project.id, 1, ann) == 1, "Answers are counted.")
    undone = bench.event("answer.undone", {"pool": 1, "item": review.item, "answer": review.event})
    again = bench.store.undo(bench.project, review, [undone])
    expect(again.item == review.item, "Undo gives the request of the answer taken back.")
    expect(bench.store.reviews(bench.project, 1) == [], "An answer taken back does not stand.")
    expect(bench.store.recent(bench.project, ann, 9) == [], "Nothing else is left to undo.")
    (pool,) = bench.store.pools(bench.project.id)
    expect(pool.undone == 1, "A pool counts what was taken back.")
    expect_refusal(
        lambda: bench.store.ask(bench.project.id, 1, [], [], undone=0),
        "A step of the loop that did not see an answer taken back",
    )
    expect_refusal(
        lambda: bench.store.undo(
            bench.project,
            review,
            [bench.event("answer.undone", {"pool": 1, "item": 0, "answer": review.event})],
        ),
        "Taking an answer back twice",
    )
    expect(bench.lease(ann)[0].item == review.item, "It is the first in the queue again.")
    expect(bench.answer(again, ann, CANNOT_SAY), "It can be answered again.")


def _check_all_or_nothing(bench: Bench) -> None:
    """An event that is there already takes the change it came with down."""
    twice = bench.event("run.started", {"signoff": "check"})
    bench.store.record(bench.project.id, [twice])
    wanted = NewRequest(id=new_id(), item=9, reason="random", priority=0)
    expect_refusal(
        lambda: bench.store.ask(bench.project.id, 1, [wanted], [twice], undone=1),
        "An event that is stored already",
    )
    open_now = bench.store.queue_counts(bench.project.id, 1).open
    expect(open_now == 2, "A change whose event cannot be stored must not be stored either.")


def _check_decisions(bench: Bench) -> None:
    store, project = bench.store, bench.project
    answers = {r.item: r.answer for r in store.reviews(project, 1) if r.answer is not None}
    batch = bench.decisions(answers)
    name = project.question.name
    body: Json = {"pool": 1, "question": name, "by": "reviewers", "batch": batch.reference()}
    learned = Round(
        pool=1, number=1, answers=1, reason="uncertain", model=None, forecast=None, scores={}
    )
    store.decide(
        project.id,
        1,
        {name: batch},
        [bench.event("decisions.made", body)],
        by="reviewers",
        phase="closed",
        undone=1,
        round=learned,
    )
    (pool,) = store.pools(project.id)
    expect(pool.phase == "closed", "Deciding changes the phase.")
    expect(pool.people_roots == {name: batch.root}, "A pool names its decisions by question.")
    back = store.batch(project.id, "decisions", batch.root)
    expect(list(back.private) == list(batch.private), "Decisions come back as they were sealed.")
    expect(back.commitments == batch.commitments, "Their commitments come back.")
    expect(np.array_equal(back.ints, batch.ints), "Their numbers come back.")
    expect(store.rounds(project.id, 1) == [learned], "A round comes back as it was.")
    expect(store.audits(project.id, 1) == {}, "No audit is made up.")
    expect_refusal(lambda: store.batch(project.id, "decisions", "0" * 64), "An unknown batch")


def _check_log(bench: Bench) -> None:
    first = bench.store.checkpoint(bench.project.id)
    expect(first is not None, "A log with events has a checkpoint.")
    expect(bench.store.checkpoint(bench.project.id) == first, "Nothing new, no new checkpoint.")
    bench.store.record(bench.project.id, [bench.event("run.started", {"signoff": "check"})])
    expect(bench.store.checkpoint(bench.project.id) != first, "A new event, a new checkpoint.")
