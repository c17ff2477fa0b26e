"""How a model answers each kind of question: short codes, and the JSON its reply must be.

A label's code is one short token, given before anything else, so that its log-probability is the
model's own weight for that label and no reasoning of its own comes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase

from signoff.core.questions import Choice, MultiChoice, Question, Rating, Spans, Text
from signoff.core.questions.labels import Label
from signoff.errors import UsageError
from signoff.models.llm.calls import JsonSchema

ANSWER, CONFIDENCE = "answer", "confidence"
MOST_VALUES = 100
"""Steps of a scale that are listed; a longer one is answered with a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """What a reply to a question looks like.

    ``codes``: the label id or value of each code, in order; empty where answers have none.
    ``instruction``: what "answer" must be, in words; ``schema``: of the whole reply.
    """

    codes: Mapping[str, str]
    instruction: str
    schema: JsonSchema


def reply_form(question: Question) -> ReplyForm:
    """The form of replies to a question.

    Raises :class:`UsageError` for kinds that language models are not asked yet.
    """
    match question:
        case Choice():
            codes = coded(question.labels)
            return _form(codes, "the code of one label", _one_of(codes))
        case MultiChoice():
            codes = coded(question.labels)
            listed = {"type": "array", "items": _one_of(codes)}
            return _form(codes, "a list of the codes of all labels that fit", listed)
        case Rating():
            values = [f"{value:g}" for value in question.values[: MOST_VALUES + 1]]
            if len(values) > MOST_VALUES:
                said = f"a number from {question.low:g} to {question.high:g}"
                return _form({}, f"{said} in steps of {question.step:g}", {"type": "number"})
            codes = {value: value for value in values}
            return _form(codes, "one value of the scale", _one_of(codes))
        case Text():
            said = f"the text, at most {question.longest} characters"
            return _form({}, said, {"type": "string"})
        case Spans():
            codes = coded(question.labels)
            part = _object({"quote": {"type": "string"}, "label": _one_of(codes)})
            said = (
                "a list of the parts meant, each with a quote that stands in the item exactly once,"
                " letter by letter, and the code of its label"
            )
            return _form(codes, said, {"type": "array", "items": part})
        case _:
            raise UsageError(
                f"Language models are not asked questions of the kind {question.kind!r}.",
                hint="Pass --model FILE.py:NAME for it, or let people answer.",
            )


def coded(labels: tuple[Label, ...]) -> dict[str, str]:
    """Letters, or numbers where there are more labels than letters; the id of each label."""
    if len(labels) <= len(ascii_uppercase):
        return {ascii_uppercase[at]: label.id for at, label in enumerate(labels)}
    return {str(at): label.id for at, label in enumerate(labels, start=1)}


def _form(codes: Mapping[str, str], instruction: str, answer: JsonSchema) -> ReplyForm:
    schema = _object({ANSWER: answer, CONFIDENCE: {"type": "number"}})
    return ReplyForm(codes=codes, instruction=instruction, schema=schema)


def _one_of(codes: Mapping[str, str]) -> JsonSchema:
    return {"type": "string", "enum": list(codes)}


def _object(properties: Mapping[str, JsonSchema]) -> JsonSchema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
