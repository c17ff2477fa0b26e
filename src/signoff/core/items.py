"""Items: the things to decide, as models see them.

An :class:`Items` is a columnar view. Engines hand a whole pool to a model once and then speak of
parts of it with :meth:`Items.take`; every view remembers its pool (``base``) and which rows of it
it shows (``index``), so that a model may compute features once per pool and slice them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NewType, cast

import numpy as np
from numpy.typing import NDArray

ItemNumber = NewType("ItemNumber", int)
"""Dense number of an item in its pool, from 0: the row number in every columnar artifact."""

IMAGE = "signoff_image"
"""The column with the SHA-256 of each item's picture, where items are pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to decide, as a person or a model is shown it."""

    number: ItemNumber
    key: str
    text: str
    data: Mapping[str, object] = field(default_factory=dict[str, object])

    def shown(self) -> dict[str, object]:
        """What people see of it, as JSON: the text, and the fields (others than numbers, text and
        truth values as text)."""
        return {"text": self.text, "data": {name: _plain(v) for name, v in self.data.items()}}

    @classmethod
    def from_shown(cls, number: int, key: str, shown: Mapping[str, object] | None) -> Item:
        """The item again, from :meth:`shown`; without text and fields where that was erased."""
        value = shown or {}
        return cls(
            number=ItemNumber(number),
            key=key,
            text=str(value.get("text", "")),
            data=cast("Mapping[str, object]", value.get("data", {})),
        )


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)


class Items:
    """A columnar view of a pool's items: ``columns[name][i]`` for i in 0..n-1.

    ``text_column`` names the column people read and text models learn from (None: there is none).
    Columns that answers are taken from never enter an ``Items``. ``image_path`` tells where the
    picture of a digest lies, where items are pictures: their texts are the names they came under.
    """

    __slots__ = ("__weakref__", "_columns", "base", "image_path", "index", "text_column")

    def __init__(
        self,
        columns: Mapping[str, Sequence[object]],
        *,
        text_column: str | None = None,
        image_path: Callable[[object], str] | None = None,
        base: Items | None = None,
        index: NDArray[np.int64] | None = None,
    ) -> None:
        self._columns = columns
        self.text_column = text_column
        self.image_path = image_path
        self.base: Items = self if base is None else base
        if index is None:
            size = len(next(iter(columns.values()))) if columns else 0
            index = np.arange(size, dtype=np.int64)
        self.index: NDArray[np.int64] = index

    @classmethod
    def of_texts(cls, texts: Mapping[int, str], column: str = "text") -> Items:
        """Texts of some items of a pool that is not at hand, by their numbers in it."""
        # Looked up by number alone, as a sequence would be.
        columns = {column: cast("Sequence[object]", texts)}
        index = np.fromiter(texts, dtype=np.int64, count=len(texts))
        return cls(columns, text_column=column, index=index)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def names(self) -> list[str]:
        """Column names, in the order they came in."""
        return list(self._columns)

    def column(self, name: str) -> list[object]:
        """The values of one column, in the order of this view."""
        values = self._columns[name]
        return [values[i] for i in self.index.tolist()]

    @property
    def texts(self) -> list[str]:
        """The text of each item ("" where there is none)."""
        if self.text_column is None:
            raise KeyError("these items have no text column")
        values = self._columns[self.text_column]
        return ["" if values[i] is None else str(values[i]) for i in self.index.tolist()]

    @property
    def images(self) -> list[str] | None:
        """The file of each item's picture ("" where it was erased); None where items are none.

        Files are named by their content, without a suffix: what they are, their bytes say.
        """
        if self.image_path is None:
            return None
        return [self.image_path(digest) for digest in self.column(IMAGE)]

    def take(self, positions: NDArray[np.int64] | Sequence[int]) -> Items:
        """The items at these positions of this view, sharing its pool."""
        chosen = self.index[np.asarray(positions, dtype=np.int64)]
        return Items(
            self._columns,
            text_column=self.text_column,
            image_path=self.image_path,
            base=self.base,
            index=chosen,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """People's answers to a list of items, one each, for a learner.

    ``codes[i]`` indexes ``labels``; answers that are no label ("cannot say") are left out before
    a learner sees them.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def classes(self) -> NDArray[np.int64]:
        """Codes that occur, ascending."""
        return np.unique(self.codes)


def joined(
    parts: Sequence[tuple[Items, Sequence[int]]], labels: tuple[str, ...]
) -> tuple[Items, Answers] | None:
    """Answered items of several pools as one view of their own; None where there are none.

    Keeps the columns that all pools have.
    """
    parts = [(items, codes) for items, codes in parts if len(items)]
    if not parts:
        return None
    first = parts[0][0]
    shared = [name for name in first.names if all(name in items.names for items, _ in parts)]
    columns = {name: [v for items, _ in parts for v in items.column(name)] for name in shared}
    codes = np.array([code for _, part in parts for code in part], dtype=np.int64)
    items = Items(columns, text_column=first.text_column, image_path=first.image_path)
    return items, Answers(labels=labels, codes=codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """A model's answers to n items, columnar.

    - ``answer`` (n,) int64: index into the question's labels; -1 where the model gave none.
    - ``raw_score`` (n,) float64: whatever the model says of its own certainty; orders items, is
      never trusted as a probability. NaN counts as "none given".
    - ``probabilities`` (n, k) float32 over the labels, or None where the model has none.
    - ``why``: one reason per item that has no answer ("" elsewhere), or None.
    - ``signals``: further numbers (n,) in [0, 1] by name, each telling something of how sure the
      model is; NaN where it tells nothing.
    - ``versions`` (n,) int64: which version of the model answered, where several did; else None.
    """

    answer: NDArray[np.int64]
    raw_score: NDArray[np.float64]
    probabilities: NDArray[np.float32] | None = None
    why: Sequence[str] | None = None
    signals: Mapping[str, NDArray[np.float64]] = field(
        default_factory=dict[str, NDArray[np.float64]]
    )
    versions: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.answer)

    def take(self, positions: NDArray[np.int64]) -> Predictions:
        """The predictions at these positions."""
        return Predictions(
            answer=self.answer[positions],
            raw_score=self.raw_score[positions],
            probabilities=None if self.probabilities is None else self.probabilities[positions],
            why=None if self.why is None else [self.why[int(at)] for at in positions],
            signals={name: each[positions] for name, each in self.signals.items()},
            versions=None if self.versions is None else self.versions[positions],
        )

    def by_version(self) -> list[Predictions]:
        """These predictions once for each version that answered, without the others' answers."""
        if self.versions is None:
            return [self]
        return [
            replace(self, answer=np.where(self.versions == each, self.answer, -1), versions=None)
            for each in np.unique(self.versions[self.answer >= 0]).tolist()
        ]

    def replaced(self, positions: NDArray[np.int64], others: Predictions) -> Predictions:
        """These predictions with ``others`` in their place at ``positions``: another version's."""
        answer, score = self.answer.copy(), self.raw_score.copy()
        answer[positions], score[positions] = others.answer, others.raw_score
        why = None
        if self.why is not None or others.why is not None:
            why = [""] * len(self) if self.why is None else list(self.why)
            for at, said in zip(positions.tolist(), others.why or [""] * len(others), strict=True):
                why[at] = said
        signals: dict[str, NDArray[np.float64]] = {}
        nothing = np.full(len(self), np.nan)
        for name in {**self.signals, **others.signals}:
            signals[name] = self.signals.get(name, nothing).copy()
            signals[name][positions] = others.signals.get(name, nothing[: len(others)])
        versions = np.zeros(len(self), np.int64) if self.versions is None else self.versions.copy()
        first = int(versions.max(initial=0)) + 1
        versions[positions] = first + (0 if others.versions is None else others.versions)
        return Predictions(
            answer=answer, raw_score=score, why=why, signals=signals, versions=versions
        )

    def among(self, size: int, positions: NDArray[np.int64]) -> Predictions:
        """These predictions as those of ``positions`` of so many items; none for the others."""
        if len(positions) == size:
            return self
        answer, score = np.full(size, -1, np.int64), np.full(size, np.nan)
        answer[positions], score[positions] = self.answer, self.raw_score
        probabilities, why = None, None
        if self.probabilities is not None:
            probabilities = np.full((size, self.probabilities.shape[1]), np.nan, np.float32)
            probabilities[positions] = self.probabilities
        if self.why is not None:
            said = dict(zip(positions.tolist(), self.why, strict=True))
            why = [said.get(at, "") for at in range(size)]
        signals: dict[str, NDArray[np.float64]] = {}
        for name, each in self.signals.items():
            signals[name] = np.full(size, np.nan)
            signals[name][positions] = each
        versions = None
        if self.versions is not None:
            versions = np.full(size, -1, np.int64)
            versions[positions] = self.versions
        return Predictions(
            answer=answer,
            raw_score=score,
            probabilities=probabilities,
            why=why,
            signals=signals,
            versions=versions,
        )


def key_digest(project: str, key: str) -> str:
    """What remains of the key of an erased row or item."""
    return hashlib.sha256(f"{project}|{key}".encode()).hexdigest()
