"""Selections that look at a model's probabilities alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.selection.pool import (
    Index,
    Pool,
    Probabilities,
    blocks,
    probabilities_of,
    smallest,
)


@dataclass(frozen=True, slots=True)
class Margin:
    """Smallest lead of the likeliest label over the second."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, closest call first."""
        return smallest(margins(probabilities_of(pool)), count)


@dataclass(frozen=True, slots=True)
class LeastConfidence:
    """Smallest probability of the likeliest label."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, least confident first."""
        return smallest(largest(probabilities_of(pool)), count)


@dataclass(frozen=True, slots=True)
class Entropy:
    """Largest entropy of the labels. With many labels it asks where none is likely, which often
    teaches less than a close call between two."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, most uncertain first."""
        return smallest(-entropies(probabilities_of(pool)), count)


@dataclass(frozen=True, slots=True)
class CostAware:
    """The uncertainty that a minute of a person's time buys: one less the margin, over the minutes
    that an answer takes (Settles, Craven and Friedland 2008)."""

    least: float = 1 / 60
    """Minutes below which an answer counts as taking so long."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, dearest use of a minute last; as :class:`Margin` where times are unknown."""
        close = margins(probabilities_of(pool))
        if pool.minutes is None:
            return smallest(close, count)
        return smallest(-(1 - close) / np.maximum(pool.minutes, self.least), count)


def margins(probabilities: Probabilities) -> NDArray[np.float32]:
    """Lead (n,) of the likeliest label over the second.

    >>> margins(np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]], np.float32)).tolist()
    [0.25, 0.625]
    """
    k = probabilities.shape[1]
    if k < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    if k == 2:
        return np.abs(probabilities[:, 0] - probabilities[:, 1])
    found = np.empty(len(probabilities), dtype=np.float32)
    for some in blocks(len(probabilities), k):
        # Some rows at a time, label by label, so that all of it stays in the processor's cache.
        labels = np.ascontiguousarray(probabilities[some].T)
        first, second = np.maximum(labels[0], labels[1]), np.minimum(labels[0], labels[1])
        for one in labels[2:]:
            np.maximum(second, np.minimum(first, one), out=second)
            np.maximum(first, one, out=first)
        np.subtract(first, second, out=found[some])
    return found


def largest(probabilities: Probabilities) -> NDArray[np.float32]:
    """Probability (n,) of the likeliest label."""
    found = np.empty(len(probabilities), dtype=np.float32)
    for some in blocks(len(probabilities), probabilities.shape[1]):
        np.ascontiguousarray(probabilities[some].T).max(axis=0, out=found[some])
    return found


def entropies(probabilities: Probabilities) -> NDArray[np.float32]:
    """Entropy (n,) of the labels in nats."""
    found = np.empty(len(probabilities), dtype=np.float32)
    for some in blocks(len(probabilities), probabilities.shape[1]):
        likely = np.maximum(probabilities[some], 1e-12)
        found[some] = -(likely * np.log(likely)).sum(axis=1)
    return found
