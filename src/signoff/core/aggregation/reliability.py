"""How often each person is right, as far as the others can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.special import betaincinv

from signoff.core.aggregation.dawid_skene import Consensus
from signoff.core.aggregation.votes import TINY, Real, Said, Votes, softmax, sums

LEVEL = 0.9
STEPS = 30
"""Of EM for one number a person; it is still long before."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """Of each person, (p,): ``judged`` votes that others can tell about, the ``share`` of right
    ones and its 90 % interval (``low``, ``high``); these are NaN where there are none."""

    judged: Real
    share: Real
    low: Real
    high: Real


def reliability(votes: Votes, found: Consensus) -> Reliability:
    """Each vote is held against what the item's other votes say: nobody speaks for themselves.

    The share is the one that makes a person's votes likeliest, given how probable the others make
    each label. The interval is Jeffreys' for the expected counts (Brown, Cai and DasGupta 2001): it
    knows how few votes there are, and not how sure the others may be.
    """
    k = votes.labels
    logs = np.log(np.maximum(found.confusion, TINY)).reshape(votes.people * k, k)
    scores = Said(votes).over_votes(logs) + np.log(np.maximum(found.common, TINY))
    # Without the vote itself; rows of votes, so only as many numbers as votes times labels.
    without = softmax(scores[votes.item] - logs[votes.said])
    told = votes.per_item[votes.item] > 1
    others = without[np.arange(len(votes)), votes.label]
    judged = sums(votes.person, told.astype(np.float64), votes.people)
    share, right = np.full(votes.people, 0.75), np.zeros(votes.people)
    for _ in range(STEPS):
        hit = share[votes.person] * others
        miss = (1 - share[votes.person]) * (1 - others) / max(k - 1, 1)
        right = sums(votes.person, told * hit / np.maximum(hit + miss, TINY), votes.people)
        share = (right + 0.5) / (judged + 1)
    tail = (1 - LEVEL) / 2
    known = judged > 0
    low, high = (
        cast("Real", betaincinv(right + 0.5, judged - right + 0.5, at)) for at in (tail, 1 - tail)
    )
    return Reliability(
        judged=judged,
        share=np.where(known, share, np.nan),
        low=np.where(known, low, np.nan),
        high=np.where(known, high, np.nan),
    )
