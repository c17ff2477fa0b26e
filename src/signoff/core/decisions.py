"""Decisions: the answer each item ends with, by whom, with its evidence; columnar over n items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signoff.core.questions import CANNOT_SAY, Answer, Chosen

DecidedBy = Literal["model", "reviewers", "blend"]
BY_CODE: dict[DecidedBy, int] = {"model": 0, "reviewers": 1, "blend": 2}
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
) -> list[bytes]:
    """The rows :meth:`Decision.private` would give for many decisions of one model, fast."""
    heads = [_dump([label])[:-1] for label in labels]
    tail = b"," + _dump([reason, "", model])[1:]
    return [
        heads[code] + f',"{value!r}"'.encode() + tail
        for code, value in zip(codes.tolist(), confidence.tolist(), strict=True)
    ]


def frozen_rows(
    labels: Sequence[str], codes: NDArray[np.int64], confidence: NDArray[np.float64]
) -> list[bytes]:
    """Label and confidence of each admission, as its batch row commits to them."""
    heads = [_dump([label])[:-1] for label in labels]
    return [
        heads[code] + f',"{value!r}"]'.encode()
        for code, value in zip(codes.tolist(), confidence.tolist(), strict=True)
    ]


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
    """The inverse of :func:`frozen_rows`; about 0.5 µs a row."""
    codes, confidence = _read_labels(private, labels, b"]")
    return LabelRows(codes=codes, confidence=confidence)


def read_model_rows(private: Sequence[bytes | None], labels: Sequence[str]) -> LabelRows:
    """The inverse of :func:`model_rows`; about 0.5 µs a row."""
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
    """Codes and confidences of rows ``["label","0.97"`` + tail; a row is as we wrote it."""
    code_of = {_dump([label])[:-1]: code for code, label in enumerate(labels)}
    codes: list[int] = []
    confidence: list[float] = []
    for row in private:
        if row is None:
            codes.append(-1)
            confidence.append(np.nan)
            continue
        head, _, number = row.removesuffix(tail).rpartition(b',"')
        codes.append(code_of[head])
        confidence.append(float(number[:-1]))
    return np.array(codes, dtype=np.int64), np.array(confidence, dtype=np.float64)


def _dump(value: Sequence[object] | Mapping[str, object]) -> bytes:
    """RFC 8785 for arrays of strings and nulls, at the speed of the C encoder."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
