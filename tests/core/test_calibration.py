from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.calibration import (
    Evidence,
    calibrate,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_loss,
    log_odds,
    lowest,
)

Truth = tuple[np.ndarray, np.ndarray, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def world(seed: int, n: int, *, slope: float, offset: float) -> Truth:
    """Log-odds, codes, and whether the answer was right, by a curve we know."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1.5, 1.5, n)
    return x, rng.integers(0, 3, n), rng.random(n) < sigmoid(slope * x + offset)


@given(st.integers(0, 10_000), st.integers(0, 300), st.floats(0.2, 3), st.floats(-2, 2))
@settings(deadline=None, max_examples=40)
def test_every_curve_gives_probabilities_that_rise_with_the_score(
    seed: int, n: int, slope: float, offset: float
) -> None:
    x, codes, right = world(seed, n, slope=slope, offset=offset)
    curve = calibrate(x, codes, right, labels=3)
    grid = np.linspace(-8, 8, 50)
    for label in range(3):
        p = curve.apply(grid, np.full(50, label))
        assert np.all((p >= 0) & (p <= 1))
        assert np.all(np.diff(p) >= -1e-9)


@pytest.mark.parametrize(("slope", "offset"), [(0.4, 0.0), (1.0, -1.0), (2.0, 1.0)])
def test_the_chosen_curve_is_close_to_the_truth(slope: float, offset: float) -> None:
    x, codes, right = world(1, 4000, slope=slope, offset=offset)
    curve = calibrate(x, codes, right, labels=3)
    fresh, new_codes, _ = world(2, 4000, slope=slope, offset=offset)
    gap = np.abs(curve.apply(fresh, new_codes) - sigmoid(slope * fresh + offset))
    assert gap.mean() < 0.03


def test_steps_are_chosen_where_the_truth_has_steps() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, 4000)
    right = rng.random(4000) < np.where(x > 0, 0.95, 0.4)
    curve = calibrate(x, np.zeros(4000, np.int64), right, labels=2)
    assert curve.family == "isotonic"
    assert curve.apply(np.array([-2.0, 2.0]), np.zeros(2, np.int64)) == pytest.approx(
        [0.4, 0.95], abs=0.05
    )


def test_a_label_that_is_more_often_wrong_gets_less_confidence() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 2000)
    right = rng.random(2000) < np.where(codes == 0, 0.95, 0.6)
    x = np.full(2000, 2.0) + rng.normal(0, 0.1, 2000)
    p = calibrate(x, codes, right, labels=2).apply(np.array([2.0, 2.0]), np.array([0, 1]))
    assert p == pytest.approx([0.95, 0.6], abs=0.05)


def test_hard_items_that_were_chosen_do_not_drag_down_the_others() -> None:
    rng = np.random.default_rng(0)
    n = 12_000
    chosen = rng.random(n) < 0.8
    x = rng.normal(1.5, 1.0, n)
    right = rng.random(n) < sigmoid(x - 1.5 * chosen)
    codes = np.zeros(n, np.int64)
    aware = calibrate(x, codes, right, labels=2, chosen=chosen).apply(x, codes)
    blind = calibrate(x, codes, right, labels=2).apply(x, codes)
    truth = sigmoid(x)
    assert np.abs(aware - truth).mean() < 0.03
    assert np.abs(blind - truth).mean() > 0.1


@given(st.booleans(), st.integers(0, 60))
@settings(deadline=None)
def test_answers_all_right_or_all_wrong_give_finite_cautious_curves(hit: bool, n: int) -> None:
    curve = calibrate(np.linspace(0, 4, n), np.zeros(n, np.int64), np.full(n, hit), labels=2)
    p = curve.apply(np.array([-50.0, 0.0, 50.0]), np.zeros(3, np.int64))
    assert np.all(np.isfinite(p))
    assert p[1] == 0.5


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_temperature_is_never_beaten_by_doing_nothing(seed: int) -> None:
    x, codes, right = world(seed, 200, slope=0.5, offset=0)
    seen = Evidence(log_odds=x, codes=codes, right=right, chosen=np.zeros(200, bool), labels=3)
    fitted = fit_temperature(seen).apply(x, codes)
    assert log_loss(fitted, right) <= log_loss(sigmoid(x), right) + 1e-6


def test_the_same_answers_give_the_same_curve() -> None:
    x, codes, right = world(5, 500, slope=1, offset=0)
    seen = Evidence(log_odds=x, codes=codes, right=right, chosen=np.zeros(500, bool), labels=3)
    for fit in (fit_platt, fit_isotonic, fit_temperature):
        assert np.array_equal(fit(seen).apply(x, codes), fit(seen).apply(x, codes))


@given(st.floats(-4, 4))
def test_golden_section_finds_the_bottom_of_a_valley(bottom: float) -> None:
    assert lowest(lambda x: (x - bottom) ** 2, -5, 5) == pytest.approx(bottom, abs=1e-3)


def test_log_odds_stay_finite_and_keep_what_is_not_known() -> None:
    values = log_odds([0.0, 1.0, float("nan")])
    assert np.isfinite(values[:2]).all()
    assert np.isnan(values[2])
