"""What people say and what a model says, as one: CROWDLAB (Goh, Tkachenko and Mueller 2022).

Weights come from how often people agree with each other and how often the model does with them, on
the items that several answered. On sparse votes, so that it takes as long as there are votes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.aggregation.votes import Real, Votes, sums

LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fusion:
    """``posterior`` (n, k), and what each side weighs: ``people`` (p,) and the ``model``."""

    posterior: Real
    people: Real
    model: float


def crowdlab(votes: Votes, probabilities: NDArray[np.floating]) -> Fusion:
    """People's votes and a model's out-of-fold ``probabilities`` (n, k), weighed by agreement.

    Where no item has two votes nothing is known of anybody: then every vote and the model weigh
    alike.
    """
    predicted = np.asarray(probabilities, dtype=np.float64)
    counts, k = votes.counts, votes.labels
    per_item = counts.sum(axis=1)
    several = per_item > 1
    # Of labels that lead together, the model's likelier one.
    leads = np.where(counts == counts.max(axis=1, keepdims=True), predicted, -1.0).argmax(axis=1)
    if not several.any():
        people, model, like = np.ones(votes.people), 1.0, 1 - 1 / (k + 1)
    else:
        share = counts[np.arange(votes.items), leads] / np.maximum(per_item, 1)
        like = float(share[several].mean())
        commonest = int(np.bincount(leads[several], minlength=k).argmax())
        chance = max(float((leads[several] != commonest).mean()), LEAST)
        people = np.clip(1 - (1 - _agreement(votes, counts, several)) / chance, LEAST, None)
        errs = float((predicted[several].argmax(axis=1) != leads[several]).mean())
        model = max(1 - errs / chance, LEAST) * float(np.sqrt(per_item.mean()))
    like = like if k > 1 else 1.0
    unlike = (1 - like) / max(k - 1, 1)
    total = sums(votes.item, people[votes.person], votes.items)
    hits = sums(votes.cell, people[votes.person], votes.items * k)
    hits = hits.reshape(votes.items, k)
    posterior = predicted * model + hits * like + (total[:, None] - hits) * unlike
    posterior /= (total + model)[:, None]
    return Fusion(posterior=posterior, people=people, model=model)


def _agreement(votes: Votes, counts: Real, several: NDArray[np.bool_]) -> Real:
    """(p,) how often each person agrees with the others of the same items; the mean of all where
    nothing is known."""
    shared = several[votes.item]
    person, item = votes.person[shared], votes.item[shared]
    same = counts.ravel()[votes.cell[shared]] - 1
    others = counts.sum(axis=1)[item] - 1
    agreed = sums(person, same, votes.people)
    met = sums(person, others, votes.people)
    return np.where(met > 0, agreed / np.maximum(met, 1), agreed.sum() / max(met.sum(), 1))
