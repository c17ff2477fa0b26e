"""Questions: what is typed, stored and compared means the same thing each time."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signoff.core.questions import (
    CANNOT_SAY,
    MAX_LABELS,
    Answer,
    Choice,
    Chosen,
    Label,
    Rated,
    Rating,
    question_from_json,
)
from signoff.errors import InputError, UsageError
from signoff.testing import check_question

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda name: bool(name.strip())
)
label_lists = st.lists(
    names, min_size=2, max_size=8, unique_by=lambda name: name.strip().casefold()
)


def choice(labels: list[str]) -> Choice:
    try:
        return Choice.of(labels)
    except UsageError:
        assume(False)
        raise


@settings(max_examples=30)
@given(labels=label_lists)
def test_every_choice_passes_the_suite_that_other_kinds_are_held_to(labels: list[str]) -> None:
    question = choice(labels)
    known = {name.strip().casefold() for name in labels}
    refused = [name for name in ("", "nothing like this", "a,b") if name.casefold() not in known]
    check_question(question, allowed=labels, refused=refused)


@given(labels=label_lists, data=st.data())
def test_a_label_is_read_whatever_its_capitals_and_white_space(
    labels: list[str], data: st.DataObject
) -> None:
    question = choice(labels)
    name = data.draw(st.sampled_from(question.ids))
    for typed in (name, f"  {name}\n", name.casefold()):
        assert question.parse(typed) == Chosen(name)


@given(labels=label_lists, typed=st.text(max_size=80))
def test_what_is_no_label_is_refused_with_the_list(labels: list[str], typed: str) -> None:
    question = choice(labels)
    assume(typed.strip().casefold() not in {label.casefold() for label in question.ids})
    with pytest.raises(InputError) as caught:
        question.parse(typed)
    assert caught.value.code == "unknown_label"
    assert all(label in caught.value.hint for label in question.ids)


def test_a_long_list_of_labels_is_shown_in_part() -> None:
    question = Choice.of([f"label {at}" for at in range(300)])
    with pytest.raises(InputError, match="288 more") as caught:
        question.parse("x" * 10_000)
    assert len(str(caught.value)) < 400


@given(labels=label_lists, data=st.data())
def test_same_is_an_equivalence_relation(labels: list[str], data: st.DataObject) -> None:
    question = choice(labels)
    answers = st.sampled_from([CANNOT_SAY, *map(Chosen, question.ids)])
    a, b, c = (data.draw(answers) for _ in range(3))
    assert question.same(a, a)
    assert question.same(a, b) == question.same(b, a)
    assert not (question.same(a, b) and question.same(b, c)) or question.same(a, c)
    assert question.same(a, b) == (question.code(a) == question.code(b))


def test_cannot_say_differs_from_every_label() -> None:
    question = Choice.of(["A", "cannot_say"])
    assert not any(question.same(CANNOT_SAY, Chosen(label)) for label in question.ids)
    assert question.code(CANNOT_SAY) == -1


@given(labels=label_lists, text=names, version=st.integers(1, 9))
def test_a_definition_comes_back_from_json(labels: list[str], text: str, version: int) -> None:
    question = Choice(
        labels=tuple(Label(id=f"id of {at}", name=name) for at, name in enumerate(labels)),
        text=text,
        version=version,
    )
    assert question_from_json(question.to_json()) == question


def test_a_definition_that_a_store_of_before_kept_is_read() -> None:
    stored = {
        "kind": "choice",
        "name": "answer",
        "version": 1,
        "text": "Which label fits?",
        "labels": [
            {"id": "Positive", "name": "Positive", "description": ""},
            {"id": "Negative", "name": "Negative", "description": ""},
        ],
    }
    assert question_from_json(stored) == Choice.of(["Positive", "Negative"])
    assert Choice.of(["Positive", "Negative"]).to_json() == {**stored, "guideline": ""}
    assert Choice.of(["Positive", "Negative"]).from_json({"label": "Positive"}) == Chosen(
        "Positive"
    )


def test_an_answer_to_another_question_has_no_code() -> None:
    with pytest.raises(InputError, match="no answer to a choice"):
        Choice.of(["A", "B"]).code(Rated(1))


@pytest.mark.parametrize(
    "value",
    [
        {"label": "C"},
        {"label": "a"},
        {"label": 1},
        {"label": "A", "more": 1},
        {"label": "A", "cannot_say": True},
        {"cannot_say": "yes"},
        {},
    ],
)
def test_a_stored_answer_of_another_form_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError, match="is no answer"):
        Choice.of(["A", "B"]).from_json(value)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "at least 2"),
        (["A"], "at least 2"),
        (["A", "A"], "twice"),
        (["A", " a "], "twice"),
        (["A", " "], "empty"),
        ([str(at) for at in range(MAX_LABELS + 1)], "more than"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        Choice.of(labels)
    assert caught.value.hint


def test_a_name_that_is_the_id_of_another_label_is_refused() -> None:
    """Nobody could tell which of the two was typed."""
    with pytest.raises(UsageError, match="twice"):
        Choice(labels=(Label(id="a", name="B"), Label(id="b", name="C")))


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "boxes"},
        {"kind": ["choice"]},
        {"kind": "choice"},
        {"kind": "choice", "labels": ["A"]},
        {"kind": "choice", "labels": [], "text": "t", "name": "n", "version": 1},
        {"kind": "choice", "labels": {"id": "A", "name": "A"}},
        {"kind": "choice", "labels": [{"id": "A"}], "text": "t", "name": "n", "version": 1},
        {"kind": "choice", "labels": [{"id": "A", "name": "A"}, {"id": "B", "name": "B"}]},
    ],
)
def test_a_stored_question_that_is_malformed_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"malformed|not known"):
        question_from_json(value)


@pytest.mark.parametrize("field", ["text", "name", "guideline"])
def test_a_definition_with_half_a_character_is_refused(field: str) -> None:
    definition = Choice.of(["A", "B"]).to_json()
    with pytest.raises(InputError, match="malformed"):
        question_from_json({**definition, field: "half \ud83e"})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"text": " "}, "no text"), ({"name": ""}, "no name"), ({"version": 0}, "at least 1")],
)
def test_a_question_that_nobody_could_read_or_name_is_refused(
    wrong: dict[str, object], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        Rating(**wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=reason):
        question_from_json({**Rating().to_json(), **wrong})


def test_a_choice_without_a_text_is_still_read() -> None:
    question = Choice.of(["A", "B"], text="")
    assert question_from_json(question.to_json()) == question


class Careless(Choice):
    """A choice whose "cannot say" agrees with every label: a certificate would count it right."""

    def same(self, a: Answer, b: Answer) -> bool:
        return a == b or CANNOT_SAY in (a, b)


class Forgetful(Choice):
    """A choice that reads back its first label whatever was stored."""

    def from_json(self, value: object) -> Answer:
        return super().from_json(value) and Chosen(self.ids[0])


class Generous(Choice):
    """A choice that takes anything."""

    def parse(self, typed: str) -> Answer:
        return Chosen(typed)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [(Careless, "transitive"), (Forgetful, "comes back"), (Generous, "must be refused")],
)
def test_the_suite_finds_what_is_wrong(kind: type[Choice], rule: str) -> None:
    broken = kind(labels=(Label(id="A", name="A"), Label(id="B", name="B")))
    with pytest.raises(AssertionError, match=rule):
        check_question(broken, allowed=["A", "B"], refused=["nothing"])
