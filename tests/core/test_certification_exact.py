"""The promise, exactly: every sample, every error pattern, every adversary of a small game.

Two games are solved. In the *sample* game an adversary places errors, then a sample is drawn. In
the *stream* game it sees every past coin, admits right or wrong labels and seals the verdicts of
open audits in any order at any time; it wins once more than r misses stand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import hypergeom, nbinom

from signoff.core.certification import (
    OPEN,
    RIGHT,
    WRONG,
    Standing,
    coin_limit,
    sample_limit,
    standing,
)

Rule = Callable[[NDArray[np.bool_], NDArray[np.int8], int, int], NDArray[np.bool_]]


def the_rule(
    heads: NDArray[np.bool_], verdicts: NDArray[np.int8], x: int, r: int
) -> NDArray[np.bool_]:
    return standing(heads, verdicts, 1, x, r)


def counting_finds_only(
    heads: NDArray[np.bool_], verdicts: NDArray[np.int8], x: int, r: int
) -> NDArray[np.bool_]:
    return standing(heads, np.where(verdicts == OPEN, RIGHT, verdicts), 1, x, r)


def one_find_too_many(
    heads: NDArray[np.bool_], verdicts: NDArray[np.int8], x: int, r: int
) -> NDArray[np.bool_]:
    return standing(heads, verdicts, 1, x + 1, r)


# --------------------------------------------------------------------------- one sample


def all_patterns(n: int) -> NDArray[np.bool_]:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.bool_)


def all_samples(n: int, m: int) -> NDArray[np.bool_]:
    drawn = np.array(list(combinations(range(n), m)), dtype=np.int64)
    heads = np.zeros((len(drawn), n), dtype=np.bool_)
    np.put_along_axis(heads, drawn, values=True, axis=1)
    return heads


def worst_sample_level(n: int, m: int, r: int, x: int, rule: Rule = the_rule) -> float:
    """Over all error patterns, the largest share of samples after which more than r misses
    stand."""
    heads, worst = all_samples(n, m)[None], 0.0
    for wrong in np.array_split(all_patterns(n)[:, None], max(1, 2**n // 128)):
        verdicts = np.where(wrong, WRONG, RIGHT).astype(np.int8)
        both = np.broadcast_to(heads, (len(wrong), *heads.shape[1:]))
        misses = (rule(both, np.broadcast_to(verdicts, both.shape), x, r) & wrong).sum(axis=-1)
        worst = max(worst, float((misses > r).mean(axis=1).max()))
    return worst


def check_every_sample(n: int) -> None:
    for m in range(n + 1):
        for r in range(n):
            if n - m <= r:
                assert worst_sample_level(n, m, r, sample_limit(n, m, r, 0.05)) == 0
                continue
            for x in range(-1, m):
                level = hypergeom.cdf(x, n, r + 1 + x, m) if x >= 0 else 0.0
                assert worst_sample_level(n, m, r, x) == pytest.approx(level, abs=1e-9)


@pytest.mark.parametrize("n", range(1, 8))
def test_over_all_samples_and_error_patterns_the_worst_level_is_the_hypergeometric(n: int) -> None:
    check_every_sample(n)


@pytest.mark.soak
@pytest.mark.parametrize("n", range(8, 13))
def test_at_the_committed_limits_of_larger_pools_the_worst_level_is_the_hypergeometric(
    n: int,
) -> None:
    for r in (0, 1, n // 4):
        for m in range(1, n - r):
            x = sample_limit(n, m, r, 0.3)
            level = hypergeom.cdf(x, n, r + 1 + x, m) if x >= 0 else 0.0
            assert worst_sample_level(n, m, r, x) == pytest.approx(level, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5])
def test_the_committed_limit_keeps_the_promise_and_one_more_would_not(alpha: float) -> None:
    n, r = 9, 1
    for m in range(n - r):
        x = sample_limit(n, m, r, alpha)
        assert worst_sample_level(n, m, r, x) <= alpha + 1e-12
        assert worst_sample_level(n, m, r, x, one_find_too_many) > alpha


def test_sorting_the_order_again_after_the_audit_breaks_the_promise() -> None:
    n, m, r = 9, 5, 1
    x = sample_limit(n, m, r, 0.3)

    def sorted_again(
        heads: NDArray[np.bool_], verdicts: NDArray[np.int8], x: int, r: int
    ) -> NDArray[np.bool_]:
        order = np.argsort(heads & (verdicts == WRONG), axis=-1, kind="stable")
        again = the_rule(
            np.take_along_axis(heads, order, -1), np.take_along_axis(verdicts, order, -1), x, r
        )
        stands = np.empty_like(again)
        np.put_along_axis(stands, order, again, -1)
        return stands

    assert x >= 0
    assert worst_sample_level(n, m, r, x) <= 0.3
    assert worst_sample_level(n, m, r, x, sorted_again) > 0.99


# ----------------------------------------------------------------- the stream, in full

MISS, RIGHT_TAIL, WRONG_HEAD, FIND, RIGHT_HEAD, SEALED_RIGHT = range(6)
HEADS = np.array([False, False, True, True, True, True])
VERDICTS = np.array([OPEN, OPEN, OPEN, WRONG, OPEN, RIGHT], dtype=np.int8)


def stream_value(
    r: int, x: int, pi: float, *, wrong: int, right: int, rule: Rule = the_rule
) -> float:
    """The adversary's best chance, with so many wrong and right labels to admit."""

    def has_won(past: tuple[int, ...]) -> bool:
        kinds = np.array(past, dtype=np.int64)
        stands = rule(HEADS[kinds], VERDICTS[kinds], x, r)
        return int(np.sum(stands & (kinds == MISS))) > r

    @cache
    def value(past: tuple[int, ...], wrong: int, right: int) -> float:
        if past.count(MISS) > r and has_won(past):
            return 1.0
        choices = [0.0]
        if wrong:
            choices.append(
                pi * value((*past, WRONG_HEAD), wrong - 1, right)
                + (1 - pi) * value((*past, MISS), wrong - 1, right)
            )
        if right:
            choices.append(
                pi * value((*past, RIGHT_HEAD), wrong, right - 1)
                + (1 - pi) * value((*past, RIGHT_TAIL), wrong, right - 1)
            )
        for at, kind in enumerate(past):
            if kind in (WRONG_HEAD, RIGHT_HEAD):
                choices.append(value((*past[:at], kind + 1, *past[at + 1 :]), wrong, right))
        return max(choices)

    return value((), wrong, right)


def through_the_stream(
    heads: NDArray[np.bool_], verdicts: NDArray[np.int8], x: int, r: int
) -> NDArray[np.bool_]:
    """The rule as the streaming class says it."""
    stream = Standing(x_star=x, r=r)
    for number, (is_heads, verdict) in enumerate(zip(heads, verdicts, strict=True)):
        stream.admit(heads=bool(is_heads))
        if is_heads and verdict != OPEN:
            stream.verdict(number, right=bool(verdict == RIGHT))
    return np.array([stream.stands(i) for i in range(len(heads))], dtype=np.bool_)


@pytest.mark.parametrize(("r", "x", "pi"), [(0, 0, 0.5), (1, 0, 0.3), (1, 1, 0.5), (2, 0, 0.4)])
@pytest.mark.parametrize("rule", [the_rule, through_the_stream])
def test_no_adversary_of_the_stream_beats_the_level_and_one_reaches_it(
    r: int, x: int, pi: float, rule: Rule
) -> None:
    value = stream_value(r, x, pi, wrong=r + x + 2, right=2, rule=rule)
    assert value == pytest.approx(nbinom.cdf(x, r + 1, 1 - pi), abs=1e-9)


def test_the_game_catches_a_rule_that_counts_finds_only() -> None:
    honest = stream_value(1, 0, 0.3, wrong=6, right=0)
    broken = stream_value(1, 0, 0.3, wrong=6, right=0, rule=counting_finds_only)
    assert honest == pytest.approx(0.49, abs=1e-9)
    assert broken > 0.98  # only too few tails among six labels stop it


def test_the_game_catches_a_limit_that_is_one_too_large() -> None:
    broken = stream_value(1, 0, 0.3, wrong=4, right=1, rule=one_find_too_many)
    assert broken == pytest.approx(nbinom.cdf(1, 2, 0.7), abs=1e-9)


# ------------------------------------------------------- the stream, with real budgets


def open_audit_value(r: int, x: int, pi: float, *, right: int) -> float:
    """The same game for larger r: at most one right label's audit is open at a time.

    State: right labels left, tails (capped at r), standing misses, wrong heads (sealed or open:
    both count), whether a right label's audit is open, and the misses held behind it.
    """

    @cache
    def value(left: int, tails: int, misses: int, finds: int, is_open: bool, held: int) -> float:
        if misses + held > r:
            return 1.0
        best = 0.0
        if is_open:
            best = value(left, tails, misses + held, finds, False, 0)
        if finds <= x:  # later ones could stand among the first r tails only: never more than r
            best = max(best, after_wrong(left, tails, misses, finds, is_open, held))
        if left and not is_open:
            tail = value(left - 1, min(tails + 1, r), misses, finds, False, 0)
            best = max(best, pi * value(left - 1, tails, misses, finds, True, 0) + (1 - pi) * tail)
        return best

    def after_wrong(
        left: int, tails: int, misses: int, finds: int, is_open: bool, held: int
    ) -> float:
        heads = value(left, tails, misses, finds + 1, is_open, held)
        more = min(tails + 1, r)
        if finds + is_open <= x or tails < r:
            return pi * heads + (1 - pi) * value(left, more, misses + 1, finds, is_open, held)
        return pi * heads + (1 - pi) * value(left, more, misses, finds, is_open, held + 1)

    return value(right, 0, 0, 0, False, 0)


@pytest.mark.parametrize(("r", "pi"), [(4, 0.5), (8, 0.3), (13, 0.2), (16, 0.3)])
def test_with_open_audits_the_value_of_the_stream_is_the_level(r: int, pi: float) -> None:
    x = coin_limit(r, pi, 0.05)
    assert x >= 0
    level = nbinom.cdf(x, r + 1, 1 - pi)
    assert open_audit_value(r, x, pi, right=1) == pytest.approx(level, abs=1e-9)


@pytest.mark.soak
@pytest.mark.parametrize("pi", [0.1, 0.2, 0.3, 0.5])
def test_with_open_audits_the_value_is_the_level_up_to_forty_errors(pi: float) -> None:
    for r in range(41):
        x = coin_limit(r, pi, 0.05)
        if x >= 0:
            level = nbinom.cdf(x, r + 1, 1 - pi)
            assert open_audit_value(r, x, pi, right=3) == pytest.approx(level, abs=1e-9)


def test_a_limit_one_too_large_fails_in_eight_percent_at_forty_errors() -> None:
    x = coin_limit(40, 0.2, 0.05)
    assert open_audit_value(40, x + 1, 0.2, right=0) == pytest.approx(0.080, abs=0.0005)
