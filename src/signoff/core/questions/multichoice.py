"""MultiChoice: any number of several labels, within limits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, cast

from signoff.core.questions.answers import CANNOT_SAY, Answer, ChosenMany
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
from signoff.core.questions.lists import join_labels, split_labels
from signoff.core.questions.reading import (
    NOT_AN_ANSWER,
    UNKNOWN_LABEL,
    no_answer,
    nominal,
    only_field,
    says_cannot,
    shown,
    some,
)
from signoff.errors import InputError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiChoice:
    """Between ``least`` and ``most`` of the labels; ``most`` None: all of them.

    Typed, labels are separated by ``,`` or ``;`` or ``|``; one that holds such a sign stands in
    double quotes. An empty line or ``(none)`` is none of them, where ``least`` is 0.

    >>> question = MultiChoice.of(["Drama", "Crime, true", "Comedy"])
    >>> question.parse('comedy; "crime, true"')
    ChosenMany(labels=('Crime, true', 'Comedy'))
    """

    labels: tuple[Label, ...]
    least: int = 0
    most: int | None = None
    text: str = "Which labels fit?"
    name: str = "answer"
    version: int = 1
    guideline: str = ""
    kind: Literal["multichoice"] = field(default="multichoice", init=False)

    def __post_init__(self) -> None:
        check_labels(self.labels, of="A multiple choice", least=1)
        count = len(self.labels)
        if not 0 <= self.least < count:
            raise UsageError(
                f"At least {self.least} of {count} labels leaves people nothing to choose.",
                hint=f"Set least to a number from 0 to {count - 1}.",
            )
        if self.most is not None and not max(1, self.least) <= self.most <= count:
            raise UsageError(
                f"At most {self.most} of {count} labels, and at least {self.least}, is impossible.",
                hint=f"Set most to a number from {max(1, self.least)} to {count}, or leave it out.",
            )
        check_header(self)

    @classmethod
    def of(
        cls,
        names: list[str] | tuple[str, ...],
        *,
        least: int = 0,
        most: int | None = None,
        text: str = "Which labels fit?",
    ) -> MultiChoice:
        """A multiple choice whose label ids are their names, white space at the ends removed."""
        return cls(labels=labels_of(names), least=least, most=most, text=text)

    @classmethod
    def read(cls, definition: Definition) -> MultiChoice:
        """The inverse of :meth:`to_json`."""
        return cls(
            labels=read_labels(definition),
            least=definition.whole("least", 0),
            most=definition.whole_or_none("most"),
            **definition.header,
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Label ids, in the order people see them."""
        return label_ids(self.labels)

    def parse(self, typed: str) -> Answer:
        """Labels by name, whatever their capitals, order and repetitions."""
        found = {find_label(self.labels, part, self._advice()) for part in split_labels(typed)}
        return self._within(found)

    def same(self, a: Answer, b: Answer) -> bool:
        """The same set of labels."""
        if isinstance(a, ChosenMany) and isinstance(b, ChosenMany):
            return set(a.labels) == set(b.labels)
        return a == b

    def distance(self, a: Answer, b: Answer) -> float:
        """Jaccard's: the share of the labels either chose that only one of them chose.

        >>> question = MultiChoice.of(["Drama", "Crime", "Comedy"])
        >>> question.distance(question.parse("drama, crime"), question.parse("drama"))
        0.5
        """
        if isinstance(a, ChosenMany) and isinstance(b, ChosenMany):
            either, one = set(a.labels) | set(b.labels), set(a.labels) ^ set(b.labels)
            return len(one) / len(either) if either else 0.0
        return nominal(a, b)

    def from_json(self, value: object) -> Answer:
        """The inverse of an answer's ``to_json``; the order does not count."""
        if says_cannot(value):
            return CANNOT_SAY
        labels = only_field(value, "labels")
        hint = f'Write {{"labels": [L, ...]}} with each L one of {", ".join(some(self.ids))}.'
        if not isinstance(labels, list):
            raise no_answer(value, "a multiple choice", hint)
        ids, given = self.ids, cast("list[object]", labels)
        for label in given:
            if not isinstance(label, str) or label not in ids:
                raise InputError(
                    f"{shown(label)} is not one of the labels.", hint=hint, code=UNKNOWN_LABEL
                )
        chosen = set(cast("list[str]", given))
        if len(chosen) < len(given):
            raise no_answer(value, "a multiple choice", "Give each label once.")
        return self._within(chosen)

    def to_json(self) -> dict[str, object]:
        """The definition, as the store and the log keep it."""
        labels = labels_json(self.labels)
        return {**header_json(self), "labels": labels, "least": self.least, "most": self.most}

    def _within(self, chosen: Collection[str]) -> ChosenMany:
        """The labels in the question's order; refuses too few and too many."""
        most = len(self.labels) if self.most is None else self.most
        if not self.least <= len(chosen) <= most:
            wanted = str(most) if self.least == most else f"{self.least} to {most}"
            raise InputError(
                f"{len(chosen)} labels were chosen, this question takes {wanted}.",
                hint=f"Choose {wanted} of: {', '.join(some(self.ids))}.",
                code=NOT_AN_ANSWER,
            )
        return ChosenMany(tuple(id for id in self.ids if id in chosen))

    def _advice(self) -> str:
        """How to type a label that cannot be typed as it is, where there is one."""
        awkward = [label for label in self.ids if join_labels([label]) != label]
        return f" In double quotes: {', '.join(map(_typed, some(awkward, 3)))}." if awkward else ""


def _typed(label: str) -> str:
    return label if label.startswith("…") else join_labels([label])
