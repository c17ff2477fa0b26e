"""What else one could do with the same frozen labels: oracles, rules of thumb, PAC labels.

Each gives the labels that are automatic, in frozen order; everything else is a person's.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from _pool_sim import Bools, Floats, Run

TUTORIAL = 0.95  # "send it to a person when confidence is below"
THRESHOLDS = 100


def item_oracle(run: Run) -> Bools:
    """Knows every wrong label, leaves r of them."""
    return run.right | (np.cumsum(~run.right) <= run.r)


def threshold_oracle(run: Run) -> Bools:
    """Knows how far down the frozen order at most r labels are wrong."""
    return np.cumsum(~run.right) <= run.r


def tutorial_rule(run: Run) -> Bools:
    """The model's own confidence, taken at its word."""
    return run.score >= TUTORIAL


def plug_in(run: Run) -> Bools:
    """As many as calibrated confidence expects to hold r wrong; nobody checks."""
    return np.cumsum(1 - run.confidence) <= run.r


def pac_clt(run: Run) -> Bools:
    """PAC labels, normal upper bound (Candès et al. 2025, arXiv 2506.10908), signoff's sample."""
    return _pac(run, _clt_holds)


def pac_betting(run: Run) -> Bools:
    """PAC labels, betting upper bound (Waudby-Smith, Ramdas 2024), on signoff's sample."""
    return _pac(run, _betting_holds)


def _pac(run: Run, holds: object) -> Bools:
    """The longest prefix whose error, as a share of the frozen items, is bounded by r / n."""
    n, places = len(run.right), np.flatnonzero(run.heads)
    if len(places) == 0:
        return np.zeros(n, dtype=np.bool_)
    share, best = run.r / n, 0
    order = np.random.default_rng(0).permutation(len(places))
    for stop in np.linspace(0, n, THRESHOLDS + 1).astype(int)[1:].tolist():
        losses = ((~run.right[places]) & (places < stop))[order].astype(np.float64)
        if not holds(losses, share, run.alpha):  # type: ignore[operator]
            break
        best = stop
    return (np.arange(n) < best) & ~run.heads


def _clt_holds(losses: Floats, share: float, alpha: float) -> bool:
    spread = float(losses.std(ddof=1)) / len(losses) ** 0.5 if len(losses) > 1 else 1.0
    return float(losses.mean()) + NormalDist().inv_cdf(1 - alpha) * spread <= share


def _betting_holds(losses: Floats, share: float, alpha: float) -> bool:
    """A bet against "the mean is at least ``share``" that multiplies its capital by 1 / alpha."""
    m = len(losses)
    before = np.concatenate([[0.0], np.cumsum(losses)[:-1]])
    count = np.arange(1, m + 1)
    mean = (0.5 * share + before) / count
    variance = np.maximum(mean * (1 - mean), 1e-4)
    stake = np.minimum(np.sqrt(2 * np.log(1 / alpha) / (variance * m)), 0.75 / (1 - share))
    capital = np.cumsum(np.log1p(stake * (share - losses)))
    return bool(capital.max() >= np.log(1 / alpha))


PEERS = {
    "item oracle": item_oracle,
    "threshold oracle": threshold_oracle,
    "tutorial rule": tutorial_rule,
    "plug-in": plug_in,
    "PAC labels, betting": pac_betting,
    "PAC labels, CLT": pac_clt,
}
