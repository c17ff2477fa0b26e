"""Selections that ask of each part of the pool: clusters first, then one item of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.selection.pool import (
    Index,
    Pool,
    Random,
    Vectors,
    blocks,
    filled,
    probabilities_of,
    smallest,
    squares,
)
from signoff.core.selection.scores import margins

MOST_VECTORS = 20_000  # candidates that clusters are looked for in
MOST_CLUSTERS = 500
PER_CLUSTER = 64
"""Candidates of each cluster that centres are looked for among, on average."""
NEIGHBOURS, MOST_MEMBERS = 20, 500


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
        return filled(np.array(chosen, dtype=np.int64), pool.size, count, rng)


@dataclass(frozen=True, slots=True)
class DiverseMargin:
    """Close calls that differ from each other: k-means over the ``wider * count`` closest.

    Zhdanov 2019 (arXiv 1901.05954).
    """

    wider: int = 3

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """One close call of each cluster, closest call first."""
        margin = margins(probabilities_of(pool))
        close = smallest(margin, self.wider * count)
        if pool.vectors is None or len(close) <= count:
            return close[:count]
        _, member = k_means(pool.vectors[close], count, rng=rng)
        seen, first = np.unique(member, return_index=True)
        chosen = close[np.sort(first[: len(seen)])]
        left = close[~np.isin(close, chosen)]
        return np.concatenate([chosen, left])[:count]


@dataclass(frozen=True, slots=True)
class TypiClust:
    """Typical items of the parts that no answer covers yet, for the first few hundred answers.

    Hacohen, Dekel and Weinshall 2022 (arXiv 2202.02794): as many clusters as there are answers and
    questions together, at most 500; from the largest of those with the fewest answers the item with
    the nearest neighbours, among at most 500 that are nearest to the centre.
    """

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, largest uncovered cluster first; random where there are no vectors."""
        if pool.vectors is None or pool.size <= count:
            return Random().select(pool, count, rng=rng)
        known = 0 if pool.labelled is None else len(pool.labelled)
        k = min(known + count, MOST_CLUSTERS, pool.size)
        few = np.sort(rng.permutation(pool.size)[: max(PER_CLUSTER * k, 4_096)])
        centres, _ = k_means(pool.vectors[few], k, rng=rng)
        member = assigned(pool.vectors, centres)
        answers = np.zeros(len(centres), dtype=np.int64)
        if pool.labelled is not None and known:
            answers = np.bincount(assigned(pool.labelled, centres), minlength=len(centres))
        return _typical(pool.vectors, centres, member, answers, count)


def _typical(
    vectors: Vectors, centres: Vectors, member: Index, answers: Index, count: int
) -> Index:
    """The most typical items not taken yet, cluster by cluster."""
    order = np.argsort(member, kind="stable")
    sizes = np.bincount(member, minlength=len(centres))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    ranked: dict[int, Index] = {}
    chosen: list[int] = []
    answers, taken = answers.copy(), np.zeros_like(sizes)
    for _ in range(min(count, len(vectors))):
        some = np.flatnonzero(taken < sizes)
        cluster = int(some[np.lexsort((-sizes[some], answers[some]))[0]])
        if cluster not in ranked:
            inside = order[starts[cluster] : starts[cluster + 1]]
            ranked[cluster] = _by_typicality(vectors, inside, centres[cluster])
        chosen.append(int(ranked[cluster][taken[cluster]]))
        answers[cluster] += 1
        taken[cluster] += 1
    return np.array(chosen, dtype=np.int64)


def _by_typicality(vectors: Vectors, inside: Index, centre: Vectors) -> Index:
    """Members of a cluster, the one with the nearest neighbours first; those far out last."""
    likeness = np.empty(len(inside), dtype=np.float32)
    for some in blocks(len(inside), vectors.shape[1]):
        likeness[some] = vectors[inside[some]] @ centre
    near = smallest(-likeness, len(inside))
    close, far = inside[near[:MOST_MEMBERS]], inside[near[MOST_MEMBERS:]]
    rows = vectors[close]
    lengths = squares(rows)
    gaps = np.maximum(lengths[:, None] + lengths - 2 * (rows @ rows.T), 0)
    neighbours = min(NEIGHBOURS, len(close) - 1)
    nearest = np.partition(gaps, neighbours, axis=1)[:, : neighbours + 1]
    mean = np.sqrt(nearest).sum(axis=1) / max(neighbours, 1)
    return np.concatenate([close[np.argsort(mean, kind="stable")], far])


def assigned(vectors: Vectors, centres: Vectors) -> Index:
    """(n,) the centre each row is most like."""
    found = np.empty(len(vectors), dtype=np.int64)
    for some in blocks(len(vectors), len(centres)):
        found[some] = (vectors[some] @ centres.T).argmax(axis=1)
    return found


def k_means(
    vectors: Vectors, k: int, *, rng: np.random.Generator, steps: int = 8
) -> tuple[Vectors, Index]:
    """Centres (k, d) of unit length and each row's centre (n,): spherical k-means."""
    k = min(k, len(vectors))
    centres = vectors[_spread(vectors, k, rng)].copy()
    member = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(steps):
        member = assigned(vectors, centres)
        total = np.zeros_like(centres)
        np.add.at(total, member, vectors)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        centres = np.where(length > 0, total / np.maximum(length, 1e-12), centres)
    return centres, member


def _spread(vectors: Vectors, k: int, rng: np.random.Generator) -> Index:
    """First centres: drawn with probability proportional to squared distance (k-means++)."""
    chosen = [int(rng.integers(len(vectors)))]
    distance: NDArray[np.float64] = np.full(len(vectors), np.inf)
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
