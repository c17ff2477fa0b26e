"""Answers as small numbers: what models, calibration and frozen labels count in."""

from __future__ import annotations

from dataclasses import dataclass, field

from signoff.core.questions import Answer, CannotSay, Choice, Chosen, Question, canonical

Value = str | dict[str, object]
"""An answer as the log writes it in rows: a choice's label, else the answer's JSON."""


def value_of(answer: Answer) -> Value:
    """How a row of a batch holds an answer."""
    return answer.label if isinstance(answer, Chosen) else answer.to_json()


def labels_of(question: Question) -> tuple[str, ...] | None:
    """The labels of a choice; None for other kinds, whose answers come as they come."""
    return question.ids if isinstance(question, Choice) else None


def read_value(question: Question, value: object) -> Answer:
    """The answer that a row of a batch holds; raises :class:`InputError` on anything else."""
    return question.from_json({"label": value} if isinstance(value, str) else value)


@dataclass(slots=True, eq=False)
class Codes:
    """Codes of the answers to one question: those of a choice are its labels, in order; those of
    other kinds are given to answers as they come, one to all that are the same.

    >>> from signoff.core.questions import CANNOT_SAY
    >>> codes = Codes(Choice.of(["Yes", "No"]))
    >>> codes.code(Chosen("No")), codes.code(CANNOT_SAY), codes.values
    (1, -1, ['Yes', 'No'])
    """

    question: Question
    answers: list[Answer] = field(default_factory=list[Answer], init=False)
    _known: dict[Answer, int] = field(default_factory=dict[Answer, int], init=False)

    def __post_init__(self) -> None:
        if isinstance(self.question, Choice):
            for label in self.question.ids:
                self.code(Chosen(label))

    def code(self, answer: Answer) -> int:
        """The code of an answer, -1 for "cannot say"."""
        if isinstance(answer, CannotSay):
            return -1
        key = canonical(answer)
        if key not in self._known:
            self._known[key] = len(self.answers)
            self.answers.append(answer)
        return self._known[key]

    @property
    def values(self) -> list[Value]:
        """How rows of batches hold each answer, by code."""
        return [value_of(answer) for answer in self.answers]
