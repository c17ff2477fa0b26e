"""Numbers on a scale: steps are decimals, and equal means equal."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.questions import Answer, Rated, Rating, answer_text, question_from_json
from signoff.core.questions.reading import shown
from signoff.errors import InputError, UsageError


def value(answer: Answer) -> float:
    assert isinstance(answer, Rated)
    return answer.value


@given(
    low=st.integers(-(10**15), 10**15 - 10**12),
    step=st.integers(1, 10**8),
    steps=st.integers(1, 10_000),
    data=st.data(),
)
def test_every_step_of_every_scale_is_read_as_the_decimal_it_is(
    low: int, step: int, steps: int, data: st.DataObject
) -> None:
    unit = Decimal(10**6)
    high = low + step * steps
    question = Rating(low=float(low / unit), high=float(high / unit), step=float(step / unit))
    at = data.draw(st.integers(0, steps))
    typed = f"{(low + at * step) / unit:f}"
    answer = question.parse(typed)
    assert Decimal(str(value(answer))) == Decimal(typed)
    assert question.parse(answer_text(answer)) == answer
    assert question.from_json({"value": value(answer)}) == answer
    if step > 1:
        with pytest.raises(InputError, match="not on the scale"):
            question.parse(f"{(low + at * step + 1) / unit:f}")


def test_the_values_are_all_that_can_be_answered() -> None:
    question = Rating(low=-0.2, high=0.4, step=0.2)
    assert question.values == (-0.2, 0, 0.2, 0.4)
    assert [question.parse(str(v)) for v in question.values] == [Rated(v) for v in question.values]
    assert len(Rating(low=0, high=1, step=0.0001).values) == 10_001


@pytest.mark.parametrize("typed", ["4", " 4 ", "4.0", "+4", "4e0", "٤"])
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    assert Rating().parse(typed) == Rated(4)
    assert answer_text(Rating().parse(typed)) == "4"


@pytest.mark.parametrize(
    "typed",
    ["", "four", "0", "6", "4.5", "4,5", "nan", "inf", "1_0", "0x4", "1" * 5_000, "1e999"],
    ids=shown,
)
def test_what_is_no_number_of_the_scale_is_refused_with_the_scale(typed: str) -> None:
    with pytest.raises(InputError, match="not on the scale") as caught:
        Rating().parse(typed)
    assert caught.value.hint == "Give a number from 1 to 5."
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "sent",
    [True, "4", None, [4], math.nan, math.inf, 10**400, -(10**5000), 4.5, 1 + 1e-9],
    ids=shown,
)
def test_a_stored_answer_of_another_form_is_refused(sent: object) -> None:
    with pytest.raises(InputError, match=r"no answer|not on the scale"):
        Rating().from_json({"value": sent})


def test_whole_numbers_are_stored_as_such() -> None:
    assert [repr(value(Rating().from_json({"value": v}))) for v in (3, 3.0)] == ["3", "3"]
    assert repr(value(Rating(low=-1, high=1).parse("-0.0"))) == "0"


def test_the_distance_is_the_squared_share_of_the_scale() -> None:
    question = Rating(low=1, high=5)
    assert question.distance(Rated(1), Rated(5)) == 1
    assert question.distance(Rated(2), Rated(3)) == 1 / 16


@pytest.mark.parametrize(
    ("low", "high", "step", "reason"),
    [
        (1, 1, 1, "no two values"),
        (5, 1, 1, "no two values"),
        (1, 5, 0, "no two values"),
        (1, 5, -1, "no two values"),
        (1, 5, 3, "1.33333 steps"),
        (0, 1, 0.3, "steps"),
        (0, 10_001, 1, "10001 steps"),
        (0, math.inf, 1, "cannot be made"),
        (math.nan, 5, 1, "cannot be made"),
        (0, 10**400, 1, "cannot be made"),
        (0, 10**5000, 1, "cannot be made"),
        (0, 2e9, 1e9, "cannot be made"),
        (0, 1, 1e-7, "cannot be made"),
        (1 / 3, 4 / 3, 1, "cannot be made"),
    ],
    ids=shown,
)
def test_a_scale_that_nobody_can_answer_on_is_refused(
    low: float, high: float, step: float, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Rating(low=low, high=high, step=step)
    assert caught.value.hint


def test_a_definition_may_leave_out_what_is_usual() -> None:
    usual = {"kind": "rating", "name": "answer", "version": 1, "text": "How would you rate this?"}
    assert question_from_json(usual) == Rating()
