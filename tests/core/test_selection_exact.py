"""Selections that take short cuts choose what the plain methods choose, in little room."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.selection import (
    Badge,
    Balanced,
    Diverse,
    DiverseMargin,
    Entropy,
    KCenter,
    LeastConfidence,
    Margin,
    Mixed,
    Pool,
    Selection,
    TypiClust,
)
from signoff.core.selection.pool import nearest, squares


def unit(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# ------------------------------------------------------------------------------ k-center


def greedy(vectors: np.ndarray, first: list[int], labelled: np.ndarray, count: int) -> list[int]:
    """k-center without any shortcut."""
    chosen = list(first)
    while len(chosen) < count:
        known = np.concatenate([labelled, vectors[chosen]])
        gaps = ((vectors[:, None, :] - known[None]) ** 2).sum(axis=2).min(axis=1)
        gaps[chosen] = -1
        chosen.append(int(gaps.argmax()))
    return chosen


def check_greedy(block: int, vectors: np.ndarray, labelled: np.ndarray, seed: int) -> None:
    """The same candidates in the same order."""
    known = len(labelled) > 0
    pool = Pool(size=len(vectors), vectors=vectors, labelled=labelled if known else None)
    count = min(len(vectors), 12)
    chosen = KCenter(block).select(pool, count, rng=np.random.default_rng(seed)).tolist()
    assert chosen == greedy(vectors, [] if known else chosen[:1], labelled, count)


@pytest.mark.parametrize("block", [1, 3, 2048])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), known=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_k_center_is_the_greedy_one(block: int, seed: int, n: int, known: int) -> None:
    rng = np.random.default_rng(seed)
    check_greedy(block, unit(rng, n, 5), unit(rng, known, 5), seed)


@pytest.mark.parametrize("block", [1, 3, 8, 2048])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), known=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_of_equally_far_ones_k_center_takes_the_earliest(
    block: int, seed: int, n: int, known: int
) -> None:
    # Whole numbers: distances are exact, and many are equal.
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (n, 2)).astype(np.float32)
    check_greedy(block, vectors, rng.integers(-2, 3, (known, 2)).astype(np.float32), seed)


def test_the_nearest_centre_is_found_among_many() -> None:
    rng = np.random.default_rng(0)
    vectors, centres = unit(rng, 300, 4), unit(rng, 9_000, 4)
    found = nearest(vectors, squares(vectors), centres, np.full(300, np.inf, np.float32))
    gaps = [((centres - one) ** 2).sum(axis=1).min() for one in vectors]
    assert found == pytest.approx(gaps, abs=1e-5)


# --------------------------------------------------------------------------------- BADGE


def small(seed: int, n: int) -> tuple[Pool, np.ndarray]:
    """A pool, and the squared distances (n, n) of its gradients, written out in full."""
    rng = np.random.default_rng(seed)
    p, vectors = rng.dirichlet(np.ones(3), n).astype(np.float32), unit(rng, n, 4)
    gradients = np.einsum("ik,id->ikd", p - np.eye(3)[p.argmax(axis=1)], vectors).reshape(n, -1)
    gaps = ((gradients[:, None] - gradients[None]) ** 2).sum(axis=2)
    first = int((gradients**2).sum(axis=1).argmax())
    assert Badge().select(Pool(size=n, probabilities=p, vectors=vectors), 1, rng=rng) == [first]
    return Pool(size=n, probabilities=p, vectors=vectors), gaps


def chances(gaps: np.ndarray, chosen: list[int]) -> np.ndarray:
    """(n,) how likely k-means++ draws each next."""
    nearest_gap = gaps[:, chosen].min(axis=1)
    return nearest_gap / nearest_gap.sum()


def chi_square(drawn: np.ndarray, expected: np.ndarray) -> float:
    assert drawn[expected == 0].sum() == 0
    there = expected > 0
    assert expected[there].min() >= 5
    return float(((drawn - expected)[there] ** 2 / expected[there]).sum())


def test_badge_draws_in_proportion_to_the_squared_distance_of_gradients() -> None:
    pool, gaps = small(5, 12)
    drawn = np.zeros(12)
    for seed in range(4_000):
        first, second = Badge().select(pool, 2, rng=np.random.default_rng(seed)).tolist()
        drawn[second] += 1
    gaps[first, first] = 0
    # 99.9 % of chi-square with 10 degrees of freedom.
    assert chi_square(drawn, 4_000 * chances(gaps, [first])) < 29.6


def test_badge_draws_exactly_from_distances_that_are_out_of_date_too() -> None:
    n, times = 6, 8_000
    pool, gaps = small(1, n)
    drawn, expected = np.zeros((n, n, n)), np.zeros((n, n, n))
    for seed in range(times):
        # The third and the fourth are drawn from distances to the first alone.
        first, *later = Badge().select(pool, 4, rng=np.random.default_rng(seed)).tolist()
        drawn[tuple(later)] += 1
    for second in set(range(n)) - {first}:
        for third in set(range(n)) - {first, second}:
            likely = chances(gaps, [first])[second] * chances(gaps, [first, second])[third]
            expected[second, third] = times * likely * chances(gaps, [first, second, third])
    # 99.9 % of chi-square with 59 degrees of freedom.
    assert chi_square(drawn, expected) < 98.3


# -------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("known", [0, 400])
@pytest.mark.parametrize(
    "selection",
    [
        Margin(),
        LeastConfidence(),
        Entropy(),
        Diverse(),
        DiverseMargin(wider=50),
        TypiClust(),
        KCenter(),
        Badge(),
        Mixed(Badge()),
        Balanced(KCenter(), np.arange(20_000) % 3),
    ],
    ids=lambda selection: type(selection).__name__,
)
def test_no_table_of_candidates_by_batch_is_made(selection: Selection, known: int) -> None:
    n, d, k, count = 20_000, 64, 20, 400
    rng = np.random.default_rng(0)
    vectors = unit(rng, n, d)
    pool = Pool(
        size=n,
        vectors=vectors,
        probabilities=rng.dirichlet(np.ones(k), n).astype(np.float32),
        labelled=vectors[:known].copy() if known else None,
    )
    tracemalloc.start()
    chosen = selection.select(pool, count, rng=rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == count
    # One such table takes 32 MB; of gradients in full, 102 MB; of pairs, 1.6 GB.
    assert peak < 0.75 * n * count * vectors.itemsize
