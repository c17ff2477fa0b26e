"""A stream's window: its ledger says what the whole order says, and no strategy beats the level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, nbinom

from signoff.core.certification import OPEN, RIGHT, WRONG, coin_limit, may_still_admit, standing
from signoff.core.coins import is_heads
from signoff.core.windows import (
    Effects,
    Ledger,
    WindowPlan,
    is_exhausted,
    plan_window,
    room,
    stands_next,
    window_alpha,
)

SHARE = Decimal("0.05")
Gate = Callable[[WindowPlan, Ledger], bool]


def plan(
    *, errors: int, limit: int, effects: Effects = "reversible", pi: str = "0.2"
) -> WindowPlan:
    """A plan with numbers small enough to try everything."""
    return WindowPlan(
        items=1000,
        max_error=SHARE,
        errors=errors,
        alpha=SHARE,
        audit_rate=Decimal(pi),
        effects=effects,
        limit=limit,
    )


plans = st.builds(
    plan,
    errors=st.integers(0, 6),
    limit=st.integers(-1, 4),
    effects=st.sampled_from(["reversible", "irreversible"]),
)


# ------------------------------------------------------------------------ plans


def test_the_limits_are_those_of_the_mathematics() -> None:
    found = [
        plan_window(
            7600, max_error=SHARE, alpha=SHARE, audit_rate=Decimal(rate), effects=effects
        ).limit
        for effects in ("reversible", "irreversible")
        for rate in ("0.05", "0.1", "0.2")
    ]
    assert found == [12, 30, 77, 11, 28, 62]


def test_a_plan_is_the_same_after_json() -> None:
    made = plan_window(
        2000, max_error=SHARE, alpha=SHARE, audit_rate=Decimal("0.1"), effects="reversible"
    )
    assert WindowPlan.from_json(made.to_json()) == made


def test_all_windows_together_spend_no_more_than_alpha() -> None:
    spent = sum((window_alpha(SHARE, k, together=True) for k in range(1, 400)), Decimal(0))
    assert Decimal("0.0498") < spent <= SHARE
    assert window_alpha(SHARE, 7, together=False) == SHARE


# ------------------------------------------------------ the ledger and the whole order


@given(plans, st.data())
def test_the_ledger_lets_a_label_leave_exactly_when_the_whole_order_does(
    of: WindowPlan, data: st.DataObject
) -> None:
    """At its coin a label is the last of the order: counts are all that ``standing`` reads."""
    of = replace(of, effects="reversible")
    ledger, heads, verdicts = Ledger(), [], []
    for _ in range(data.draw(st.integers(0, 25))):
        is_open = [at for at, verdict in enumerate(verdicts) if heads[at] and verdict == OPEN]
        if is_open and data.draw(st.booleans()):
            at, right = data.draw(st.sampled_from(is_open)), data.draw(st.booleans())
            verdicts[at] = RIGHT if right else WRONG
            ledger = ledger.sealed(right=right)
            continue
        would = standing(
            np.array([*heads, False]), np.array([*verdicts, OPEN]), 1, of.limit, of.errors
        )
        assert stands_next(of, ledger) == bool(would[-1])
        heads.append(data.draw(st.booleans()))
        verdicts.append(OPEN)
        ledger = ledger.flipped(heads=heads[-1])


@given(plans, st.integers(0, 12), st.integers(0, 12), st.integers(0, 5), st.integers(0, 5))
def test_irreversible_effects_stop_where_the_mathematics_says(
    of: WindowPlan, tails: int, extra: int, finds: int, waiting: int
) -> None:
    of = replace(of, effects="irreversible")
    ledger = Ledger(
        admitted=tails + finds + waiting + extra, tails=tails, finds=finds, open=waiting
    )
    assert stands_next(of, ledger) == may_still_admit(
        ledger.spent, ledger.admitted, of.limit, of.errors
    )


@given(plans, st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=12))
def test_whatever_the_coins_show_all_labels_of_the_room_may_leave(
    of: WindowPlan, before: list[bool], verdicts: list[bool]
) -> None:
    ledger = Ledger()
    for heads in before:
        ledger = ledger.flipped(heads=heads)
    for right in verdicts[: ledger.open]:
        ledger = ledger.sealed(right=right)
    for coins in ([True] * 50, [False] * 50, [True, False] * 25):
        now = ledger
        for heads in coins[: room(of, ledger)]:
            assert stands_next(of, now)
            now = now.flipped(heads=heads)
    if room(of, ledger) == 0:
        assert is_exhausted(of, ledger) or not stands_next(of, ledger)


def test_after_one_find_more_than_the_limit_nothing_is_admitted() -> None:
    of = plan(errors=500, limit=1)
    assert room(of, Ledger(admitted=3, tails=1, finds=1, open=1)) == 499
    assert room(of, Ledger(admitted=3, tails=1, finds=2)) == 0


def test_without_a_limit_nothing_is_admitted() -> None:
    assert room(plan(errors=3, limit=-1), Ledger()) == 0


def test_a_verdict_needs_an_open_audit() -> None:
    with pytest.raises(ValueError, match="no audit is open"):
        Ledger(admitted=1, tails=1).sealed(right=True)


# ------------------------------------------------------------------ the game, in full


def gate(of: WindowPlan, ledger: Ledger) -> bool:
    """One label at a time: the stream as it is."""
    return room(of, ledger) > 0


def counting_finds_only(of: WindowPlan, ledger: Ledger) -> bool:
    """Broken on purpose: open audits cost nothing."""
    return gate(of, replace(ledger, open=0))


def value_of_the_game(of: WindowPlan, *, right: int, wrong: int, gate: Gate = gate) -> float:
    """The best chance of more than r errors for somebody who picks labels and times verdicts.

    State: labels left of either kind, the ledger, open audits of wrong labels, and errors.
    """
    pi = float(of.audit_rate)
    for_good = of.effects == "irreversible"

    @cache
    def value(left: int, wrongs: int, ledger: Ledger, bad: int, errors: int) -> float:
        if errors > of.errors:
            return 1.0
        best = 0.0
        if ledger.open > bad:
            best = max(best, value(left, wrongs, ledger.sealed(right=True), bad, errors))
        if bad:
            best = max(best, value(left, wrongs, ledger.sealed(right=False), bad - 1, errors))
        if not gate(of, ledger):
            return best
        heads, tails = ledger.flipped(heads=True), ledger.flipped(heads=False)
        if wrongs:
            best = max(
                best,
                pi * value(left, wrongs - 1, heads, bad + 1, errors + for_good)
                + (1 - pi) * value(left, wrongs - 1, tails, bad, errors + 1),
            )
        if left:
            best = max(
                best,
                pi * value(left - 1, wrongs, heads, bad, errors)
                + (1 - pi) * value(left - 1, wrongs, tails, bad, errors),
            )
        return best

    return value(right, wrong, Ledger(), 0, 0)


@pytest.mark.parametrize(("r", "x", "pi"), [(0, 0, "0.5"), (2, 0, "0.3"), (3, 1, "0.5")])
def test_no_strategy_beats_the_level_and_one_reaches_it(r: int, x: int, pi: str) -> None:
    of = plan(errors=r, limit=x, pi=pi)
    level = nbinom.cdf(x, r + 1, 1 - float(pi))
    assert value_of_the_game(of, right=2, wrong=r + x + 2) == pytest.approx(level, abs=1e-9)


@pytest.mark.parametrize(("r", "x", "pi"), [(1, 0, "0.5"), (3, 0, "0.3"), (4, 1, "0.5")])
def test_where_effects_are_for_good_no_strategy_beats_the_level(r: int, x: int, pi: str) -> None:
    of = plan(errors=r, limit=x, pi=pi, effects="irreversible")
    level = binom.cdf(x, r, float(pi))
    assert value_of_the_game(of, right=2, wrong=r + x + 2) == pytest.approx(level, abs=1e-9)


def test_the_game_is_lost_where_open_audits_do_not_count() -> None:
    of = plan(errors=2, limit=0, pi="0.3")
    honest = value_of_the_game(of, right=1, wrong=14)
    broken = value_of_the_game(of, right=1, wrong=14, gate=counting_finds_only)
    assert honest == pytest.approx(0.7**3, abs=1e-9)
    assert broken > 0.999


@pytest.mark.soak
@pytest.mark.parametrize("pi", ["0.1", "0.2", "0.3", "0.5"])
def test_no_strategy_beats_the_level_for_more_errors(pi: str) -> None:
    for r in range(1, 14):
        x = coin_limit(r, float(pi), 0.05)
        if x >= 0:
            level = nbinom.cdf(x, r + 1, 1 - float(pi))
            of = plan(errors=r, limit=x, pi=pi)
            assert value_of_the_game(of, right=2, wrong=r + x + 2) == pytest.approx(level, abs=1e-9)


# ------------------------------------------------------------- the game, with real coins


def broken_share(
    of: WindowPlan, *, runs: int, delay: int, gate: Gate = gate, share: float
) -> float:
    """How often more than r misses left, with the coins of real seeds and verdicts ``delay``
    admissions late. ``share`` of the labels are wrong."""
    broken = 0
    for run in range(runs):
        seed, rng = run.to_bytes(32, "big"), np.random.default_rng(run)
        ledger, misses, waiting = Ledger(), 0, list[tuple[int, bool]]()
        for number in range(of.items):
            while waiting and waiting[0][0] <= number - delay:
                ledger = ledger.sealed(right=not waiting.pop(0)[1])
            if not gate(of, ledger):
                continue
            wrong = bool(rng.random() < share)
            heads = is_heads(seed, "1/1", number, ledger.admitted, float(of.audit_rate))
            ledger = ledger.flipped(heads=heads)
            waiting += [(number, wrong)] if heads else []
            misses += wrong and not heads
        broken += misses > of.errors
    return broken / runs


def small(pi: str = "0.2") -> WindowPlan:
    return plan_window(
        400, max_error=Decimal("0.1"), alpha=SHARE, audit_rate=Decimal(pi), effects="reversible"
    )


RUNS = 1500


@pytest.mark.parametrize(("delay", "share"), [(0, 1.0), (40, 1.0), (60, 0.5)])
def test_real_coins_keep_the_promise(delay: int, share: float) -> None:
    of = small()
    level = nbinom.cdf(of.limit, of.errors + 1, 0.8)
    found = broken_share(of, runs=RUNS, delay=delay, share=share)
    assert found <= level + 4 * np.sqrt(level * (1 - level) / RUNS)


def test_real_coins_reach_the_level_when_all_labels_are_wrong() -> None:
    of = small()
    level = nbinom.cdf(of.limit, of.errors + 1, 0.8)
    found = broken_share(of, runs=RUNS, delay=0, share=1.0)
    assert abs(found - level) <= 4 * np.sqrt(level * (1 - level) / RUNS)


def test_real_coins_break_a_stream_that_waits_for_finds_only() -> None:
    found = broken_share(small(), runs=100, delay=400, gate=counting_finds_only, share=1.0)
    assert found > 0.99


@pytest.mark.soak
@pytest.mark.parametrize(("delay", "share"), [(0, 1.0), (25, 1.0), (40, 0.3), (100, 0.6)])
@pytest.mark.parametrize("pi", ["0.1", "0.3"])
def test_real_coins_keep_the_promise_in_many_runs(delay: int, share: float, pi: str) -> None:
    of, runs = small(pi), 10_000
    level = nbinom.cdf(of.limit, of.errors + 1, 1 - float(pi))
    found = broken_share(of, runs=runs, delay=delay, share=share)
    assert found <= level + 4 * np.sqrt(level * (1 - level) / runs)
