"""Which items people are asked beside those the strategy chose, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signoff.core.audits import Admission
from signoff.core.records import AskReason
from signoff.ports import PoolState, PoolView


def audit_items(
    view: PoolView,
    state: PoolState,
    order: NDArray[np.int64],
    admission: Admission,
    sampled: NDArray[np.int64],
) -> tuple[NDArray[np.int64], list[AskReason]]:
    """The audit, among items that people answer anyway, so that nothing in the queue tells
    which is which. No more companions than audits, and none the budget lacks. ``order``: the
    frozen items, admitted or not."""
    forced = np.flatnonzero(~state.eligible & ~view.erased)
    forced = forced[~np.isin(forced, state.asked)]
    companions = np.concatenate([forced, order[admission.companions[::-1]]])
    most = len(sampled)
    if state.budget is not None:
        most = min(most, max(0, state.budget - len(sampled)))
    companions = companions[:most]
    reasons: list[AskReason] = ["audit"] * len(sampled)
    reasons += forced_reasons(view, companions)
    return np.concatenate([sampled, companions]), reasons


def forced_reasons(view: PoolView, items: NDArray[np.int64]) -> list[AskReason]:
    """Why people answer items that no certificate covers."""
    return [
        "empty" if view.blank[item] else "rule" if view.ruled[item] else "review"
        for item in items.tolist()
    ]
