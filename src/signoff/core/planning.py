"""Planning: how many human answers a plan will take. Nothing certified depends on it.

Rule P on n frozen labels with errors p_i, in order: m of them are audited, so finds before place
i are close to Poisson with mean (m / n) * (p_1 + ... + p_i), and a label at place i stands while
no more than x* finds came before it. That gives the labels expected to stand for every m, and the
m of least total. More learning is free as long as what it asks would have gone to people anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from signoff.core.certification import sample_limit, sample_limits

Real = NDArray[np.float64]

SHARES = tuple(np.geomspace(0.004, 0.7, 48).tolist())
BLOCKS = 1_000  # places the expectation is summed over


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One test's audit: ``sample`` items (m) of ``size``, at most ``limit`` finds (x*).

    ``automatic``, ``audit``, ``review``: expected labels that stand, answers to sampled items
    before the stop, and answers to everything behind it; they sum to ``size``.
    """

    size: int
    sample: int
    limit: int
    automatic: float
    audit: float
    review: float

    @property
    def answers(self) -> float:
        """Human answers expected."""
        return self.audit + self.review


def plan_audit(
    p_wrong: Real, *, errors: int, alpha: float, size: int | None = None, most: int | None = None
) -> Plan:
    """The sample size of fewest expected answers.

    ``p_wrong`` (n,): probability that each frozen label is wrong, in frozen order; ``size``: how
    many labels it stands for when it is an even subsample; ``most``: the largest m allowed. A
    sample that could never let more stand than the first r = ``errors`` labels is not drawn.
    """
    n = len(p_wrong) if size is None else size
    most = n if most is None else min(n, most)
    if n == 0 or len(p_wrong) == 0:
        return Plan(size=n, sample=0, limit=-1, automatic=0.0, audit=0.0, review=float(n))
    samples = _candidates(n, most)
    limits = sample_limits(n, samples, errors, alpha)
    mass, wrong = _blocks(p_wrong, n)
    automatic = _expected(samples / n, limits, mass, wrong, errors)
    best = int(np.argmax(automatic - 1e-9 * samples))
    m = int(samples[best])
    stop = float(automatic[best]) / max(1e-12, 1 - m / n)
    audit = min(float(m), m / n * min(stop, n))
    return Plan(
        size=n,
        sample=m,
        limit=sample_limit(n, m, errors, alpha),
        automatic=float(automatic[best]),
        audit=audit,
        review=max(0.0, n - float(automatic[best]) - audit),
    )


def _candidates(n: int, most: int) -> NDArray[np.int64]:
    shares = np.array([0.0, *SHARES])
    return np.unique(np.clip(np.rint(shares * n), 0, most).astype(np.int64))


def _blocks(p_wrong: Real, n: int) -> tuple[Real, Real]:
    """Labels per block, and expected errors before the middle of each block."""
    scale = n / len(p_wrong)
    edges = np.unique(np.linspace(0, len(p_wrong), min(BLOCKS, len(p_wrong)) + 1).astype(int))
    before = np.concatenate([[0.0], np.cumsum(p_wrong)]) * scale
    mass = np.diff(edges) * scale
    return mass, (before[edges[:-1]] + before[edges[1:]]) / 2


def _expected(share: Real, limits: NDArray[np.int64], mass: Real, wrong: Real, errors: int) -> Real:
    """Labels expected to stand, for each sample share."""
    finds = share[:, None] * wrong[None, :]
    certain = limits[:, None] >= 0
    stands = np.where(certain, pdtr(np.maximum(limits, 0)[:, None], finds), 0.0)
    tails = (1 - share[:, None]) * np.cumsum(mass)[None, :]
    return ((1 - share[:, None]) * mass * np.where(tails <= errors, 1.0, stands)).sum(axis=1)


def batch_size(answered: int, candidates: int, *, labels: int) -> int:
    """How many to ask before the next fit: few at first, then a share of what is known.

    Large pools take larger steps, so that a million items are learned in eight rounds or so.
    """
    share, fewest = 0.8, 200
    if candidates < 20_000:
        share, fewest = 0.12, 16
    elif candidates < 200_000:
        share, fewest = 0.3, 64
    return max(fewest, min(4 * labels, 64), round(share * answered))


def most_to_learn(size: int) -> int:
    """Answers after which a pool of this size has taught what it can at its price.

    >>> [most_to_learn(n) for n in (2_000, 7_600, 100_000, 1_000_000)]
    [2000, 3000, 3000, 3000]
    """
    return min(size, 3_000)
