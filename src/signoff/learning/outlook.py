"""What a strategy knows after a fit: calibrated confidence, frozen order, and a plan per test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Calibration, calibrate, log_odds
from signoff.core.items import Predictions
from signoff.core.planning import Plan, plan_audit
from signoff.ports import Forecast, PoolState

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """Candidates in frozen order with their confidence, and the plan of each test.

    ``order`` (c,) positions in the pool, ``codes`` (c,), ``confidence`` (c,): most confident first.
    """

    order: Index
    codes: Index
    confidence: NDArray[np.float64]
    plans: Sequence[Plan]
    forecast: Forecast


def usable(predictions: Predictions) -> NDArray[np.bool_]:
    """Predictions that may be automatic: a label, and a finite score in [0, 1]."""
    score = predictions.raw_score
    with np.errstate(invalid="ignore"):
        return (predictions.answer >= 0) & np.isfinite(score) & (score >= 0) & (score <= 1)


def fit_calibration(
    held_out: Predictions,
    codes: Index,
    *,
    labels: int,
    chosen: NDArray[np.bool_] | None = None,
) -> Calibration:
    """A curve from held out predictions of answered items; "cannot say" (-1) makes them wrong.

    ``labels``: how many there are, 0 where answers are none: then one curve serves all.
    ``chosen``: which were asked because the model was unsure of them.
    """
    known = np.flatnonzero(usable(held_out))
    answer = held_out.answer[known]
    return calibrate(
        log_odds(held_out.raw_score[known]),
        answer if labels else np.zeros_like(answer),
        answer == codes[known],
        labels=max(1, labels),
        chosen=None if chosen is None else chosen[known],
    )


def confidence_of(
    predictions: Predictions, calibration: Calibration, *, labels: int = 1
) -> NDArray[np.float64]:
    """Calibrated probability of being right; NaN where the model gave no usable answer.

    ``labels``: 0 where answers are none, as for :func:`fit_calibration`.
    """
    known = usable(predictions)
    confidence = np.full(len(predictions), np.nan)
    answer = predictions.answer[known]
    confidence[known] = calibration.apply(
        log_odds(predictions.raw_score[known]), answer if labels else np.zeros_like(answer)
    )
    return confidence


def look_ahead(
    state: PoolState,
    candidates: Index,
    predictions: Predictions,
    confidence: NDArray[np.float64],
    *,
    scale: float = 1.0,
    most: int | None = None,
    threshold: float | None = None,
) -> Outlook:
    """Order the candidates and plan each test's audit.

    Without tests, what is as confident as ``threshold`` is expected to be automatic.

    ``candidates`` (c,) positions, ``predictions`` and ``confidence`` (c,) of theirs. ``scale``:
    how many items each candidate stands for when they are an even subsample of what is left.
    """
    known = np.flatnonzero(np.isfinite(confidence))
    ranked = known[np.lexsort((candidates[known], -confidence[known]))]
    order = candidates[ranked]
    sure = 2.0 if threshold is None else threshold
    plans: list[Plan] = []
    left = most
    for number, test in enumerate(state.tests):
        mine = state.slices[order] == number
        plan = plan_audit(
            1 - confidence[ranked][mine],
            errors=test.errors,
            alpha=test.alpha,
            size=round(int(mine.sum()) * scale),
            most=left,
        )
        left = None if left is None else max(0, left - plan.sample)
        plans.append(plan)
    return Outlook(
        order=order,
        codes=predictions.answer[ranked],
        confidence=confidence[ranked],
        plans=plans,
        forecast=_forecast(state, plans, scale * int((confidence[ranked] >= sure).sum())),
    )


def _forecast(state: PoolState, plans: Sequence[Plan], certain: float) -> Forecast:
    automatic = round(certain + sum(plan.automatic for plan in plans))
    audit = round(sum(plan.audit for plan in plans))
    rest = len(state.items) - len(state.asked) - automatic - audit
    return Forecast(
        answered=len(state.asked), learning=0, audit=audit, review=max(0, rest), automatic=automatic
    )
