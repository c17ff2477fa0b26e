"""Decisions: the answer each item ends with, by whom, with its evidence; columnar over n items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signoff.core.canonical import canonical_json
from signoff.core.coding import Value, value_of
from signoff.core.questions import Answer
from signoff.core.repeated import Repeated, repeated

DecidedBy = Literal["model", "reviewers", "blend"]
BY_CODE: dict[DecidedBy, int] = {"model": 0, "reviewers": 1, "blend": 2}
_BETWEEN = ',"'


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
        confidence = None if self.confidence is None else repr(self.confidence)
        rest = [confidence, self.reason, self.reviewers, self.model]
        return b"[" + _value_bytes(value_of(self.answer)) + b"," + _dump(rest)[1:]


def model_rows(
    values: Sequence[Value],
    codes: NDArray[np.int64],
    confidence: NDArray[np.float64],
    *,
    reason: str,
    model: str,
) -> Repeated[bytes]:
    """The rows :meth:`Decision.private` would give for many decisions of one model, fast."""
    tail = "," + _dump([reason, "", model])[1:].decode()
    return _value_rows(values, codes, confidence, tail)


def frozen_rows(
    values: Sequence[Value], codes: NDArray[np.int64], confidence: NDArray[np.float64]
) -> Repeated[bytes]:
    """Answer and confidence of each admission, as its batch row commits to them."""
    return _value_rows(values, codes, confidence, "]")


def _value_rows(
    values: Sequence[Value], codes: NDArray[np.int64], confidence: NDArray[np.float64], tail: str
) -> Repeated[bytes]:
    """Rows ``["label","0.97"`` + tail, or with an object for the label. Scores repeat, so each
    distinct row is made once; all are put together as one text, which costs a third of making
    one by one."""
    if len(codes) == 0:
        return Repeated([], codes)
    scores, at = np.unique(confidence, return_inverse=True)
    pairs, place = np.unique(codes * len(scores) + at, return_inverse=True)
    heads = ["[" + _value_bytes(value).decode() + _BETWEEN for value in values]
    numbers = list(map(repr, scores.tolist()))
    parts = zip(
        map(heads.__getitem__, (pairs // len(scores)).tolist()),
        map(numbers.__getitem__, (pairs % len(scores)).tolist()),
        repeat('"' + tail),
    )
    return Repeated("\n".join(map("".join, parts)).encode().split(b"\n"), place)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRows:
    """Answers and confidences read back, columnar: ``codes`` (n,) into ``values``, -1 where the
    row was erased; ``confidence`` (n,), NaN there. ``reason`` and ``model`` are those of all rows
    (frozen answers have none)."""

    values: Sequence[Value]
    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    reason: str = ""
    model: str = ""


def read_frozen_rows(
    private: Sequence[bytes | None], labels: Sequence[str] | None = None
) -> LabelRows:
    """The inverse of :func:`frozen_rows`; with a choice's ``labels`` about 0.3 µs a row."""
    if labels is None:
        return _read_values(private)
    codes, confidence = _read_labels(private, labels, b"]")
    return LabelRows(values=labels, codes=codes, confidence=confidence)


def read_model_rows(
    private: Sequence[bytes | None], labels: Sequence[str] | None = None
) -> LabelRows:
    """The inverse of :func:`model_rows`; with a choice's ``labels`` about 0.3 µs a row."""
    private = repeated(private)
    first = next((row for row in private.values if row is not None), None)
    reason = reviewers = model = ""
    if first is not None:
        _, _, reason, reviewers, model = json.loads(first)
    if labels is None:
        return replace(_read_values(private), reason=reason, model=model)
    tail = b"" if first is None else b"," + _dump([reason, reviewers, model])[1:]
    codes, confidence = _read_labels(private, labels, tail)
    return LabelRows(values=labels, codes=codes, confidence=confidence, reason=reason, model=model)


def _read_values(private: Sequence[bytes | None]) -> LabelRows:
    """Rows that begin with an answer of any kind and its confidence."""
    column = repeated(private)
    place: dict[bytes, int] = {}
    codes = np.full(len(column.values), -1, dtype=np.int64)
    confidence = np.full(len(column.values), np.nan)
    for at, row in enumerate(column.values):
        if row is not None:
            value, score = json.loads(row)[:2]
            codes[at] = place.setdefault(_value_bytes(value), len(place))
            confidence[at] = float(score)
    return LabelRows(
        values=[json.loads(value) for value in place],
        codes=codes[column.place],
        confidence=confidence[column.place],
    )


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


def _value_bytes(value: Value) -> bytes:
    """RFC 8785 for an answer: the C encoder for labels, of which there may be many."""
    return _dump([value])[1:-1] if isinstance(value, str) else canonical_json(value)
