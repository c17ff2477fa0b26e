from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.selection import (
    Diverse,
    DiverseMargin,
    LeastConfidence,
    Margin,
    Pool,
    Random,
    Selection,
    margins,
    smallest,
)

ALL: list[Selection] = [Random(), Margin(), LeastConfidence(), Diverse(), DiverseMargin()]


def pool_of(seed: int, n: int, k: int = 3, d: int = 5) -> Pool:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    p = rng.dirichlet(np.ones(k), n).astype(np.float32) if n else np.zeros((0, k), np.float32)
    return Pool(size=n, probabilities=p, vectors=vectors)


@pytest.mark.parametrize("selection", ALL, ids=lambda s: type(s).__name__)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 80), count=st.integers(1, 100))
@settings(deadline=None, max_examples=40)
def test_a_selection_is_as_many_different_candidates_as_wanted(
    selection: Selection, seed: int, n: int, count: int
) -> None:
    chosen = selection.select(pool_of(seed, n), count, rng=np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen.tolist())) == min(n, count)
    assert chosen.min() >= 0
    assert chosen.max() < n


@pytest.mark.parametrize("selection", ALL, ids=lambda s: type(s).__name__)
def test_the_same_generator_gives_the_same_selection(selection: Selection) -> None:
    pool = pool_of(3, 200)
    a, b = (selection.select(pool, 20, rng=np.random.default_rng(9)) for _ in range(2))
    assert a.tolist() == b.tolist()


@given(st.lists(st.integers(-5, 5), max_size=40), st.integers(0, 45))
def test_smallest_is_a_stable_sort_cut_short(values: list[int], count: int) -> None:
    expected = sorted(range(len(values)), key=lambda i: values[i])[:count]
    assert smallest(np.array(values, dtype=np.float64), count).tolist() == expected


def test_margin_asks_the_closest_call_first() -> None:
    p = np.array([[0.9, 0.1, 0], [0.5, 0.5, 0], [0.4, 0.3, 0.3], [0.6, 0.2, 0.2]], np.float32)
    pool = Pool(size=4, probabilities=p)
    rng = np.random.default_rng(0)
    assert Margin().select(pool, 2, rng=rng).tolist() == [1, 2]
    assert LeastConfidence().select(pool, 2, rng=rng).tolist() == [2, 1]
    assert margins(p) == pytest.approx([0.8, 0.0, 0.1, 0.4], abs=1e-6)


def clusters(sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Well separated directions, one per cluster, and who belongs where."""
    rng = np.random.default_rng(0)
    member = np.repeat(np.arange(len(sizes)), sizes)
    vectors = np.eye(len(sizes))[member] + rng.normal(0, 0.02, (len(member), len(sizes)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), member


def test_a_diverse_start_covers_small_clusters_too() -> None:
    vectors, member = clusters([300, 200, 20, 10, 5])
    chosen = Diverse().select(
        Pool(size=len(member), vectors=vectors), 10, rng=np.random.default_rng(1)
    )
    assert set(member[chosen].tolist()) == {0, 1, 2, 3, 4}


def test_a_diverse_margin_batch_does_not_ask_one_cluster_only() -> None:
    vectors, member = clusters([30, 30, 30])
    p = np.stack([0.5 + member * 0.01, 0.5 - member * 0.01], axis=1).astype(np.float32)
    pool = Pool(size=90, probabilities=p, vectors=vectors)
    chosen = DiverseMargin(wider=10).select(pool, 9, rng=np.random.default_rng(1))
    assert set(member[chosen].tolist()) == {0, 1, 2}
    assert set(member[Margin().select(pool, 9, rng=np.random.default_rng(1))].tolist()) == {0}


def test_equal_vectors_do_not_stop_a_diverse_start() -> None:
    vectors = np.ones((50, 1), np.float32)
    chosen = Diverse().select(Pool(size=50, vectors=vectors), 10, rng=np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 10
