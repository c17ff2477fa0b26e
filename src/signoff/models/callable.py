"""Any Python callable, or object with ``predict``, as a fixed model.

It gets a list of texts (of rows as dicts where there is no text column, of file names where items
are pictures) and may return, per item:
a row of k probabilities in the order of the labels, a label, a (label, score) pair, or a dict:
``{"label": ..., "score": ...}`` or ``{label: probability, ...}``. Whatever cannot be trusted, an
unknown label, a score that is no number between 0 and 1, sends its item to people with the reason;
it never stops the others.
"""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Items, Predictions

BATCH = 1_000  # items handed over at once
NO_SCORE = 0.5  # where a label comes without a score: all alike
SUM_SLACK = 0.01  # how far from 1 probabilities may sum

Guess = Callable[[list[object]], object]


class Said(NamedTuple):
    """One item's answer as read: a label code with its score, or -1 and why."""

    code: int
    score: float
    why: str = ""
    probabilities: NDArray[np.float64] | None = None


class CallableModel:
    """A callable behind the port :class:`signoff.ports.Model`; nothing is trained."""

    def __init__(self, guess: object, *, labels: tuple[str, ...]) -> None:
        self._guess = guess_of(guess)
        self.labels = labels
        self._exact = {label: code for code, label in enumerate(labels)}
        self._codes = {label.casefold(): code for code, label in enumerate(labels)}
        self._version = version_of_source(guess, labels)

    @property
    def version(self) -> str:
        """Hash of the source, or of the name where there is no source, and of the labels."""
        return self._version

    def predict(self, items: Items) -> Predictions:
        """Ask in batches; a batch that fails is asked again row by row."""
        rows = rows_of(items)
        batches = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
        return _joined([part for batch in batches for part in self._batch(batch)])

    def _batch(self, rows: list[object]) -> list[Predictions]:
        try:
            return [self._read(self._guess(rows), len(rows))]
        except Exception as error:  # whatever a user's code may raise
            if len(rows) == 1:
                why = f"the model failed: {type(error).__name__}: {str(error)[:120]}"
                return [_columnar([_none(why)], len(self.labels))]
        return [part for row in rows for part in self._batch([row])]

    def _read(self, answers: object, n: int) -> Predictions:
        listed = _listed(answers)
        if len(listed) != n:
            raise ValueError(f"{len(listed)} answers to {n} items")
        pairs = self._pairs(listed)
        if pairs is not None:
            return pairs
        return _columnar([self._one(answer) for answer in listed], len(self.labels))

    def _pairs(self, answers: list[object]) -> Predictions | None:
        """Answers that are all (label, score) as they should be: there may be millions."""
        if set(map(type, answers)) != {tuple}:
            return None
        pairs = cast("list[tuple[object, ...]]", answers)
        if set(map(len, pairs)) != {2}:
            return None
        labels, scores = zip(*pairs, strict=True)
        if set(map(type, labels)) != {str} or set(map(type, scores)) != {float}:
            return None
        codes = list(map(self._exact.get, labels))
        score = np.array(scores, dtype=np.float64)
        if None in codes or not bool(np.all((score >= 0) & (score <= 1))):
            return None
        return Predictions(answer=np.array(codes, dtype=np.int64), raw_score=score)

    def _one(self, answer: object) -> Said:
        match answer:
            case str():
                return self._labelled(answer, NO_SCORE)
            case Mapping():
                return self._mapped(answer)
            case (str() as label, score):
                return self._labelled(label, score)
            case bool():
                return self._labelled(str(answer), NO_SCORE)
            case list() | tuple() | np.ndarray():
                return self._distribution(answer)
            case None:
                return _none("the model gave no answer")
            case _:
                return self._labelled(str(answer), NO_SCORE)

    def _mapped(self, answer: Mapping[object, object]) -> Said:
        for name in ("score", "confidence", "probability"):
            if "label" in answer and name in answer:
                return self._labelled(answer["label"], answer[name])
        if "label" in answer:
            return self._labelled(answer["label"], NO_SCORE)
        row = np.zeros(len(self.labels))
        for label, probability in answer.items():
            code = self._codes.get(str(label).strip().casefold())
            if code is None:
                return _none(f"unknown label {str(label)[:40]!r}")
            row[code] = _number(probability)
        return self._distribution(row)

    def _labelled(self, label: object, score: object) -> Said:
        if label is None:
            return _none("the model gave no answer")
        code = self._codes.get(str(label).strip().casefold())
        if code is None:
            return _none(f"unknown label {str(label)[:40]!r}")
        number = _number(score)
        if not 0 <= number <= 1:
            return _none(f"score {str(score)[:40]!r} is no number between 0 and 1")
        return Said(code, number)

    def _distribution(self, answer: Sequence[object] | NDArray[np.generic]) -> Said:
        row = np.array([_number(value) for value in answer])
        if len(row) != len(self.labels):
            return _none(f"{len(row)} probabilities for {len(self.labels)} labels")
        if not bool(np.all((row >= 0) & (row <= 1))) or abs(row.sum() - 1) > SUM_SLACK:
            shown = ", ".join(f"{value:g}" for value in row[:4])
            return _none(f"probabilities {shown} … are no distribution"[:160])
        code = int(row.argmax())
        return Said(code, float(row[code]), "", row)


def rows_of(items: Items) -> list[object]:
    """What a user's model is handed: files of pictures, texts, or one dict per row."""
    if items.images is not None:
        return list(items.images)
    if items.text_column is not None:
        return list(items.texts)
    names = items.names
    columns = [items.column(name) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def guess_of(model: object) -> Guess:
    """The function to call: ``predict_proba``, ``predict`` or the object itself."""
    for name in ("predict_proba", "predict"):
        found = getattr(model, name, None)
        if callable(found):
            return found
    if callable(model):
        return model
    raise TypeError(f"{type(model).__name__} is not callable and has no predict")


def version_of_source(model: object, labels: tuple[str, ...]) -> str:
    """A short hash that changes when the code of a callable does."""
    kind = model if inspect.isroutine(model) else type(model)
    try:
        code = inspect.getsource(kind)  # pyright: ignore[reportArgumentType]
    except (OSError, TypeError):
        code = ""
    name = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"
    content = "\x00".join(["callable-1", name, code, *labels])
    return "callable-" + hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]


def _listed(answers: object) -> list[object]:
    """One entry per item, whatever came back."""
    if isinstance(answers, np.ndarray):
        return list(answers)
    if isinstance(answers, str | bytes | Mapping) or not hasattr(answers, "__iter__"):
        raise TypeError(f"a {type(answers).__name__} is no list of answers")
    return list(answers)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _number(value: object) -> float:
    """The float a value stands for; NaN for anything else."""
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _none(why: str) -> Said:
    return Said(-1, math.nan, why)


def _columnar(said: list[Said], k: int) -> Predictions:
    table: NDArray[np.float32] | None = None
    if any(one.probabilities is not None for one in said):
        table = np.full((len(said), k), np.nan, dtype=np.float32)
        for row, one in enumerate(said):
            if one.probabilities is not None:
                table[row] = one.probabilities
    return Predictions(
        answer=np.array([one.code for one in said], dtype=np.int64),
        raw_score=np.array([one.score for one in said], dtype=np.float64),
        probabilities=table,
        why=[one.why for one in said] if any(one.code < 0 for one in said) else None,
    )


def _joined(parts: list[Predictions]) -> Predictions:
    """Predictions one after the other; what only some of them have is empty for the others."""
    if not parts:
        return _columnar([], 0)
    tables = [part.probabilities for part in parts]
    width = next((table.shape[1] for table in tables if table is not None), None)
    return Predictions(
        answer=np.concatenate([part.answer for part in parts]),
        raw_score=np.concatenate([part.raw_score for part in parts]),
        probabilities=None
        if width is None
        else np.concatenate(
            [
                np.full((len(part), width), np.nan, dtype=np.float32) if table is None else table
                for part, table in zip(parts, tables, strict=True)
            ]
        ),
        why=None
        if all(part.why is None for part in parts)
        else [why for part in parts for why in (part.why or [""] * len(part))],
    )
