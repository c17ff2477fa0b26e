"""Every kind of question keeps the rules that other kinds are held to, on any definition."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.questions import (
    CANNOT_SAY,
    KINDS,
    Answer,
    AnyQuestion,
    Choice,
    Chosen,
    ChosenMany,
    Form,
    Label,
    Marked,
    MultiChoice,
    Pairwise,
    Preferred,
    Rated,
    Rating,
    Span,
    Spans,
    Text,
    Written,
    form_from_json,
    question_from_json,
)
from signoff.errors import InputError
from signoff.testing import check_question

T = TypeVar("T")
Asked = tuple[AnyQuestion, st.SearchStrategy[Answer]]

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda word: bool(word.strip())
)
awkward = st.sampled_from(
    ["(none)", "[x]", '["A"]', '"', 'a "b" c', "A,B", "A;B", "A|B", "A, B", "(Cannot say)", "null"]
)
label_lists = st.lists(
    words | awkward, min_size=2, max_size=5, unique_by=lambda name: name.strip().casefold()
)


@st.composite
def labels(draw: st.DrawFn) -> tuple[Label, ...]:
    """Labels whose ids and names differ, or not; unlike each other however they are written."""
    names = draw(label_lists)
    apart = draw(st.booleans())
    return tuple(
        Label(id=f"<{at}>" if apart else name, name=name, description=draw(st.sampled_from(["d"])))
        for at, name in enumerate(names)
    )


@st.composite
def headers(draw: st.DrawFn) -> dict[str, object]:
    return {
        "text": draw(words),
        "name": draw(words),
        "version": draw(st.integers(1, 9)),
        "guideline": draw(st.sampled_from(["", "# Be *kind*"])),
    }


@st.composite
def choices(draw: st.DrawFn) -> Asked:
    question = Choice(labels=draw(labels()), **draw(headers()))  # pyright: ignore[reportArgumentType]
    return question, st.sampled_from(question.ids).map(Chosen)


@st.composite
def multichoices(draw: st.DrawFn) -> Asked:
    known = draw(labels())
    least = draw(st.integers(0, len(known) - 1))
    most = draw(st.none() | st.integers(max(1, least), len(known)))
    question = MultiChoice(labels=known, least=least, most=most, **draw(headers()))  # pyright: ignore[reportArgumentType]
    chosen = st.sets(st.sampled_from(question.ids), min_size=least, max_size=most or len(known))
    return question, chosen.map(
        lambda ids: ChosenMany(tuple(id for id in question.ids if id in ids))
    )


@st.composite
def ratings(draw: st.DrawFn) -> Asked:
    unit = 10 ** draw(st.integers(0, 6))
    low, step = draw(st.integers(-(10**6), 10**6)), draw(st.integers(1, 999))
    steps = draw(st.integers(1, 200))
    question = Rating(
        low=low / unit,
        step=step / unit,
        high=(low + steps * step) / unit,
        high_name=draw(st.sampled_from(["", "best"])),
        **draw(headers()),  # pyright: ignore[reportArgumentType]
    )
    return question, st.sampled_from(question.values).map(Rated)


@st.composite
def texts(draw: st.DrawFn) -> Asked:
    question = Text(
        field=draw(st.none() | words),
        longest=draw(st.integers(12, 50_000)),
        **draw(headers()),  # pyright: ignore[reportArgumentType]
    )
    letters = st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("e\u0301é ")
    written = st.text(letters, min_size=1, max_size=12)
    return question, written.filter(lambda text: bool(text.strip())).map(Written)


@st.composite
def spans(draw: st.DrawFn) -> Asked:
    known = draw(labels())
    overlap = draw(st.booleans())
    question = Spans(labels=known, overlap=overlap, **draw(headers()))  # pyright: ignore[reportArgumentType]
    cuts = st.lists(st.integers(0, 30), unique=True, max_size=8).map(sorted)
    pairs = st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda p: (p[0], sum(p)))
    ranges = (
        st.lists(pairs, max_size=5)
        if overlap
        else cuts.map(lambda at: list(zip(at[::2], at[1::2], strict=False)))
    )

    def marked(places: list[tuple[int, int]], ids: list[str]) -> Answer:
        found = {Span(*place, id) for place, id in zip(places, ids, strict=False)}
        return Marked(tuple(sorted(found, key=lambda span: (span.start, span.end, span.label))))

    ids = st.lists(st.sampled_from(question.ids), min_size=5, max_size=5)
    return question, st.builds(marked, ranges, ids)


@st.composite
def pairs(draw: st.DrawFn) -> Asked:
    a, b = draw(st.lists(words, min_size=2, max_size=2, unique=True))
    question = Pairwise(a=a, b=b, **draw(headers()))  # pyright: ignore[reportArgumentType]
    return question, st.sampled_from(["a", "b", "tie", "both_bad"]).map(Preferred)


KIND_STRATEGIES = {
    "choice": choices(),
    "multichoice": multichoices(),
    "rating": ratings(),
    "text": texts(),
    "spans": spans(),
    "pairwise": pairs(),
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


def read_or_refused(read: Callable[[], T]) -> T | None:
    """What was read; None where it was refused in one line that says what to do next."""
    try:
        return read()
    except InputError as error:
        refused = error
    assert refused.hint
    assert "\n" not in refused.message
    return None


def test_every_kind_is_tried() -> None:
    assert tuple(KIND_STRATEGIES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_every_kind_passes_the_suite_that_other_kinds_are_held_to(
    kind: str, data: st.DataObject
) -> None:
    question, answers = data.draw(KIND_STRATEGIES[kind])
    check_question(
        question, answers=data.draw(st.lists(answers, min_size=2, max_size=5, unique=True))
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_every_definition_comes_back_from_json(kind: str, data: st.DataObject) -> None:
    question, _ = data.draw(KIND_STRATEGIES[kind])
    stored = json.loads(json.dumps(question.to_json(), allow_nan=False))
    assert question_from_json(stored) == question
    assert question_from_json(stored).to_json() == stored


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_same_is_an_equivalence_that_the_distance_respects(kind: str, data: st.DataObject) -> None:
    question, answers = data.draw(KIND_STRATEGIES[kind])
    a, b, c = (data.draw(answers | st.just(CANNOT_SAY)) for _ in range(3))
    assert question.same(a, a)
    assert question.same(a, b) == question.same(b, a)
    assert not (question.same(a, b) and question.same(b, c)) or question.same(a, c)
    assert 0 <= question.distance(a, b) == question.distance(b, a) <= 1
    assert (question.distance(a, b) == 0) == question.same(a, b)
    assert question.distance(a, CANNOT_SAY) == float(a != CANNOT_SAY)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_answers_to_other_questions_are_never_the_same(kind: str, data: st.DataObject) -> None:
    question, answers = data.draw(KIND_STRATEGIES[kind])
    other = data.draw(st.sampled_from([name for name in KINDS if name != kind]))
    _, foreign = data.draw(KIND_STRATEGIES[other])
    a, b = data.draw(answers), data.draw(foreign)
    assert not question.same(a, b)
    assert not question.same(b, a)
    assert question.distance(a, b) == question.distance(b, a) == 1
    with pytest.raises(InputError):
        question.from_json(b.to_json())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data(), typed=st.text(st.characters()))
def test_whatever_is_typed_is_an_answer_or_refused(
    kind: str, data: st.DataObject, typed: str
) -> None:
    question, _ = data.draw(KIND_STRATEGIES[kind])
    answer = read_or_refused(lambda: question.parse(typed))
    assert answer is None or question.from_json(answer.to_json()) == answer


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data(), value=anything)
def test_whatever_is_sent_is_an_answer_or_refused(
    kind: str, data: st.DataObject, value: object
) -> None:
    question, answers = data.draw(KIND_STRATEGIES[kind])
    [(field, _)] = data.draw(answers).to_json().items()
    entries = [value] * data.draw(st.integers(1, 2))
    for sent in (value, {field: value}, {field: entries}, {field: value, "more": value}):
        answer = read_or_refused(lambda sent=sent: question.from_json(sent))
        assert answer is None or question.from_json(answer.to_json()) == answer


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data(), value=anything)
def test_whatever_defines_a_question_is_read_or_refused(
    kind: str, data: st.DataObject, value: object
) -> None:
    question, _ = data.draw(KIND_STRATEGIES[kind])
    definition = question.to_json()
    field = data.draw(st.sampled_from(list(definition)))
    distorted = {**definition, field: value}
    for sent in (value, distorted, {**definition, "labels": [value]}):
        read = read_or_refused(lambda sent=sent: question_from_json(sent))
        assert read is None or question_from_json(read.to_json()) == read
    for sent in (value, [distorted, value], [distorted]):
        form = read_or_refused(lambda sent=sent: form_from_json(sent))
        assert form is None or form_from_json(form.to_json()) == form


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_definition_with_a_field_too_much_or_too_little_is_refused(
    kind: str, data: st.DataObject
) -> None:
    definition = data.draw(KIND_STRATEGIES[kind])[0].to_json()
    with pytest.raises(InputError, match="does not know"):
        question_from_json({**definition, "deadline": 3})
    for field in ("kind", "name", "version", "text"):
        with pytest.raises(InputError, match=r"missing|not known"):
            question_from_json({k: v for k, v in definition.items() if k != field})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_definition_of_before_there_were_guidelines_is_read(
    kind: str, data: st.DataObject
) -> None:
    question, _ = data.draw(KIND_STRATEGIES[kind])
    definition = question.to_json()
    del definition["guideline"]
    assert question_from_json(definition) == replace(question, guideline="")


@given(data=st.data())
def test_answers_to_a_form_come_back_from_json(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    asked = [data.draw(KIND_STRATEGIES[kind]) for kind in kinds]
    form = Form(tuple(replace(q, name=f"question {at}") for at, (q, _) in enumerate(asked)))
    given = {
        name: data.draw(answers | st.just(CANNOT_SAY))
        for name, (_, answers) in zip(form.names, asked, strict=True)
    }
    stored = json.loads(json.dumps([form.to_json(), {n: a.to_json() for n, a in given.items()}]))
    assert form_from_json(stored[0]) == form
    assert form.from_json(stored[1]) == given == form.check(given)


# ------------------------------------------------------- the suite finds what is wrong with a kind


class OneSided(Rating):
    """A distance that depends on who is named first."""

    def distance(self, a: Answer, b: Answer) -> float:
        return 0.5 * super().distance(a, b) if repr(a) < repr(b) else super().distance(a, b)


class Tolerant(Rating):
    """Neighbours are the same: 1 ~ 2 ~ 3."""

    def same(self, a: Answer, b: Answer) -> bool:
        return a == b or (
            isinstance(a, Rated) and isinstance(b, Rated) and abs(a.value - b.value) <= 1
        )


class Blurred(Rating):
    """A distance that takes neighbours for the same, which they are not."""

    def distance(self, a: Answer, b: Answer) -> float:
        apart = super().distance(a, b)
        return apart if apart > 0.1 else 0.0


class Far(Rating):
    """A distance in points."""

    def distance(self, a: Answer, b: Answer) -> float:
        return 100 * super().distance(a, b)


class Mumbling(Rating):
    """Reads a number other than the one that results write."""

    def parse(self, typed: str) -> Answer:
        return Rated(6 - super().parse(typed).value)  # pyright: ignore


class Lax(Rating):
    """Ignores fields it does not know."""

    def from_json(self, value: object) -> Answer:
        if isinstance(value, dict):
            value = {name: value[name] for name in value if name != "more"}
        return super().from_json(value)


class Crashing(Rating):
    """Looks into JSON without asking what it is."""

    def from_json(self, value: object) -> Answer:
        try:
            return super().from_json(value)
        except InputError:
            if isinstance(value, dict) and isinstance(value.get("value"), str):
                return Rated(float(value["value"]))
            raise


class Nameless(Rating):
    """Answers to it could be filed nowhere."""

    def __post_init__(self) -> None:
        pass


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        (OneSided(), "depend on the order"),
        (Tolerant(), "transitive"),
        (Blurred(), "exactly for the same"),
        (Far(), "0 to 1"),
        (Mumbling(), "is read as"),
        (Lax(), "must be refused"),
        (Crashing(), "raised ValueError|comes back"),
        (Nameless(name=" "), "name"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_suite_finds_what_is_wrong(question: Rating, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_question(question, answers=[Rated(1), Rated(2), Rated(3)])


def test_the_suite_wants_two_different_answers() -> None:
    with pytest.raises(AssertionError, match="two"):
        check_question(Rating(), answers=[Rated(1), Rated(1)])
    check_question(Rating(), answers=[Rated(1)], allowed=["2"], refused=["0", "six"])
