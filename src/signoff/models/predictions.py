"""Predictions that came in with the rows, as a fixed model: nothing is trained or called."""

from __future__ import annotations

import hashlib
from typing import cast

from signoff.core.items import Items, Predictions
from signoff.models.callable import NO_SCORE, CallableModel

PREDICTIONS = "predictions"
"""How this model is named where a model is asked for."""

SAID = "said"
ANSWER, SCORE = "prediction", "confidence"


class ColumnModel:
    """Reads the columns ``prediction`` (a label) and ``confidence`` (0 to 1, if there is one).

    What it cannot read sends its item to people, as with :class:`CallableModel`.
    """

    def __init__(self, *, labels: tuple[str, ...]) -> None:
        self._labels = labels
        content = "\x00".join(["predictions-1", *labels])
        self._version = "predictions-" + hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        """Hash of the labels: what it predicts stands in the rows, which the log commits to."""
        return self._version

    def predict(self, items: Items) -> Predictions:
        """The predictions beside the items."""
        read = CallableModel(_said, labels=self._labels)
        return read.predict(Items({SAID: _pairs(items)}))


def _said(rows: list[object]) -> list[object]:
    return [cast("dict[str, object]", row)[SAID] for row in rows]


def _pairs(items: Items) -> list[object]:
    nothing: list[object] = [None] * len(items)
    labels = items.column(ANSWER) if ANSWER in items.names else nothing
    scores = items.column(SCORE) if SCORE in items.names else [NO_SCORE] * len(items)
    return [
        None if label is None or score is None else (str(label), _score(score))
        for label, score in zip(labels, scores, strict=True)
    ]


def _score(value: object) -> object:
    """The number a score is written as; anything else as it is, for the message."""
    try:
        return float(str(value))
    except ValueError:
        return value
