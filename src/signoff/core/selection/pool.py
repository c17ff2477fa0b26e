"""What a selection may look at, and the plainest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float32]

ROWS = 8_192
"""Candidates that are looked at in one go, where looking takes room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """What a selection may look at; row i of each array is candidate i.

    ``probabilities`` (n, k) of a model, ``vectors`` (n, d) unit vectors, ``labelled`` (m, d) those
    of items that are answered already, ``minutes`` (n,) what an answer takes: each None if unknown.
    """

    size: int
    probabilities: Probabilities | None = None
    vectors: Vectors | None = None
    labelled: Vectors | None = None
    minutes: NDArray[np.float64] | None = None


class Selection(Protocol):
    """Chooses what to ask next."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index: ...


@dataclass(frozen=True, slots=True)
class Random:
    """Uniform without replacement."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates in random order."""
        return rng.permutation(pool.size)[:count].astype(np.int64)


def smallest(values: NDArray[np.floating], count: int) -> Index:
    """Positions of the ``count`` smallest values, ascending, ties by position."""
    if count < len(values):
        bar = np.partition(values, count - 1)[count - 1] if count > 0 else -np.inf
        close = np.flatnonzero(values <= bar)
    else:
        close = np.arange(len(values))
    return close[np.argsort(values[close], kind="stable")][:count].astype(np.int64)


def filled(chosen: Index, size: int, count: int, rng: np.random.Generator) -> Index:
    """The chosen ones, and random others up to ``count``."""
    others = rng.permutation(size)
    others = others[~np.isin(others, chosen)]
    return np.concatenate([chosen, others])[:count].astype(np.int64)


def probabilities_of(pool: Pool) -> Probabilities:
    """The model's probabilities, which this selection cannot do without."""
    if pool.probabilities is None:
        raise ValueError("this selection needs a model's probabilities")
    return pool.probabilities


def vectors_of(pool: Pool) -> Vectors:
    """The candidates' vectors, which this selection cannot do without."""
    if pool.vectors is None:
        raise ValueError("this selection needs the candidates' vectors")
    return pool.vectors


def squares(vectors: Vectors) -> NDArray[np.float32]:
    """(n,) the squared length of each."""
    return np.einsum("ij,ij->i", vectors, vectors)


def nearest(
    vectors: Vectors, lengths: NDArray[np.float32], centres: Vectors, bound: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(n,) the squared distance to the nearest of the centres, or ``bound`` where that is less."""
    found = bound.copy()
    theirs = squares(centres)
    for start in range(0, len(vectors), ROWS):
        some = slice(start, start + ROWS)
        gaps = vectors[some] @ centres.T
        gaps *= -2
        gaps += theirs
        np.minimum(found[some], np.maximum(gaps.min(axis=1) + lengths[some], 0), out=found[some])
    return found
