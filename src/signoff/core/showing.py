"""What the text of a project's items is: fixed by its first run, and in its log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, cast, get_args

from signoff.errors import InputError

ItemKind = Literal["text", "markdown", "chat", "image", "fields", "json"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
HintTime = Literal["off", "after", "before"]
"""When people see what the machine says of an item: never, or after or before their own answer."""
HINT_TIMES: tuple[HintTime, ...] = get_args(HintTime)


def item_kind(value: object) -> ItemKind:
    """A kind of item as stored; raises :class:`InputError` on anything else."""
    for kind in ITEM_KINDS:
        if value == kind:
            return kind
    raise InputError(
        f"Items cannot be shown as {str(value)[:40]!r}.",
        hint=f"Write one of {', '.join(ITEM_KINDS)}.",
    )


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
