"""Does a routing policy send to people whatever is unknown or reserved for them?"""

from __future__ import annotations

import json

import numpy as np

from signoff.core.routing import Candidates, RoutingPolicy
from signoff.testing.expect import expect


def check_policy(policy: RoutingPolicy, *, rounds: int = 200, seed: int = 0) -> None:
    """Check a policy on random candidates, unknown and impossible ones among them."""
    rng = np.random.default_rng(seed)
    for size in (0, 1, *rng.integers(2, 30, rounds).tolist()):
        candidates = _candidates(int(size), rng)
        _check_one(policy, candidates)


def _check_one(policy: RoutingPolicy, candidates: Candidates) -> None:
    before = _copy(candidates)
    automatic = policy.automatic(candidates)
    shown = f"confidence {candidates.confidence[:3]}, ..."
    expect(automatic.shape == candidates.codes.shape, "automatic must say one thing per item.")
    expect(automatic.dtype == np.bool_, f"automatic must be boolean, is {automatic.dtype}.")
    expect(
        not automatic[candidates.people_only].any(),
        f"What a rule keeps for people must never be automatic ({shown}).",
    )
    expect(
        not automatic[candidates.codes < 0].any(),
        f"An item without a label must never be automatic ({shown}).",
    )
    unknown = ~np.isfinite(candidates.confidence)
    if candidates.standing is not None:
        unknown &= ~candidates.standing
    expect(
        not automatic[unknown].any(),
        f"An item whose confidence is not known must never be automatic ({shown}).",
    )
    expect(
        bool(np.array_equal(automatic, policy.automatic(candidates))),
        "The same candidates must be routed the same way.",
    )
    expect(_copy(candidates) == before, "A policy must not change what it is given.")


def _copy(candidates: Candidates) -> str:
    """Everything a policy was given, as text: NaN equals NaN there."""
    columns = (
        candidates.codes,
        candidates.confidence,
        candidates.people_only,
        np.empty(0) if candidates.standing is None else candidates.standing,
    )
    return json.dumps([repr(column.tolist()) for column in columns])


def _candidates(size: int, rng: np.random.Generator) -> Candidates:
    confidence = rng.random(size)
    odd = rng.random(size) < 0.3
    confidence[odd] = rng.choice([np.nan, np.inf, -np.inf, 0.0, 1.0], odd.sum())
    standing = rng.random(size) < 0.5 if rng.random() < 0.5 else None
    return Candidates(
        codes=rng.integers(-1, 3, size).astype(np.int64),
        confidence=confidence,
        people_only=rng.random(size) < 0.3,
        standing=standing,
    )
