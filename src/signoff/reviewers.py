"""Reviewers that are not people at a screen: a column of the data, a Python callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import polars as pl

from signoff.core.coding import Codes
from signoff.core.items import Item, Items, Predictions
from signoff.core.process import MODEL
from signoff.core.questions import CANNOT_SAY, Answer, Form, Given, Question
from signoff.core.routing import Certified, Policy
from signoff.errors import InputError, UsageError
from signoff.formats.values import as_text
from signoff.ports import Desk, Request

BATCH = 200
NO_ANSWER = "the model has no answer"
Said = str | Answer | None | Mapping[str, "str | Answer | None"]
"""What a function of an item may return: an answer, or several by question's name."""


class ColumnReviewer:
    """Answers from a column of the data: for simulations, benchmarks and labels that exist.

    ``answers`` says what the columns hold for the keys of some items.
    """

    kind: Literal["column"] = "column"

    def __init__(self, column: str, answers: Callable[[Sequence[str]], Sequence[Given]]) -> None:
        self.name = f"column:{column}"
        self._answers = answers

    def review(self, desk: Desk) -> bool:
        """Answer all that waits, many in one durable step."""
        while requests := desk.next_many(BATCH):
            answers = self._answers([request.item.key for request in requests])
            desk.answer_many(list(zip(requests, answers, strict=True)))
        return True


class CallableReviewer:
    """Answers with a function of the item: an answer, or None for "cannot say"; a dict of them by
    question's name where the form has several questions."""

    kind: Literal["callable"] = "callable"

    def __init__(self, function: Callable[[Item], Said], *, name: str = "callable") -> None:
        self.name = name
        self._function = function

    def review(self, desk: Desk) -> bool:
        """Answer one at a time: the function may be slow, and what it said must not get lost."""
        while (request := desk.next()) is not None:
            said = self._function(request.item)
            desk.answer(request, read_answers(said, request.form), seconds=0.0)
        return True


def refuse_judge(kind: str, name: str, policy: Policy) -> None:
    """Raise :class:`UsageError` where a certificate would rest on what a model says."""
    if kind == MODEL and isinstance(policy, Certified):
        raise UsageError(
            f"{name} is a model, and a certificate rests on what people say.",
            hint="Pass --policy people: it answers everything, and nothing is promised. To have"
            f" people check it, pass --model {name} in its place.",
        )


class Judge(Protocol):
    """A model that answers one question about texts."""

    @property
    def codes(self) -> Codes:
        """What the codes of its predictions mean."""
        ...

    def predict(self, items: Items) -> Predictions:
        """Its answers, -1 for none."""
        ...


class ModelReviewer:
    """A language model in a reviewer's place: it proposes, and is nobody whose word a certificate
    rests on. What it has no answer to stays open.

    ``judges``: the model of each question.
    """

    kind: Literal["model"] = "model"

    def __init__(self, name: str, judges: Mapping[str, Judge]) -> None:
        self.name = name
        self._judges = judges

    def review(self, desk: Desk) -> bool:
        """Answer many in one durable step."""
        while requests := desk.next_many(BATCH):
            items = Items.of_texts({each.item.number: each.item.text for each in requests})
            said = {name: judge.predict(items) for name, judge in self._judges.items()}
            done: list[tuple[Request, Given]] = []
            for at, request in enumerate(requests):
                codes = {name: int(each.answer[at]) for name, each in said.items()}
                if min(codes.values()) < 0:
                    desk.skip(request, NO_ANSWER, for_good=True)
                    continue
                answers = {n: self._judges[n].codes.answers[code] for n, code in codes.items()}
                done.append((request, answers))
            desk.answer_many(done)
        return True


def read_answers(said: Said, form: Form) -> dict[str, Answer]:
    """The typed answers a callable meant."""
    if said is None:
        return {question.name: CANNOT_SAY for question in form.questions}
    if not isinstance(said, Mapping):
        return {form.only.name: read_answer(said, form.only)}
    unknown = [name for name in said if name not in form.names]
    if unknown:
        raise InputError(
            f"There is no question {unknown[0][:40]!r}.",
            hint=f"The questions are: {', '.join(form.names)}.",
        )
    return {
        question.name: read_answer(said.get(question.name), question) for question in form.questions
    }


def read_answer(said: str | Answer | None, question: Question) -> Answer:
    """The typed answer to one question: as typed, or an answer."""
    if said is None:
        return CANNOT_SAY
    return question.parse(said) if isinstance(said, str) else question.from_json(said.to_json())


def parse_labels(column: str, values: pl.Series, question: Question) -> dict[str, Answer]:
    """What each distinct value of a column (as text, "" for none) answers.

    Raises :class:`InputError` for an unknown label, with the first row that holds it.
    """
    texts = _texts(values)
    parsed: dict[str, Answer] = {}
    for text in texts.unique(maintain_order=True).to_list():
        try:
            parsed[text] = question.parse(text)
        except InputError as error:
            row = int((texts == text).arg_true()[0]) + 1
            raise InputError(
                f"Row {row} of column {column!r} holds {text[:40]!r}, which is no label.",
                hint=f"{error.hint} Correct the column, or pass --labels.",
                code="unknown_label",
            ) from None
    return parsed


def column_answers(
    column: str, keys: pl.Series, values: pl.Series, question: Question
) -> Callable[[Sequence[str]], list[Answer]]:
    """The answers of rows by their keys; refuses an unknown label before anything is asked.

    Few of the rows are ever asked about, so each call looks its keys up in the columns.
    """
    parsed = parse_labels(column, values, question)
    rows = pl.DataFrame({"key": keys, "text": _texts(values)})

    def answers(wanted: Sequence[str]) -> list[Answer]:
        found = rows.filter(pl.col("key").is_in(list(wanted)))
        text_of = dict(zip(found["key"].to_list(), found["text"].to_list(), strict=True))
        return [parsed[text_of[key]] for key in wanted]

    return answers


def _texts(values: pl.Series) -> pl.Series:
    return as_text(values).fill_null("")
