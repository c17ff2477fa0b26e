from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.certification import sample_limit, standing
from signoff.core.planning import batch_size, most_to_learn, plan_audit


def rising(n: int, total: float) -> np.ndarray:
    """Probabilities of being wrong that rise along the order and sum to ``total``."""
    shape = np.linspace(0, 1, n) ** 3
    return np.clip(shape * total / max(shape.sum(), 1e-9), 0, 1)


def simulated(p_wrong: np.ndarray, m: int, r: int, runs: int = 300) -> float:
    """Labels that stand on average, by the rule itself."""
    rng, n = np.random.default_rng(0), len(p_wrong)
    x, total = sample_limit(n, m, r, 0.05), 0
    for _ in range(runs):
        heads = np.zeros(n, dtype=np.bool_)
        heads[rng.permutation(n)[:m]] = True
        wrong = rng.random(n) < p_wrong
        total += int(standing(heads, np.where(wrong, 0, 1), 1, x, r).sum())
    return total / runs


@given(st.integers(0, 400), st.floats(0, 200), st.integers(0, 60))
@settings(deadline=None, max_examples=60)
def test_a_plan_accounts_for_every_item(n: int, total: float, r: int) -> None:
    plan = plan_audit(rising(n, total), errors=r, alpha=0.05)
    assert plan.automatic + plan.audit + plan.review == pytest.approx(n)
    assert 0 <= plan.sample <= n
    assert min(plan.automatic, plan.audit, plan.review) >= 0


@pytest.mark.parametrize(
    ("n", "errors", "r"), [(3000, 120, 150), (1500, 200, 90), (6000, 700, 380)]
)
def test_the_forecast_agrees_with_the_rule_run_for_real(n: int, errors: int, r: int) -> None:
    p_wrong = rising(n, errors)
    plan = plan_audit(p_wrong, errors=r, alpha=0.05)
    assert simulated(p_wrong, plan.sample, r) == pytest.approx(plan.automatic, abs=0.04 * n)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_another_sample_size_is_not_much_cheaper(factor: float) -> None:
    p_wrong = rising(4000, 300)
    plan = plan_audit(p_wrong, errors=200, alpha=0.05)
    other = simulated(p_wrong, min(4000, round(plan.sample * factor)), 200)
    assert simulated(p_wrong, plan.sample, 200) >= other


def test_few_labels_stand_without_an_audit() -> None:
    plan = plan_audit(np.full(20, 0.5), errors=30, alpha=0.05)
    assert (plan.sample, plan.automatic) == (0, 20)


def test_a_test_too_small_to_certify_gets_no_sample() -> None:
    plan = plan_audit(rising(40, 4), errors=1, alpha=0.05)
    assert plan.sample == 0
    assert plan.automatic <= 1


def test_a_sample_never_exceeds_what_may_be_asked() -> None:
    free = plan_audit(rising(4000, 300), errors=200, alpha=0.05)
    tight = plan_audit(rising(4000, 300), errors=200, alpha=0.05, most=100)
    assert tight.sample <= 100 < free.sample
    assert tight.automatic <= free.automatic


def test_a_subsample_stands_for_the_whole() -> None:
    whole = plan_audit(rising(40_000, 3000), errors=2000, alpha=0.05)
    part = plan_audit(rising(40_000, 3000)[::20], errors=2000, alpha=0.05, size=40_000)
    assert part.automatic == pytest.approx(whole.automatic, rel=0.02)


def test_a_million_items_are_learned_in_few_rounds() -> None:
    answered, rounds = 16, 0
    while answered < most_to_learn(1_000_000):
        answered += batch_size(answered, 1_000_000, labels=4)
        rounds += 1
    assert rounds <= 8
