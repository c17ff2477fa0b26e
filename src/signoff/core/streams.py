"""What a store keeps about a stream: its windows, its items one by one, its models.

Instants are microseconds since 1970 in UTC. Items are dense numbers in their window, in the order
they arrived; admissions have numbers of their own, from 0 in each window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self, cast

from signoff.core.fields import FieldReader, as_json
from signoff.core.questions import Choice
from signoff.core.records import AskReason, Json, Project
from signoff.core.windows import EFFECTS, Effects, Ledger, WindowPlan
from signoff.errors import UsageError

Route = Literal["AUTO", "REVIEW"]
Why = Literal[
    "sure", "repeat", "learning", "unsure", "no_answer", "empty", "audits", "stopped", "held"
]
"""Why an item went where it did: the first two are AUTO."""

ItemState = Literal["admitted", "waiting", "decided"]
"""admitted: its coin has not fallen; waiting: for a person; decided: nothing is to come."""

REASONS: Mapping[Why, str] = {
    "sure": "The model is sure enough.",
    "repeat": "A person answered the same text in this window.",
    "learning": "The model is learning: too few answers by people so far.",
    "unsure": "The model is not sure enough.",
    "no_answer": "The model gave no answer.",
    "empty": "There is no text to decide on.",
    "audits": "Automation pauses: audits wait for people's answers.",
    "stopped": "Automation is off until the next window: audits found too many wrong labels.",
    "held": "The label is held: audits before it wait for people's answers.",
}
ASKED_AS: Mapping[Why, AskReason] = {
    "learning": "start",
    "unsure": "uncertain",
    "no_answer": "review",
    "empty": "empty",
    "audits": "review",
    "stopped": "review",
    "held": "review",
}
"""Why a person is asked, as requests keep it; an audit's is "audit"."""


def choice_of(project: Project) -> Choice:
    """The question a stream asks; raises :class:`UsageError` for any other."""
    (first, *others) = project.form.questions
    if others or not isinstance(first, Choice):
        raise UsageError(
            f"Project {project.name!r} asks something else than one choice.",
            hint="Streams decide one choice; label the rest with signoff run.",
        )
    return first


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """What is fixed for every window when a stream is made.

    ``undo_seconds``: how long an answer can be taken back before it counts and is told on.
    """

    items: int
    audit_rate: Decimal
    effects: Effects = "reversible"
    together: bool = False
    undo_seconds: int = 10

    def to_json(self) -> Json:
        """Plain JSON; decimals as text."""
        return as_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """The inverse of :meth:`to_json`; raises VerificationFailed on anything malformed."""
        read = FieldReader(value, "a stream's settings")
        return cls(
            items=read.integer("items", least=1),
            audit_rate=read.decimal("audit_rate"),
            effects=cast("Effects", read.one_of("effects", EFFECTS)),
            together=value.get("together") is True,
            undo_seconds=read.integer("undo_seconds"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """A stream as it stands: people's answers that count, and the model in use.

    ``fitted_at``: answers when the model was fitted last. ``fresh_from``: answers when the last
    alarm rang; those before it may tell of a world that is gone.
    """

    spec: StreamSpec
    answers: int
    model: str | None
    fitted_at: int
    fresh_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window and its counts. ``automatic``: labels of the model that left for good.

    ``ended``: how many items it was ended with, None where nobody ended it early.
    """

    number: int
    plan: WindowPlan
    seed_commitment: str
    seed_chosen_by: Literal["system", "operator"]
    started: int
    arrived: int = 0
    admitted: int = 0
    audited: int = 0
    tails: int = 0
    finds: int = 0
    open: int = 0
    automatic: int = 0
    repeats: int = 0
    alarmed: bool = False
    ended: int | None = None
    certificate: Json | None = None

    @property
    def name(self) -> str:
        """As coins are drawn for it."""
        return window_name(self.number)

    @property
    def ledger(self) -> Ledger:
        """What the coins so far have spent."""
        return Ledger(
            admitted=self.tails + self.audited, tails=self.tails, finds=self.finds, open=self.open
        )

    @property
    def size(self) -> int:
        """How many items it takes: N, or fewer where it was ended early."""
        return self.plan.items if self.ended is None else self.ended

    @property
    def is_full(self) -> bool:
        """Whether all its items have arrived."""
        return self.arrived >= self.size


def window_name(number: int) -> str:
    """What a window is called in coins and certificates: it is its own one attempt."""
    return f"{number}/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWindow:
    """A window to begin, with its secret seed."""

    window: Window
    seed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An item that came in, with what the model says of it.

    ``why`` is "sure" where the model's label may leave if the window lets it. ``digest`` names the
    content, so that the same key with other content can be refused.
    """

    id: str
    request: str
    key: str
    digest: str
    shown: Json
    why: Why
    label: str | None = None
    confidence: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamItem:
    """One item of a window.

    ``number``: its admission number, None where its label was not admitted. ``heads``: its coin.
    ``left``: whether the model's label went out. ``answer``: a person's, as JSON. ``request`` is
    the id of the request people see, fixed when the item arrived so that nothing in it tells
    whether an audit opened it.
    """

    window: int
    item: int
    id: str
    key: str
    digest: str
    shown: Json | None
    request: str
    why: Why
    state: ItemState
    at: int
    label: str | None = None
    confidence: float | None = None
    model: str | None = None
    number: int | None = None
    heads: bool | None = None
    left: bool = False
    answer: Json | None = None
    answered: int | None = None
    repeats: int | None = None

    @property
    def route(self) -> Route:
        """Where the caller was told to take it from."""
        return "AUTO" if self.left or self.why == "repeat" else "REVIEW"

    @property
    def is_corrected(self) -> bool:
        """Whether a person said otherwise after the label had left."""
        return self.left and self.answer is not None and self.answer != {"label": self.label}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What whoever sent an item is told of it.

    AUTO: ``answer`` may be used at once. It is ``provisional`` while a person audits it;
    ``corrected`` is what the person said where that is something else. REVIEW: ``request`` is what
    a person is asked; ``answer`` comes once they decided. Answers are JSON.
    """

    id: str
    key: str
    route: Route
    answer: Json | None
    by: Literal["model", "reviewers"] | None
    why: str
    provisional: bool
    corrected: Json | None
    confidence: float | None
    request: str | None
    window: int


def reply_of(item: StreamItem) -> Reply:
    """What an item's sender is told, the same again and again until a person adds to it."""
    answer: Json | None = {"label": item.label} if item.left else item.answer
    return Reply(
        id=item.id,
        key=item.key,
        route=item.route,
        answer=answer,
        by=None if answer is None else "model" if item.left else "reviewers",
        why=REASONS[item.why],
        provisional=item.left and item.state == "waiting",
        corrected=item.answer if item.is_corrected else None,
        confidence=item.confidence,
        request=item.request if item.route == "REVIEW" else None,
        window=item.window,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A person's answer that was sealed now: to which item, as JSON, in which review."""

    item: StreamItem
    answer: Json
    review: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamModel:
    """A fitted model as it is kept: where its arrays are, its calibration and its threshold.

    ``sha256`` names the file of its arrays, None for a model that stays as it is. ``threshold`` is
    the least calibrated confidence that is sure enough.
    """

    version: str
    answers: int
    sha256: str | None
    calibration: Json
    threshold: float
    scores: Mapping[str, float]
    at: int
