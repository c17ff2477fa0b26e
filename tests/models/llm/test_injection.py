"""Texts that speak to the model are found; those that only talk of such things are not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.models.llm.injection import MASK, masked, suspicion
from signoff.testing.injections import INJECTIONS, INNOCENT

FALSE_ALARMS = 2
"""Of the innocent texts that were written to look like it."""


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_text_that_instructs_the_model_is_found(text: str) -> None:
    found = suspicion(text)
    assert found, "nothing suspicious was seen"
    for start, end in found.parts:
        assert 0 <= start < end <= len(text)


def test_few_innocent_texts_are_suspected() -> None:
    suspected = [text for text in INNOCENT if suspicion(text)]
    assert len(suspected) <= FALSE_ALARMS, suspected


def test_there_are_thirty_of_each() -> None:
    assert len(set(INJECTIONS)) >= 30
    assert len(set(INNOCENT)) >= 30


@given(st.text(max_size=60), st.sampled_from(INJECTIONS), st.text(max_size=60))
def test_what_is_masked_is_gone_and_the_rest_is_kept(before: str, evil: str, after: str) -> None:
    text = f"{before} \n{evil}\n {after}"
    parts = suspicion(text).parts
    covered = masked(text, parts)
    rest = covered.split(MASK) if MASK not in text else [covered]
    if MASK not in text:
        assert len(rest) == len(parts) + 1
        assert sum(map(len, rest)) == len(text) - sum(end - start for start, end in parts)


@given(st.text(max_size=400))
def test_any_text_is_looked_through(text: str) -> None:
    parts = suspicion(text).parts
    assert list(parts) == sorted(parts)
    assert all(a[1] < b[0] for a, b in pairwise(parts))
