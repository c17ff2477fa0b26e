"""Free text: kept as written, compared as read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.questions import Text, Written
from signoff.core.questions.text import MAX_TEXT, edits
from signoff.errors import InputError, UsageError

few = st.text("abé🦉", max_size=7)


def edits_by_hand(a: str, b: str) -> int:
    """Levenshtein's distance by its definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        edits_by_hand(a[1:], b) + 1,
        edits_by_hand(a, b[1:]) + 1,
        edits_by_hand(a[1:], b[1:]) + (a[0] != b[0]),
    )


@given(a=few.map(lambda text: text[:6]), b=few.map(lambda text: text[:6]))
def test_edits_are_counted_as_by_hand(a: str, b: str) -> None:
    assert edits(a, b) == edits_by_hand(a, b)


@given(a=few, b=few, c=few)
def test_edits_are_a_metric(a: str, b: str, c: str) -> None:
    assert edits(a, b) == edits(b, a)
    assert (edits(a, b) == 0) == (a == b)
    assert edits(a, c) <= edits(a, b) + edits(b, c)


def test_long_texts_are_compared_in_reasonable_memory() -> None:
    assert edits("ab" * 1_500, "ba" * 1_500) == 2


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_text_is_kept_as_it_was_written(text: str) -> None:
    question = Text()
    if text.strip():
        assert question.parse(text) == question.from_json({"text": text}) == Written(text)


@given(text=st.text(st.characters(codec="utf-8"), min_size=1), form=st.sampled_from(["NFC", "NFD"]))
def test_composition_and_white_space_at_the_ends_do_not_count(text: str, form: str) -> None:
    other = Written(f"\t{unicodedata.normalize(form, text)}\n")  # pyright: ignore[reportArgumentType]
    assert Text().same(Written(text), other)
    assert Text().distance(Written(text), other) == 0


@pytest.mark.parametrize(
    ("a", "b"), [("a", "A"), ("a b", "a  b"), ("ﬁ", "fi"), ("a", "а"), ("٤", "4"), ("x²", "x2")]
)
def test_everything_else_counts(a: str, b: str) -> None:
    assert not Text().same(Written(a), Written(b))


def test_the_distance_is_the_share_of_characters_to_edit() -> None:
    assert Text().distance(Written("abcd"), Written("abXd ")) == 0.25
    assert Text().distance(Written("abcd"), Written("xyz")) == 1


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "blank"),
        (" \n\u2003", "blank"),
        ("x" * 11, "11 characters, 10 are allowed"),
        ("a\0", "half a character"),
        ("\ud83e", "half a character"),
    ],
)
def test_a_text_that_says_nothing_or_cannot_be_stored_is_refused(typed: str, reason: str) -> None:
    question = Text(longest=10)
    for read in (lambda: question.parse(typed), lambda: question.from_json({"text": typed})):
        with pytest.raises(InputError, match=reason) as caught:
            read()
        assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "longest", "reason"),
    [(None, 0, "as long as 0"), (None, MAX_TEXT + 1, "as long as"), (" ", 10, "no name")],
)
def test_a_definition_that_makes_no_sense_is_refused(
    field: str | None, longest: int, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Text(field=field, longest=longest)
    assert caught.value.hint
