"""Requests and responses as JSON: strict models, which are also the OpenAPI document.

A field that a request does not know is refused. Answers are JSON objects whose form the question
decides.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from signoff.core.people import Role

MOST_LEASED = 50
MOST_HELD = 500
DAY_SECONDS = 86_400.0
PLAIN: dict[str, JsonValue] = {"pattern": r"^(?:[^\x00]+)?$"}
"""How a description says :func:`plain_text`. The plainer ``^[^\\x00]*$`` means the same, but tools
make ``{0,100000}`` of its star and the length beside it, which costs each of them 150 MB."""


def plain_text(text: str) -> str:
    """The text itself; raises :class:`ValueError` where it is no storable Unicode."""
    half = not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)
    if half or "\x00" in text:
        raise ValueError("a text holds a NUL or half of a surrogate pair")
    return text


def whole(value: object) -> object:
    """A whole number however it is written: to JSON, 10.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Note = Annotated[
    str,
    Field(max_length=10_000, json_schema_extra=PLAIN),
    AfterValidator(plain_text),
]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
AnswerJson = Annotated[
    dict[str, JsonValue],
    Field(
        max_length=20,
        description="An answer; its form is the question's. Every question accepts "
        '{"cannot_say": true}.',
        examples=[{"label": "Positive"}, {"cannot_say": True}],
    ),
]
Answers = Annotated[
    dict[str, AnswerJson],
    Field(
        min_length=1,
        max_length=20,
        description="Question name to answer.",
        examples=[{"answer": {"label": "Positive"}}],
    ),
]
Instant = Annotated[
    str, Field(description="RFC 3339 in UTC.", examples=["2026-03-01T09:30:00.000000Z"])
]


class Asking(BaseModel):
    """A request's body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """A response's body."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# -------------------------------------------------------------------------- requests


class LeaseWanted(Asking):
    """Lease further requests, and go on holding these."""

    limit: Annotated[int, BeforeValidator(whole)] = Field(
        default=10, ge=0, le=MOST_LEASED, description="How many further requests."
    )
    holding: list[Id] = Field(
        default_factory=list,
        max_length=MOST_HELD,
        description="Requests this page already holds: their leases are renewed.",
    )


class GivenBack(Asking):
    """Requests this page will not answer."""

    requests: list[Id] = Field(max_length=MOST_HELD)


class ReviewGiven(Asking):
    """One person's answers to one request."""

    request: Id
    answers: Answers
    seconds: float | None = Field(
        default=None,
        ge=0,
        le=DAY_SECONDS,
        allow_inf_nan=False,
        description="How long the person looked at the item.",
    )
    note: Note | None = None


class Begin(Asking):
    """What a page wants to begin with. ``project``: the one its address names, if any."""

    project: Id | None = None
    limit: Annotated[int, BeforeValidator(whole)] = Field(
        default=10, ge=0, le=MOST_LEASED, description="How many requests."
    )


class Skipped(Asking):
    """Why a request is put behind the others."""

    reason: Note | None = None
    for_good: bool = Field(
        default=False, description="Not for this reviewer: somebody else is asked instead."
    )


class Flagged(Asking):
    """What is wrong with an item."""

    note: Note


class UndoWanted(Asking):
    """Which review to take back; null: the last one."""

    review: Id | None = None


# ------------------------------------------------------------------------- responses


class Me(Told):
    """Who is asking, and the roles that counts for."""

    name: str = Field(examples=["ann"])
    kind: Literal["local", "account"]
    roles: dict[str, Role] = Field(description="Project id to role.")
    account: str | None = Field(description="The account's id; null without accounts.")
    runs_the_site: bool = Field(description="Whether accounts are this caller's business.")


class ProjectBrief(Told):
    """A project in a list."""

    id: str
    name: str
    role: Role


class ProjectList(Told):
    """The projects this caller may see."""

    projects: list[ProjectBrief]


class QuestionJson(BaseModel):
    """A question's definition: further fields depend on its kind."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(examples=["choice"])
    name: str = Field(examples=["answer"])
    version: int
    text: str = Field(examples=["Which label fits?"])
    guideline: str = Field(default="", description="Markdown.")


class ProjectShown(Told):
    """What a page needs to show a project's items."""

    id: str
    name: str
    questions: list[QuestionJson]
    guideline: str = Field(description="Markdown.")
    blur: bool = Field(description="Whether images are blurred until somebody looks.")
    blind: bool = Field(description="Whether the model's answers stay hidden before one's own.")
    text_direction: Literal["auto", "ltr", "rtl"]
    hints: Literal["off", "after", "before"] = Field(
        description="When people see what the machine says; in a blind project not before the "
        "certificate."
    )
    policy: str = Field(
        description="In words.", examples=["certified, max error 0.05, certainty 0.95"]
    )


class ItemShown(Told):
    """An item as people read it."""

    key: str
    text: str
    kind: Literal["text", "markdown", "chat", "image", "fields", "json"]
    fields: dict[str, JsonValue] = Field(description="Values shown beside the text.")
    image: str | None = Field(
        default=None, description="Address of the picture, where items are pictures."
    )


class WordShown(Told):
    """A word that told the machine something: above 0 for its answer, below 0 against it."""

    word: str
    weight: float


class MachineShown(Told):
    """What the machine answers to one question."""

    answer: dict[str, JsonValue]
    confidence: float | None = Field(description="How probably it is right.", examples=[0.91])
    words: list[WordShown] = Field(description="The words that told most, largest weight first.")


class AlikeShown(Told):
    """A decided item that is like another, and what people decided."""

    item: ItemShown
    answers: dict[str, dict[str, JsonValue]]


class HintShown(Told):
    """What the machine says of an item, by question, and decided items that are like it."""

    machine: dict[str, MachineShown]
    alike: list[AlikeShown]


class Hinted(Told):
    """A hint, or ``why`` there is none to see."""

    hint: HintShown | None
    why: str | None = Field(examples=["What the machine says shows once you have answered."])


class RequestShown(Told):
    """One item waiting for an answer."""

    id: str
    item: ItemShown
    lease_until: Instant
    hint: HintShown | None = Field(
        default=None, description="Only in projects that show hints before the answer."
    )


class ProgressShown(Told):
    """Where a project stands.

    ``phase`` is "asking" while a blind project is open: which phase it is would tell a reviewer
    which items are audited.
    """

    phase: Literal["learning", "auditing", "finishing", "closed", "asking"]
    items: int
    answered: int = Field(description="Answers of everybody.")
    mine: int = Field(description="Answers of the caller.")
    automatic: int = Field(description="Items the model decided.")
    open: int = Field(description="Requests waiting for people.")
    remaining: int | None = Field(description="Answers people are still expected to give.")
    minutes: float | None = Field(description="Time people still need.")
    bound: float | None = Field(
        description="At most this share of all labels would be wrong if the work stopped now."
    )
    statement: str | None = Field(description="The certificate in one sentence.")
    paused: str | None = Field(description="Why nothing moves.")


class Leased(Told):
    """Requests to answer; ``why`` there are none, and when to ask again."""

    requests: list[RequestShown]
    lost: list[str] = Field(description="Of those held: no longer leased to the caller.")
    why: str | None
    until: Instant | None = Field(description="When the first lease of somebody else ends.")
    retry_seconds: float | None
    progress: ProgressShown


class ReviewStored(Told):
    """An answer is stored; not counted where somebody else answered the item first."""

    id: str
    request: str
    counted: bool
    hint: HintShown | None = Field(
        default=None, description="Only in projects that show hints after the answer."
    )
    progress: ProgressShown


class UndoneShown(Told):
    """The item again, and what was answered."""

    request: RequestShown
    answers: dict[str, dict[str, JsonValue]]


class TextShown(Told):
    """The beginning of an item."""

    text: str = Field(max_length=200)


class ReviewShown(Told):
    """An answer the caller gave."""

    id: str
    request: str
    item: TextShown
    answers: dict[str, dict[str, JsonValue]]
    at: Instant
    undoable: bool


class History(Told):
    """The caller's last answers, newest first."""

    reviews: list[ReviewShown]


class Begun(Told):
    """Everything a page needs to begin with.

    ``project`` is null where the caller must choose one of ``projects``; ``leased`` and ``history``
    where the caller answers nothing in it, ``leased`` also where nothing was wanted.
    """

    me: Me
    projects: list[ProjectBrief]
    project: ProjectShown | None
    leased: Leased | None
    history: History | None


class WorkerShown(Told):
    """How the worker is. "waiting": it ended by itself and is started again after a pause."""

    state: Literal["starting", "working", "waiting", "stopped"]
    since: Instant
    restarts: int
    trouble: str | None = Field(description="What it said went wrong, if anything.")


class Health(Told):
    """How the server is; ``worker`` is null where another program does its work."""

    version: str
    worker: WorkerShown | None


class Problem(BaseModel):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank")
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    code: str = Field(examples=["settled"])
    detail: str
    hint: str
