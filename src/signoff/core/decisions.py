"""Decisions: the answer each item ends with, by whom, with its evidence; columnar over n items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signoff.core.questions import CANNOT_SAY, Answer, Chosen
from signoff.core.repeated import Repeated, repeated

DecidedBy = Literal["model", "reviewers", "blend"]
BY_CODE: dict[DecidedBy, int] = {"model": 0, "reviewers": 1, "blend": 2}
_BETWEEN = ',"'
BY_NAME: dict[int, DecidedBy] = {code: name for name, code in BY_CODE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one item ended with."""

    item: int
    answer: Answer
    by: DecidedBy
    confidence: float | None
    reason: str
    reviewers: str
    model: str

    def private(self) -> bytes:
        """The canonical JSON array a batch row commits to."""
        answer = self.answer.label if isinstance(self.answer, Chosen) else self.answer.to_json()
        confidence = None if self.confidence is None else repr(self.confidence)
        return _dump([answer, confidence, self.reason, self.reviewers, self.model])

    @classmethod
    def read(cls, item: int, by: int, private: bytes) -> Decision:
        """The inverse of :meth:`private`."""
        answer, confidence, reason, reviewers, model = json.loads(private)
        return cls(
            item=item,
            answer=Chosen(answer) if isinstance(answer, str) else CANNOT_SAY,
            by=BY_NAME[by],
            confidence=None if confidence is None else float(confidence),
            reason=reason,
            reviewers=reviewers,
            model=model,
        )


def model_rows(
    labels: Sequence[str],
    codes: NDArray[np.int64],
    confidence: NDArray[np.float64],
    *,
    reason: str,
    model: str,
) -> Repeated[bytes]:
    """The rows :meth:`Decision.private` would give for many decisions of one model, fast."""
    tail = "," + _dump([reason, "", model])[1:].decode()
    return _label_rows(labels, codes, confidence, tail)


def frozen_rows(
    labels: Sequence[str], codes: NDArray[np.int64], confidence: NDArray[np.float64]
) -> Repeated[bytes]:
    """Label and confidence of each admission, as its batch row commits to them."""
    return _label_rows(labels, codes, confidence, "]")


def _label_rows(
    labels: Sequence[str], codes: NDArray[np.int64], confidence: NDArray[np.float64], tail: str
) -> Repeated[bytes]:
    """Rows ``["label","0.97"`` + tail. Scores repeat, so each distinct row is made once; all are
    put together as one text, which costs a third of making one by one."""
    if len(codes) == 0:
        return Repeated([], codes)
    values, at = np.unique(confidence, return_inverse=True)
    pairs, place = np.unique(codes * len(values) + at, return_inverse=True)
    heads = [_dump([label])[:-1].decode() + _BETWEEN for label in labels]
    numbers = list(map(repr, values.tolist()))
    parts = zip(
        map(heads.__getitem__, (pairs // len(values)).tolist()),
        map(numbers.__getitem__, (pairs % len(values)).tolist()),
        repeat('"' + tail),
    )
    return Repeated("\n".join(map("".join, parts)).encode().split(b"\n"), place)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRows:
    """Labels and confidences read back, columnar: ``codes`` (n,) into the labels, -1 where the
    row was erased; ``confidence`` (n,), NaN there. ``reason`` and ``model`` are those of all rows
    (frozen labels have none)."""

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    reason: str = ""
    model: str = ""


def read_frozen_rows(private: Sequence[bytes | None], labels: Sequence[str]) -> LabelRows:
    """The inverse of :func:`frozen_rows`; about 0.3 µs a row."""
    codes, confidence = _read_labels(private, labels, b"]")
    return LabelRows(codes=codes, confidence=confidence)


def read_model_rows(private: Sequence[bytes | None], labels: Sequence[str]) -> LabelRows:
    """The inverse of :func:`model_rows`; about 0.3 µs a row."""
    first = next((row for row in private if row is not None), None)
    if first is None:
        codes, confidence = _read_labels(private, labels, b"")
        return LabelRows(codes=codes, confidence=confidence)
    _, _, reason, reviewers, model = json.loads(first)
    tail = b"," + _dump([reason, reviewers, model])[1:]
    codes, confidence = _read_labels(private, labels, tail)
    return LabelRows(codes=codes, confidence=confidence, reason=reason, model=model)


def _read_labels(
    private: Sequence[bytes | None], labels: Sequence[str], tail: bytes
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Codes and confidences of rows ``["label","0.97"`` + tail; -1 and NaN of erased ones.

    Each distinct row is read once. Raises :class:`ValueError` or :class:`KeyError` for a row that
    is not as we wrote it.
    """
    column = repeated(private)
    known = [at for at, row in enumerate(column.values) if row is not None]
    # Neither a comma and a quote nor a line end can be inside a JSON string.
    between = _BETWEEN.encode()
    text = b"\n".join([*(row for row in column.values if row is not None), b""])
    text = text.replace(b'"' + tail + b"\n", between).removesuffix(between)
    parts = text.split(between) if known else []
    if len(parts) != 2 * len(known):
        raise ValueError("a row of a batch is not as signoff writes it")
    code_of = {_dump([label])[:-1]: code for code, label in enumerate(labels)}
    codes = np.full(len(column.values), -1, dtype=np.int64)
    confidence = np.full(len(column.values), np.nan)
    codes[known] = list(map(code_of.__getitem__, parts[0::2]))
    confidence[known] = list(map(float, parts[1::2]))
    return codes[column.place], confidence[column.place]


def _dump(value: Sequence[object] | Mapping[str, object]) -> bytes:
    """RFC 8785 for arrays of strings and nulls, at the speed of the C encoder."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
