"""The limits against brute force, which labels stand, shares and slices."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core import tails
from signoff.core.certification import (
    OPEN,
    RIGHT,
    WRONG,
    Standing,
    coin_limit,
    error_budget,
    irrevocable_limit,
    may_still_admit,
    parse_share,
    reserved_for_people,
    sample_limit,
    sample_limits,
    split_tests,
    standing,
)
from signoff.errors import UsageError

ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.25, 0.5])
RATES = st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.5, 0.9])


# ------------------------------------------------------------------ shares and budgets


@pytest.mark.parametrize(
    ("text", "share"),
    [("5%", "0.05"), ("0.05", "0.05"), (".05", "0.05"), ("5 %", "0.05"), (" 12.5%", "0.125")],
)
def test_a_share_may_be_written_as_percent_or_as_a_number(text: str, share: str) -> None:
    assert parse_share(text, name="--max-error") == Decimal(share)


@pytest.mark.parametrize(
    "text",
    ["0", "0%", "1", "100%", "5", "-5%", "abc", "", "%", "nan", "inf", "5,5%", "1e-99999999999",
     "9e99999999999", "nan%", "sNaN", "1e-12", "5%%"],
)  # fmt: skip
def test_anything_that_is_no_share_is_refused_in_one_line_that_names_the_flag(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_share(text, name="--max-error")
    assert "--max-error" in refused.value.message
    assert repr(text) in refused.value.message
    assert refused.value.hint
    assert "\n" not in str(refused.value)


def test_a_forgotten_percent_sign_is_pointed_out() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 5%\?"):
        parse_share("5", name="--max-error")
    with pytest.raises(UsageError) as whole:
        parse_share("100%", name="--max-error")
    assert "%%" not in str(whole.value)


@given(st.text(max_size=12))
def test_whatever_is_typed_gives_a_share_or_a_usage_error(text: str) -> None:
    try:
        share = parse_share(text, name="--max-error")
    except UsageError:
        return
    assert 0 < share < 1


def test_the_error_budget_is_exact_where_floats_are_not() -> None:
    assert int(0.29 * 100) == 28
    assert error_budget(Decimal("0.29"), 100) == 29
    assert error_budget(Decimal("0.9999999999999999999999999999"), 10) == 9


@given(st.decimals("0.001", "0.999", places=3), st.integers(0, 10**9))
def test_the_error_budget_is_the_largest_whole_number_within_the_share(
    share: Decimal, n: int
) -> None:
    r = error_budget(share, n)
    assert r <= Fraction(share) * n < r + 1


# ------------------------------------------------------------------------------- limits


def test_the_limits_are_those_of_the_published_table() -> None:
    table = {380: (12, 30, 77), 152: (3, 9, 26), 90: (0, 4, 13)}
    for r, limits in table.items():
        assert tuple(coin_limit(r, pi, 0.05) for pi in (0.05, 0.1, 0.2)) == limits
    assert [irrevocable_limit(380, pi, 0.05) for pi in (0.05, 0.1, 0.2)] == [11, 28, 62]


@given(r=st.integers(0, 60), pi=RATES, alpha=ALPHAS)
def test_the_coin_limit_is_the_last_that_brute_force_allows(
    r: int, pi: float, alpha: float
) -> None:
    x, share = coin_limit(r, pi, alpha), Fraction(repr(alpha))
    assert tails.exact_coin_tail(x, r, pi) <= share < tails.exact_coin_tail(x + 1, r, pi)


@given(r=st.integers(0, 60), pi=RATES, alpha=ALPHAS)
def test_the_irrevocable_limit_is_the_last_that_brute_force_allows(
    r: int, pi: float, alpha: float
) -> None:
    x, share = irrevocable_limit(r, pi, alpha), Fraction(repr(alpha))
    assert tails.exact_irrevocable_tail(x, r, pi) <= share
    assert tails.exact_irrevocable_tail(x + 1, r, pi) > share


@st.composite
def audits(draw: st.DrawFn, most: int) -> tuple[int, int, int]:
    """n labels, m sampled, r errors allowed."""
    n = draw(st.integers(1, most))
    return n, draw(st.integers(0, n)), draw(st.integers(0, most // 2))


@given(audits(120), ALPHAS)
def test_the_sample_limit_is_the_last_that_brute_force_allows(
    audit: tuple[int, int, int], alpha: float
) -> None:
    n, m, r = audit
    x = sample_limit(n, m, r, alpha)
    if n - m <= r:
        assert x == m
        return
    share = Fraction(repr(alpha))
    assert tails.exact_sample_tail(x, n, m, r) <= share < tails.exact_sample_tail(x + 1, n, m, r)


@pytest.mark.parametrize("n", [1, 2, 7, 60, 400])
def test_many_sample_limits_at_once_are_the_single_ones(n: int) -> None:
    sizes = np.arange(n + 1)
    for r in (0, 1, n // 20, n // 2):
        single = [sample_limit(n, m, r, 0.05) for m in sizes.tolist()]
        assert sample_limits(n, sizes, r, 0.05).tolist() == single


def test_a_tie_with_alpha_is_decided_exactly() -> None:
    # Of 20 labels with one error allowed none, the 19 audited miss it with probability 1/20.
    assert sample_limit(20, 19, 0, 0.05) == 0
    assert coin_limit(0, 0.9, 0.1) == 0  # 1 - 0.9 is less than 0.1 in floats
    assert coin_limit(0, 0.95, 0.05) == 0  # and 1 - 0.95 more than 0.05


def test_limits_of_a_million_labels_agree_with_exact_arithmetic() -> None:
    n, m, r = 10**6, 700, 50_000
    x, share = sample_limit(n, m, r, 0.05), Fraction(1, 20)
    assert tails.exact_sample_tail(x, n, m, r) <= share < tails.exact_sample_tail(x + 1, n, m, r)


@given(st.integers(1, 40), st.data(), ALPHAS)
def test_what_is_reserved_for_people_is_the_most_errors_that_fit(
    n: int, data: st.DataObject, alpha: float
) -> None:
    s = data.draw(st.integers(0, n))
    x = data.draw(st.integers(0, s))
    share = Fraction(repr(alpha))
    fits = [b for b in range(n + 1) if tails.exact_hypergeometric(x, n, b, s) > share]
    assert reserved_for_people(n, s, x, alpha) == max(fits)


@given(st.integers(0, 14), st.data())
def test_exact_hypergeometric_tails_count_the_samples(n: int, data: st.DataObject) -> None:
    good, m = data.draw(st.integers(0, n)), data.draw(st.integers(0, min(n, 5)))
    x = data.draw(st.integers(-1, m))
    few = sum(sum(i < good for i in drawn) <= x for drawn in combinations(range(n), m))
    assert tails.exact_hypergeometric(x, n, good, m) == Fraction(few, comb(n, m))


# -------------------------------------------------------------------- which labels stand


def by_the_book(admissions: list[tuple[bool, int, int]], x_star: int, r: int) -> list[bool]:
    """The rule as it is published, one admission (heads, verdict, size) at a time."""
    stands: list[bool] = []
    spent = tails_so_far = 0
    for heads, verdict, size in admissions:
        stands.append(not heads and (spent <= x_star or tails_so_far + size <= r))
        spent += heads and verdict != RIGHT
        tails_so_far += 0 if heads else size
    return stands


ADMISSIONS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([RIGHT, WRONG, OPEN]), st.integers(1, 4)), max_size=40
)


@given(ADMISSIONS, st.integers(-1, 6), st.integers(0, 12))
def test_standing_is_the_published_rule(
    admissions: list[tuple[bool, int, int]], x_star: int, r: int
) -> None:
    heads = np.array([a[0] for a in admissions], dtype=np.bool_)
    verdicts = np.array([a[1] for a in admissions], dtype=np.int8)
    sizes = np.array([a[2] for a in admissions], dtype=np.int64)
    assert standing(heads, verdicts, sizes, x_star, r).tolist() == by_the_book(
        admissions, x_star, r
    )


@given(ADMISSIONS, st.integers(-1, 6), st.integers(0, 12), st.randoms(use_true_random=False))
def test_a_stream_ends_where_the_columns_end_and_never_takes_a_label_back(
    admissions: list[tuple[bool, int, int]], x_star: int, r: int, random: object
) -> None:
    stream = Standing(x_star=x_star, r=r)
    known = [(heads, OPEN, size) for heads, _, size in admissions]
    stood: set[int] = set()
    released: set[int] = set()
    waiting: list[int] = []

    def look() -> None:
        nonlocal stood
        now = {i for i in range(len(stream)) if stream.stands(i)}
        assert now == {i for i, s in enumerate(by_the_book(known[: len(stream)], x_star, r)) if s}
        assert stood <= now
        released.update(i for i in stream.release() if not admissions[i][0])
        assert released <= now
        stood = now

    for number, (heads, verdict, size) in enumerate(admissions):
        assert stream.admit(heads=heads, size=size) == number
        if heads and verdict != OPEN:
            waiting.append(number)
        look()
        while waiting and random.random() < 0.4:  # type: ignore[attr-defined]
            sealed = waiting.pop(random.randrange(len(waiting)))  # type: ignore[attr-defined]
            known[sealed] = admissions[sealed]
            stream.verdict(sealed, right=admissions[sealed][1] == RIGHT)
            look()
    assert stream.spent == sum(h and v != RIGHT for h, v, _ in known)
    assert stream.exhausted == (stream.finds > x_star)


def test_a_sealed_verdict_cannot_be_changed() -> None:
    stream = Standing(x_star=0, r=0)
    stream.verdict(stream.admit(heads=True), right=False)
    with pytest.raises(ValueError, match="sealed already"):
        stream.verdict(0, right=True)
    with pytest.raises(ValueError, match="not audited"):
        stream.verdict(stream.admit(heads=False), right=True)


def test_separate_runs_can_be_judged_at_once() -> None:
    heads = np.array([[False, True, False], [True, False, False]])
    verdicts = np.full((2, 3), WRONG)
    both = standing(heads, verdicts, 1, 0, 0)
    for run in range(2):
        assert both[run].tolist() == standing(heads[run], verdicts[run], 1, 0, 0).tolist()


def test_effects_nobody_can_take_back_stop_at_the_limit_but_for_the_first_r() -> None:
    assert may_still_admit(spent=3, admissions=100, x_star=3, r=5)
    assert not may_still_admit(spent=4, admissions=100, x_star=3, r=5)
    assert may_still_admit(spent=4, admissions=4, x_star=3, r=5)


# -------------------------------------------------------------------------------- slices


def test_a_pool_without_slices_has_one_test() -> None:
    (test,) = split_tests([], [7600], Decimal("0.05"), Decimal("0.05"))
    assert (test.name, test.size, test.errors, test.alpha) == ("all", 7600, 380, 0.05)


@given(
    st.lists(st.integers(0, 500), min_size=1, max_size=12),
    st.decimals("0.01", "0.5", places=2),
)
def test_slices_never_spend_more_than_the_pool(sizes: list[int], share: Decimal) -> None:
    names = [f"slice {i}" for i in range(len(sizes))]
    tests = split_tests(names, sizes, share, Decimal("0.05"))
    assert [t.size for t in tests] == sizes
    assert sum(t.errors for t in tests) <= error_budget(share, sum(sizes))
    assert sum(t.alpha for t in tests) == pytest.approx(0.05)
