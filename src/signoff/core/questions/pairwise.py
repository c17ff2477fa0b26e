"""Pairwise: which of two is better."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from signoff.core.questions.answers import CANNOT_SAY, Answer, Preferred, Side
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

SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairwise:
    """Which of two columns, ``a`` or ``b``, is better: one of them, a tie, or both are bad.

    >>> question = Pairwise(a="answer_1", b="answer_2")
    >>> question.parse("B"), question.parse("both bad")
    (Preferred(side='b'), Preferred(side='both_bad'))
    """

    a: str
    b: str
    text: str = "Which one is better?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["pairwise"] = field(default="pairwise", init=False)

    def __post_init__(self) -> None:
        if not (self.a.strip() and self.b.strip()):
            raise UsageError(
                f"A pair needs two columns, got {shown(self.a)} and {shown(self.b)}.",
                hint="Name the columns to compare in a and b.",
            )
        if self.a == self.b:
            raise UsageError(
                f"A pair compares two columns, got {shown(self.a)} twice.",
                hint="Name two different columns in a and b.",
            )
        check_header(self)

    @classmethod
    def read(cls, definition: Definition) -> Pairwise:
        """The inverse of :meth:`to_json`."""
        return cls(a=definition.text("a"), b=definition.text("b"), **definition.header)

    def parse(self, typed: str) -> Answer:
        """``a``, ``b``, ``tie`` or ``both bad``, whatever the capitals."""
        wanted = "_".join(typed.casefold().replace("_", " ").replace("-", " ").split())
        for side in SIDES:
            if wanted == side:
                return Preferred(side)
        raise InputError(
            f"{shown(typed.strip(), 40)} names neither side.",
            hint="Type a, b, tie or both bad.",
            code=NOT_AN_ANSWER,
        )

    def same(self, a: Answer, b: Answer) -> bool:
        """The same side."""
        return a == b

    def distance(self, a: Answer, b: Answer) -> float:
        """0 where they are the same, else 1."""
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``."""
        if says_cannot(value):
            return CANNOT_SAY
        preferred = only_field(value, "preferred")
        for side in SIDES:
            if isinstance(preferred, str) and preferred == side:
                return Preferred(side)
        hint = f'Write {{"preferred": P}} with P one of {", ".join(SIDES)}.'
        raise no_answer(value, "a comparison of two", hint)

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {**header_json(self), "a": self.a, "b": self.b}
