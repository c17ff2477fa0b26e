"""What a selection may look at, and the plainest one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Vectors = NDArray[np.float32]
Probabilities = NDArray[np.float32]

ROWS = 8_192
"""Candidates that are looked at in one go, where looking takes room."""
CELLS = 256 * ROWS
"""Numbers that such a look may fill: 8 MB."""


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


def blocks(rows: int, width: int) -> Iterator[slice]:
    """All rows, a slice at a time, where looking at one fills ``width`` numbers.

    >>> [(some.start, some.stop) for some in blocks(20_000, 10)]
    [(0, 8192), (8192, 16384), (16384, 20000)]
    """
    step = max(1, min(ROWS, CELLS // max(width, 1)))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def smallest(values: NDArray[np.floating], count: int) -> Index:
    """Positions of the ``count`` smallest values, ascending, ties by position; NaN comes last.

    >>> smallest(np.array([0.5, 0.1, 0.9, 0.1]), 3).tolist()
    [1, 3, 0]
    """
    if count < len(values):
        bar = np.partition(values, count - 1)[count - 1] if count > 0 else -np.inf
        # Not "at most the bar": nothing is at most NaN, and as many are wanted all the same.
        close = np.flatnonzero(~(values > bar))
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
    for some in blocks(len(vectors), len(centres)):
        gaps = vectors[some] @ centres.T
        gaps *= -2
        gaps += theirs
        np.minimum(found[some], np.maximum(gaps.min(axis=1) + lengths[some], 0), out=found[some])
    return found
