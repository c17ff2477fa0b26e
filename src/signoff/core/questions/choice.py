"""Choice: exactly one of several labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from signoff.core.questions.answers import CANNOT_SAY, Answer, CannotSay, Chosen
from signoff.core.questions.definition import Definition, check_header, header_json
from signoff.core.questions.labels import (
    Label,
    check_labels,
    find_label,
    label_ids,
    labels_json,
    labels_of,
    read_labels,
)
from signoff.core.questions.reading import (
    UNKNOWN_LABEL,
    no_answer,
    nominal,
    only_field,
    says_cannot,
    some,
)
from signoff.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Exactly one of the labels.

    >>> question = Choice.of(["Positive", "Negative"])
    >>> question.parse("negative")
    Chosen(label='Negative')
    """

    labels: tuple[Label, ...]
    text: str = "Which label fits?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["choice"] = field(default="choice", init=False)

    def __post_init__(self) -> None:
        check_labels(self.labels, of="A choice", least=2)
        # Choices without a text could be stored before other kinds came: labels speak alone.
        check_header(self, needs_text=False)

    @classmethod
    def of(cls, names: list[str] | tuple[str, ...], *, text: str = "Which label fits?") -> Choice:
        """A choice whose label ids are their names, white space at the ends removed."""
        return cls(labels=labels_of(names), text=text)

    @classmethod
    def read(cls, definition: Definition) -> Choice:
        """The inverse of :meth:`to_json`."""
        return cls(labels=read_labels(definition), **definition.header)

    @property
    def ids(self) -> tuple[str, ...]:
        """Label ids, in the order people see them."""
        return label_ids(self.labels)

    def code(self, answer: Answer) -> int:
        """Index of the answer's label, -1 for "cannot say"."""
        if isinstance(answer, CannotSay):
            return -1
        if isinstance(answer, Chosen):
            return self.ids.index(answer.label)
        raise self._no_answer(answer.to_json())

    def parse(self, typed: str) -> Answer:
        """A label by name, whatever its capitals; refuses everything else with the list."""
        return Chosen(find_label(self.labels, typed))

    def same(self, a: Answer, b: Answer) -> bool:
        """Plain equality of labels; "cannot say" equals only itself."""
        return a == b

    def distance(self, a: Answer, b: Answer) -> float:
        """0 where they are the same, else 1."""
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``."""
        if says_cannot(value):
            return CANNOT_SAY
        label = only_field(value, "label")
        if isinstance(label, str) and label in self.ids:
            return Chosen(label)
        raise self._no_answer(value)

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        return {**header_json(self), "labels": labels_json(self.labels)}

    def _no_answer(self, value: object) -> InputError:
        hint = f'Write {{"label": L}} with L one of {", ".join(some(self.ids))}.'
        return no_answer(value, "a choice", hint, UNKNOWN_LABEL)
