"""What the engine needs from the outside, as Protocols.

Adapters live in ``models/`` (Model, Learner), ``learning/`` (PoolStrategy), ``store/`` (Store) and
in whoever answers (Reviewer). The engine imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.batches import Batch, BatchName, StoredBatch
from signoff.core.certification import SliceTest as SliceTest
from signoff.core.coding import Codes
from signoff.core.hints import Advice, Alike, ShownHint
from signoff.core.items import Answers, Item, ItemNumber, Items, Predictions
from signoff.core.process import Source
from signoff.core.questions import Form, Given, Question
from signoff.core.records import (
    AskReason,
    Audit,
    CarriedAnswer,
    Comment,
    Expired,
    NewComment,
    NewEvent,
    NewRequest,
    NewReview,
    OpenRequest,
    OwnCounts,
    Phase,
    Pool,
    Project,
    QueueCounts,
    Review,
    Round,
    Tell,
    Waiting,
)
from signoff.core.showing import HintTime

# ---------------------------------------------------------------------------- models


@runtime_checkable
class Model(Protocol):
    """Predicts answers. ``version`` is a hash of everything its predictions depend on."""

    @property
    def version(self) -> str: ...
    def predict(self, items: Items) -> Predictions: ...


@runtime_checkable
class Learner(Protocol):
    """Turns answers into a model.

    A learner may keep features of ``items.base`` (the whole pool) between calls; it must give the
    same model for the same items, answers and ``rng`` state whatever it was called with before.
    """

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> Model: ...


@runtime_checkable
class Explains(Protocol):
    """A model that can say which tokens speak for a label."""

    def top_tokens(self, label: int, limit: int) -> list[tuple[str, float]]:
        """The tokens that add most to this label's score, with their weight, largest first."""
        ...

    def explain(self, text: str, label: int, limit: int) -> list[tuple[str, float]]:
        """Each token's exact contribution to this label's score for this text, largest
        magnitude first."""
        ...


# ------------------------------------------------------------- learning from a pool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """Everything a strategy may know about a pool: answers, never a coming coin.

    - ``items``: the whole pool, n items.
    - ``labels``: k label ids.
    - ``eligible`` (n,) bool: items the model may decide (not empty, no rule says "a person").
    - ``asked`` (a,) int64: positions answered so far, in order of asking; ``codes`` (a,) int64:
      the answer's label code, -1 for "cannot say"; ``reasons``: why each was asked.
    - ``slices`` (n,) int64: index into ``tests``.
    - ``tests``: one per slice (one for the whole pool when there are no slices). Empty when the
      policy promises nothing (``threshold``).
    - ``budget``: items that people may still answer, None for no limit.
    - ``earlier``: items and answers of the project's earlier pools, to learn from.
    """

    items: Items
    labels: tuple[str, ...]
    eligible: NDArray[np.bool_]
    asked: NDArray[np.int64]
    codes: NDArray[np.int64]
    reasons: Sequence[AskReason]
    slices: NDArray[np.int64]
    tests: Sequence[SliceTest]
    budget: int | None = None
    earlier: tuple[Items, Answers] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the plan expects, in human answers: so far, and still to come."""

    answered: int
    learning: int
    audit: int
    review: int
    automatic: int

    @property
    def remaining(self) -> int:
        """Answers people are still expected to give."""
        return self.learning + self.audit + self.review


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The strategy wants these positions answered next (most useful first)."""

    positions: NDArray[np.int64]
    reason: AskReason
    forecast: Forecast | None
    model_version: str | None = None
    scores: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """The strategy is done learning: labels and order are fixed, the audit can be drawn.

    ``order`` (n',) int64: positions of the unanswered eligible items that have a label, most
    confident first, ties by item key. ``codes`` (n',) and ``confidence`` (n',) in that order:
    the frozen label and its calibrated probability of being right. ``audits``: for each test of
    the state, how many of its items to sample (rule P's m). ``predictions``: for the whole pool.
    """

    order: NDArray[np.int64]
    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    audits: Sequence[int]
    forecast: Forecast
    model: Model | None
    predictions: Predictions
    pool_confidence: NDArray[np.float64]
    scores: dict[str, float] = field(default_factory=dict[str, float])


class PoolStrategy(Protocol):
    """Says what to do next with a pool: ask more, or stop learning.

    Stateless as to the result: the same state and ``rng`` give the same step (so a killed run
    resumes where it was); it may cache features and fits.
    """

    def step(self, state: PoolState, *, rng: np.random.Generator) -> Ask | Freeze: ...


@runtime_checkable
class Advises(Protocol):
    """A strategy that can tell people what its model says of items."""

    def advise(self, state: PoolState, positions: NDArray[np.int64]) -> Advice | None:
        """What the model says of these items as things stand; None before there is a model."""
        ...

    def settled(self, state: PoolState) -> Model | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """How a machine answers one question: the strategy of its pools, and what its codes mean."""

    strategy: PoolStrategy
    codes: Codes


# --------------------------------------------------------------------- a pool's items


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """A pool's items as the engine needs them; columnar over n items.

    - ``keys``: the key of each item (of its first row); ``rows``: how many rows each stands for.
    - ``blank`` (n,) bool: nothing to decide on (an empty text): people only, never the model.
    - ``ruled`` (n,) bool: a rule sends the item to people.
    - ``slices`` (n,) int64 into ``slice_names``; all 0 and ``()`` without slices.
    - ``audiences``: the tag of the people who alone are asked, of the items that have one.
    - ``erased`` (n,) bool: items whose content was removed for ever: nobody can decide them.
    - ``telling``: columns that hold labels: shown to people, they would answer for them.
    """

    items: Items
    keys: Sequence[str]
    rows: NDArray[np.int64]
    blank: NDArray[np.bool_]
    ruled: NDArray[np.bool_]
    erased: NDArray[np.bool_]
    slices: NDArray[np.int64]
    slice_names: tuple[str, ...]
    telling: frozenset[str] = frozenset()
    audiences: Mapping[int, str] = field(default_factory=dict[int, str])

    def __len__(self) -> int:
        return len(self.keys)

    def for_people(self, number: int) -> Item:
        """One item as people are shown it: without telling columns."""
        item = self.item(number)
        data = {name: value for name, value in item.data.items() if name not in self.telling}
        return replace(item, data=data)

    def item(self, number: int) -> Item:
        """One item with all its columns."""
        one = self.items.take([number])
        data = {name: one.column(name)[0] for name in one.names}
        text = one.texts[0] if one.text_column is not None else _fields(data)
        return Item(number=ItemNumber(number), key=self.keys[number], text=text, data=data)


def _fields(data: Mapping[str, object]) -> str:
    """An item without a text column, as lines of its fields."""
    return "\n".join(f"{name}: {value}" for name, value in data.items())


# --------------------------------------------------------------------------- storage


class Store(Protocol):
    """What the engine keeps where: each method is one transaction (see ``store.store``)."""

    def pools(self, project: str) -> list[Pool]: ...
    def add_pool(
        self,
        pool: Pool,
        batch: Batch,
        table: object,
        events: Sequence[NewEvent],
        carried: Sequence[CarriedAnswer] = (),
        *,
        blobs: Iterable[tuple[str, bytes]] = (),
    ) -> None: ...
    def batch(self, project: str, name: BatchName, root: str) -> StoredBatch: ...
    def batch_size(self, project: str, root: str) -> int: ...
    def seconds_per_answer(self, project: str, pool: int) -> float | None: ...
    def ask(
        self,
        project: str,
        pool: int,
        requests: Sequence[NewRequest],
        events: Sequence[NewEvent],
        *,
        undone: int,
        round: Round | None = None,
        phase: Phase | None = None,
    ) -> None: ...
    def commit_audit(
        self,
        project: str,
        audits: Sequence[Audit],
        frozen: Mapping[str, Batch],
        requests: Sequence[NewRequest],
        events: Sequence[NewEvent],
        *,
        undone: int,
        round: Round,
    ) -> None: ...
    def decide(
        self,
        project: str,
        pool: int,
        decisions: Mapping[str, Batch],
        events: Sequence[NewEvent],
        *,
        by: str,
        phase: Phase,
        undone: int,
        audits: Sequence[Audit] = (),
        round: Round | None = None,
    ) -> None: ...
    def rounds(self, project: str, pool: int) -> list[Round]: ...
    def audits(self, project: str, pool: int) -> dict[str, Audit]: ...
    def find_reviewer(
        self, project: str, name: str, *, account: str | None = None
    ) -> str | None: ...
    def add_reviewer(
        self,
        project: str,
        id: str,
        name: str,
        kind: str,
        events: Sequence[NewEvent],
        *,
        account: str | None = None,
    ) -> None: ...
    def reviewer_names(self, project: str) -> dict[str, str]: ...
    def reviewer_sources(self, project: str) -> dict[str, Source]: ...
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
    ) -> list[OpenRequest]: ...
    def renew(
        self, project: str, reviewer: str, holding: Sequence[str], *, until: int
    ) -> frozenset[str]: ...
    def request(self, project: str, id: str) -> OpenRequest | None: ...
    def release(self, project: str, reviewer: str, only: Sequence[str] | None = None) -> None: ...
    def skip(
        self,
        project: str,
        request: str,
        reviewer: str,
        events: Sequence[NewEvent],
        *,
        now: int,
        for_good: bool = False,
    ) -> None: ...
    def answer(self, project: Project, given: Sequence[NewReview], tell: Tell) -> list[bool]: ...
    def recent(self, project: Project, reviewer: str, limit: int) -> list[Review]: ...
    def answered_by(self, project: str, pool: int, reviewer: str) -> int: ...
    def undo(self, project: Project, review: Review, events: Sequence[NewEvent]) -> OpenRequest: ...
    def reviews(self, project: Project, pool: int) -> list[Review]: ...
    def comment(self, project: str, comment: NewComment, event: NewEvent) -> None: ...
    def thread(
        self, project: str, request: str, reviewer: str, *, blind: bool, everything: bool = False
    ) -> list[Comment]: ...
    def own_counts(self, project: str, reviewer: str) -> OwnCounts: ...
    def waiting_for(self, project: str, reviewer: str) -> Waiting: ...
    def expire_requests(
        self, project: Project, tell: Callable[[Expired], NewEvent], *, now: int
    ) -> int: ...
    def queue_counts(self, project: str, pool: int) -> QueueCounts: ...
    def hint_time(self, project: str) -> HintTime: ...
    def has_answered(self, project: str, request: str, reviewer: str) -> bool: ...
    def decided(self, project: Project, pool: int, items: Sequence[int]) -> dict[int, Alike]: ...
    def record(self, project: str, events: Sequence[NewEvent]) -> None: ...
    def checkpoint(self, project: str) -> str | None: ...


# -------------------------------------------------------------------------- people


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One item waiting for one person's answers. Carries nothing that tells why it is asked, and
    nothing of the machine where a certificate rests on the answer."""

    id: str
    item: Item
    form: Form
    until: int = 0
    """When the lease ends, in microseconds since 1970."""
    hint: ShownHint | None = None
    """What the machine says, where the project shows that before the answer."""

    @property
    def question(self) -> Question:
        """The question of a form that has one; see :attr:`Form.only`."""
        return self.form.only


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a pool stands, for whoever watches.

    ``bound`` is the live statement: at most this share of all labels would be wrong if the run
    stopped here (None before it can be said).
    """

    pool: int
    phase: Literal["learning", "auditing", "finishing", "closed"]
    items: int
    rows: int
    answered: int
    automatic: int
    open: int
    forecast: Forecast | None
    seconds_per_answer: float | None
    bound: float | None
    budget_left: int | None = None

    @property
    def minutes_left(self) -> float | None:
        """Forecast of the time people still need."""
        if self.forecast is None or self.seconds_per_answer is None:
            return None
        return self.forecast.remaining * self.seconds_per_answer / 60


class Desk(Protocol):
    """One reviewer's place at the queue."""

    def next(self) -> Request | None:
        """The next item; None when the machine must think first or all is done."""
        ...

    def answer(self, request: Request, answer: Given, *, seconds: float) -> object:
        """Store the answers to one item; returns once they are durable."""
        ...

    def answer_many(self, answers: Sequence[tuple[Request, Given]]) -> None:
        """Store the answers to several items in one durable step (for reviewers that are no
        people)."""
        ...

    def next_many(self, limit: int) -> list[Request]: ...
    def skip(self, request: Request, reason: str | None = None, *, for_good: bool = False) -> None:
        """Put the item back, behind the others; ``for_good``: for somebody else."""
        ...

    def undo(self) -> Request | None:
        """Take back this reviewer's last answer while that is still possible; the item again."""
        ...

    def progress(self) -> Progress: ...


class Reviewer(Protocol):
    """Someone who answers: a person at a terminal, a column of the data, a callable, a model."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["person", "column", "callable", "model"]: ...
    def review(self, desk: Desk) -> bool:
        """Answer until ``desk.next()`` gives None; False when the reviewer wants to stop."""
        ...
