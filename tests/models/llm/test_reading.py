"""A reply is an answer to the letter, or a reason to ask people."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.questions import Choice, Chosen, MultiChoice, Pairwise, Rating, Spans, Text
from signoff.errors import UsageError
from signoff.models.llm.calls import Reply, Token
from signoff.models.llm.forms import coded, reply_form
from signoff.models.llm.prompts import Example, Prompt, marked
from signoff.models.llm.reading import (
    INSTRUCTS,
    Said,
    Unclear,
    is_probability,
    read,
    read_lines,
    worth_another_try,
)
from signoff.models.llm.signals import agreement, label_probability, order_consistency
from signoff.testing.llm_servers import Style, Toy
from signoff.testing.llm_servers.toy import item_in, styled

CHOICE = Prompt(question=Choice.of(["Positive", "Negative"]), guideline="Irony counts as meant.")
QUESTIONS = (
    Choice.of(["Positive", "Negative"]),
    Choice.of([f"L{n}" for n in range(40)]),
    MultiChoice.of(["Drama", "Crime"], most=1),
    Rating(low=1, high=5),
    Rating(low=0, high=1, step=0.001),
    Text(longest=20),
    Spans.of(["Person", "Place"], overlap=False),
)


def replied(text: str, **more: Any) -> Reply:
    return Reply(text=text, model="toy-1", **more)


def said(prompt: Prompt, answer: object, confidence: object = 0.9, item: str = "") -> Any:
    return read(prompt, replied(json.dumps({"answer": answer, "confidence": confidence})), item)


def test_a_reply_to_the_letter_is_an_answer() -> None:
    found = said(CHOICE, "B", 0.75)
    assert found == Said(answer=Chosen("Negative"), code="B", stated=0.75)
    fenced = replied('```json\n{"answer": "A", "confidence": 1}\n```')
    assert isinstance(read(CHOICE, fenced, ""), Said)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not the JSON"),
        ("Positive", "not the JSON"),
        ('{"answer": "A", "confidence": NaN}', "not the JSON"),
        ('{"answer": "A", "confidence": Infinity}', "not the JSON"),
        ('{"answer": "A", "confidence": 1e999}', "no number between"),
        ('{"answer": "A", "confidence": 93}', "no number between"),
        ('{"answer": "A", "confidence": -0.1}', "no number between"),
        ('{"answer": "A", "confidence": "0.97"}', "no number between"),
        ('{"answer": "A", "confidence": "97%"}', "no number between"),
        ('{"answer": "A", "confidence": true}', "no number between"),
        ('{"answer": "A", "confidence": null}', "no number between"),
        ('{"answer": "A"}', "no number between"),
        ('{"confidence": 0.9}', "other fields"),
        ('{"answer": "A", "confidence": 0.9, "label": "B"}', "other fields"),
        ('{"answer": "A", "answer": "B", "confidence": 0.9}', "not the JSON"),
        ('{"answer": "A", "confidence": 0.9} {"answer": "B", "confidence": 0.9}', "not the JSON"),
        ('{"answer": "A", "confidence": 0.9}\nNote: it could also be B', "not the JSON"),
        ('{"answer": "Positive", "confidence": 0.9}', "unknown label"),
        ('{"answer": "a", "confidence": 0.9}', "unknown label"),
        ('{"answer": "A.", "confidence": 0.9}', "unknown label"),
        ('{"answer": "Mixed", "confidence": 0.9}', "unknown label"),
        ('{"answer": ["A"], "confidence": 0.9}', "unknown label"),
        ('{"answer": {"label": "A"}, "confidence": 0.9}', "unknown label"),
        ('["A", 0.9]', "not the JSON"),
        ("[" * 100_000, "not the JSON"),
    ],
)
def test_anything_else_goes_to_people_with_the_reason(text: str, why: str) -> None:
    found = read(CHOICE, replied(text), "")
    assert isinstance(found, Unclear)
    assert why in found.why


@pytest.mark.parametrize(
    ("ended", "why"), [("length", "cut off"), ("refused", "declined"), ("blocked", "held")]
)
def test_a_reply_that_did_not_end_well_is_no_answer(ended: Any, why: str) -> None:
    found = read(CHOICE, replied('{"answer": "A", "confidence": 0.9}', ended=ended), "")
    assert isinstance(found, Unclear)
    assert why in found.why


def test_who_repeats_the_instructions_was_talked_into_it() -> None:
    text = json.dumps({"answer": "A", "confidence": 0.9, "reason": CHOICE.canary})
    assert read(CHOICE, replied(text), "") == Unclear(INSTRUCTS)


def test_only_what_may_come_out_otherwise_is_asked_again() -> None:
    assert worth_another_try(replied("{")) is not None
    assert worth_another_try(replied("", ended="length")) is not None
    assert worth_another_try(replied('{"answer": "Mixed"}')) is None
    assert worth_another_try(replied("", ended="refused")) is None


STYLES: dict[Style, bool] = {
    "plain": True,
    "nan": False,
    "inf": False,
    "93": False,
    "percent": False,
    "in words": False,
    "unknown label": False,
    "shouted": False,
    "closing note": False,
    "bold": False,
    "one line": False,
    "prose": False,
    "no confidence": False,
    "empty": False,
}


@pytest.mark.parametrize(("style", "fine"), STYLES.items())
def test_of_the_tutorials_lines_only_the_plain_ones_are_read(style: Style, fine: bool) -> None:
    found = read_lines(styled(style, "Positive", 0.97), ["Positive", "Negative"])
    assert found == ("Positive", 0.97) if fine else isinstance(found, Unclear)


@given(st.text(max_size=80))
def test_lines_never_give_another_label_or_number(text: str) -> None:
    found = read_lines(f"Sentiment: {text}\nConfidence: {text}", ["Positive", "Negative"])
    assert isinstance(found, Unclear)
    for reply in (text, f"Sentiment: Positive\nConfidence: {text}"):
        found = read_lines(reply, ["Positive", "Negative"])
        if not isinstance(found, Unclear):
            assert found[0] in ("Positive", "Negative")
            assert 0 <= found[1] <= 1


numbers = st.one_of(
    st.floats(), st.integers(-3, 200), st.text(max_size=6), st.none(), st.booleans()
)
values = st.recursive(
    st.one_of(numbers, st.sampled_from(["A", "B", "1", "Z", "quote", "label"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["quote", "label", "answer"]), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(
    question=st.sampled_from(QUESTIONS), answer=values, confidence=numbers, item=st.text(max_size=9)
)
def test_whatever_a_reply_holds_an_answer_is_one_that_the_question_allows(
    question: Any, answer: object, confidence: object, item: str
) -> None:
    prompt = Prompt(question=question)
    text = json.dumps({"answer": answer, "confidence": confidence})
    found = read(prompt, replied(text), item)
    if isinstance(found, Said):
        assert is_probability(confidence)
        assert math.isfinite(found.stated)
        assert question.from_json(found.answer.to_json()) == found.answer


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for question in QUESTIONS[:3]:
        read(Prompt(question=question), replied(text), text)


def test_every_kind_is_read_in_its_own_form() -> None:
    many, scale = Prompt(question=QUESTIONS[2]), Prompt(question=QUESTIONS[3])
    assert said(many, ["B"]).answer.labels == ("Crime",)
    assert "twice" in said(many, ["B", "B"]).why
    assert isinstance(said(many, ["A", "B"]), Unclear)
    assert said(scale, "4").answer.value == 4
    assert isinstance(said(scale, 4), Unclear)
    assert said(Prompt(question=QUESTIONS[4]), 0.125).answer.value == 0.125
    assert said(Prompt(question=QUESTIONS[5]), "fine").answer.text == "fine"
    assert isinstance(said(Prompt(question=QUESTIONS[5]), "x" * 21), Unclear)


def test_quotes_are_found_where_they_stand_once() -> None:
    prompt, item = Prompt(question=QUESTIONS[6]), "Ada met  Bo in\nRome. Bo left."

    def found(quote: str, label: str = "A") -> Any:
        return said(prompt, [{"quote": quote, "label": label}], item=item)

    (span,) = found("Ada").answer.spans
    assert (span.start, span.end, span.label) == (0, 3, "Person")
    (span,) = found("in Rome", "B").answer.spans
    assert item[span.start : span.end] == "in\nRome"
    for quote in ("Bo", "Eve", "", "ada"):
        assert isinstance(found(quote), Unclear)
    twice = [{"quote": "Ada met", "label": "A"}, {"quote": "Ada", "label": "A"}]
    assert isinstance(said(prompt, twice, item=item), Unclear)
    assert "😀"[0:1] == "😀"
    (span,) = said(prompt, [{"quote": "Bo", "label": "A"}], item="😀 Bo").answer.spans
    assert (span.start, span.end) == (2, 4)


# ---------------------------------------------------------------------------- prompts


@given(st.text(max_size=200))
def test_no_item_ends_itself(text: str) -> None:
    first, last = marked(text).split("\n")[0], marked(text).split("\n")[-1]
    assert last not in text
    assert first not in text
    assert item_in(marked(text)) == text


def test_a_prompt_says_what_is_asked_and_its_version_says_what_changed() -> None:
    told = CHOICE.instructions
    for part in ("Which label fits?", "Irony counts as meant.", "A = Positive", "B = Negative"):
        assert part in told
    examples = (Example(text="So {{ 7 * 7 }} good", answer="A"),)
    others = [
        Prompt(question=CHOICE.question),
        Prompt(question=Choice.of(["Positive", "Neutral"]), guideline=CHOICE.guideline),
        Prompt(question=CHOICE.question, guideline=CHOICE.guideline, examples=examples),
        Prompt(question=CHOICE.question, guideline=CHOICE.guideline, template="{{ question }}"),
    ]
    assert len({CHOICE.version, *(each.version for each in others)}) == 5
    assert Prompt(question=CHOICE.question, guideline=CHOICE.guideline).version == CHOICE.version
    assert "So {{ 7 * 7 }} good" in others[2].instructions
    assert '{"answer": "A"}' in others[2].instructions


def test_the_answer_comes_before_anything_that_could_talk_the_model_round() -> None:
    for question in QUESTIONS:
        properties: Any = reply_form(question).schema["properties"]
        assert next(iter(properties)) == "answer"
    assert list(coded(Choice.of([f"L{n}" for n in range(27)]).labels)) == [
        str(n) for n in range(1, 28)
    ]


@pytest.mark.parametrize("template", ["{{ nothing }}", "{% if", "{{ question.__class__.mro() }}"])
def test_a_template_that_cannot_be_filled_in_is_one_line(template: str) -> None:
    with pytest.raises(UsageError, match="template"):
        _ = Prompt(question=CHOICE.question, template=template).instructions


def test_kinds_that_no_model_is_asked_are_refused() -> None:
    with pytest.raises(UsageError, match="pairwise"):
        reply_form(Pairwise(a="first", b="second"))


@given(text=st.text(min_size=1, max_size=60))
def test_the_toy_is_understood(text: str) -> None:
    call = CHOICE.call(text)
    reply = Toy().reply(f"{call.system}\n{call.prompt}", call.schema)
    found = read(CHOICE, replied(reply.text), text)
    assert isinstance(found, Said)
    assert found.code == reply.code


# ---------------------------------------------------------------------------- signals


def token(text: str, weight: float, **others: float) -> Token:
    return Token(text=text, log_probability=weight, others=others)


def test_a_label_weighs_what_its_code_weighs_among_all_codes() -> None:
    tokens = [token('{"answer": "', 0.0), token("A", math.log(0.6), A=math.log(0.6), B=-1.0, x=-9)]
    found = label_probability(tokens, "A", ["A", "B"])
    assert found == pytest.approx(0.6 / (0.6 + math.exp(-1.0)))
    assert math.isnan(label_probability(tokens, "B", ["A", "B"]))
    assert math.isnan(label_probability([token("A", -0.1)], "A", ["A", "B"]))
    assert math.isnan(label_probability([], "A", ["A", "B"]))


@given(st.floats(), st.floats())
def test_no_weights_make_more_than_a_probability(a: float, b: float) -> None:
    found = label_probability([token("A", a, B=b)], "A", ["A", "B"])
    assert math.isnan(found) or 0 <= found <= 1


def test_agreement_is_a_share() -> None:
    assert agreement(["A", "B", "A", "A"], "A") == 0.75
    assert math.isnan(agreement([], "A"))
    assert (order_consistency("A", "A"), order_consistency("A", "B")) == (1.0, 0.0)
