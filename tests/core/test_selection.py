from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.selection import (
    Badge,
    Balanced,
    CostAware,
    Diverse,
    DiverseMargin,
    Entropy,
    KCenter,
    LeastConfidence,
    Margin,
    Mixed,
    Pool,
    Random,
    Selection,
    TypiClust,
    margins,
    smallest,
)

ALL: list[Selection] = [
    Random(),
    Margin(),
    LeastConfidence(),
    Entropy(),
    CostAware(),
    Diverse(),
    DiverseMargin(),
    TypiClust(),
    KCenter(),
    KCenter(block=4),
    Badge(),
    Mixed(Margin(), 0.3),
]


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


def test_entropy_and_cost_see_what_the_margin_does_not() -> None:
    p = np.array([[0.5, 0.5, 0, 0], [0.4, 0.2, 0.2, 0.2], [0.9, 0.1, 0, 0]], np.float32)
    rng = np.random.default_rng(0)
    pool = Pool(size=3, probabilities=p, minutes=np.array([10.0, 1.0, 0.1]))
    assert Entropy().select(pool, 3, rng=rng).tolist() == [1, 0, 2]
    assert CostAware().select(pool, 3, rng=rng).tolist() == [2, 1, 0]
    unknown = Pool(size=3, probabilities=p)
    assert CostAware().select(unknown, 3, rng=rng).tolist() == [0, 1, 2]


def greedy(vectors: np.ndarray, first: list[int], labelled: np.ndarray, count: int) -> list[int]:
    """k-center without any shortcut."""
    chosen = list(first)
    while len(chosen) < count:
        known = np.concatenate([labelled, vectors[chosen]])
        gaps = ((vectors[:, None, :] - known[None]) ** 2).sum(axis=2).min(axis=1)
        gaps[chosen] = -1
        chosen.append(int(gaps.argmax()))
    return chosen


@pytest.mark.parametrize("block", [1, 3, 2048])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), known=st.integers(0, 3))
@settings(deadline=None, max_examples=40)
def test_k_center_is_the_greedy_one(block: int, seed: int, n: int, known: int) -> None:
    vectors = pool_of(seed, n).vectors
    assert vectors is not None
    labelled = np.random.default_rng(seed + 1).normal(size=(known, 5)).astype(np.float32)
    pool = Pool(size=n, vectors=vectors, labelled=labelled if known else None)
    count = min(n, 12)
    chosen = KCenter(block).select(pool, count, rng=np.random.default_rng(seed)).tolist()
    first = [] if known else chosen[:1]
    assert chosen == greedy(vectors, first, labelled, count)


def test_badge_draws_in_proportion_to_the_squared_distance_of_gradients() -> None:
    pool = pool_of(5, 12)
    assert pool.probabilities is not None
    assert pool.vectors is not None
    errors = pool.probabilities.copy()
    errors[np.arange(12), errors.argmax(axis=1)] -= 1
    gradients = np.einsum("ik,id->ikd", errors, pool.vectors).reshape(12, -1)
    first = int((gradients**2).sum(axis=1).argmax())
    gaps = ((gradients - gradients[first]) ** 2).sum(axis=1)
    drawn = np.zeros(12)
    for seed in range(4_000):
        chosen = Badge().select(pool, 2, rng=np.random.default_rng(seed))
        assert chosen[0] == first
        drawn[chosen[1]] += 1
    expected = 4_000 * gaps / gaps.sum()
    others = np.arange(12) != first
    chi = ((drawn - expected)[others] ** 2 / expected[others]).sum()
    assert chi < 31.3  # 99.9 % of chi-square with 11 degrees of freedom


def test_badge_goes_on_where_all_gradients_are_nothing() -> None:
    p = np.tile(np.array([[1, 0]], np.float32), (9, 1))
    pool = Pool(size=9, probabilities=p, vectors=np.ones((9, 3), np.float32))
    assert sorted(Badge().select(pool, 9, rng=np.random.default_rng(0)).tolist()) == list(range(9))


def test_a_typical_start_asks_each_part_once_and_what_is_answered_not_again() -> None:
    vectors, member = clusters([300, 200, 20, 10, 5])
    rng = np.random.default_rng(1)
    chosen = TypiClust().select(Pool(size=len(member), vectors=vectors), 5, rng=rng)
    assert sorted(member[chosen].tolist()) == [0, 1, 2, 3, 4]
    known = np.eye(5, dtype=np.float32)[[0, 1]]
    pool = Pool(size=len(member), vectors=vectors, labelled=known)
    later = TypiClust().select(pool, 3, rng=np.random.default_rng(2))
    assert set(member[later].tolist()) >= {2, 3}


def test_a_share_is_random_and_the_rest_is_not() -> None:
    pool = pool_of(7, 500)
    rng = np.random.default_rng(0)
    chosen = Mixed(Margin(), 0.25).select(pool, 40, rng=rng)
    closest = Margin().select(pool, 500, rng=rng)
    assert chosen[:30].tolist() == closest[:30].tolist()
    assert chosen[30:].tolist() != closest[30:40].tolist()


def test_every_group_is_asked_in_turn() -> None:
    groups = np.array([0] * 90 + [1] * 8 + [2] * 2)
    pool = pool_of(8, 100)
    chosen = Balanced(Margin(), groups).select(pool, 12, rng=np.random.default_rng(0))
    assert np.bincount(groups[chosen]).tolist() == [5, 5, 2]
    with pytest.raises(ValueError, match="group"):
        Balanced(Margin(), groups[:5]).select(pool, 3, rng=np.random.default_rng(0))


@pytest.mark.parametrize("selection", [KCenter(), Badge(), TypiClust(), Diverse()])
def test_no_table_of_pairs_is_made(selection: Selection) -> None:
    n, d, k = 20_000, 64, 20
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pool = Pool(
        size=n, vectors=vectors, probabilities=rng.dirichlet(np.ones(k), n).astype(np.float32)
    )
    tracemalloc.start()
    chosen = selection.select(pool, 100, rng=rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == 100
    assert peak < 4 * vectors.nbytes
