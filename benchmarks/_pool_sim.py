"""A pool worked on in memory: the real strategy, sample and rule; answers come from gold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from signoff.core.certification import RIGHT, WRONG, error_budget, sample_limit, standing
from signoff.core.coins import draw_sample
from signoff.core.items import Items
from signoff.ports import Ask, AskReason, Freeze, PoolState, PoolStrategy, SliceTest

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pool worked to its end: ``r`` of ``size`` labels may be wrong.

    In frozen order over the unanswered items: ``right``, calibrated ``confidence``, the model's own
    ``score``; ``heads``: audited; ``stands``: automatic. ``learning``: answers before the freeze.
    """

    size: int
    r: int
    alpha: float
    learning: int
    rounds: int
    forecast: int
    right: Bools
    confidence: Floats
    score: Floats
    heads: Bools
    stands: Bools

    @property
    def human(self) -> float:
        """Share of items a person answered."""
        return 1 - int(self.stands.sum()) / self.size

    @property
    def broken(self) -> bool:
        """More wrong labels stand than were promised."""
        return int((self.stands & ~self.right).sum()) > self.r


def run_pool(
    strategy: PoolStrategy,
    items: Items,
    gold: NDArray[np.int64],
    labels: Sequence[str],
    *,
    max_error: str = "0.05",
    alpha: float = 0.05,
    seed: int = 0,
) -> Run:
    """Learn, freeze, audit and judge one pool of one test."""
    n = len(items)
    r = error_budget(Decimal(max_error), n)
    test = SliceTest(name="all", size=n, errors=r, alpha=alpha)
    learning, rounds, frozen = _learn(strategy, items, gold, labels, test, seed)
    m, size = frozen.audits[0], len(frozen.order)
    secret = hashlib.sha256(f"benchmark {seed}".encode()).digest()
    heads = np.zeros(size, dtype=np.bool_)
    heads[draw_sample(secret, "benchmark", frozen.order, m)] = True
    right = frozen.codes == gold[frozen.order]
    limit = sample_limit(size, m, r, alpha)
    return Run(
        size=n,
        r=r,
        alpha=alpha,
        learning=learning,
        rounds=rounds,
        forecast=frozen.forecast.answered + frozen.forecast.remaining,
        right=right,
        confidence=frozen.confidence,
        score=frozen.predictions.raw_score[frozen.order],
        heads=heads,
        stands=standing(heads, np.where(right, RIGHT, WRONG), 1, limit, r),
    )


def _learn(
    strategy: PoolStrategy,
    items: Items,
    gold: NDArray[np.int64],
    labels: Sequence[str],
    test: SliceTest,
    seed: int,
) -> tuple[int, int, Freeze]:
    """Answer what the strategy asks until it freezes: answers, rounds, the freeze."""
    n, rounds = len(items), 0
    asked = np.zeros(0, dtype=np.int64)
    reasons: list[AskReason] = []
    while True:
        state = PoolState(
            items=items,
            labels=tuple(labels),
            eligible=np.ones(n, dtype=np.bool_),
            asked=asked,
            codes=gold[asked],
            reasons=reasons,
            slices=np.zeros(n, dtype=np.int64),
            tests=[test],
        )
        step = strategy.step(state, rng=np.random.default_rng([seed, len(asked)]))
        if not isinstance(step, Ask):
            return len(asked), rounds, step
        asked = np.concatenate([asked, step.positions])
        reasons += [step.reason] * len(step.positions)
        rounds += 1
