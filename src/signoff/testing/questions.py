"""Does a kind of question parse, compare and store its answers as certificates need?"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import cast

from signoff.core.questions import CANNOT_SAY, Answer, Question, answer_text, canonical
from signoff.core.questions.reading import shown
from signoff.errors import InputError
from signoff.testing.expect import expect, expect_refusal

MALFORMED: Sequence[object] = (
    *(None, True, 0, "", "x", [], ["x"], {}),
    {"cannot_say": False},
    {"cannot_say": 1},
    {"cannot_say": True, "more": 1},
    {"no such field": "x"},
)
FUZZED = 3
"""How many answers are distorted in every way: each gives some hundred values to read."""


def _nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


_JUNK: Sequence[object] = (
    *(None, True, False, 0, -1, 1, 0.5, 10**400, math.nan, math.inf),
    *("", "x", "\0", "\ud83e", "🦉" * 5, "0"),
    *json.loads('[[], [null], ["x"], [[]], [{}], {}, {"x": 1}]'),
    _nested(5_000),
)
_TYPED: Sequence[str] = (
    *("", " ", "\n", "\0", "\ud83e", "x" * 10_000, "(none)", ",", ";;", '"', '"x', "[", "{}"),
    *("[]", "null", "[" * 5_000, "1" * 5_000, "[" + "1" * 5_000 + "]", "nan", "inf", "-0", "1e999"),
)


def check_question(
    question: Question,
    *,
    answers: Sequence[Answer] = (),
    allowed: Sequence[str] = (),
    refused: Sequence[str] = (),
) -> None:
    """Check a question on some of its answers.

    ``answers``: answers it takes; ``allowed``: such answers as people type them. Together at least
    two different ones. ``refused``: texts that are no answer.
    """
    typed = [question.parse(text) for text in allowed]
    known = [*answers, *typed]
    expect(len(set(known)) >= 2, "Give at least two allowed answers.")
    again = [question.parse(text) for text in allowed]
    _check_definition(question)
    _check_round_trips(question, [*known, CANNOT_SAY])
    _check_same(question, [*known, *again, CANNOT_SAY])
    for answer in known:
        expect(
            not question.same(answer, CANNOT_SAY),
            f'"Cannot say" must differ from {answer!r}: a label given there was wrong.',
        )
    _check_distance(question, [*known, CANNOT_SAY])
    _check_text(question, known)
    for text in refused:
        _check_refused(lambda text=text: question.parse(text), f"Typing {shown(text, 40)}")
    for value in (*MALFORMED, *({**answer.to_json(), "more": 1} for answer in known)):
        _check_refused(lambda value=value: question.from_json(value), f"The answer {shown(value)}")
    _check_anything(question, known[:FUZZED])


def _check_definition(question: Question) -> None:
    definition = question.to_json()
    expect(definition.get("kind") == question.kind, "to_json must name the question's kind.")
    expect(definition == question.to_json(), "to_json must give the same every time.")
    expect(
        json.loads(json.dumps(definition, allow_nan=False)) == definition,
        "to_json must be JSON, and the same once read back.",
    )
    expect(bool(question.text.strip()), "A question must have a text that people can read.")
    expect(bool(question.name.strip()), "A question must have a name that answers go by.")


def _check_round_trips(question: Question, answers: Sequence[Answer]) -> None:
    for answer in answers:
        stored = json.loads(json.dumps(answer.to_json(), allow_nan=False))
        try:
            back = question.from_json(stored)
        except Exception as error:
            raise AssertionError(f"{answer!r} must come back from JSON: {error}") from error
        expect(back == answer, f"{answer!r} comes back from JSON as {back!r}.")
        expect(question.same(back, answer), f"{answer!r} must be the same once read back.")
        expect(hash(back) == hash(answer), f"{answer!r} must hash the same once read back.")


def _check_same(question: Question, answers: Sequence[Answer]) -> None:
    """``same`` is an equivalence relation: certificates count by it."""
    same = question.same
    for a in answers:
        expect(same(a, a), f"{a!r} must be the same as itself.")
    for a, b in product(answers, repeat=2):
        expect(same(a, b) == same(b, a), f"same must not depend on the order: {a!r}, {b!r}.")
    for a, b, c in product(answers, repeat=3):
        if same(a, b) and same(b, c):
            expect(same(a, c), f"same must be transitive: {a!r}, {b!r}, {c!r}.")
    for a, b in product(answers, repeat=2):
        expect(
            same(a, b) == (canonical(a) == canonical(b)),
            f"same must go by the canonical forms: {a!r}, {b!r}.",
        )


def _check_distance(question: Question, answers: Sequence[Answer]) -> None:
    """Measures of agreement average distances: they must be on one scale and agree with same."""
    for a, b in product(answers, repeat=2):
        apart = question.distance(a, b)
        expect(0 <= apart <= 1, f"The distance of {a!r} and {b!r} must be in 0 to 1, is {apart}.")
        expect(
            apart == question.distance(b, a),
            f"The distance must not depend on the order: {a!r}, {b!r}.",
        )
        expect(
            (apart == 0) == question.same(a, b),
            f"The distance must be 0 exactly for the same answers, is {apart}: {a!r}, {b!r}.",
        )


def _check_text(question: Question, answers: Sequence[Answer]) -> None:
    """Results write answers as text, and the next run may read them from that column."""
    for answer in answers:
        text = answer_text(answer)
        try:
            back = question.parse(text)
        except Exception as error:
            raise AssertionError(f"{shown(text)} must be read as {answer!r}: {error}") from error
        expect(question.same(back, answer), f"{shown(text)} is read as {back!r}, not {answer!r}.")


def _check_refused(action: Callable[[], object], what: str) -> None:
    error = expect_refusal(action, what)
    expect(isinstance(error, InputError), f"{what} must be refused with an InputError.")


def _check_anything(question: Question, answers: Sequence[Answer]) -> None:
    """Whatever is typed or sent is an answer or refused in words: never a crash."""
    for text in _TYPED:
        _check_total(question, lambda text=text: question.parse(text), f"Typing {shown(text, 40)}")
    for answer in answers:
        for value in _distorted(answer.to_json()):
            _check_total(
                question,
                lambda value=value: question.from_json(value),
                f"The answer {shown(value)}",
            )


def _check_total(question: Question, action: Callable[[], Answer], what: str) -> None:
    try:
        answer = action()
    except InputError:
        _check_refused(action, what)
    except Exception as error:
        raise AssertionError(f"{what} raised {type(error).__name__}, no InputError.") from error
    else:
        _check_round_trips(question, [answer])


def _distorted(value: object) -> Iterator[object]:
    """A JSON value with one thing wrong somewhere: replaced, missing, repeated."""
    yield from _JUNK
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        for name, field in fields.items():
            yield {other: fields[other] for other in fields if other != name}
            yield from ({**fields, name: wrong} for wrong in _distorted(field))
    elif isinstance(value, list):
        entries = cast("list[object]", value)
        yield [*entries, *entries]
        for at, entry in enumerate(entries[:2]):
            yield from ([*entries[:at], wrong, *entries[at + 1 :]] for wrong in _distorted(entry))
