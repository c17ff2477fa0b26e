"""Reviewers that are not people at a screen: a column of the data, a Python callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from signoff.core.items import Item
from signoff.core.questions import CANNOT_SAY, Answer, Chosen, Question
from signoff.errors import InputError
from signoff.ports import Desk

BATCH = 200


class ColumnReviewer:
    """Answers from a column of the data: for simulations, benchmarks and labels that exist.

    ``answers`` maps an item's key to what its column holds.
    """

    kind: Literal["column"] = "column"

    def __init__(self, column: str, answers: Mapping[str, Answer]) -> None:
        self.name = f"column:{column}"
        self._answers = answers

    def review(self, desk: Desk) -> bool:
        """Answer all that waits, many in one durable step."""
        while requests := desk.next_many(BATCH):
            desk.answer_many([(r, self._answers[r.item.key]) for r in requests])
        return True


class CallableReviewer:
    """Answers with a function of the item: a label, or None for "cannot say"."""

    kind: Literal["callable"] = "callable"

    def __init__(
        self, function: Callable[[Item], str | Answer | None], *, name: str = "callable"
    ) -> None:
        self.name = name
        self._function = function

    def review(self, desk: Desk) -> bool:
        """Answer one at a time: the function may be slow, and what it said must not get lost."""
        while (request := desk.next()) is not None:
            said = self._function(request.item)
            desk.answer(request, read_answer(said, request.question), seconds=0.0)
        return True


def read_answer(said: str | Answer | None, question: Question) -> Answer:
    """The typed answer a callable meant."""
    if said is None:
        return CANNOT_SAY
    if isinstance(said, str):
        return question.parse(said)
    if isinstance(said, Chosen):
        return question.parse(said.label)
    return said


def column_answers(
    column: str, keys: list[str], values: list[object], question: Question
) -> dict[str, Answer]:
    """The answer of each row's key; refuses an unknown label before anything is asked."""
    texts = ["" if value is None else str(value) for value in values]
    parsed: dict[str, Answer] = {}
    for text in dict.fromkeys(texts):
        try:
            parsed[text] = question.parse(text)
        except InputError as error:
            row = texts.index(text) + 1
            raise InputError(
                f"Row {row} of column {column!r} holds {text[:40]!r}, which is no label.",
                hint=f"{error.hint} Correct the column, or pass --labels.",
                code="unknown_label",
            ) from None
    return dict(zip(keys, map(parsed.__getitem__, texts), strict=True))
