from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.models import ridge
from signoff.models.ridge import best, fit_ridge, sharpness, softmax


def problem(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 6))
    codes = (points[:, 0] > 0).astype(np.int64) + 2 * (points[:, 1] > 0.5)
    gram = points @ points.T
    return gram / np.diagonal(gram).mean(), codes


@given(st.integers(0, 100), st.integers(8, 30))
@settings(deadline=None, max_examples=15)
def test_leave_one_out_is_what_leaving_one_out_gives(seed: int, n: int) -> None:
    gram, codes = problem(seed, n)
    fitted = fit_ridge(gram, codes, 4)
    targets = np.eye(4)[codes] - fitted.bias
    for out in range(0, n, 5):
        rest = np.flatnonzero(np.arange(n) != out)
        system = gram[np.ix_(rest, rest)] + fitted.penalty * np.eye(n - 1)
        by_hand = gram[out, rest] @ np.linalg.solve(system, targets[rest]) + fitted.bias
        assert fitted.held_out[out] == pytest.approx(by_hand, abs=1e-8)


def test_many_answers_are_solved_step_by_step_to_the_same_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gram, codes = problem(1, 150)
    exact = fit_ridge(gram, codes, 4)
    monkeypatch.setattr(ridge, "LARGEST", 10)
    stepwise = fit_ridge(gram, codes, 4)
    assert gram @ stepwise.dual == pytest.approx(gram @ exact.dual, abs=1e-3)
    gap = np.abs(stepwise.held_out - exact.held_out)
    assert gap.mean() < 0.05


@given(st.floats(1, 30))
@settings(deadline=None, max_examples=20)
def test_sharpness_recovers_the_factor_that_made_the_answers(factor: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 3)) * 2 / factor
    p = softmax(scores, factor).astype(np.float64)
    codes = (rng.random((4000, 1)) > np.cumsum(p, axis=1)).sum(axis=1).clip(0, 2)
    assert sharpness(scores, codes) == pytest.approx(factor, rel=0.1)


def test_softmax_leaves_its_scores_alone_and_gives_distributions() -> None:
    scores = np.array([[1000.0, 0.0], [-5.0, -5.0]])
    p = softmax(scores, 2.0)
    assert scores.tolist() == [[1000.0, 0.0], [-5.0, -5.0]]
    assert p.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    answer, top = best(p)
    assert (answer.tolist(), top.tolist()) == ([0, 0], [1.0, 0.5])
