"""What a model can tell people of an item: words that told, and answered items that are like it."""

from __future__ import annotations

from string import punctuation
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.hints import MOST_ALIKE, MOST_WORDS
from signoff.core.items import Items
from signoff.core.selection import smallest
from signoff.ports import Explains, Learner, Model, PoolState

Index = NDArray[np.int64]
Words = list[tuple[str, float]]

MARKS = frozenset(punctuation)
"""Tokens of these alone tell a model something and a person nothing."""

CHUNK = 512
LEAST_SHARE = 0.1
"""A word is told that weighs at least this much of the heaviest one."""
LEAST_ALIKE = 0.15
"""Items are alike from this cosine of their features on."""


@runtime_checkable
class Compares(Protocol):
    """A learner that can say how alike items are."""

    def likeness(self, items: Items, others: Items) -> NDArray[np.float32]:
        """(n, m) cosines between n items and m others."""
        ...


def words_for(model: Model, items: Items, codes: Index) -> list[Words]:
    """For each item the words that told most for or against its answer; none where the model cannot
    say, or gave no answer."""
    if not isinstance(model, Explains) or items.text_column is None:
        return [[] for _ in codes]
    return [
        [] if code < 0 else _weighty(model.explain(text, code, 2 * MOST_WORDS))
        for text, code in zip(items.texts, codes.tolist(), strict=True)
    ]


def _weighty(words: Words) -> Words:
    least = LEAST_SHARE * max((abs(weight) for _, weight in words), default=0.0)
    return [
        (word, round(weight, 4))
        for word, weight in words
        if abs(weight) > least and not set(word) <= MARKS
    ][:MOST_WORDS]


def alike(learner: Learner, state: PoolState, positions: Index) -> list[list[int]]:
    """For each item the answered items of the pool that are most like it, but for itself."""
    answered = np.unique(state.asked[state.codes >= 0])
    if not isinstance(learner, Compares) or len(answered) == 0:
        return [[] for _ in positions]
    found: list[list[int]] = []
    for start in range(0, len(positions), CHUNK):
        some = positions[start : start + CHUNK]
        near = learner.likeness(state.items.take(some), state.items.take(answered))
        near[some[:, None] == answered[None, :]] = -1.0
        found += [_nearest(row, answered) for row in near]
    return found


def _nearest(row: NDArray[np.float32], answered: Index) -> list[int]:
    best = smallest(-row, min(MOST_ALIKE, len(row)))
    return [int(answered[at]) for at in best.tolist() if row[at] >= LEAST_ALIKE]
