from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
from signoff.core.selection.pool import CELLS, blocks, probabilities_of, vectors_of


def named(selection: Selection) -> str:
    return type(selection).__name__


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


@pytest.mark.parametrize("selection", ALL, ids=named)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 80), count=st.integers(1, 100))
@settings(deadline=None, max_examples=40)
def test_a_selection_is_as_many_different_candidates_as_wanted(
    selection: Selection, seed: int, n: int, count: int
) -> None:
    chosen = selection.select(pool_of(seed, n), count, rng=np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen.tolist())) == min(n, count)
    assert chosen.min() >= 0
    assert chosen.max() < n


def copies(seed: int, n: int) -> Pool:
    """Three different candidates and copies of them."""
    few, places = pool_of(seed, 3, k=7, d=16), np.arange(n) % 3
    assert few.probabilities is not None
    assert few.vectors is not None
    return Pool(size=n, probabilities=few.probabilities[places], vectors=few.vectors[places])


def odd(seed: int, n: int, **changed: np.ndarray) -> Pool:
    return replace(pool_of(seed, n), **changed)


ODD: dict[str, Callable[[int, int], Pool]] = {
    "copies": copies,
    "equal vectors": lambda seed, n: odd(seed, n, vectors=np.full((n, 4), 0.5, np.float32)),
    "zero vectors": lambda seed, n: odd(seed, n, vectors=np.zeros((n, 4), np.float32)),
    "one label": lambda seed, n: odd(seed, n, probabilities=np.ones((n, 1), np.float32)),
    "two labels": lambda seed, n: pool_of(seed, n, k=2),
    "a sure model": lambda seed, n: odd(seed, n, probabilities=np.eye(3, dtype="f4")[[0] * n]),
    "no number": lambda seed, n: odd(seed, n, probabilities=np.full((n, 3), np.nan, "f4")),
    "all answered": lambda seed, n: odd(seed, n, labelled=vectors_of(pool_of(seed, n))),
    "no minutes": lambda seed, n: odd(seed, n, minutes=np.zeros(n)),
}


@pytest.mark.parametrize("selection", ALL, ids=named)
@pytest.mark.parametrize("kind", ODD)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 40), count=st.integers(0, 50))
@settings(deadline=None, max_examples=15)
def test_odd_pools_give_as_many_different_candidates_too(
    selection: Selection, kind: str, seed: int, n: int, count: int
) -> None:
    pool = ODD[kind](seed, n)
    first, again = (
        selection.select(pool, count, rng=np.random.default_rng(seed)) for _ in range(2)
    )
    assert first.dtype == np.int64
    assert first.tolist() == again.tolist()
    assert len(set(first.tolist()) & set(range(n))) == len(first) == min(n, count)


@given(n=st.integers(0, 30_000), width=st.integers(0, 30_000))
@settings(deadline=None)
def test_blocks_are_all_rows_in_order_and_small(n: int, width: int) -> None:
    found = list(blocks(n, width))
    assert [some.start for some in found] == [0, *(some.stop for some in found)][: len(found)]
    assert sum(some.stop - some.start for some in found) == n
    assert all((some.stop - some.start) * width <= CELLS for some in found)


def test_what_spans_blocks_is_as_if_looked_at_at_once() -> None:
    pool = pool_of(2, 20_000, k=6)
    p = probabilities_of(pool)
    best = np.sort(p, axis=1)
    assert margins(p).tolist() == (best[:, -1] - best[:, -2]).tolist()
    rng = np.random.default_rng(0)
    unsure = LeastConfidence().select(pool, 30, rng=rng)
    assert unsure.tolist() == np.argsort(p.max(axis=1), kind="stable")[:30].tolist()
    mixed = Entropy().select(pool, 30, rng=rng)
    assert set(mixed.tolist()) == set(np.argsort((p * np.log(p)).sum(axis=1))[:30].tolist())


def test_what_is_no_number_comes_last() -> None:
    assert smallest(np.array([np.nan, 2, np.nan, 1]), 3).tolist() == [3, 1, 0]
    p = np.array([[np.nan, np.nan, np.nan], [0.8, 0.1, 0.1], [0.4, 0.3, 0.3]], np.float32)
    chosen = Margin().select(Pool(size=3, probabilities=p), 3, rng=np.random.default_rng(0))
    assert chosen.tolist() == [2, 1, 0]


@pytest.mark.parametrize("selection", ALL, ids=named)
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


def test_a_typical_item_is_one_with_near_neighbours() -> None:
    rng = np.random.default_rng(4)
    spread = rng.normal(0, 0.3, (60, 8)) + np.eye(8)[0]
    dense = rng.normal(0, 0.01, (40, 8)) + np.eye(8)[0]
    vectors = np.concatenate([spread, dense]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = TypiClust().select(Pool(size=100, vectors=vectors), 1, rng=rng)
    assert chosen[0] >= 60


@given(seed=st.integers(0, 10_000), count=st.integers(0, 90), share=st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_a_share_is_random_and_the_rest_is_not(seed: int, count: int, share: float) -> None:
    pool, rng = pool_of(seed, 80), np.random.default_rng(seed)
    chosen = Mixed(Margin(), share).select(pool, count, rng=rng)
    count = min(count, 80)
    best = count - round(share * count)
    assert len(chosen) == len(set(chosen.tolist())) == count
    assert chosen[:best].tolist() == Margin().select(pool, best, rng=rng).tolist()


def test_the_random_share_is_drawn_of_all_others_alike() -> None:
    pool, drawn = pool_of(7, 20), np.zeros(20)
    for seed in range(2_000):
        chosen = Mixed(Margin(), 0.5).select(pool, 10, rng=np.random.default_rng(seed))
        drawn[chosen[5:]] += 1
    others = drawn[drawn > 0]
    assert len(others) == 15
    assert others == pytest.approx(2_000 * 5 / 15, rel=0.1)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_no_less_than_nothing_and_no_more_than_all(share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Mixed(Margin(), share)


def test_every_group_is_asked_in_turn() -> None:
    groups = np.array([0] * 90 + [1] * 8 + [2] * 2)
    pool = pool_of(8, 100)
    chosen = Balanced(Margin(), groups).select(pool, 12, rng=np.random.default_rng(0))
    assert np.bincount(groups[chosen]).tolist() == [5, 5, 2]
    assert groups[chosen].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="group"):
        Balanced(Margin(), groups[:5]).select(pool, 3, rng=np.random.default_rng(0))


@pytest.mark.parametrize("selection", ALL, ids=named)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 60), count=st.integers(0, 70))
@settings(deadline=None, max_examples=25)
def test_groups_are_asked_equally_as_long_as_there_are_any(
    selection: Selection, seed: int, n: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.choice([-1, 3, 9], n, p=[0.7, 0.2, 0.1]).astype(np.int64)
    chosen = Balanced(selection, groups).select(pool_of(seed, n), count, rng=rng)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, count)
    asked = [int((groups[chosen] == group).sum()) for group in (-1, 3, 9)]
    there = [int((groups == group).sum()) for group in (-1, 3, 9)]
    unfinished = [a for a, t in zip(asked, there, strict=True) if a < t]
    assert all(max(asked) - a <= 1 for a in unfinished)
