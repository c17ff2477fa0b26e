"""A queue in memory with the desks around it: what the server is given in place of a store."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from signoff.core.hints import ShownHint
from signoff.core.items import Item, ItemNumber
from signoff.core.questions import Choice, Form, answers_to_json
from signoff.core.records import Answers, CommentKind, Gold, Json, OwnCounts, Phase, Project
from signoff.core.records import Waiting as Waits
from signoff.core.routing import Certified, People, Policy
from signoff.errors import NotLeased, OtherAnswer, Settled
from signoff.loop.revealing import Revealed
from signoff.managing import Known, Person
from signoff.ports import Forecast, Progress
from signoff.server.desks import Standing

QUESTION = Choice.of(["Positive", "Negative"])
NOW = 1_700_000_000_000_000
REASON = "audit-of-the-sample"
PREDICTED = "predicted-to-be-Positive"
"""Marks of why an item is asked and what the model says: no response may hold them."""


def make_project(name: str = "reviews", *, policy: Policy | None = None) -> Project:
    return Project(
        id=str(uuid.uuid4()),
        name=name,
        form=Form((QUESTION,)),
        policy=policy or Certified(),
        rules=(),
        process={},
        model="text",
        group=True,
        text_column="text",
        key_column=None,
        hidden=("label",),
        key_id="0" * 64,
        created=NOW,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    id: str
    item: Item
    until: int
    hint: ShownHint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    requests: list[Request]
    lost: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    id: str
    request: str
    counted: bool
    hint: ShownHint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    id: str
    request: str
    item: Item
    answers: Answers
    at: int
    undoable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    request: Request
    answers: Answers


@dataclass(slots=True)
class Waiting:
    """A request with what no reviewer may learn of it."""

    id: str
    item: Item
    reason: str = REASON
    predicted: str = PREDICTED
    leased_by: str | None = None
    state: str = "open"
    skips: int = 0


@dataclass(slots=True)
class Given:
    id: str
    request: str
    reviewer: str
    answers: Answers
    counted: bool
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    id: str
    request: str
    author: str
    text: str
    mine: bool
    kind: CommentKind = "comment"
    at: int = NOW


@dataclass(slots=True)
class Queue:
    """One project's requests and reviews."""

    project: Project
    waiting: dict[str, Waiting]
    given: list[Given] = field(default_factory=list[Given])
    flags: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    said: list[Said] = field(default_factory=list[Said])
    gold: list[Gold] = field(default_factory=list[Gold])
    assigned: list[tuple[str, str | None, list[str]]] = field(
        default_factory=list[tuple[str, "str | None", "list[str]"]]
    )
    tags: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    skipped_why: list[str | None] = field(default_factory=list[str | None])
    phase: Phase = "auditing"
    paused: str | None = None
    certificate: Json | None = None
    failure: Exception | None = None
    reads: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def of(cls, project: Project, items: int = 6) -> Queue:
        requests = [str(uuid.uuid4()) for _ in range(items)]
        return cls(
            project,
            {
                id: Waiting(
                    id,
                    Item(
                        number=ItemNumber(at),
                        key=f"key-{at}",
                        text=f"text of item {at}",
                        data={"text": f"text of item {at}", "stars": at},
                    ),
                )
                for at, id in enumerate(requests)
            },
        )

    def standing(self) -> Standing:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        answered = sum(each.state == "answered" for each in self.waiting.values())
        waiting = len(self.waiting) - answered
        progress = Progress(
            pool=1,
            phase=self.phase,
            items=len(self.waiting),
            rows=len(self.waiting),
            answered=answered,
            automatic=0,
            open=waiting,
            forecast=Forecast(answered=answered, learning=0, audit=waiting, review=0, automatic=0),
            seconds_per_answer=6.0,
            bound=0.5,
        )
        return Standing(progress=progress, paused=self.paused)


@dataclass(frozen=True, slots=True)
class MemoryDesk:
    """A reviewer's place at a queue in memory."""

    queue: Queue
    reviewer: str

    def lease(self, limit: int, /, *, holding: Sequence[str] = ()) -> Lease:
        with self.queue.lock:
            free = [each for each in self.queue.waiting.values() if each.state == "open"]
            free.sort(key=lambda each: each.skips)
            for each in free[:limit]:
                each.state, each.leased_by = "leased", self.reviewer
            return Lease(
                requests=[_request(each) for each in free[:limit]],
                lost=[id for id in holding if not self._holds(id)],
            )

    def _holds(self, id: str) -> bool:
        found = self.queue.waiting.get(id)
        return found is not None and found.state == "leased" and found.leased_by == self.reviewer

    def give_back(self, requests: Sequence[str], /) -> None:
        for id in requests:
            if self._holds(id):
                self.queue.waiting[id].state = "open"

    def _asked(self, id: str) -> Waiting:
        found = self.queue.waiting.get(id)
        if found is None:
            raise NotLeased("There is no such request.", hint="Load the page again.")
        return found

    def answer(
        self,
        request: str,
        answers: Answers,
        /,
        *,
        seconds: float | None,
        id: str | None = None,
        note: str | None = None,
    ) -> Receipt:
        with self.queue.lock:
            asked = self._asked(request)
            for given in self.queue.given:
                if given.id == id:
                    if (given.answers, given.request) != (answers, request):
                        raise OtherAnswer(answers_to_json(given.answers), answers_to_json(answers))
                    return Receipt(id=given.id, request=request, counted=given.counted)
            counted = asked.state != "answered"
            asked.state = "answered"
            given = Given(id or str(uuid.uuid4()), request, self.reviewer, answers, counted)
            self.queue.given.append(given)
            return Receipt(id=given.id, request=request, counted=counted)

    def skip(self, request: str, /, reason: str | None = None, *, for_good: bool = False) -> None:
        asked = self._asked(request)
        asked.state, asked.skips = "open", asked.skips + 1
        self.queue.skipped_why.append(reason)

    def flag(self, request: str, note: str, /) -> None:
        self._asked(request)
        self.queue.flags.append((request, note))

    def take_back(self, review: str | None = None, /) -> Undone:
        with self.queue.lock:
            mine = [each for each in self.queue.given if each.reviewer == self.reviewer]
            found = next((each for each in mine[::-1] if review in (None, each.id)), None)
            if found is None or found.settled:
                raise Settled("There is no answer that can be taken back.", hint="Go on.")
            self.queue.given.remove(found)
            asked = self.queue.waiting[found.request]
            asked.state, asked.leased_by = "leased", self.reviewer
            return Undone(request=_request(asked), answers=found.answers)

    def recent(self, limit: int, /) -> list[Recent]:
        mine = [each for each in self.queue.given if each.reviewer == self.reviewer]
        return [
            Recent(
                id=each.id,
                request=each.request,
                item=self.queue.waiting[each.request].item,
                answers=each.answers,
                at=NOW,
                undoable=not each.settled,
            )
            for each in mine[::-1][:limit]
        ]

    def waiting(self) -> Waits:
        others = any(each.state == "leased" for each in self.queue.waiting.values())
        return Waits(held_until=NOW if others else None)

    def hint(self, request: str, /) -> Revealed:
        self._asked(request)
        return Revealed(why="This project shows no hints.")

    def comment(self, request: str, text: str, /, *, id: str | None = None) -> None:
        self._asked(request)
        self.queue.said.append(
            Said(id or str(uuid.uuid4()), request, self.reviewer, text=text, mine=True)
        )

    def thread(self, request: str, /, *, everything: bool = False) -> list[Said]:
        self._asked(request)
        return [
            replace(each, mine=each.author == self.reviewer)
            for each in self.queue.said
            if each.request == request and (everything or each.author == self.reviewer)
        ]

    def counts(self) -> OwnCounts:
        mine = sum(each.reviewer == self.reviewer for each in self.queue.given)
        return OwnCounts(mine=mine, known=len(self.queue.gold), checked=0)


def _request(waiting: Waiting) -> Request:
    return Request(id=waiting.id, item=waiting.item, until=NOW)


@dataclass(frozen=True, slots=True)
class MemoryManager:
    """What managers do, in memory."""

    queue: Queue

    def people(self) -> list[Person]:
        return [
            Person(id=id, name=id, tags=tags, answers=0, gold_answers=0, gold_right=0)
            for id, tags in self.queue.tags.items()
        ]

    def tag(self, reviewer: str, tags: Sequence[str], /) -> None:
        self.queue.tags[reviewer] = list(tags)

    def assign(self, request: str, /, *, tag: str | None, people: Sequence[str]) -> None:
        if request not in self.queue.waiting:
            raise NotLeased("There is no such request.", hint="Load the page again.")
        self.queue.assigned.append((request, tag, list(people)))

    def plant(self, known: Sequence[Known], /) -> list[int]:
        first = len(self.queue.gold) + 1
        for at, each in enumerate(known):
            answers = answers_to_json(each.answers)
            self.queue.gold.append(
                Gold(
                    number=first + at,
                    key=each.key,
                    shown=each.shown,
                    answers=answers,
                    retired=False,
                )
            )
        return [first + at for at in range(len(known))]

    def gold(self) -> list[Gold]:
        return self.queue.gold


@dataclass(frozen=True, slots=True)
class Memory:
    """Projects and desks of the queues in memory."""

    queues: Mapping[str, Queue]

    @classmethod
    def of(cls, *projects: Project) -> Memory:
        return cls({project.id: Queue.of(project) for project in projects})

    def all(self) -> list[Project]:
        return [queue.project for queue in self.queues.values()]

    def find(self, id: str) -> Project | None:
        queue = self.queues.get(id)
        return None if queue is None else queue.project

    def standing(self, project: Project) -> Standing | None:
        return self.queues[project.id].standing()

    def certificate(self, project: Project) -> Json | None:
        return self.queues[project.id].certificate

    def knows(self, project: Project, reviewer: str, account: str | None = None, /) -> bool:
        return False

    def manager(self, project: Project) -> MemoryManager:
        return MemoryManager(self.queues[project.id])

    def __call__(
        self, project: Project, reviewer: str, account: str | None = None, /
    ) -> MemoryDesk:
        return MemoryDesk(self.queues[project.id], reviewer)

    looking = __call__


def with_policy_of_people(project: Project) -> Project:
    return replace(project, policy=People())
