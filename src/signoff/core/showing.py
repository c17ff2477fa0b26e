"""How people see a project's items: fixed by its first run, and in its log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, cast, get_args

from signoff.errors import InputError, UsageError

ItemKind = Literal["text", "markdown", "chat", "fields", "json"]
Direction = Literal["auto", "ltr", "rtl"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """How items are shown: ``item_kind`` says what their text is.

    - ``guideline``: Markdown that people read beside the form.
    - ``blur``: whether items are blurred until somebody looks.
    """

    item_kind: ItemKind = "text"
    guideline: str = ""
    blur: bool = False
    text_direction: Direction = "auto"

    def __post_init__(self) -> None:
        if self.item_kind not in ITEM_KINDS:
            raise UsageError(
                f"Items cannot be shown as {self.item_kind!r}.",
                hint=f"Write one of {', '.join(ITEM_KINDS)}.",
            )
        if self.text_direction not in DIRECTIONS:
            raise UsageError(
                f"Text cannot run {self.text_direction!r}.",
                hint=f"Write one of {', '.join(DIRECTIONS)}.",
            )

    def to_json(self) -> dict[str, object]:
        """As the store and the log keep it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, value: object) -> Showing:
        """The inverse of :meth:`to_json`; raises :class:`InputError` on anything else."""
        known = {field.name for field in fields(cls)}
        given = cast("Mapping[str, str]", value) if isinstance(value, Mapping) else None
        if given is None or set(given) != known:
            raise InputError("How items are shown is malformed.", hint="Update signoff.")
        try:
            return cls(**given)  # pyright: ignore[reportArgumentType]
        except UsageError as refused:
            raise InputError(refused.message, hint=refused.hint) from None


def guess_item_kind(texts: Sequence[str]) -> ItemKind:
    """What texts are where all of them are of one kind: a conversation, JSON, or plain text.

    >>> guess_item_kind(['[{"role": "user", "content": "Hi"}]']), guess_item_kind(["Hi", "[1]"])
    ('chat', 'text')
    """
    values = [_parsed(text) for text in texts]
    if not values or not all(isinstance(value, list | dict) for value in values):
        return "text"
    return "chat" if all(map(_is_chat, values)) else "json"


def _parsed(text: str) -> object:
    try:
        return cast("object", json.loads(text)) if text[:1] in ("[", "{") else None
    except (ValueError, RecursionError):
        return None


def _is_chat(value: object) -> bool:
    """A list of messages, each with a role and content."""
    if not isinstance(value, list) or not value:
        return False
    messages = cast("list[object]", value)
    return all(
        isinstance(each, dict) and {"role", "content"} <= cast("dict[str, object]", each).keys()
        for each in messages
    )
