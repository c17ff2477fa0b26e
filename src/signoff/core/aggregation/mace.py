"""Who answers, and who only clicks: MACE (Hovy et al. 2013, "Learning whom to trust with MACE").

Each person either knows the label of an item or writes something of their own habit. Fitted by
variational Bayes from several random starts, of which the one with the most evidence is kept; all
in logarithms, so that an item may have any number of votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy import special

from signoff.core.aggregation.votes import Real, Votes, softmax, sums

ROUNDS, RESTARTS = 50, 10
SPAMS, KNOWS, HABIT = 0.5, 0.5, 10.0
"""Pseudo-counts of spamming, of knowing, and of each label in a habit, as in the paper."""
NOISE = 0.5
"""How far apart starts are."""


@dataclass(frozen=True, slots=True, eq=False)
class _Habits:
    """``spams`` and ``knows`` (p,), ``writes`` (p, k): of each person; weights, not normalised."""

    spams: Real
    knows: Real
    writes: Real


def mace(
    votes: Votes, *, restarts: int = RESTARTS, rounds: int = ROUNDS, seed: int = 0
) -> tuple[Real, Real]:
    """(n, k) probabilities of the labels, and (p,) how often each person knows rather than clicks.

    Every restart draws anew; the same ``seed`` gives the same result.
    """
    luck = np.random.default_rng(seed)
    best: tuple[float, Real, Real] | None = None
    for _ in range(max(1, restarts)):
        habits = _start(votes, luck)
        evidence, posterior, counted = _expect(votes, habits)
        for _ in range(rounds):
            habits = _fitted(counted)
            evidence, posterior, counted = _expect(votes, habits)
        if best is None or evidence > best[0]:
            best = (evidence, posterior, _trust(counted))
    assert best is not None
    return best[1], best[2]


def _trust(counted: _Habits) -> Real:
    return (counted.knows + KNOWS) / (counted.knows + KNOWS + counted.spams + SPAMS)


def _start(votes: Votes, luck: np.random.Generator) -> _Habits:
    people, k = votes.people, votes.labels
    trust = 1 + (1 + NOISE) * luck.random((people, 2))
    trust /= trust.sum(axis=1, keepdims=True)
    writes = 1 + (1 + NOISE) * luck.random((people, k))
    return _Habits(trust[:, 0], trust[:, 1], writes / writes.sum(axis=1, keepdims=True))


def _expect(votes: Votes, habits: _Habits) -> tuple[float, Real, _Habits]:
    """The evidence, the labels (n, k), and how often each person is taken to have done what."""
    k, cell = votes.labels, votes.cell
    clicked = habits.spams[votes.person] * habits.writes.ravel()[votes.said]
    knew = habits.knows[votes.person]
    log_clicked = np.log(clicked)
    gain = sums(cell, np.log(clicked + knew) - log_clicked, votes.items * k)
    scores = gain.reshape(votes.items, k)
    scores += sums(votes.item, log_clicked, votes.items)[:, None] - np.log(k)
    top = scores.max(axis=1, keepdims=True)
    evidence = float((top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))).sum())
    posterior = softmax(scores)
    is_it = posterior.ravel()[cell]
    by_knowing = is_it * knew / (clicked + knew)
    by_clicking = 1 - by_knowing
    return (
        evidence,
        posterior,
        _Habits(
            sums(votes.person, by_clicking, votes.people),
            sums(votes.person, by_knowing, votes.people),
            sums(votes.said, by_clicking, votes.people * k).reshape(votes.people, k),
        ),
    )


def _log_mean(counts: Real) -> Real:
    """digamma, which is what the logarithm of a share is on average."""
    return cast("Real", special.digamma(counts))  # pyright: ignore[reportUnknownMemberType]


def _fitted(counted: _Habits) -> _Habits:
    """Habits after their expected counts, by variational Bayes."""
    spams, knows = counted.spams + SPAMS, counted.knows + KNOWS
    both = _log_mean(spams + knows)
    writes = counted.writes + HABIT
    return _Habits(
        np.exp(_log_mean(spams) - both),
        np.exp(_log_mean(knows) - both),
        np.exp(_log_mean(writes) - _log_mean(writes.sum(axis=1, keepdims=True))),
    )
