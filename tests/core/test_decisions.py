"""Decisions: what a batch row commits to says everything, and comes back as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.canonical import canonical_json
from signoff.core.coding import value_of
from signoff.core.decisions import (
    BY_CODE,
    Decision,
    frozen_rows,
    model_rows,
    read_frozen_rows,
    read_model_rows,
)
from signoff.core.questions import CANNOT_SAY, Chosen

texts = st.text(st.characters(codec="utf-8"), max_size=12)
confidences = st.floats(0, 1)
decisions = st.builds(
    Decision,
    item=st.integers(0, 2**40),
    answer=st.one_of(st.just(CANNOT_SAY), texts.map(Chosen)),
    by=st.sampled_from(sorted(BY_CODE)),
    confidence=st.none() | confidences,
    reason=texts,
    reviewers=texts,
    model=texts,
)


@given(decision=decisions)
def test_a_row_says_all_of_a_decision_but_its_item_and_who_made_it(decision: Decision) -> None:
    answer, confidence, *rest = json.loads(decision.private())
    assert answer == value_of(decision.answer)
    assert confidence == (None if decision.confidence is None else repr(decision.confidence))
    assert rest == [decision.reason, decision.reviewers, decision.model]


@given(a=decisions, b=decisions)
def test_different_decisions_have_different_rows(a: Decision, b: Decision) -> None:
    same = a.private() == b.private()
    alike = replace(a, item=0, by="model") == replace(b, item=0, by="model")
    assert same == alike


@given(decision=decisions)
def test_a_row_is_canonical_json(decision: Decision) -> None:
    """Whoever verifies it with another program gets the same bytes."""
    assert canonical_json(json.loads(decision.private())) == decision.private()


labelled = st.lists(texts, min_size=1, max_size=4, unique=True).flatmap(
    lambda labels: st.tuples(
        st.just(labels),
        st.lists(st.tuples(st.integers(0, len(labels) - 1), confidences), max_size=6),
    )
)


@given(made=labelled, reason=texts, model=texts)
def test_many_decisions_of_a_model_are_written_as_one_by_one(
    made: tuple[list[str], list[tuple[int, float]]], reason: str, model: str
) -> None:
    labels, rows = made
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    confidence = np.array([value for _, value in rows])
    one_by_one = [
        Decision(
            item=0, answer=Chosen(labels[code]), by="model", confidence=value,
            reason=reason, reviewers="", model=model,
        ).private()
        for code, value in rows
    ]  # fmt: skip
    written = model_rows(labels, codes, confidence, reason=reason, model=model)
    assert list(written) == one_by_one


@given(made=labelled)
def test_a_frozen_row_holds_label_and_exact_confidence(
    made: tuple[list[str], list[tuple[int, float]]],
) -> None:
    labels, rows = made
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    confidence = np.array([value for _, value in rows])
    for (code, value), row in zip(rows, frozen_rows(labels, codes, confidence), strict=True):
        label, text = json.loads(row)
        assert (label, float(text)) == (labels[code], value)
        assert canonical_json([label, text]) == row


@given(made=labelled, reason=texts, model=texts)
def test_rows_of_a_model_are_read_back_with_their_blanks(
    made: tuple[list[str], list[tuple[int, float]]], reason: str, model: str
) -> None:
    labels, rows = made
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    confidence = np.array([value for _, value in rows], dtype=np.float64)
    frozen = read_frozen_rows([None, *frozen_rows(labels, codes, confidence)], labels)
    written = model_rows(labels, codes, confidence, reason=reason, model=model)
    decided = read_model_rows([None, *written], labels)
    for read in (frozen, decided):
        assert read.codes.tolist() == [-1, *codes.tolist()]
        assert np.array_equal(read.confidence, [np.nan, *confidence], equal_nan=True)
    assert not rows or (decided.reason, decided.model) == (reason, model)


def test_the_numbers_of_deciders_never_change() -> None:
    """They are in every log."""
    assert BY_CODE == {"model": 0, "reviewers": 1, "blend": 2}
