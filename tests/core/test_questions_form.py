"""Several questions on one item."""

from __future__ import annotations

import pytest

from signoff.core.questions import (
    CANNOT_SAY,
    Choice,
    Chosen,
    Form,
    Rated,
    Rating,
    form_from_json,
)
from signoff.errors import InputError, UsageError

USEFUL = Choice.of(["Yes", "No"], text="Useful?")
FORM = Form((USEFUL, Rating(name="tone")))
BOTH = {"answer": {"label": "Yes"}, "tone": {"value": 4}}


def test_answers_come_in_the_order_of_the_questions() -> None:
    answers = FORM.from_json({"tone": {"cannot_say": True}, "answer": {"label": "No"}})
    assert list(answers.items()) == [("answer", Chosen("No")), ("tone", CANNOT_SAY)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no answers to a form"),
        ([BOTH], "no answers to a form"),
        ({}, "'answer' has no answer"),
        ({"answer": BOTH["answer"]}, "'tone' has no answer"),
        ({**BOTH, "mood": {"value": 1}}, "no question 'mood'"),
        ({**BOTH, "Tone": {"value": 1}}, "no question 'Tone'"),
        ({**BOTH, "tone": {"value": 9}}, "Question 'tone': 9 is not on the scale"),
        ({**BOTH, "tone": {"label": "Yes"}}, "Question 'tone'"),
        ({**BOTH, "tone": None}, "Question 'tone'"),
    ],
)
def test_answers_that_are_missing_unknown_or_wrong_are_refused(value: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        FORM.from_json(value)
    assert caught.value.hint


def test_the_code_of_a_refusal_is_that_of_the_question() -> None:
    with pytest.raises(InputError) as caught:
        FORM.from_json({**BOTH, "answer": {"label": "Maybe"}})
    assert caught.value.code == "unknown_label"


def test_answers_that_were_made_in_python_are_checked_too() -> None:
    assert FORM.check({"tone": Rated(4.0), "answer": Chosen("Yes")}) == FORM.from_json(BOTH)
    with pytest.raises(InputError, match="Question 'tone'"):
        FORM.check({"tone": Chosen("Yes"), "answer": Chosen("Yes")})


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "cannot have 0 questions"),
        (["a", "A"], "Two questions have the name 'A'"),
        ([str(at) for at in range(51)], "cannot have 51 questions"),
    ],
)
def test_a_form_whose_answers_could_not_be_told_apart_is_refused(
    names: list[str], reason: str
) -> None:
    questions = tuple(Rating(name=name) for name in names)
    with pytest.raises(UsageError, match=reason) as caught:
        Form(questions)
    assert caught.value.hint
    with pytest.raises(InputError, match=reason):
        form_from_json([question.to_json() for question in questions])


@pytest.mark.parametrize("value", [None, {}, "form", [None], [{"kind": "boxes"}]])
def test_a_stored_form_that_is_malformed_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"malformed|not known"):
        form_from_json(value)
