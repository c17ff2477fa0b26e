"""Calibration: from whatever score a model gives to the probability that its answer is right.

Three families on the log-odds of the score, chosen by cross-validated log loss on people's
answers: temperature (one factor; Guo et al. 2017), Platt (factor, offset and a shrunken offset
per predicted label; Platt 1999) and isotonic (monotone steps; Zadrozny, Elkan 2002). Isotonic
values are shrunken a little toward Platt's so that no probability is exactly 0 or 1.

Answers asked *because* their score was low are harder than others of the same score. Platt gives
them an offset of their own, so that the curve holds for the items nobody chose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

Real = NDArray[np.float64]
Codes = NDArray[np.int64]

FOLDS = 5
FEWEST_JUDGES = 30  # answers nobody chose that are enough to compare families on
FEWEST_ISOTONIC = 200  # answers below which steps are too coarse to try
EDGE = 1e-4  # scores are kept this far from 0 and 1
OFFSET_PENALTY = 2.0  # a label's own offset counts as two answers at offset 0
CHOSEN_PENALTY = 0.5
BLUR = 0.02  # share of Platt's curve in isotonic's


class Calibration(Protocol):
    """A fitted curve: calibrated probability of being right."""

    @property
    def family(self) -> str: ...
    def apply(self, log_odds: Real, codes: Codes) -> Real: ...


def log_odds(score: ArrayLike) -> Real:
    """logit of a score in [0, 1], kept finite; NaN stays NaN.

    >>> log_odds([0.5]).tolist()
    [0.0]
    """
    return _logit(np.clip(np.asarray(score, dtype=np.float64), EDGE, 1 - EDGE))


def _logit(p: Real) -> Real:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.log(p) - np.log1p(-p)


def _sigmoid(x: Real) -> Real:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def lowest(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley in [low, high] is lowest, to 1e-4: golden section."""
    ratio = (5**0.5 - 1) / 2
    a, b = low, high
    x, y = b - ratio * (b - a), a + ratio * (b - a)
    at_x, at_y = loss(x), loss(y)
    while b - a > 1e-4:
        if at_x <= at_y:
            b, y, at_y = y, x, at_x
            x = b - ratio * (b - a)
            at_x = loss(x)
        else:
            a, x, at_x = x, y, at_y
            y = a + ratio * (b - a)
            at_y = loss(y)
    return (a + b) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """sigmoid(log-odds / temperature)."""

    temperature: float
    family: Literal["temperature"] = "temperature"

    def apply(self, log_odds: Real, codes: Codes) -> Real:
        """Calibrated probabilities (n,)."""
        return _sigmoid(log_odds / self.temperature)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Platt:
    """sigmoid(slope * log-odds + offset + offset of the predicted label)."""

    slope: float
    offset: float
    per_label: Real
    family: Literal["platt"] = "platt"

    def apply(self, log_odds: Real, codes: Codes) -> Real:
        """Calibrated probabilities (n,)."""
        return _sigmoid(self.slope * log_odds + self.offset + self.per_label[codes])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotonic:
    """Monotone in the Platt curve, linear between the steps' middles."""

    platt: Platt
    at: Real
    value: Real
    family: Literal["isotonic"] = "isotonic"

    def apply(self, log_odds: Real, codes: Codes) -> Real:
        """Calibrated probabilities (n,)."""
        smooth = self.platt.apply(log_odds, codes)
        return (1 - BLUR) * np.interp(smooth, self.at, self.value) + BLUR * smooth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Held out scores of answered items, and what people said.

    ``log_odds`` (L,), ``codes`` (L,) predicted labels, ``right`` (L,), ``chosen`` (L,): asked
    because the score was low.
    """

    log_odds: Real
    codes: Codes
    right: NDArray[np.bool_]
    chosen: NDArray[np.bool_]
    labels: int

    def __len__(self) -> int:
        return len(self.right)

    def take(self, rows: NDArray[np.bool_]) -> Evidence:
        """Part of the answers."""
        return Evidence(
            log_odds=self.log_odds[rows],
            codes=self.codes[rows],
            right=self.right[rows],
            chosen=self.chosen[rows],
            labels=self.labels,
        )


def calibrate(
    log_odds: Real,
    codes: Codes,
    right: NDArray[np.bool_],
    *,
    labels: int,
    chosen: NDArray[np.bool_] | None = None,
) -> Calibration:
    """The family of least cross-validated log loss, fitted on all answers.

    ``log_odds`` (L,) of held out scores, ``codes`` (L,) the predicted labels, ``right`` (L,),
    ``chosen`` (L,): which were asked because of a low score.
    Folds go round robin: the same answers give the same curve. With fewer than ten answers, or
    none wrong or none right, the curve is a cautious temperature.
    """
    if len(right) < 2 * FOLDS or right.all() or not right.any():
        return Temperature(temperature=_cautious(right))
    picked = np.zeros(len(right), dtype=np.bool_) if chosen is None else chosen
    seen = Evidence(log_odds=log_odds, codes=codes, right=right, chosen=picked, labels=labels)
    losses = [_cross_validated(_FITS[family], seen) for family in _families(seen)]
    return _FITS[_families(seen)[int(np.argmin(losses))]](seen)


def _families(seen: Evidence) -> list[str]:
    """Those worth trying: steps need many answers, and only Platt can tell the chosen apart."""
    smooth = ["platt"] if seen.chosen.any() else ["temperature", "platt"]
    return [*smooth, "isotonic"] if len(seen) >= FEWEST_ISOTONIC else smooth


def _cautious(right: NDArray[np.bool_]) -> float:
    return 1.0 if right.any() or len(right) == 0 else 4.0


def log_loss(probability: Real, right: NDArray[np.bool_]) -> float:
    """Mean negative log likelihood of what happened."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return float(-np.where(right, np.log(p), np.log1p(-p)).mean())


def fit_temperature(seen: Evidence) -> Temperature:
    """One factor, by maximum likelihood."""

    def loss(log_t: float) -> float:
        return log_loss(_sigmoid(seen.log_odds / np.exp(log_t)), seen.right)

    return Temperature(temperature=float(np.exp(lowest(loss, -2.5, 2.5))))


def fit_platt(seen: Evidence) -> Platt:
    """Logistic regression with a ridge on the offsets, by Newton's method."""
    return _platt(seen)[0]


def _platt(seen: Evidence) -> tuple[Platt, float]:
    """The curve of the items nobody chose, and the offset of the chosen ones."""
    n = len(seen)
    design = np.zeros((n, seen.labels + 3))
    design[:, 0], design[:, 1], design[:, 2] = seen.log_odds, 1.0, seen.chosen
    design[np.arange(n), seen.codes + 3] = 1.0
    penalty = np.diag([1e-2, 1e-3, CHOSEN_PENALTY, *[OFFSET_PENALTY] * seen.labels])
    centre = np.zeros(seen.labels + 3)
    centre[0] = 1.0
    # Platt's smoothed targets keep separable answers finite.
    hits = int(seen.right.sum())
    target = np.where(seen.right, (hits + 1) / (hits + 2), 1 / (n - hits + 2))
    beta = centre.copy()
    for _ in range(50):
        p = _sigmoid(design @ beta)
        slope = design.T @ (p - target) + penalty @ (beta - centre)
        curve = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(curve, slope)
        beta = beta - step * min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-8:
            break
    slope_found = max(float(beta[0]), 1e-3)
    return Platt(slope=slope_found, offset=float(beta[1]), per_label=beta[3:]), float(beta[2])


def fit_isotonic(seen: Evidence) -> Isotonic:
    """Pool adjacent violators along the Platt curve; each step counts one answer at its middle."""
    platt, extra = _platt(seen)
    smooth = _sigmoid(_logit(platt.apply(seen.log_odds, seen.codes)) + extra * seen.chosen)
    order = np.argsort(smooth, kind="stable")
    x, y = smooth[order], seen.right[order].astype(np.float64)
    found = isotonic_regression(y)
    blocks: Codes = np.asarray(found.blocks, dtype=np.int64)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    sizes = np.diff(blocks)
    middle = np.add.reduceat(x, blocks[:-1]) / sizes
    value = (np.add.reduceat(y, blocks[:-1]) + middle) / (sizes + 1)
    return Isotonic(platt=platt, at=middle, value=np.maximum.accumulate(value))


_Fitter = Callable[[Evidence], Calibration]
_FITS: dict[str, _Fitter] = {
    "temperature": fit_temperature,
    "platt": fit_platt,
    "isotonic": fit_isotonic,
}


def _cross_validated(fit: _Fitter, seen: Evidence) -> float:
    """Log loss on answers left out, those nobody chose where there are enough of them."""
    fold = np.arange(len(seen)) % FOLDS
    held_out = np.empty(len(seen))
    for each in range(FOLDS):
        out = seen.take(fold == each)
        held_out[fold == each] = fit(seen.take(fold != each)).apply(out.log_odds, out.codes)
    judged = ~seen.chosen if (~seen.chosen).sum() >= FEWEST_JUDGES else np.ones_like(seen.chosen)
    return log_loss(held_out[judged], seen.right[judged])
