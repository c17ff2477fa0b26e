"""Does a kind of question parse, compare and store its answers as certificates need?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product

from signoff.core.questions import CANNOT_SAY, Answer, Question
from signoff.testing.expect import expect, expect_refusal

MALFORMED: Sequence[dict[str, object]] = (
    {},
    {"cannot_say": False},
    {"cannot_say": 1},
    {"cannot_say": True, "more": 1},
    {"no such field": "x"},
)


def check_question(question: Question, *, allowed: Sequence[str], refused: Sequence[str]) -> None:
    """Check a question on answers as people type them.

    ``allowed``: at least two different answers; ``refused``: texts that are no answer.
    """
    expect(len(allowed) >= 2, "Give at least two allowed answers.")
    answers = [question.parse(typed) for typed in allowed]
    _check_definition(question)
    _check_round_trips(question, [*answers, CANNOT_SAY])
    _check_same(question, [*answers, *(question.parse(typed) for typed in allowed), CANNOT_SAY])
    for answer in answers:
        expect(
            not question.same(answer, CANNOT_SAY),
            f'"Cannot say" must differ from {answer!r}: a label given there was wrong.',
        )
    for typed in refused:
        expect_refusal(lambda typed=typed: question.parse(typed), f"Typing {typed[:40]!r}")
    for value in MALFORMED:
        expect_refusal(lambda value=value: question.from_json(value), f"The answer {value!r}")


def _check_definition(question: Question) -> None:
    definition = question.to_json()
    expect(definition.get("kind") == question.kind, "to_json must name the question's kind.")
    expect(definition == question.to_json(), "to_json must give the same every time.")
    expect(
        json.loads(json.dumps(definition, allow_nan=False)) == definition,
        "to_json must be JSON, and the same once read back.",
    )
    expect(bool(question.text.strip()), "A question must have a text that people can read.")


def _check_round_trips(question: Question, answers: Sequence[Answer]) -> None:
    for answer in answers:
        stored = json.loads(json.dumps(answer.to_json(), allow_nan=False))
        back = question.from_json(stored)
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
