"""Several labels: how they are typed, counted and compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.questions import ChosenMany, MultiChoice, answer_text
from signoff.core.questions.lists import join_labels, split_labels
from signoff.errors import InputError, UsageError

MOOD = MultiChoice.of(["Warm", "Dry, wry", '5" wide', '"Quoted"', "(none)", "[x]", "a|b;c"])


@pytest.mark.parametrize(
    ("typed", "labels"),
    [
        ("warm", ("Warm",)),
        ("[x], Warm", ("Warm", "[x]")),
        ("[x]", ("[x]",)),
        ('warm; "dry, wry" | [X],', ("Warm", "Dry, wry", "[x]")),
        ('5" wide', ('5" wide',)),
        ('"Quoted"', None),
        ('"""Quoted"""', ('"Quoted"',)),
        ('"Quoted" ,Warm', None),
        ("warm, WARM", ("Warm",)),
        ('["Warm", "Dry, wry"]', ("Warm", "Dry, wry")),
        ("[]", ()),
        ("(None)", ()),
        ('"(none)"', ("(none)",)),
        ("Warm, (none)", ("Warm", "(none)")),
        ("", ()),
        (" \n", ()),
        (",;|", ()),
        ("Dry, wry", None),
        ("a|b;c", None),
        ('"Warm', None),
        ("[1]", None),
    ],
)
def test_labels_are_read_as_people_and_columns_write_them(
    typed: str, labels: tuple[str, ...] | None
) -> None:
    if labels is None:
        with pytest.raises(InputError) as caught:
            MOOD.parse(typed)
        assert caught.value.code == "unknown_label"
        assert 'In double quotes: "Dry, wry"' in caught.value.hint
    else:
        assert MOOD.parse(typed) == ChosenMany(labels)


@given(labels=st.lists(st.text(min_size=1).map(str.strip).filter(bool), max_size=5))
def test_any_list_of_labels_comes_back_from_its_text(labels: list[str]) -> None:
    assert split_labels(join_labels(labels)) == labels


def test_results_write_labels_so_that_they_can_be_read_again() -> None:
    assert answer_text(ChosenMany(MOOD.ids)) == (
        'Warm, "Dry, wry", 5" wide, """Quoted""", "(none)", "[x]", "a|b;c"'
    )
    assert answer_text(ChosenMany(())) == "(none)"


def test_the_advice_on_quotes_is_given_only_where_a_label_needs_them() -> None:
    with pytest.raises(InputError) as caught:
        MultiChoice.of(["A", "B"]).parse("C")
    assert str(caught.value) == "'C' is not one of the labels. Allowed: A, B."


@pytest.mark.parametrize(
    ("least", "most", "typed"),
    [
        (1, None, ""),
        (1, None, "(none)"),
        (2, None, "A"),
        (0, 1, "A, B"),
        (1, 1, "A, B"),
        (2, 2, "A"),
    ],
)
def test_too_few_and_too_many_labels_are_refused(least: int, most: int | None, typed: str) -> None:
    question = MultiChoice.of(["A", "B", "C"], least=least, most=most)
    with pytest.raises(InputError, match="were chosen, this question takes") as caught:
        question.parse(typed)
    assert caught.value.hint.startswith("Choose")


@pytest.mark.parametrize(
    "value",
    [
        {"labels": "A"},
        {"labels": ["A", "A"]},
        {"labels": ["a"]},
        {"labels": [1]},
        {"labels": [["A"]]},
        {"labels": ["A"], "label": "A"},
        {"label": "A"},
        {},
    ],
)
def test_a_stored_answer_of_another_form_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"no answer|not one of"):
        MultiChoice.of(["A", "B"]).from_json(value)


def test_the_order_of_labels_does_not_count() -> None:
    question = MultiChoice.of(["A", "B", "C"])
    assert question.from_json({"labels": ["C", "A"]}) == ChosenMany(("A", "C"))
    assert question.same(ChosenMany(("C", "A")), ChosenMany(("A", "C")))
    assert question.distance(ChosenMany(("C", "A")), ChosenMany(("A", "C"))) == 0


def test_the_distance_is_jaccards() -> None:
    question = MultiChoice.of(["A", "B", "C"])
    assert question.distance(ChosenMany(("A", "B")), ChosenMany(("B", "C"))) == pytest.approx(2 / 3)
    assert question.distance(ChosenMany(("A",)), ChosenMany(())) == 1
    assert question.distance(ChosenMany(()), ChosenMany(())) == 0


@pytest.mark.parametrize(
    ("least", "most", "reason"),
    [
        (-1, None, "nothing to choose"),
        (2, None, "nothing to choose"),
        (0, 0, "impossible"),
        (0, 3, "impossible"),
        (1, -1, "impossible"),
    ],
)
def test_limits_that_leave_no_choice_are_refused(least: int, most: int | None, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        MultiChoice.of(["A", "B"], least=least, most=most)
    assert caught.value.hint


def test_one_label_is_enough_and_none_is_not() -> None:
    assert MultiChoice.of(["A"]).parse("a") == ChosenMany(("A",))
    with pytest.raises(UsageError, match="at least 1 label, got 0"):
        MultiChoice.of([])
