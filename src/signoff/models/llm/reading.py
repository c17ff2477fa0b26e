"""From a reply to an answer, or to the reason why people must answer. Nothing is guessed.

A reply counts when it is what was asked for, to the letter: one JSON object with an answer that the
question allows and a confidence between 0 and 1. A label in other words, a number in words, a
second opinion behind the first: all of these go to people.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from signoff.core.questions import Answer, Choice, MultiChoice, Rating, Spans, Text
from signoff.errors import SignoffError
from signoff.models.llm.calls import Reply
from signoff.models.llm.forms import ANSWER, CONFIDENCE
from signoff.models.llm.prompts import Prompt

INSTRUCTS = "tries to instruct the model"
"""Why people are asked about an item that speaks to whoever judges it."""

_ENDED = {
    "length": "the model's reply was cut off",
    "refused": "the model declined to answer",
    "blocked": "the provider held the model's reply back",
}
_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply as it is understood: the answer, its code where answers have one, and how sure the
    model says it is."""

    answer: Answer
    code: str | None
    stated: float


@dataclass(frozen=True, slots=True)
class Unclear:
    """A reply that is none, and why; ``again``: another try may bring one."""

    why: str
    again: bool = False


def read(prompt: Prompt, reply: Reply, text: str) -> Said | Unclear:
    """What a reply says of an item with this text."""
    if reply.ended != "stop":
        return Unclear(_ENDED[reply.ended], again=reply.ended == "length")
    if prompt.canary in reply.text:
        return Unclear(INSTRUCTS)
    value = _object(reply.text)
    if value is None:
        return Unclear("the model's reply is not the JSON that was asked for", again=True)
    if set(value) - {ANSWER, CONFIDENCE, "reason"} or ANSWER not in value:
        return Unclear("the model's reply has other fields than were asked for", again=True)
    stated = value.get(CONFIDENCE)
    if not is_probability(stated):
        return Unclear(f"confidence {_shown(stated)} is no number between 0 and 1")
    try:
        answer = _answer(prompt, value[ANSWER], text)
    except _NotSaid as error:
        return Unclear(str(error))
    except SignoffError as error:
        return Unclear(f"the model's answer: {error.message}"[:160])
    code = value[ANSWER] if isinstance(value[ANSWER], str) and prompt.form.codes else None
    return Said(answer=answer, code=cast("str | None", code), stated=float(cast("float", stated)))


def worth_another_try(reply: Reply) -> str | None:
    """Why a reply is of no use and may come out otherwise next time; None where it is whole."""
    if reply.ended == "length" or (reply.ended == "stop" and _object(reply.text) is None):
        return "its replies are cut off, or not the JSON that was asked for"
    return None


def is_probability(value: object) -> bool:
    """A number from 0 to 1; neither text nor a truth value is one."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= 1
    )


class _NotSaid(Exception):
    """An answer that the question does not allow."""


def _answer(prompt: Prompt, value: object, text: str) -> Answer:
    question = prompt.question
    match question:
        case Choice():
            return question.from_json({"label": _label(prompt, value)})
        case MultiChoice():
            chosen = [_label(prompt, each) for each in _listed(value)]
            if len(set(chosen)) < len(chosen):
                raise _NotSaid("the model names a label twice")
            return question.from_json({"labels": chosen})
        case Rating():
            return question.from_json({"value": _number(prompt, value)})
        case Text():
            return question.from_json({"text": value})
        case Spans():
            spans = [_span(prompt, each, text) for each in _listed(value)]
            answer = question.from_json({"spans": spans})
            question.check(answer, text)
            return answer
        case _:
            raise _NotSaid("the model was not asked such a question")


def _label(prompt: Prompt, code: object) -> str:
    if isinstance(code, str) and code in prompt.form.codes:
        return prompt.form.codes[code]
    raise _NotSaid(f"unknown label {_shown(code)}")


def _number(prompt: Prompt, value: object) -> object:
    if isinstance(value, str) and value in prompt.form.codes:
        return float(value)
    if prompt.form.codes or isinstance(value, bool) or not isinstance(value, int | float):
        raise _NotSaid(f"unknown value {_shown(value)}")
    return value


def _listed(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise _NotSaid(f"{_shown(value)} is no list of answers")
    return cast("list[object]", value)


def _span(prompt: Prompt, value: object, text: str) -> dict[str, object]:
    given = cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
    if set(given) != {"quote", "label"} or not isinstance(given["quote"], str):
        raise _NotSaid("a part without a quote and a label")
    start, end = located(given["quote"], text)
    return {"start": start, "end": end, "label": _label(prompt, given["label"])}


def located(quote: str, text: str) -> tuple[int, int]:
    """Where a quote stands, in code points: once as it is, or once but for white space."""
    if not quote.strip():
        raise _NotSaid("the model quotes nothing")
    if text.count(quote) == 1:
        start = text.index(quote)
        return start, start + len(quote)
    words = r"\s+".join(map(re.escape, quote.split()))
    found = list(re.finditer(f"(?={words})", text))
    if len(found) != 1 or quote in text:
        raise _NotSaid("the model quotes what stands in the item not once")
    whole = re.compile(words).match(text, found[0].start())
    if whole is None:
        raise _NotSaid("the model quotes what stands in the item not once")
    return whole.start(), whole.end()


def _object(text: str) -> Mapping[str, object] | None:
    """The one JSON object a text is, alone or fenced as code; None for anything else."""
    fenced = _FENCED.fullmatch(text.strip())
    try:
        value = json.loads(
            fenced.group(1) if fenced else text,
            object_pairs_hook=_without_doubles,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_number(constant: str) -> object:
    raise ValueError(f"{constant} is no number")


def _shown(value: object) -> str:
    return repr(value)[:40]


# ---------------------------------------------------------------------- the tutorial's lines


def read_lines(
    reply: str, labels: Sequence[str], *, name: str = "Sentiment"
) -> tuple[str, float] | Unclear:
    """A reply of two lines, ``Sentiment: LABEL`` and ``Confidence: NUMBER``, and nothing else.

    For models that are asked in words. What such a reply may look like instead, and is not read:
    other labels or spellings, percentages, numbers with remarks, Markdown, more lines.
    """
    lines = [line.strip() for line in reply.strip().splitlines() if line.strip()]
    if len(lines) != 2:
        return Unclear("the model's reply is not the two lines that were asked for", again=True)
    said, sure = (line.partition(":") for line in lines)
    if (said[0].strip(), sure[0].strip()) != (name, "Confidence"):
        return Unclear("the model's reply is not the two lines that were asked for", again=True)
    label = said[2].strip()
    if label not in labels:
        return Unclear(f"unknown label {_shown(label)}")
    written = sure[2].strip()
    if not re.fullmatch(r"[01]|[01]?\.\d+", written, re.ASCII) or float(written) > 1:
        return Unclear(f"confidence {_shown(written)} is no number between 0 and 1")
    return label, float(written)
