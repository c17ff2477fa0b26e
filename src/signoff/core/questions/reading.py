"""What all kinds share when they read an answer: the refusals, and what two of them agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from signoff.errors import InputError

NOT_AN_ANSWER = "not_an_answer"
UNKNOWN_LABEL = "unknown_label"


def says_cannot(value: object) -> bool:
    """Whether an answer's JSON is that of "cannot say", which every kind of question takes."""
    return only_field(value, "cannot_say") is True


def only_field(value: object, name: str) -> object:
    """The field of a JSON object that has no other field; None for everything else.

    >>> only_field({"label": "A"}, "label"), only_field({"label": "A", "more": 1}, "label")
    ('A', None)
    """
    fields = fields_of(value)
    return fields.get(name) if len(fields) == 1 else None


def fields_of(value: object) -> Mapping[str, object]:
    """The fields of a JSON object; none of everything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def no_answer(value: object, to: str, hint: str, code: str = NOT_AN_ANSWER) -> InputError:
    """The refusal of JSON that is no answer to this kind of question."""
    return InputError(f"{shown(value)} is no answer to {to}.", hint=hint, code=code)


def shown(value: object, most: int = 80) -> str:
    """A value as a message shows it: on one line, cut, whatever it is.

    >>> shown({"label": "A"}), shown("a" * 100, most=12)
    ("{'label': 'A'}", "'aaaaaaaaaa…")
    """
    if isinstance(value, str):
        value = value[: most + 1]
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a number of thousands of digits; endless nesting
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= most else text[: most - 1] + "…"


def some(names: Sequence[str], most: int = 12) -> list[str]:
    """The first names, and how many more there are.

    >>> some(["A", "B", "C"], most=2)
    ['A', 'B', '… (1 more)']
    """
    if len(names) <= most:
        return list(names)
    return [*names[:most], f"… ({len(names) - most} more)"]


def storable(text: str) -> bool:
    """Whether a text can be written as UTF-8: it holds no half of a surrogate pair.

    >>> storable("naïve 🦉"), storable("\\ud83e")
    (True, False)
    """
    return not any("\ud800" <= char <= "\udfff" for char in text)


def nominal(a: object, b: object) -> float:
    """The distance of answers that are either the same or not: 0 or 1."""
    return 0.0 if a == b else 1.0
