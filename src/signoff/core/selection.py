"""Selection: which items to ask next.

One verb: :meth:`Selection.select` gives at most ``count`` of the candidates, most useful first.
Nothing here forms a candidates-by-candidates matrix; ties fall to the earlier candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Vectors = NDArray[np.float32]

MOST_VECTORS = 20_000  # candidates that clusters are looked for in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """What a selection may look at; row i of each array is candidate i.

    ``probabilities`` (n, k) of a model, ``vectors`` (n, d) unit vectors, either None if unknown.
    """

    size: int
    probabilities: NDArray[np.float32] | None = None
    vectors: Vectors | None = None


class Selection(Protocol):
    """Chooses what to ask next."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index: ...


@dataclass(frozen=True, slots=True)
class Random:
    """Uniform without replacement."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates in random order."""
        return rng.permutation(pool.size)[:count].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Margin:
    """Smallest lead of the likeliest label over the second."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, closest call first."""
        return smallest(margins(_probabilities(pool)), count)


@dataclass(frozen=True, slots=True)
class LeastConfidence:
    """Smallest probability of the likeliest label."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, least confident first."""
        return smallest(_probabilities(pool).max(axis=1), count)


@dataclass(frozen=True, slots=True)
class Diverse:
    """A start without a model: the most typical item of each of ``count`` clusters."""

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, from the largest cluster on; random where there are no vectors."""
        if pool.vectors is None or pool.size <= count:
            return Random().select(pool, count, rng=rng)
        few = np.sort(rng.permutation(pool.size)[:MOST_VECTORS])
        vectors = pool.vectors[few]
        centres, member = k_means(vectors, count, rng=rng)
        sizes = np.bincount(member, minlength=len(centres))
        near = (vectors * centres[member]).sum(axis=1)
        chosen = [
            int(few[np.flatnonzero(member == c)[near[member == c].argmax()]])
            for c in np.argsort(-sizes, kind="stable").tolist()
            if sizes[c] > 0
        ]
        return _filled(np.array(chosen, dtype=np.int64), pool.size, count, rng)


@dataclass(frozen=True, slots=True)
class DiverseMargin:
    """Close calls that differ from each other: k-means over the ``wider * count`` closest.

    Zhdanov 2019 (arXiv 1901.05954).
    """

    wider: int = 3

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """One close call of each cluster, closest call first."""
        margin = margins(_probabilities(pool))
        close = smallest(margin, self.wider * count)
        if pool.vectors is None or len(close) <= count:
            return close[:count]
        _, member = k_means(pool.vectors[close], count, rng=rng)
        seen, first = np.unique(member, return_index=True)
        chosen = close[np.sort(first[: len(seen)])]
        left = close[~np.isin(close, chosen)]
        return np.concatenate([chosen, left])[:count]


def margins(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lead (n,) of the likeliest label over the second."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return two[:, 1] - two[:, 0]


def smallest(values: NDArray[np.floating], count: int) -> Index:
    """Positions of the ``count`` smallest values, ascending, ties by position."""
    if count < len(values):
        bar = np.partition(values, count - 1)[count - 1] if count > 0 else -np.inf
        close = np.flatnonzero(values <= bar)
    else:
        close = np.arange(len(values))
    return close[np.argsort(values[close], kind="stable")][:count].astype(np.int64)


def k_means(
    vectors: Vectors, k: int, *, rng: np.random.Generator, steps: int = 8
) -> tuple[Vectors, Index]:
    """Centres (k, d) of unit length and each row's centre (n,): spherical k-means."""
    k = min(k, len(vectors))
    centres = vectors[_spread(vectors, k, rng)].copy()
    member = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(steps):
        member = (vectors @ centres.T).argmax(axis=1).astype(np.int64)
        total = np.zeros_like(centres)
        np.add.at(total, member, vectors)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        centres = np.where(length > 0, total / np.maximum(length, 1e-12), centres)
    return centres, member


def _spread(vectors: Vectors, k: int, rng: np.random.Generator) -> Index:
    """First centres: drawn with probability proportional to squared distance (k-means++)."""
    chosen = [int(rng.integers(len(vectors)))]
    distance = np.full(len(vectors), np.inf)
    for _ in range(k - 1):
        gap = 2 - 2 * (vectors @ vectors[chosen[-1]]).astype(np.float64)
        distance = np.minimum(distance, np.maximum(gap, 0))
        total = distance.sum()
        if total <= 1e-9:
            chosen.append(int(rng.integers(len(vectors))))
            continue
        point = int((np.cumsum(distance) <= rng.random() * total).sum())
        chosen.append(min(point, len(vectors) - 1))
    return np.array(chosen, dtype=np.int64)


def _filled(chosen: Index, size: int, count: int, rng: np.random.Generator) -> Index:
    """The chosen ones, and random others up to ``count``."""
    others = rng.permutation(size)
    others = others[~np.isin(others, chosen)]
    return np.concatenate([chosen, others])[:count].astype(np.int64)


def _probabilities(pool: Pool) -> NDArray[np.float32]:
    if pool.probabilities is None:
        raise ValueError("this selection needs a model's probabilities")
    return pool.probabilities
