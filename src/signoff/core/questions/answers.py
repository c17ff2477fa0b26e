"""Answers: one frozen class per form, and what every kind of question offers.

The forms are a closed set: a kind of question made elsewhere takes answers of these forms.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from signoff.core.fields import decimal_text
from signoff.core.questions.lists import join_labels

Side = Literal["a", "b", "tie", "both_bad"]


@dataclass(frozen=True, slots=True)
class CannotSay:
    """The answer "this cannot be decided from what is shown"; differs from every other answer."""

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"cannot_say": True}


@dataclass(frozen=True, slots=True)
class Chosen:
    """One label of a :class:`Choice`, by id."""

    label: str

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"label": self.label}


@dataclass(frozen=True, slots=True)
class ChosenMany:
    """Labels of a :class:`MultiChoice`, by id, in the question's order; empty: none of them."""

    labels: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"labels": list(self.labels)}


@dataclass(frozen=True, slots=True)
class Rated:
    """A value on the scale of a :class:`Rating`."""

    value: float

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"value": self.value}


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote for a :class:`Text`, as it was written."""

    text: str

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``start <= i < end`` of a text, in code points, under one label."""

    start: int
    end: int
    label: str

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"start": self.start, "end": self.end, "label": self.label}


@dataclass(frozen=True, slots=True)
class Marked:
    """The spans of a :class:`Spans`, sorted; empty: there is nothing to mark."""

    spans: tuple[Span, ...]

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"spans": [span.to_json() for span in self.spans]}


@dataclass(frozen=True, slots=True)
class Preferred:
    """Which of the two a :class:`Pairwise` shows is better."""

    side: Side

    def to_json(self) -> dict[str, object]:
        """JSON form."""
        return {"preferred": self.side}


CANNOT_SAY = CannotSay()
Answer = Chosen | ChosenMany | Rated | Written | Marked | Preferred | CannotSay


def answer_text(answer: Answer) -> str:
    """An answer as results and reports write it.

    The question's ``parse`` reads it back; "cannot say" is a command of whoever asks, not a text.

    >>> answer_text(Chosen("Positive")), answer_text(CANNOT_SAY)
    ('Positive', '(cannot say)')
    >>> answer_text(ChosenMany(("Drama", "Crime, true"))), answer_text(ChosenMany(()))
    ('Drama, "Crime, true"', '(none)')
    >>> answer_text(Rated(4.50)), answer_text(Preferred("both_bad"))
    ('4.5', 'both_bad')
    >>> answer_text(Marked((Span(0, 5, "Person"),)))
    '[{"start":0,"end":5,"label":"Person"}]'
    """
    match answer:
        case Chosen(label):
            return label
        case ChosenMany(labels):
            return join_labels(labels)
        case Rated(value):
            return decimal_text(Decimal(str(value)))
        case Written(text):
            return text
        case Marked(spans):
            entries = [span.to_json() for span in spans]
            return json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
        case Preferred(side):
            return side
        case CannotSay():
            return "(cannot say)"


def canonical(answer: Answer) -> Answer:
    """One answer for all that are the same, whatever the question: what ``same`` compares.

    >>> canonical(Written(" served cold ")), canonical(ChosenMany(("b", "a")))
    (Written(text='served cold'), ChosenMany(labels=('a', 'b')))
    """
    match answer:
        case ChosenMany(labels):
            return ChosenMany(tuple(sorted(set(labels))))
        case Written(text):
            return Written(unicodedata.normalize("NFC", text.strip()))
        case Marked(spans):
            return Marked(tuple(sorted(set(spans), key=lambda s: (s.start, s.end, s.label))))
        case _:
            return answer


class Question(Protocol):
    """What every kind of question offers the engine, the store and the reviewers."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def guideline(self) -> str:
        """How to answer, in Markdown; "" for none."""
        ...

    def parse(self, typed: str) -> Answer:
        """The answer a person or a column wrote; raises :class:`InputError` on anything else."""
        ...

    def same(self, a: Answer, b: Answer) -> bool:
        """Whether two answers say the same: whether their :func:`canonical` forms are equal."""
        ...

    def distance(self, a: Answer, b: Answer) -> float:
        """How far apart two answers are, from 0 to 1: symmetric, 0 exactly where they are the same.

        For measures of agreement such as Krippendorff's alpha; certificates use ``same`` alone.
        """
        ...

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``; raises :class:`InputError` on anything else."""
        ...

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        ...
