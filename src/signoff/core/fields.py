"""Reading typed fields out of JSON that may be anything, and writing dataclasses as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NoReturn, cast

from signoff.errors import VerificationFailed

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class FieldReader:
    """The fields of one JSON object; each method raises VerificationFailed on another type."""

    __slots__ = ("_value", "_what")

    def __init__(self, value: Mapping[str, object], what: str) -> None:
        self._value = value
        self._what = what

    def text(self, name: str) -> str:
        """A string."""
        value = self._value.get(name)
        return value if isinstance(value, str) else self._refuse(name)

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        """One of these strings."""
        value = self.text(name)
        return value if value in allowed else self._refuse(name)

    def integer(self, name: str, *, least: int = 0) -> int:
        """A whole number, at least ``least``."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return self._refuse(name)
        return value

    def share(self, name: str) -> float:
        """A number strictly between 0 and 1."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            return self._refuse(name)
        return float(value)

    def decimal(self, name: str) -> Decimal:
        """A decimal number strictly between 0 and 1, written as a string."""
        try:
            value = Decimal(self.text(name))
        except InvalidOperation:
            return self._refuse(name)
        return value if value.is_finite() and 0 < value < 1 else self._refuse(name)

    def object(self, name: str) -> dict[str, object]:
        """An object."""
        value = self._value.get(name)
        return cast("dict[str, object]", value) if isinstance(value, dict) else self._refuse(name)

    def objects(self, name: str) -> list[dict[str, object]]:
        """A list of objects."""
        value = self._value.get(name)
        if not isinstance(value, list):
            return self._refuse(name)
        entries = cast("list[object]", value)
        if not all(isinstance(entry, dict) for entry in entries):
            return self._refuse(name)
        return cast("list[dict[str, object]]", entries)

    def _refuse(self, name: str) -> NoReturn:
        shown = repr(self._value.get(name, "nothing"))[:60]
        raise VerificationFailed(f"The field {name!r} of {self._what} cannot be {shown}.")


def decimal_text(number: Decimal) -> str:
    """A decimal without exponent or trailing zeros.

    >>> decimal_text(Decimal("0.050")), decimal_text(Decimal("1E-3"))
    ('0.05', '0.001')
    """
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_json(value: DataclassInstance) -> dict[str, object]:
    """A dataclass as a JSON object: decimals as text, tuples of dataclasses as lists."""
    return {field.name: _json(getattr(value, field.name)) for field in fields(value)}


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, tuple):
        return [as_json(cast("DataclassInstance", entry)) for entry in cast("tuple[object]", value)]
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value
