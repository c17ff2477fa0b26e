"""The audit coin: what it is made of, and that it is fair."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from signoff.core.coins import (
    coin,
    coins,
    draw_sample,
    group_probability,
    is_heads,
    seed_commitment,
    seed_from_number,
)

SEEDS = st.binary(min_size=32, max_size=32)
SEED = bytes(range(32))


@given(SEEDS, st.text(max_size=20), st.lists(st.integers(0, 10**9), max_size=30))
def test_a_coin_is_the_hmac_of_window_item_and_admission_number(
    seed: bytes, window: str, items: list[int]
) -> None:
    expected = [
        hmac.new(seed, f"{window}|{item}|{a}".encode(), hashlib.sha256).digest()[:8]
        for a, item in enumerate(items)
    ]
    assert [value.to_bytes(8, "big") for value in coins(seed, window, items).tolist()] == expected
    assert [coin(seed, window, item, a) for a, item in enumerate(items)] == [
        int.from_bytes(value, "big") for value in expected
    ]


@given(SEEDS, st.lists(st.integers(0, 99), max_size=40, unique=True), st.data())
def test_the_sample_is_the_items_of_smallest_coin(
    seed: bytes, items: list[int], data: st.DataObject
) -> None:
    m = data.draw(st.integers(0, len(items)))
    ranked = sorted(range(len(items)), key=lambda a: (coin(seed, "w", items[a], a), a))
    drawn = draw_sample(seed, "w", np.array(items, dtype=np.int64), m)
    assert drawn.tolist() == sorted(ranked[:m])


def test_a_known_draw_never_changes() -> None:
    assert draw_sample(SEED, "project/1/1", range(100), 5).tolist() == [3, 27, 36, 37, 96]
    assert seed_commitment(SEED) == hashlib.sha256(SEED).hexdigest()


def test_every_place_is_sampled_equally_often() -> None:
    counts = np.zeros(20)
    for attempt in range(4000):
        counts[draw_sample(SEED, f"w/{attempt}", range(20), 5)] += 1
    assert counts.sum() == 20_000
    assert chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(("pi", "size"), [(0.1, 1), (0.1, 3), (0.05, 10)])
def test_a_group_is_audited_as_often_as_any_of_its_items_would_be(pi: float, size: int) -> None:
    wanted = 1 - (1 - pi) ** size
    assert group_probability(pi, size) == pytest.approx(wanted, rel=1e-12)
    heads = sum(is_heads(SEED, "w", item, item, pi, size) for item in range(20_000))
    assert binomtest(heads, 20_000, wanted).pvalue > 1e-4


def test_a_coin_lands_heads_below_its_probability_and_never_at_it() -> None:
    value = coin(SEED, "w", 7, 3)
    exact = value / 2**64  # rounds to the nearest double
    assert not is_heads(SEED, "w", 7, 3, exact * (1 - 1e-12))
    assert is_heads(SEED, "w", 7, 3, exact * (1 + 1e-12))
    assert not is_heads(SEED, "w", 7, 3, 0.0)


def test_a_number_chosen_by_an_operator_gives_another_seed_in_every_window() -> None:
    seeds = {seed_from_number(n, w) for n in (0, 1, -1) for w in ("a/1/1", "a/2/1", "b/1/1")}
    assert len(seeds) == 9
    assert all(len(seed) == 32 for seed in seeds)
    assert seed_from_number(1, "a/1/1") == seed_from_number(1, "a/1/1")


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        draw_sample(b"short", "w", range(3), 1)
    with pytest.raises(ValueError, match="cannot sample 4 of 3"):
        draw_sample(SEED, "w", range(3), 4)
