"""Routing: whatever is unknown goes to people, and rules win."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signoff.core.routing import (
    AskAlways,
    Candidates,
    Certified,
    Mask,
    People,
    Policy,
    Threshold,
    policy_from_json,
)
from signoff.errors import UsageError
from signoff.testing import check_policy

shares = st.decimals("0.001", "0.999", places=3)
policies: st.SearchStrategy[Policy] = st.one_of(
    st.builds(Certified, max_error=shares, certainty=shares, slice=st.none() | st.text(max_size=5)),
    st.builds(Threshold, confidence=st.floats(0, 1, exclude_min=True)),
    st.just(People()),
)


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    n = draw(st.integers(0, 12))
    flags = arrays(np.bool_, n)
    return Candidates(
        codes=draw(arrays(np.int64, n, elements=st.integers(-1, 3))),
        confidence=draw(arrays(np.float64, n, elements=st.floats(width=64))),
        people_only=draw(flags),
        standing=draw(st.none() | flags),
    )


@given(policy=policies, several=candidates())
def test_what_is_for_people_only_or_has_no_label_is_never_automatic(
    policy: Policy, several: Candidates
) -> None:
    automatic = policy.automatic(several)
    assert not (automatic & several.people_only).any()
    assert not (automatic & (several.codes < 0)).any()


@given(confidence=st.floats(0, 1, exclude_min=True), several=candidates())
def test_a_confidence_that_is_not_finite_is_never_automatic(
    confidence: float, several: Candidates
) -> None:
    automatic = Threshold(confidence=confidence).automatic(several)
    assert np.isfinite(several.confidence[automatic]).all()
    assert (several.confidence[automatic] >= confidence).all()


@given(
    pair=st.tuples(st.floats(0, 1, exclude_min=True), st.floats(0, 1, exclude_min=True)),
    several=candidates(),
)
def test_a_higher_threshold_never_adds_automatic_items(
    pair: tuple[float, float], several: Candidates
) -> None:
    low, high = sorted(pair)
    before = Threshold(confidence=low).automatic(several)
    after = Threshold(confidence=high).automatic(several)
    assert not (after & ~before).any()


@given(several=candidates())
def test_under_a_certificate_only_what_it_lets_stand_is_automatic(several: Candidates) -> None:
    automatic = Certified().automatic(several)
    if several.standing is None:
        assert not automatic.any()
    else:
        assert np.array_equal(automatic, several.possible & several.standing)


@given(several=candidates())
def test_people_answer_everything(several: Candidates) -> None:
    assert not People().automatic(several).any()


@given(policy=policies)
def test_every_policy_passes_the_suite_that_others_are_held_to(policy: Policy) -> None:
    check_policy(policy, rounds=5)


@given(policy=policies)
def test_a_policy_comes_back_from_json(policy: Policy) -> None:
    assert policy_from_json(policy.to_json()) == policy
    assert policy.describe()


@pytest.mark.parametrize("confidence", [0.0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_threshold_that_is_no_probability_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match="no probability"):
        Threshold(confidence=confidence)


def test_a_policy_of_a_later_version_is_refused() -> None:
    with pytest.raises(UsageError, match="'roulette' is not known"):
        policy_from_json({"kind": "roulette"})


def test_alpha_is_what_certainty_leaves_in_exact_decimals() -> None:
    assert Certified(certainty=Decimal("0.95")).alpha == Decimal("0.05")


def test_a_rule_says_what_it_keeps_for_people() -> None:
    rule = AskAlways(column="country", value="FR")
    assert rule.to_json() == {"kind": "ask_always", "column": "country", "value": "FR"}


class Trusting:
    """Automatic above one half, NaN or rule or not."""

    def automatic(self, candidates: Candidates) -> Mask:
        return ~(candidates.confidence < 0.5)


class Boundless:
    """Takes an infinite score for a sure thing."""

    def automatic(self, candidates: Candidates) -> Mask:
        return candidates.possible & (candidates.confidence > 0.5)


class Meddling:
    """Takes notes in what it was given."""

    def automatic(self, candidates: Candidates) -> Mask:
        candidates.codes[:] = -1
        return np.zeros(len(candidates.codes), dtype=np.bool_)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (Trusting(), "keeps for people|without a label|not known"),
        (Boundless(), "confidence is not known"),
        (Meddling(), "must not change"),
    ],
)
def test_the_suite_finds_what_is_wrong(policy: Trusting | Boundless | Meddling, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_policy(policy)
