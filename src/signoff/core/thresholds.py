"""How sure a stream's model must be: as little as its window's budget of finds can bear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signoff.core.windows import WindowPlan

SAFETY = 0.6
"""Share of the x* + 1 finds that a window is expected to use up."""

LEAST = 0.5
"""A label more likely wrong than right never leaves."""

NOTHING_IS_SURE = 2.0


def learned_threshold(confidence: NDArray[np.float64], plan: WindowPlan) -> float:
    """The least confidence (n,) of a fair sample of the traffic that may leave.

    With labels wrong as often as their calibrated confidence says, a whole window then makes
    0.6 (x* + 1) finds. Validity does not rest on it: coins and the ledger see to that.
    """
    n = len(confidence)
    known = np.sort(confidence[np.isfinite(confidence) & (confidence >= LEAST)])[::-1]
    finds = float(plan.audit_rate) * plan.items * np.cumsum(1 - known) / max(n, 1)
    bearable = int(np.searchsorted(finds, SAFETY * (plan.limit + 1), side="right"))
    least = known[max(bearable - 1, 0)] if len(known) else NOTHING_IS_SURE
    # Equal confidences leave together, where that takes no more than the whole budget.
    surer = int((known > least).sum())
    together = int((known >= least).sum())
    if together and finds[together - 1] <= plan.limit + 1:
        return float(least)
    return float(known[surer - 1]) if surer else NOTHING_IS_SURE
