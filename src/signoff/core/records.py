"""What a store keeps about a project, as the engine reads it.

Instants are microseconds since 1970 in UTC. Items are dense numbers in their pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from signoff.core.commitment import TestResult
from signoff.core.questions import Answer, Form, Question
from signoff.core.queueing import Outcome, QueueRules
from signoff.core.routing import AskAlways, Policy
from signoff.core.showing import HintTime, ItemKind

Phase = Literal["learning", "auditing", "finishing", "closed"]
AskReason = Literal[
    "start",
    "random",
    "uncertain",
    "audit",
    "review",
    "rule",
    "empty",
    "gold",
    "answered before",
]
CARRIED: AskReason = "answered before"
"""The reason of an answer nobody was asked for: a person gave it to an equal item before."""
ProjectKind = Literal["pool", "stream"]
RequestState = Literal["open", "answered", "withdrawn"]
CommentKind = Literal["comment", "flag"]
JobState = Literal["queued", "running", "done", "failed"]
Json = dict[str, object]
Roots = Mapping[str, str]
"""Roots of batches by the name of the question they are about."""
Answers = Mapping[str, Answer]
"""Answers to a form, by question name."""
Tokens = Mapping[str, Sequence[tuple[str, float]]]
"""The tokens that tell most of each label, with their weights, largest first."""


TextDirection = Literal["auto", "ltr", "rtl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """How a project is shown to people; may change at any time. ``guideline`` is Markdown."""

    guideline: str = ""
    blur: bool = False
    text_direction: TextDirection = "auto"
    hints: HintTime = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A form of questions, a policy and who answers: fixed by the first run; ``page`` is not."""

    id: str
    name: str
    form: Form
    policy: Policy
    rules: tuple[AskAlways, ...]
    process: Json
    model: str
    group: bool
    text_column: str | None
    key_column: str | None
    hidden: tuple[str, ...]
    key_id: str
    created: int
    kind: ProjectKind = "pool"
    item_kind: ItemKind = "text"
    page: PageSettings = field(default_factory=PageSettings)
    queue: QueueRules = field(default_factory=QueueRules)

    @property
    def overlap(self) -> int:
        """How many people answer each item, blind to each other."""
        return overlap_of(self.process)

    @property
    def question(self) -> Question:
        """The question of a project that asks one; see :attr:`Form.only`."""
        return self.form.only


def overlap_of(process: Mapping[str, object]) -> int:
    """How many answers an item needs in a human process; one where it says nothing."""
    answers = process.get("answers_per_item", 1)
    return answers if isinstance(answers, int) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rows that came in together: N items under one certificate for each question.

    ``frozen_roots``, ``model_roots`` and ``people_roots`` name batches by question: the frozen
    labels, and what the model and people decided.
    """

    project: str
    number: int
    rows: int
    items: int
    phase: Phase
    rows_root: str
    frozen_roots: Roots = field(default_factory=dict[str, str])
    model_roots: Roots = field(default_factory=dict[str, str])
    people_roots: Roots = field(default_factory=dict[str, str])
    forecast: Json | None = None
    undone: int = 0
    """How many answers were taken back: what the loop works out stands only if none was since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """An ask that waits in the queue or was answered."""

    id: str
    pool: int
    item: int
    reason: AskReason
    priority: int
    state: RequestState
    key: str = ""
    shown: Json | None = None
    """What people see of the item: ``text`` and ``data``; None once it was erased."""
    gold: int | None = None
    """The known answer it checks, if it does."""
    leased_until: int | None = None
    """When the lease ends of the reviewer it was leased to just now."""
    hint: Json | None = None
    """What the machine said of the item when it was asked: see :mod:`signoff.core.hints`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One person's answers to one item."""

    id: str
    request: str
    pool: int
    item: int
    reviewer: str
    answers: Answers | None
    """None once the item was erased."""
    seconds: float | None
    at: int
    reason: AskReason
    phase: Phase
    event: str
    key: str = ""
    shown: Json | None = None
    gold: int | None = None
    sealed: bool = False
    """Its reviewer saw what others said of the item: it can no longer be taken back."""

    def to(self, question: str) -> Answer | None:
        """The answer to one question; None once the item was erased."""
        return None if self.answers is None else self.answers[question]

    @property
    def answer(self) -> Answer | None:
        """The answer to the only question of a form; None once the item was erased."""
        if self.answers is None:
            return None
        (answer,) = self.answers.values()
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One question's attempt at a certificate: what was committed, its secret seed, and what
    came of it."""

    pool: int
    question: str
    attempt: int
    committed: Json
    seed: bytes
    seed_chosen_by: Literal["system", "operator"]
    certificate: Json | None = None
    results: tuple[TestResult, ...] | None = None
    """Per test, once the verdicts are sealed."""
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of learning: what the machine knew and expected after so many answers."""

    pool: int
    number: int
    answers: int
    reason: str
    model: str | None
    forecast: Json | None
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One private value an event commits to, kept beside the log in a deletable row."""

    name: str
    salt: bytes
    value: str
    pool: int | None = None
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event ready to be stored with the change it tells of."""

    id: str
    type: str
    at: int
    canonical: str
    content: tuple[Content, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request to open, with what people are shown: the item's key, ``text`` and ``data``.

    ``audience``: the tag of those who are asked, "" for everybody. ``due``: an instant, if any.
    ``hint``: what the machine says of the item, where the project shows that.
    """

    id: str
    item: int
    reason: AskReason
    priority: int
    key: str = ""
    shown: Json | None = None
    audience: str = ""
    due: int | None = None
    hint: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """Answers to store. The same ``id`` again is the same review sent again."""

    id: str
    request: OpenRequest
    reviewer: str
    answers: Answers
    seconds: float | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedAnswer:
    """A person's answers to an item of an earlier pool, taken over for an equal item.

    Where several people answered the item, their answers share one ``request``.
    """

    id: str
    request: NewRequest
    reviewer: str
    answers: Answers
    event: NewEvent


Tell = Callable[[NewReview, bool], NewEvent]
"""The event of a review, given whether it counts: the answers do that an item needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A request whose time ran out, and for whom it is from now on."""

    id: str
    pool: int
    item: int
    due: int
    outcome: Outcome
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment:
    """A comment to store. The same ``id`` again is the same comment sent again."""

    id: str
    request: str
    pool: int
    item: int
    reviewer: str
    kind: CommentKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said of an item; ``text`` is None once it was erased."""

    id: str
    request: str
    reviewer: str
    kind: CommentKind
    text: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGold:
    """An item whose answer is known. ``shown`` is None where it is that of an answered item."""

    number: int
    key: str
    answers: Answers
    shown: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """An item whose answer is known; its ``answers`` are JSON. Nothing is left once erased."""

    number: int
    key: str | None
    shown: Json | None
    answers: Json | None
    retired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstManager:
    """The account that begins a project, and the event of the role it gets there."""

    account: str
    event: NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldScore:
    """How often a reviewer was right where the answer is known."""

    reviewer: str
    answers: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in a project, as seen by one reviewer: for others than this one, and for whom.

    ``second``: items this reviewer is done with wait for a further person. ``assigned``: items wait
    for others with some skill. ``held_until``: when the first of the leases of others ends.
    ``with_you``: this reviewer holds items.
    """

    second: bool = False
    assigned: bool = False
    held_until: int | None = None
    with_you: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCounts:
    """What one reviewer did. ``mine``: answers that count in the newest pool; ``known``: how many
    items with a known answer there are, ``checked``: how many of them this reviewer answered."""

    mine: int
    known: int
    checked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How many requests of a pool wait, by what people see: nothing of the reasons.

    ``skipped`` counts skips, several of one item included; ``answers`` the answers that people
    gave in this pool and that count, several of one item included: none that was carried over.
    """

    open: int
    answered: int
    skipped: int
    answers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work that a worker does: waiting, under way, or over.

    ``project`` is None where the job makes one, until it has. ``due``: not taken before then.
    ``error`` holds ``code``, ``message`` and ``hint`` of the last attempt that failed; ``result``
    what a done job made.
    """

    id: str
    project: str | None
    kind: str
    body: Json
    state: JobState
    attempts: int
    due: int
    created: int
    updated: int
    error: Json | None = None
    result: Json | None = None
    leased_by: str | None = None
    leased_until: int | None = None
    idempotency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """A job's end, to be stored with what the job made: both or neither."""

    id: str
    worker: str
    result: Json
    at: int
