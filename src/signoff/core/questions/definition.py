"""What the definitions of all kinds share: their first fields, and how they are read from JSON."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NoReturn, Protocol, TypedDict, cast

from signoff.core.questions.reading import shown, storable
from signoff.errors import InputError, UsageError


class Header(TypedDict):
    """The fields that every kind has."""

    text: str
    name: str
    version: int
    guideline: str


HEADER = ("kind", *Header.__annotations__)


class _Defined(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def guideline(self) -> str: ...


def check_header(question: _Defined, *, needs_text: bool = True) -> None:
    """Refuse a question that nobody could read or name."""
    if needs_text and not question.text.strip():
        raise UsageError("A question has no text.", hint="Write what people are asked.")
    if not question.name.strip():
        raise UsageError(
            f"The question {shown(question.text)} has no name.",
            hint='Give it a short one, such as "answer".',
        )
    if question.version < 1:
        raise UsageError(
            f"A question's version is at least 1, got {question.version}.",
            hint="The first version is 1.",
        )


def header_json(question: _Defined) -> dict[str, object]:
    """The first fields of a definition."""
    return {
        "kind": question.kind,
        "name": question.name,
        "version": question.version,
        "text": question.text,
        "guideline": question.guideline,
    }


class Definition:
    """The fields of an object in a question's JSON; raises :class:`InputError` on another type.

    Fields that are not ``known`` are refused: leaving one out could change what is asked.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Mapping[str, object], known: Collection[str]) -> None:
        for name in value:
            if name not in known:
                raise malformed(f"it has a field {shown(name)} that this version does not know")
        self._value = value

    @property
    def header(self) -> Header:
        """The fields of all kinds; definitions of before there were guidelines have none."""
        return Header(
            text=self.text("text"),
            name=self.text("name"),
            version=self.whole("version"),
            guideline=self.text("guideline", ""),
        )

    def text(self, name: str, default: str | None = None) -> str:
        """A string of whole characters."""
        value = self._value.get(name, default)
        return value if isinstance(value, str) and storable(value) else self._refuse(name)

    def text_or_none(self, name: str) -> str | None:
        """A string, or None where the field is null or missing."""
        return None if self._value.get(name) is None else self.text(name)

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self._value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._refuse(name)
        return value

    def whole_or_none(self, name: str) -> int | None:
        """A whole number, or None where the field is null or missing."""
        return None if self._value.get(name) is None else self.whole(name)

    def number(self, name: str, default: float) -> float:
        """A finite number."""
        value = self._value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._refuse(name)
        return value if isinstance(value, int) or math.isfinite(value) else self._refuse(name)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._value.get(name, default)
        return value if isinstance(value, bool) else self._refuse(name)

    def objects(self, name: str) -> list[Mapping[str, object]]:
        """A list of objects, such as the labels."""
        value = self._value.get(name)
        if not isinstance(value, list):
            return self._refuse(name)
        entries = cast("list[object]", value)
        return [
            cast("Mapping[str, object]", entry)
            if isinstance(entry, Mapping)
            else self._refuse(name)
            for entry in entries
        ]

    def _refuse(self, name: str) -> NoReturn:
        given = f"is {shown(self._value[name])}" if name in self._value else "is missing"
        raise malformed(f"its field {name!r} {given}")


def malformed(why: str, hint: str = "") -> InputError:
    """The refusal of a definition that cannot be read."""
    return InputError(
        f"A question's definition is malformed: {why}.",
        hint=hint or "Correct it; if it was read from a store, restore the store from a backup.",
    )
