"""Spans: parts of a text under labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, TypeGuard, cast

from signoff.core.questions.answers import CANNOT_SAY, Answer, Marked, Span
from signoff.core.questions.coverage import dice_distance
from signoff.core.questions.definition import Definition, check_header, header_json
from signoff.core.questions.labels import (
    Label,
    check_labels,
    label_ids,
    labels_json,
    labels_of,
    read_labels,
)
from signoff.core.questions.reading import (
    NOT_AN_ANSWER,
    UNKNOWN_LABEL,
    fields_of,
    no_answer,
    nominal,
    only_field,
    says_cannot,
    shown,
    some,
)
from signoff.errors import InputError

MAX_SPANS = 10_000
MAX_OFFSET = 2**31 - 1
_FORM = 'Write {"spans": [{"start": S, "end": E, "label": L}, ...]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """Parts of a text, each under one of the labels; ``overlap``: whether they may overlap.

    Offsets count Unicode code points of the text as it is, in reading order of its characters,
    whatever its script or direction; see :mod:`signoff.core.questions.offsets` for browsers.

    >>> question = Spans.of(["Person", "Place"])
    >>> answer = question.parse('[{"start": 0, "end": 3, "label": "Person"}]')
    >>> question.check(answer, "Ada was born in London.")
    """

    labels: tuple[Label, ...]
    overlap: bool = True
    text: str = "Which parts of the text are meant?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["spans"] = field(default="spans", init=False)

    def __post_init__(self) -> None:
        check_labels(self.labels, of="A question for spans", least=1)
        check_header(self)

    @classmethod
    def of(
        cls,
        names: list[str] | tuple[str, ...],
        *,
        overlap: bool = True,
        text: str = "Which parts of the text are meant?",
    ) -> Spans:
        """Spans under labels whose ids are their names, white space at the ends removed."""
        return cls(labels=labels_of(names), overlap=overlap, text=text)

    @classmethod
    def read(cls, definition: Definition) -> Spans:
        """The inverse of :meth:`to_json`."""
        return cls(
            labels=read_labels(definition),
            overlap=definition.flag("overlap", True),
            **definition.header,
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Label ids, in the order people see them."""
        return label_ids(self.labels)

    def parse(self, typed: str) -> Answer:
        """A JSON list of objects with ``start``, ``end`` and ``label``; ``[]`` marks nothing."""
        try:
            spans = json.loads(typed)
        except (ValueError, RecursionError):
            raise InputError(
                f"{shown(typed.strip(), 40)} is no list of spans.",
                hint='Write [{"start": 0, "end": 5, "label": L}], or [] where there is none.',
                code=NOT_AN_ANSWER,
            ) from None
        return self.from_json({"spans": spans})

    def check(self, answer: Answer, text: str) -> None:
        """Raise :class:`InputError` if the answer cannot be one about this text."""
        checked = self.from_json(answer.to_json())
        if not isinstance(checked, Marked):
            return
        for span in checked.spans:
            if span.end > len(text):
                raise InputError(
                    f"{_where(span)} ends beyond the text, which has {len(text)} characters.",
                    hint="Was another version of the text marked, or counted in bytes or UTF-16?",
                    code=NOT_AN_ANSWER,
                )

    def same(self, a: Answer, b: Answer) -> bool:
        """The same set of spans: starts, ends and labels."""
        if isinstance(a, Marked) and isinstance(b, Marked):
            return set(a.spans) == set(b.spans)
        return a == b

    def distance(self, a: Answer, b: Answer) -> float:
        """1 - F1 over labelled characters and spans.

        Each character counts once under each label it has. Each span counts as one more, so that
        the same characters cut into other spans are not the same.

        >>> question = Spans.of(["Person"])
        >>> question.distance(
        ...     Marked((Span(0, 3, "Person"),)), Marked((Span(0, 12, "Person"),))
        ... )  # 3 of 3 + 1 and of 12 + 1
        0.6470588235294118
        """
        if isinstance(a, Marked) and isinstance(b, Marked):
            return dice_distance(a.spans, b.spans)
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``; the order does not count."""
        if says_cannot(value):
            return CANNOT_SAY
        entries = only_field(value, "spans")
        if not isinstance(entries, list):
            raise no_answer(value, "a question for spans", f"{_FORM}.")
        given = cast("list[object]", entries)
        if len(given) > MAX_SPANS:
            raise _refusal(f"{len(given)} spans are more than {MAX_SPANS}.", "Mark fewer.")
        ids = set(self.ids)
        spans = sorted(map(_span, given), key=lambda span: (span.start, span.end, span.label))
        self._check_labels(spans, ids)
        self._check_order(spans)
        return Marked(tuple(spans))

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {**header_json(self), "labels": labels_json(self.labels), "overlap": self.overlap}

    def _check_labels(self, spans: Iterable[Span], ids: set[str]) -> None:
        for span in spans:
            if span.label not in ids:
                raise InputError(
                    f"{shown(span.label, 40)} is not one of the labels.",
                    hint=f"{_FORM} with each L one of {', '.join(some(self.ids))}.",
                    code=UNKNOWN_LABEL,
                )

    def _check_order(self, spans: Sequence[Span]) -> None:
        """Sorted spans: where any two overlap, two neighbours do."""
        for before, after in pairwise(spans):
            if before == after:
                raise _refusal(f"{_where(after)} is given twice.", "Give each span once.")
            if not self.overlap and after.start < before.end:
                raise _refusal(
                    f"{_where(after)} overlaps the one at {before.start} to {before.end}.",
                    "Mark each character once.",
                )


def _span(entry: object) -> Span:
    """One span; its label is a string that may be no label."""
    fields = fields_of(entry)
    start, end, label = fields.get("start"), fields.get("end"), fields.get("label")
    if not (_is_offset(start) and _is_offset(end) and isinstance(label, str) and len(fields) == 3):
        raise _refusal(f"{shown(entry)} is no span.", f"{_FORM} with S and E whole numbers.")
    span = Span(start, end, label)
    if span.start >= span.end:
        raise _refusal(f"{_where(span)} is empty.", "A span's end is after its start.")
    return span


def _is_offset(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_OFFSET


def _where(span: Span) -> str:
    return f"The span from {span.start} to {span.end}"


def _refusal(message: str, hint: str) -> InputError:
    return InputError(message, hint=hint, code=NOT_AN_ANSWER)
