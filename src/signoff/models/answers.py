"""A callable as a fixed model of a question of any kind: it gives answers with confidences.

It gets a list of items: texts, names of files where they are pictures, or dicts of their columns
where there is no text column or the question shows several columns. For each it returns a pair of
an answer and a confidence between 0 and 1; the answer as a person would type it, as its JSON, or as
the answer itself. Whatever cannot be read sends its item to people with the reason; it never stops
the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from signoff.core.coding import Codes
from signoff.core.items import Items, Predictions
from signoff.core.questions import CANNOT_SAY, Answer, Form
from signoff.core.questions.form import columns_shown
from signoff.errors import InputError
from signoff.models.callable import BATCH, guess_of, rows_of, version_of_source

Said = tuple[int, float, str]
"""The code of an answer, -1 for none; its confidence; why there is none."""


class AnswerModel:
    """A callable behind the port :class:`signoff.ports.Model`; nothing is trained."""

    def __init__(self, guess: object, *, codes: Codes) -> None:
        self._guess = guess_of(guess)
        self._codes = codes
        self._whole = bool(columns_shown(Form((codes.question,))))
        self._version = version_of_source(guess, (repr(codes.question.to_json()),))

    @property
    def version(self) -> str:
        """Hash of the source, or of the name where there is no source, and of the question."""
        return self._version

    def predict(self, items: Items) -> Predictions:
        """Ask in batches; a batch that fails is asked again item by item."""
        rows = whole_rows(items) if self._whole else rows_of(items)
        said = [
            one for at in range(0, len(rows), BATCH) for one in self._batch(rows[at : at + BATCH])
        ]
        return Predictions(
            answer=np.array([code for code, _, _ in said], dtype=np.int64),
            raw_score=np.array([score for _, score, _ in said], dtype=np.float64),
            why=[why for _, _, why in said] if any(why for _, _, why in said) else None,
        )

    def _batch(self, rows: list[object]) -> list[Said]:
        try:
            answers = list(self._guess(rows))  # pyright: ignore[reportArgumentType, reportCallIssue]
            if len(answers) != len(rows):
                raise ValueError(f"{len(answers)} answers to {len(rows)} items")
            return [self._one(answer) for answer in answers]
        except Exception as error:  # whatever a user's code may raise
            if len(rows) == 1:
                return [_none(f"the model failed: {type(error).__name__}: {str(error)[:120]}")]
        return [said for row in rows for said in self._batch([row])]

    def _one(self, pair: object) -> Said:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            return _none("the model gave no pair of answer and confidence")
        answer, confidence = pair
        if answer is None or answer == CANNOT_SAY:
            return _none("the model gave no answer")
        try:
            score = float(confidence)
        except (TypeError, ValueError, OverflowError):
            score = math.nan
        if not 0 <= score <= 1:
            return _none(f"confidence {str(confidence)[:40]!r} is no number between 0 and 1")
        try:
            return self._codes.code(self._read(answer)), score, ""
        except InputError as error:
            return _none(error.message)

    def _read(self, answer: object) -> Answer:
        question = self._codes.question
        if isinstance(answer, str | int | float):
            return question.parse(str(answer))
        value = answer if isinstance(answer, Mapping) else answer.to_json()  # pyright: ignore[reportAttributeAccessIssue]
        return question.from_json(value)


def whole_rows(items: Items) -> list[object]:
    """Each item as a dict of its columns."""
    columns = [items.column(name) for name in items.names]
    return [dict(zip(items.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _none(why: str) -> Said:
    return -1, math.nan, why
