"""Private values of a log, as text that can be compared: answers, and the labels of rows."""

from __future__ import annotations

import json
from typing import NoReturn, cast

from signoff.core.canonical import canonical_json, is_object
from signoff.errors import InputError, VerificationFailed

_DECODER = json.JSONDecoder()


def answers_json(text: str) -> dict[str, str]:
    """Answers by question in the form frozen labels and decisions have: a label's JSON string, or
    JSON."""
    value = _parsed(text)
    if not is_object(value):
        _refuse("answers are no object by question")
    return {question: _answer_json(answer) for question, answer in value.items()}


def _answer_json(value: object) -> str:
    label = value.get("label") if is_object(value) and len(value) == 1 else None
    return label_json(label) if isinstance(label, str) else label_json(value)


def row_label(text: str) -> str:
    """The label (first value) of a private row of frozen labels or decisions."""
    if text.startswith('["'):
        return _first_string(text)
    value = _parsed(text)
    if not isinstance(value, list) or not value:
        _refuse("a private row is not a list")
    return label_json(cast("list[object]", value)[0])


def _first_string(text: str) -> str:
    """The string an array of JSON begins with: what there is a million of is read no further."""
    end = text.find('"', 2)
    if end > 0 and "\\" not in text[2:end]:
        return text[1 : end + 1]
    try:
        return label_json(_DECODER.raw_decode(text, 1)[0])
    except ValueError:
        _refuse("a private row is not JSON")


def label_json(value: object) -> str:
    """A label or an answer as canonical JSON."""
    try:
        return canonical_json(value).decode() if not isinstance(value, str) else f'"{value}"'
    except InputError as error:
        raise VerificationFailed(error.message) from error


def _parsed(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        _refuse("a private value is not JSON")


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
