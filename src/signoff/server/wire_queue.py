"""Comments, and who is asked what, as JSON."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from signoff.core.queueing import MOST_TAG, MOST_TAGS
from signoff.server.wire import PLAIN, Answers, Asking, Id, Instant, Told, plain_text

MOST_PEOPLE = 50

Words = Annotated[
    str,
    Field(min_length=1, max_length=10_000, json_schema_extra=PLAIN),
    AfterValidator(plain_text),
]
Tag = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_TAG,
        pattern=r"^[0-9A-Za-z._-]+$",
        description="The name of a skill.",
        examples=["medic"],
    ),
]


class CommentGiven(Asking):
    """Something to say of an item."""

    id: Annotated[UUID, Field(strict=False)] = Field(
        description="Made by the caller: the same one again is the same comment sent again."
    )
    text: Words


class CommentShown(Told):
    """What somebody said of an item; ``text`` is null once it was erased."""

    id: str
    author: str
    mine: bool
    kind: Literal["comment", "flag"]
    text: str | None
    at: Instant


class Thread(Told):
    """What was said of an item, oldest first."""

    comments: list[CommentShown]


class TagsWanted(Asking):
    """The skills a reviewer has from now on, and no other."""

    tags: list[Tag] = Field(max_length=MOST_TAGS)


class AssignedTo(Asking):
    """Whom an item is asked of: people with a skill, or reviewers by id; neither: everybody."""

    tag: Tag | None = None
    people: list[Id] = Field(default_factory=list, max_length=MOST_PEOPLE)


class ReviewerShown(Told):
    """Somebody who answers. ``gold``: how often they were right where the answer is known; null
    of oneself while a certificate depends on not knowing it; ``answers`` then counts those, too."""

    id: str
    name: str
    tags: list[str]
    answers: int = Field(description="Answers in the newest pool that count.")
    gold_answers: int | None = Field(description="Answers to items whose answer is known.")
    gold_right: int | None = Field(description="Those of them that were right.")


class ReviewerList(Told):
    """Who answers in a project."""

    reviewers: list[ReviewerShown]


class GoldItem(Asking):
    """An item whose answer is known. Without text and fields: what people saw of the answered item
    with this key."""

    key: Words
    answers: Answers
    text: Words | None = None
    fields: dict[str, JsonValue] | None = None


class GoldGiven(Asking):
    """Items to plant."""

    items: list[GoldItem] = Field(min_length=1, max_length=100)


class GoldPlanted(Told):
    """The numbers of what was planted, in the order given."""

    numbers: list[int]


class GoldShown(Told):
    """An item whose answer is known; ``key`` and ``answers`` are null once it was erased."""

    number: int
    key: str | None
    answers: dict[str, dict[str, JsonValue]] | None


class GoldList(Told):
    """The items whose answer is known, oldest first."""

    gold: list[GoldShown]
