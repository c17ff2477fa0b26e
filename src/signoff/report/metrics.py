"""The numbers behind the charts, from the blind audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from signoff.report.data import AuditSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A share and a 95 % interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveragePoint:
    """If the first ``automatic`` labels were the model's: the wrong ones among all labels."""

    automatic: int
    coverage: float
    audited: int
    finds: int
    wrong: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Audited labels of similar confidence, and how many of them were right."""

    confidence: float
    count: int
    right: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of (model's label, people's answer); rows are ``labels``, columns ``answers``."""

    labels: list[str]
    answers: list[str]
    counts: list[list[int]]


def share_interval(successes: float, trials: float, level: float = 0.95) -> Interval:
    """Clopper-Pearson: holds whatever the true share is.

    >>> round(share_interval(0, 59).high, 3)
    0.061
    """
    if trials <= 0:
        return Interval(value=float("nan"), low=0.0, high=1.0)
    tail = (1 - level) / 2
    failures = max(trials - successes, 0.0)
    low = 0.0 if successes <= 0 else float(betaincinv(successes, failures + 1, tail))
    high = 1.0 if failures <= 0 else float(betaincinv(successes + 1, failures, 1 - tail))
    return Interval(value=successes / trials, low=low, high=high)


def coverage_curve(audit: AuditSample, labels: int, points: int = 48) -> list[CoveragePoint]:
    """For growing coverage, the wrong labels to expect, as a share of all ``labels``.

    Cut after the i-th audited label: the rate of wrong ones among those audited so far (weighted
    where slices were sampled at different rates; the interval then uses Kish's effective number)
    times the model's labels so far that nobody looked at.
    """
    if len(audit) == 0 or labels <= 0:
        return []
    order = np.argsort(audit.position, kind="stable")
    wrong = ~audit.right[order]
    weight = np.ones(len(order)) if audit.weight is None else audit.weight[order]
    rate = np.cumsum(weight * wrong) / np.cumsum(weight)
    effective = np.cumsum(weight) ** 2 / np.cumsum(weight**2)
    seen = np.arange(1, len(order) + 1)
    unseen = audit.position[order] + 1 - seen
    chosen = np.unique(np.linspace(0, len(order) - 1, points).round().astype(np.int64))
    curve: list[CoveragePoint] = []
    for i in chosen.tolist():
        part = float(unseen[i]) / labels
        interval = share_interval(float(rate[i] * effective[i]), float(effective[i]))
        curve.append(
            CoveragePoint(
                automatic=int(unseen[i]),
                coverage=part,
                audited=int(seen[i]),
                finds=int(wrong[: i + 1].sum()),
                wrong=_scaled(interval, part),
            )
        )
    return curve


def reliability(audit: AuditSample, bins: int = 8, least: int = 12) -> list[ReliabilityBin]:
    """Groups of about equal size by calibrated confidence, least confident first."""
    known = np.isfinite(audit.confidence)
    confidence, right = audit.confidence[known], audit.right[known]
    groups = max(1, min(bins, len(confidence) // least))
    found: list[ReliabilityBin] = []
    for part in _equal_parts(confidence, groups):
        found.append(
            ReliabilityBin(
                confidence=float(confidence[part].mean()),
                count=len(part),
                right=share_interval(float(right[part].sum()), len(part)),
            )
        )
    return found


def confusion(audit: AuditSample, labels: Sequence[str]) -> Confusion:
    """The audit as a table; answers that are no label ("cannot say") come last."""
    pairs = Counter(zip(audit.label, audit.answer, strict=True))
    others = sorted({answer for answer in audit.answer if answer not in labels})
    answers = [*labels, *others]
    return Confusion(
        labels=list(labels),
        answers=answers,
        counts=[[pairs[label, answer] for answer in answers] for label in labels],
    )


def frequent_confusions(audit: AuditSample, limit: int = 15) -> list[tuple[str, str, int]]:
    """(model's label, people's answer, how often), most frequent first."""
    pairs = zip(audit.label, audit.answer, audit.right.tolist(), strict=True)
    wrong = Counter((label, answer) for label, answer, right in pairs if not right)
    return [(label, answer, n) for (label, answer), n in wrong.most_common(limit)]


def _equal_parts(values: NDArray[np.float64], groups: int) -> list[NDArray[np.int64]]:
    """Positions by value in groups of about equal size; equal values stay together."""
    if not len(values):
        return []
    order = np.argsort(values, kind="stable")
    edges = np.searchsorted(values[order], values[order][_starts(len(values), groups)])
    return [part for part in np.split(order, np.unique(edges)) if len(part)]


def _starts(size: int, groups: int) -> NDArray[np.int64]:
    """Where each group but the first begins."""
    return (np.arange(1, groups) * size // groups).astype(np.int64)


def _scaled(interval: Interval, factor: float) -> Interval:
    return Interval(
        value=interval.value * factor, low=interval.low * factor, high=interval.high * factor
    )
