"""Which of two is better."""

from __future__ import annotations

import pytest

from signoff.core.questions import Pairwise, Preferred, Side
from signoff.errors import InputError, UsageError

BETTER = Pairwise(a="first", b="second")


@pytest.mark.parametrize(
    ("typed", "side"),
    [
        *[("a", "a"), (" A\n", "a"), ("B", "b"), ("Tie", "tie"), ("both bad", "both_bad")],
        *[("both_bad", "both_bad"), ("Both-Bad", "both_bad"), ("both  bad", "both_bad")],
    ],
)
def test_a_side_is_read_whatever_its_capitals(typed: str, side: Side) -> None:
    assert BETTER.parse(typed) == Preferred(side)


@pytest.mark.parametrize("typed", ["", "c", "first", "a b", "both", "tied"])
def test_what_names_no_side_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="names neither side") as caught:
        BETTER.parse(typed)
    assert caught.value.hint == "Type a, b, tie or both bad."


@pytest.mark.parametrize("sent", ["A", "both bad", None, ["a"], {"a": 1}, 1])
def test_a_stored_answer_of_another_form_is_refused(sent: object) -> None:
    with pytest.raises(InputError, match="no answer to a comparison"):
        BETTER.from_json({"preferred": sent})


@pytest.mark.parametrize(
    ("a", "b", "reason"), [("x", "x", "twice"), ("x", " ", "two columns"), ("", "x", "two columns")]
)
def test_a_pair_is_two_different_columns(a: str, b: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Pairwise(a=a, b=b)
    assert caught.value.hint
