"""Live items as JSON: what a caller sends, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from signoff.server.wire import PLAIN, Asking, Told, plain_text

MOST_ITEMS = 1000
MOST_WAIT_SECONDS = 60
MOST_TEXT = 100_000

Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Names the item for ever: the same key again is answered as before.",
        examples=["order-1017"],
        json_schema_extra=PLAIN,
    ),
    AfterValidator(plain_text),
]
PlainText = Annotated[
    str, Field(max_length=MOST_TEXT, json_schema_extra=PLAIN), AfterValidator(plain_text)
]
Scalar = PlainText | bool | int | float | None


class ItemGiven(Asking):
    """An item to decide: its text, and fields that people and models see beside it."""

    key: Key
    text: PlainText
    data: dict[Key, Scalar] = Field(
        default_factory=dict,
        max_length=50,
        # The keys' pattern says nothing of keys that do not fit it: there are to be none.
        json_schema_extra={"additionalProperties": False},
    )


class ItemsGiven(Asking):
    """Items in the order they came; one or many."""

    items: list[ItemGiven] = Field(min_length=1, max_length=MOST_ITEMS)


class ItemReply(Told):
    """What became of an item.

    AUTO: ``answer`` may be used at once. It is ``provisional`` while a person audits it;
    ``corrected`` holds what the person said where that is something else. REVIEW: a person decides;
    ``answer`` comes when they did, and ``why`` says why the model did not.
    """

    id: str
    key: str
    route: Literal["AUTO", "REVIEW"]
    answer: dict[str, JsonValue] | None = Field(examples=[{"label": "Positive"}])
    by: Literal["model", "reviewers"] | None
    why: str = Field(examples=["The model is not sure enough."])
    provisional: bool
    corrected: dict[str, JsonValue] | None
    confidence: float | None = Field(description="Calibrated; of the model's own label.")
    request: str | None = Field(description="What a person is asked; null where nobody is.")
    window: int


class ItemReplies(Told):
    """One reply for each item, in the order they were sent."""

    items: list[ItemReply]


class StreamMade(Told):
    """A stream that is there now."""

    id: str
    name: str
    stream: StreamShown


class StreamShown(Told):
    """Where a stream stands. Tells of past coins: kept from those who only review."""

    state: Literal["learning", "automatic", "paused", "stopped"]
    why: str
    window: int
    items: int = Field(description="N: labels in the window; fewer where it was ended early.")
    ended: bool = Field(description="Whether the window was ended early.")
    arrived: int
    admitted: int = Field(description="Labels of the model that were admitted.")
    automatic: int = Field(description="Labels of the model that left for good.")
    repeats: int = Field(description="Items that got a person's answer to the same text.")
    audited: int
    finds: int = Field(description="Audited labels that were wrong, and were corrected.")
    pending: int = Field(description="Audits that wait for a person.")
    limit: int = Field(description="x*: more finds than this stop automation for the window.")
    budget_left: int = Field(
        description="Finds and open audits that may still come before automation pauses."
    )
    waiting: int = Field(description="Requests that wait for people, of all windows.")
    answers: int = Field(description="Answers by people so far.")
    model: str | None
    threshold: float | None = Field(description="The least confidence that is sure enough.")
    certified: int = Field(description="Windows that have a certificate.")
