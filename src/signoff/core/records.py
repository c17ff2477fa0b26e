"""What a store keeps about a project, as the engine reads it.

Instants are microseconds since 1970 in UTC. Items are dense numbers in their pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from signoff.core.commitment import TestResult
from signoff.core.questions import Answer, Choice
from signoff.core.routing import AskAlways, Policy

Phase = Literal["learning", "auditing", "finishing", "closed"]
AskReason = Literal[
    "start", "random", "uncertain", "audit", "review", "rule", "empty", "answered before"
]
CARRIED: AskReason = "answered before"
"""The reason of an answer nobody was asked for: a person gave it to an equal item before."""
RequestState = Literal["open", "leased", "answered", "withdrawn"]
JobState = Literal["queued", "running", "done", "failed"]
Json = dict[str, object]
Tokens = Mapping[str, Sequence[tuple[str, float]]]
"""The tokens that tell most of each label, with their weights, largest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A question, a policy and who answers: fixed by the first run."""

    id: str
    name: str
    question: Choice
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Rows that came in together: N items under one certificate."""

    project: str
    number: int
    rows: int
    items: int
    phase: Phase
    rows_root: str
    frozen_root: str | None = None
    model_root: str | None = None
    people_root: str | None = None
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
    leased_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One person's answer to one item."""

    id: str
    request: str
    pool: int
    item: int
    reviewer: str
    answer: Answer | None
    """None once the item was erased."""
    seconds: float | None
    at: int
    reason: AskReason
    phase: Phase
    event: str
    key: str = ""
    shown: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One attempt at a certificate: what was committed, its secret seed, and what came of it."""

    pool: int
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
    """A request to open, with what people are shown: the item's key, ``text`` and ``data``."""

    id: str
    item: int
    reason: AskReason
    priority: int
    key: str = ""
    shown: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """An answer to store. The same ``id`` again is the same answer sent again."""

    id: str
    request: OpenRequest
    reviewer: str
    answer: Answer
    seconds: float | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedAnswer:
    """A person's answer to an item of an earlier pool, taken over for an equal item."""

    id: str
    request: NewRequest
    reviewer: str
    answer: Answer
    event: NewEvent


Tell = Callable[[NewReview, bool], NewEvent]
"""The event of a review, given whether it counts: the first answer to its item does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """How many requests of a pool wait, by what people see: nothing of the reasons.

    ``skipped`` counts skips, several of one item included; ``carried`` those of the ``answered``
    that hold an answer given to an equal item of an earlier pool.
    """

    open: int
    answered: int
    skipped: int
    carried: int = 0

    @property
    def given(self) -> int:
        """Answers people gave in this pool."""
        return self.answered - self.carried


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
