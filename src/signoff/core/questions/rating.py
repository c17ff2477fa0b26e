"""Rating: a number on a scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from signoff.core.fields import decimal_text
from signoff.core.questions.answers import CANNOT_SAY, Answer, Rated
from signoff.core.questions.definition import Definition, check_header, header_json
from signoff.core.questions.reading import (
    NOT_AN_ANSWER,
    no_answer,
    nominal,
    only_field,
    says_cannot,
    shown,
)
from signoff.errors import InputError, UsageError

LARGEST = 10**9
DECIMALS = 6
MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A number from ``low`` to ``high`` in steps of ``step``; the ends may have names.

    Numbers count as the decimals people write: 0.3 is on a scale from 0 in steps of 0.1. Two
    ratings are the same if they are equal. "At most one step apart" would not be transitive
    (1 ~ 2 ~ 3), so no certificate could rest on it; ask on a coarser scale instead.

    >>> question = Rating(low=0, high=1, step=0.1)
    >>> question.parse("0.30")
    Rated(value=0.3)
    """

    low: float = 1
    high: float = 5
    step: float = 1
    low_name: str = ""
    high_name: str = ""
    text: str = "How would you rate this?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["rating"] = field(default="rating", init=False)

    def __post_init__(self) -> None:
        for number in (self.low, self.high, self.step):
            _check_number(number)
        if not (self.low < self.high and self.step > 0):
            raise UsageError(
                f"A scale from {_text(self.low)} to {_text(self.high)} in steps of "
                f"{_text(self.step)} has no two values.",
                hint="Set low below high and step above 0.",
            )
        steps = (_exact(self.high) - _exact(self.low)) / _exact(self.step)
        if steps.denominator != 1 or steps > MAX_STEPS:
            raise UsageError(
                f"From {_text(self.low)} to {_text(self.high)} there are {float(steps):g} steps "
                f"of {_text(self.step)}.",
                hint=f"Choose a scale of whole steps, at most {MAX_STEPS}.",
            )
        check_header(self)

    @classmethod
    def read(cls, definition: Definition) -> Rating:
        """The inverse of :meth:`to_json`."""
        return cls(
            low=definition.number("low", 1),
            high=definition.number("high", 5),
            step=definition.number("step", 1),
            low_name=definition.text("low_name", ""),
            high_name=definition.text("high_name", ""),
            **definition.header,
        )

    @property
    def values(self) -> tuple[float, ...]:
        """Every value of the scale, ascending.

        >>> Rating(low=0, high=0.5, step=0.25).values
        (0, 0.25, 0.5)
        """
        low, step = _exact(self.low), _exact(self.step)
        steps = int((_exact(self.high) - low) / step)
        return tuple(_plain(float(low + at * step)) for at in range(steps + 1))

    def parse(self, typed: str) -> Answer:
        """A number of the scale, with a point before its decimals."""
        try:
            value = float(typed) if "_" not in typed else math.nan
        except ValueError:
            value = math.nan
        if not self._allows(value):
            raise self._off_scale(typed.strip())
        return Rated(_plain(value))

    def same(self, a: Answer, b: Answer) -> bool:
        """Equal numbers."""
        return a == b

    def distance(self, a: Answer, b: Answer) -> float:
        """The squared difference, as a share of the squared length of the scale.

        >>> Rating().distance(Rated(2), Rated(4))
        0.25
        """
        if isinstance(a, Rated) and isinstance(b, Rated):
            return min(1.0, ((a.value - b.value) / (self.high - self.low)) ** 2)
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``; 3 and 3.0 are one number."""
        if says_cannot(value):
            return CANNOT_SAY
        number = only_field(value, "value")
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise no_answer(value, "a rating", f'Write {{"value": N}} with {self._scale()}.')
        if not self._allows(number):
            raise self._off_scale(number)
        return Rated(_plain(number))

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {
            **header_json(self),
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "low_name": self.low_name,
            "high_name": self.high_name,
        }

    def _allows(self, value: float) -> bool:
        if not self.low <= value <= self.high:  # neither is NaN
            return False
        return ((_exact(value) - _exact(self.low)) / _exact(self.step)).denominator == 1

    def _scale(self) -> str:
        steps = "" if self.step == 1 else f" in steps of {_text(self.step)}"
        return f"a number from {_text(self.low)} to {_text(self.high)}{steps}"

    def _off_scale(self, value: object) -> InputError:
        return InputError(
            f"{shown(value, 40)} is not on the scale.",
            hint=f"Give {self._scale()}.",
            code=NOT_AN_ANSWER,
        )


def _check_number(number: float) -> None:
    """Within these limits every value of a scale is one double and reads back from its text."""
    fits = -LARGEST <= number <= LARGEST
    if not fits or (_exact(number) * 10**DECIMALS).denominator != 1:
        raise UsageError(
            f"A scale cannot be made with {shown(number, 40)}.",
            hint=f"Use numbers up to {LARGEST:,} with at most {DECIMALS} decimals.",
        )


def _exact(number: float) -> Fraction:
    """The decimal that a number is written as: 1/10 for 0.1."""
    return Fraction(str(number))


def _plain(number: float) -> float:
    """A whole number as one, so that 3.0 and 3 are stored alike.

    >>> _plain(3.0), _plain(0.5), _plain(-0.0)
    (3, 0.5, 0)
    """
    return int(number) if number == int(number) else float(number)


def _text(number: float) -> str:
    return decimal_text(Decimal(str(number)))
