"""Agreement of people, against brute force and a published example."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.agreement import Agreement, agreement, comparable, reading
from signoff.core.questions import (
    CANNOT_SAY,
    Answer,
    AnyQuestion,
    Choice,
    Marked,
    MultiChoice,
    Pairwise,
    Rating,
    Span,
    Spans,
    Text,
    Written,
)

QUESTIONS: list[tuple[AnyQuestion, list[Answer]]] = [
    (question, [*map(question.parse, texts), CANNOT_SAY])
    for question, texts in [
        (Choice.of(["A", "B", "C"]), ["A", "B", "C"]),
        (MultiChoice.of(["A", "B"]), ["A", "A, B", "(none)"]),
        (Rating(), ["1", "3", "5"]),
        (Text(), ["tea", "teas", "coffee"]),
        (Pairwise(a="a", b="b"), ["a", "b", "tie"]),
    ]
]
SPANS = Spans.of(["P"])
QUESTIONS.append((SPANS, [Marked(()), Marked((Span(0, 3, "P"),)), Marked((Span(0, 9, "P"),))]))
unit_lists = st.lists(st.lists(st.integers(0, 2), max_size=4), min_size=1, max_size=7)


@given(which=st.sampled_from(range(len(QUESTIONS))), coded=unit_lists)
def test_agreement_is_what_all_pairs_give(which: int, coded: list[list[int]]) -> None:
    question, allowed = QUESTIONS[which]
    units = [[allowed[code] for code in unit] for unit in coded]
    kept = [unit for unit in units if len(unit) > 1]
    found = agreement(question, units)
    if not kept:
        assert found is None
        return
    assert found is not None
    pairs = [(a, b) for unit in kept for a, b in permutations(unit, 2)]
    assert found.same == pytest.approx(sum(question.same(a, b) for a, b in pairs) / len(pairs))
    everything = [answer for unit in kept for answer in unit]
    n = len(everything)
    observed = sum(
        sum(question.distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1)
        for unit in kept
    )
    expected = sum(question.distance(a, b) for a, b in permutations(everything, 2)) / (n - 1)
    if expected == 0:
        assert found.alpha is None
    else:
        assert found.alpha == pytest.approx(1 - observed / expected)
    assert (found.items, found.answers) == (len(kept), n)


@given(coded=unit_lists, data=st.data())
def test_order_of_items_and_of_answers_does_not_count(
    coded: list[list[int]], data: st.DataObject
) -> None:
    question, allowed = QUESTIONS[2]
    units = [[allowed[code] for code in unit] for unit in coded]
    shuffled = [data.draw(st.permutations(unit)) for unit in data.draw(st.permutations(units))]
    a, b = agreement(question, units), agreement(question, shuffled)
    assert (a is None) == (b is None)
    if a is not None and b is not None:
        assert (a.items, a.answers, a.same) == (b.items, b.answers, b.same)
        assert a.alpha == pytest.approx(b.alpha) if a.alpha is not None else b.alpha is None


def test_the_published_example_of_two_observers_is_met() -> None:
    """Krippendorff, Computing alpha-reliability (2011), section A: binary, two observers."""
    first, second = "0100000000", "1110010100"
    question = Choice.of(["0", "1"])
    found = agreement(
        question,
        [[question.parse(a), question.parse(b)] for a, b in zip(first, second, strict=True)],
    )
    assert found is not None
    assert found.same == 0.6
    assert found.alpha == pytest.approx(0.095, abs=5e-4)


def test_full_agreement_is_one_and_close_answers_are_better_than_far_ones() -> None:
    question = Rating()
    one, two, five = (question.parse(text) for text in "125")
    whole = agreement(question, [[one, one], [five, five]])
    close = agreement(question, [[one, two], [five, five]])
    far = agreement(question, [[one, five], [five, five]])
    assert whole is not None
    assert close is not None
    assert far is not None
    assert whole.alpha == 1
    assert close.alpha is not None
    assert far.alpha is not None
    assert close.alpha > 0.9 > 0.1 > far.alpha
    assert close.same == far.same == 0.5


def test_so_many_different_texts_have_no_alpha_and_their_share_still() -> None:
    units = [[Written(f"text {n}"), Written(f"text {n} ")] for n in range(600)]
    found = agreement(Text(), units)
    assert found is not None
    assert (found.same, found.alpha) == (1.0, None)


def test_of_long_texts_the_first_items_are_compared_and_of_labels_all() -> None:
    texts = [
        [Written(f"{n} " + "word " * 100), Written(f"{n} " + "other " * 100)] for n in range(60)
    ]
    assert agreement(Text(), texts).alpha is None  # type: ignore[union-attr]
    some = comparable(texts)
    assert 0 < len(some) < len(texts)
    assert some == texts[: len(some)]
    assert agreement(Text(), some).alpha is not None  # type: ignore[union-attr]
    question = Choice.of(["A", "B"])
    labels = [[question.parse("A"), question.parse("B")]] * 5_000
    assert comparable(labels) == labels


@pytest.mark.parametrize(
    ("items", "same", "alpha", "says"),
    [
        (19, 1.0, 1.0, "few"),
        (20, 1.0, None, "alike"),
        (20, 0.9, None, "unknown"),
        (20, 0.9, 0.8, "strong"),
        (20, 0.9, 0.7, "fair"),
        (20, 0.9, 0.3, "weak"),
        (20, 0.9, 0.0, "chance"),
        (20, 0.1, -0.4, "chance"),
    ],
)
def test_what_an_agreement_says(items: int, same: float, alpha: float | None, says: str) -> None:
    found = Agreement(items=items, answers=2 * items, same=same, alpha=alpha)
    assert reading(found) == says
    assert reading(None) == "none"
