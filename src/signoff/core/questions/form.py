"""Form: several questions on one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from signoff.core.questions.answers import Answer, Question
from signoff.core.questions.definition import malformed
from signoff.core.questions.kinds import question_from_json
from signoff.core.questions.pairwise import Pairwise
from signoff.core.questions.reading import NOT_AN_ANSWER, shown, some
from signoff.core.questions.spans import Spans
from signoff.core.questions.text import Text
from signoff.errors import InputError, UsageError

MAX_QUESTIONS = 50
Given = Answer | Mapping[str, Answer]
"""Answers to a form by question name; where it asks one question, its answer alone will do."""


@dataclass(frozen=True, slots=True)
class Form:
    """Questions that are answered together, in the order people see them; names are unique.

    >>> from signoff.core.questions import Choice, Rating
    >>> form = Form((Choice.of(["Yes", "No"], text="Useful?"), Rating(name="tone")))
    >>> answers = form.from_json({"answer": {"label": "Yes"}, "tone": {"value": 4}})
    >>> answers["tone"]
    Rated(value=4)
    """

    questions: tuple[Question, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.questions) <= MAX_QUESTIONS:
            raise UsageError(
                f"A form cannot have {len(self.questions)} questions.",
                hint=f"Ask 1 to {MAX_QUESTIONS}.",
            )
        seen: set[str] = set()
        for name in self.names:
            if name.casefold() in seen:
                raise UsageError(
                    f"Two questions have the name {shown(name)} (capitals do not count).",
                    hint="Give each question a name of its own.",
                )
            seen.add(name.casefold())

    @property
    def names(self) -> tuple[str, ...]:
        """The questions' names, in order."""
        return tuple(question.name for question in self.questions)

    @property
    def only(self) -> Question:
        """The question of a form that has one; raises :class:`ValueError` where there are more."""
        if len(self.questions) != 1:
            raise ValueError(f"the form asks {len(self.questions)} questions, not one")
        return self.questions[0]

    @property
    def versions(self) -> dict[str, int]:
        """The questions' versions by name."""
        return {question.name: question.version for question in self.questions}

    def question(self, name: str) -> Question:
        """The question of this name; raises :class:`KeyError` where there is none."""
        for question in self.questions:
            if question.name == name:
                return question
        raise KeyError(name)

    def taken(self, given: Given) -> dict[str, Answer]:
        """Answers by question name, from those or from one answer to the only question."""
        if isinstance(given, Mapping):
            return self.check(given)
        return self.check({self.only.name: given})

    def check_about(self, answers: Mapping[str, Answer], text: str) -> None:
        """Raise :class:`InputError` where answers cannot be about an item of this text."""
        for question in self.questions:
            if isinstance(question, Spans):
                question.check(answers[question.name], text)

    def check(self, answers: Mapping[str, Answer]) -> dict[str, Answer]:
        """The answers in the questions' order; refuses where one is missing, unknown or no answer.

        "Cannot say" is an answer to each question by itself.
        """
        return self.from_json(answers_to_json(answers))

    def from_json(self, value: object) -> dict[str, Answer]:
        """Answers by question name from their JSON by question name."""
        if not isinstance(value, Mapping):
            raise InputError(
                f"{shown(value)} are no answers to a form.",
                hint=f"Write an object with an answer for each of {', '.join(some(self.names))}.",
                code=NOT_AN_ANSWER,
            )
        given = cast("Mapping[str, object]", value)
        for name in given:
            if name not in self.names:
                raise InputError(
                    f"There is no question {shown(name, 40)}.",
                    hint=f"The questions are: {', '.join(some(self.names))}.",
                    code=NOT_AN_ANSWER,
                )
        return {question.name: _answer(question, given) for question in self.questions}

    def to_json(self) -> list[dict[str, object]]:
        """The questions' definitions."""
        return [question.to_json() for question in self.questions]


def columns_shown(form: Form) -> tuple[str, ...]:
    """The columns that questions show by name: both of a pair, the text to correct."""
    names: list[str] = []
    for question in form.questions:
        if isinstance(question, Pairwise):
            names += [question.a, question.b]
        elif isinstance(question, Text) and question.field is not None:
            names.append(question.field)
    return tuple(dict.fromkeys(names))


def needs_text(form: Form) -> bool:
    """Whether a question is about the text of an item, so that items must have one."""
    return any(isinstance(question, Spans) for question in form.questions)


def answers_to_json(answers: Mapping[str, Answer]) -> dict[str, object]:
    """Answers by question name as JSON.

    >>> from signoff.core.questions import Chosen
    >>> answers_to_json({"answer": Chosen("Yes")})
    {'answer': {'label': 'Yes'}}
    """
    return {name: answer.to_json() for name, answer in answers.items()}


def form_from_json(value: object) -> Form:
    """The inverse of :meth:`Form.to_json`, for the kinds of questions this version knows."""
    if not isinstance(value, list):
        raise malformed(f"a form is a list of questions, not {shown(value, 40)}")
    try:
        return Form(tuple(map(question_from_json, cast("list[object]", value))))
    except UsageError as refused:
        raise malformed(refused.message.rstrip("."), refused.hint) from None


def _answer(question: Question, given: Mapping[str, object]) -> Answer:
    if question.name not in given:
        raise InputError(
            f"The question {shown(question.name, 40)} has no answer.",
            hint='Answer every question; "cannot say" is an answer, too.',
            code=NOT_AN_ANSWER,
        )
    try:
        return question.from_json(given[question.name])
    except InputError as refused:
        raise InputError(
            f"Question {shown(question.name, 40)}: {refused.message}",
            hint=refused.hint,
            code=refused.code,
        ) from None
