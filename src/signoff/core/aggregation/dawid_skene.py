"""Whose labels are right, when people err in their own ways: Dawid and Skene (1979) by EM.

Plain Dawid-Skene learns k * k numbers of every person from nothing but the others' votes. With few
votes an item that collapses: it ends below counting votes. So by default each person's confusion is
drawn towards that of the whole crowd, by a number of pseudo-votes that fades as the person's own
history grows, and the crowd's towards being mostly right; how common each label is, is trusted as
far as items have several votes. (Empirical Bayes: Paun et al. 2018, "Comparing Bayesian Models of
Annotation", find partial pooling best.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from signoff.core.aggregation.votes import TINY, Index, Real, Said, Votes, majority, softmax, sums

ROUNDS, CLOSE = 100, 1e-5
"""EM steps at most, and the gain of evidence per vote below which they end."""
STILL = 1e-4
"""Where people are pooled, EM raises no evidence step by step: it ends once no probability moves
by more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How far people are taken to be alike before they are known.

    - ``strength``: pseudo-votes of the crowd's confusion in each person's, of each label.
    - ``fades``: votes of a person at which that is down to half.
    - ``crowd``: pseudo-votes of "right four times in five" in the crowd's, of each label.
    - ``flat``: with so many votes an item or fewer, labels count as equally common.
    """

    strength: float = 5.0
    fades: float = 20.0
    crowd: float = 20.0
    flat: float = 2.0
    right: float = 0.8


POOLED = Pooling()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Consensus:
    """What a crowd is taken to mean.

    - ``posterior`` (n, k): how probable each label is for each item.
    - ``confusion`` (p, k, k): how probably person p says label i of an item of label j, ``[p, i,
      j]``; columns sum to 1.
    - ``common`` (k,): how common each label is.
    - ``rounds``: EM steps; ``converged``: whether they ended before the last that was allowed.
    """

    posterior: Real
    confusion: Real
    common: Real
    rounds: int
    converged: bool


def dawid_skene(
    votes: Votes,
    *,
    pooling: Pooling | None = POOLED,
    gold: Mapping[int, int] | None = None,
    rounds: int = ROUNDS,
    close: float = CLOSE,
) -> Consensus:
    """Every person with a confusion of their own, joined by Bayes' rule.

    ``gold``: the label of items that are known. ``pooling`` None: maximum likelihood, as in 1979.
    """
    said, known = Said(votes), _Known.of(gold)
    posterior = known.set_in(majority(votes))
    common, counts = posterior.mean(axis=0), said.over_items(posterior)
    logs = _log_confusion(votes, counts, pooling)
    evidence, converged, done = -np.inf, False, 0
    for step in range(1, rounds + 1):
        done = step
        before, scores = posterior, said.over_votes(logs)
        scores += np.log(np.maximum(_trusted(common, votes, pooling), TINY))
        posterior = known.set_in(softmax(scores))
        common, counts = posterior.mean(axis=0), said.over_items(posterior)
        logs = _log_confusion(votes, counts, pooling)
        if pooling is None:
            now = _evidence(votes, posterior, common, counts, logs)
            converged, evidence = now - evidence < close, now
        else:
            converged = float(np.abs(posterior - before).max(initial=0.0)) < STILL
        if converged:
            break
    k = votes.labels
    return Consensus(
        posterior=posterior,
        confusion=np.exp(logs).reshape(votes.people, k, k),
        common=_trusted(common, votes, pooling),
        rounds=done,
        converged=converged,
    )


def one_coin(
    votes: Votes,
    *,
    right: float = 4.0,
    wrong: float = 1.0,
    rounds: int = ROUNDS,
    close: float = CLOSE,
) -> Consensus:
    """Every person right with a probability of their own, whatever the label, and otherwise wrong
    in all ways alike. ``right`` and ``wrong``: pseudo-votes of each person."""
    k, per_person = votes.labels, votes.per_person
    posterior, evidence = majority(votes), -np.inf
    accuracy, common = np.zeros(votes.people), posterior.mean(axis=0)
    converged, done = False, 0
    for step in range(1, rounds + 1):
        done = step
        common = _trusted(posterior.mean(axis=0), votes, POOLED)
        hits = sums(votes.person, posterior.ravel()[votes.cell], votes.people)
        accuracy = np.clip(
            (hits + right) / np.maximum(per_person + right + wrong, TINY), TINY, 1 - TINY
        )
        hit, miss = np.log(accuracy), np.log((1 - accuracy) / max(k - 1, 1))
        scores = sums(votes.cell, (hit - miss)[votes.person], votes.items * k)
        scores = scores.reshape(votes.items, k)
        scores += sums(votes.item, miss[votes.person], votes.items)[:, None]
        scores += np.log(np.maximum(common, TINY))
        top = scores.max(axis=1, keepdims=True)
        now = float((top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))).sum())
        posterior = softmax(scores)
        if abs(now - evidence) < close * max(1, len(votes)):
            converged = True
            break
        evidence = now
    spread = (1 - accuracy)[:, None, None] / max(k - 1, 1)
    confusion = np.where(np.eye(k, dtype=np.bool_), accuracy[:, None, None], spread)
    return Consensus(
        posterior=posterior, confusion=confusion, common=common, rounds=done, converged=converged
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Items whose label is known."""

    item: Index
    label: Index

    @classmethod
    def of(cls, gold: Mapping[int, int] | None) -> _Known:
        told = sorted((gold or {}).items())
        return cls(
            np.array([item for item, _ in told], dtype=np.int64),
            np.array([label for _, label in told], dtype=np.int64),
        )

    def set_in(self, posterior: Real) -> Real:
        posterior[self.item] = 0.0
        posterior[self.item, self.label] = 1.0
        return posterior


def _log_confusion(votes: Votes, counts: Real, pooling: Pooling | None) -> Real:
    """(p * k, k) the logarithm of how probably each person says each label of each true one."""
    k = votes.labels
    if pooling is None:
        # What a person never said has no probability, as in maximum likelihood.
        ever = np.bincount(votes.said, minlength=votes.people * k) > 0
        told = np.where(ever[:, None], np.maximum(counts, TINY), 0.0).reshape(votes.people, k, k)
    else:
        own = counts.reshape(votes.people, k, k)
        told = own + _strength(votes, pooling)[:, None, None] * _of_crowd(own, pooling)
    total = np.maximum(told.sum(axis=1, keepdims=True), TINY)
    return np.log(np.maximum((told / total).reshape(votes.people * k, k), 1e-300))


def _strength(votes: Votes, pooling: Pooling) -> Real:
    return cast("Real", pooling.strength * pooling.fades / (pooling.fades + votes.per_person))


def _of_crowd(own: Real, pooling: Pooling) -> Real:
    """(k, k) the confusion of all people together; columns sum to 1."""
    k = own.shape[1]
    other = (1 - pooling.right) / max(k - 1, 1)
    fair = np.where(np.eye(k, dtype=np.bool_), pooling.right if k > 1 else 1.0, other)
    together = own.sum(axis=0) + pooling.crowd * k * fair
    return cast("Real", together / together.sum(axis=0))


def _trusted(common: Real, votes: Votes, pooling: Pooling | None) -> Real:
    """(k,) how common labels are, as far as the votes of an item can tell."""
    if pooling is None:
        return common
    answered = max(1, int(np.count_nonzero(votes.per_item)))
    flat = min(1.0, pooling.flat * answered / max(1, len(votes)))
    return common * (1 - flat) + flat / votes.labels


def _evidence(votes: Votes, posterior: Real, common: Real, counts: Real, logs: Real) -> float:
    """The bound that EM raises, per vote."""
    certain = np.maximum(posterior, TINY)
    said = float((counts * logs).sum())
    before = float((votes.per_item @ posterior) @ np.log(np.maximum(common, TINY)))
    return (said + before - float((certain * np.log(certain)).sum())) / max(1, len(votes))


__all__ = ["POOLED", "Consensus", "Pooling", "dawid_skene", "one_coin"]
