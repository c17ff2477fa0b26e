"""What can be said to a question in one choice: to filter a list by, and to give to many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from signoff.core.questions import (
    Answer,
    Choice,
    Form,
    MultiChoice,
    Pairwise,
    Question,
    Rated,
    Rating,
    answer_text,
)
from signoff.core.records import Json
from signoff.errors import InputError

NOTHING_SAID = ""
"""Stands for "cannot say" among labels, of which none is empty."""

MOST_VALUES = 25
"""The longest scale whose numbers are listed one by one."""

SIDES: Mapping[str, str] = {
    "a": "A is better",
    "b": "B is better",
    "tie": "a tie",
    "both_bad": "both bad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOption:
    """Something that was or can be said; ``value`` is how forms write it, ``label`` how the store
    is asked for it."""

    value: str
    question: str
    label: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """A question that several items can be answered at once, with its options."""

    field: str
    question: Question
    options: Sequence[LabelOption]


def label_options(form: Form) -> Sequence[LabelOption]:
    """What a list can be filtered by: labels, numbers and sides, and "cannot say" to each
    question."""
    return [
        option
        for at, question in enumerate(form.questions)
        for option in _options(at, question, several=len(form.questions) > 1)
    ]


def wanted_label(given: str, form: Form) -> tuple[str, str] | None:
    """A question and one of its labels, from how the page's options write them."""
    return next(
        ((each.question, each.label) for each in label_options(form) if each.value == given), None
    )


def labels_in(answers: Json | None) -> frozenset[tuple[str, str]]:
    """What was said, as :func:`label_options` names it, by question."""
    return frozenset(
        (name, label)
        for name, answer in (answers or {}).items()
        for label in _labels_of(cast("Json", answer))
    )


def choosings(form: Form) -> Sequence[Choosing]:
    """The questions of a form that can be answered for several items at once; none where one of
    them asks for what depends on the item: a text, spans, several labels."""
    if not all(isinstance(question, Choice | Rating | Pairwise) for question in form.questions):
        return []
    alone = len(form.questions) == 1
    found = [
        Choosing(
            field="label" if alone else f"label{at}",
            question=question,
            options=_options(at, question),
        )
        for at, question in enumerate(form.questions)
    ]
    return found if all(len(each.options) > 1 for each in found) else []


def chosen(form: Form, given: Mapping[str, str]) -> Mapping[str, Answer]:
    """The answers that a form of the page names, by field; raises :class:`InputError` where one
    is missing."""
    said: dict[str, Json] = {}
    for each in choosings(form):
        option = next((o for o in each.options if o.value == given.get(each.field)), None)
        if option is None:
            raise InputError("No answer was chosen.", hint="Choose one of the list.")
        said[each.question.name] = _answer(each.question, option.label)
    if not said:
        raise InputError("These items are answered one by one.", hint="Go to the review page.")
    return form.from_json(said)


def _answer(question: Question, label: str) -> Json:
    if label == NOTHING_SAID:
        return {"cannot_say": True}
    if isinstance(question, Choice):
        return {"label": label}
    return question.parse(label).to_json()


def _options(at: int, question: Question, *, several: bool = False) -> Sequence[LabelOption]:
    before = f"{question.name}: " if several else ""
    named = [*_named(question), (NOTHING_SAID, "(cannot say)")]
    return [
        LabelOption(
            value=f"{at}.{number if label != NOTHING_SAID else '-'}",
            question=question.name,
            label=label,
            name=before + name,
        )
        for number, (label, name) in enumerate(named)
    ]


def _named(question: Question) -> Sequence[tuple[str, str]]:
    """What can be said in one choice, with how people call it."""
    match question:
        case Choice() | MultiChoice():
            return [(label.id, label.name) for label in question.labels]
        case Rating():
            values = question.values if question.values[MOST_VALUES:] == () else ()
            texts = [answer_text(Rated(value)) for value in values]
            return [(text, text) for text in texts]
        case Pairwise():
            return list(SIDES.items())
        case _:
            return []


def _labels_of(answer: Json) -> Sequence[str]:
    if answer.get("cannot_say") is True:
        return [NOTHING_SAID]
    if isinstance(answer.get("labels"), list):
        return cast("list[str]", answer["labels"])
    if "value" in answer:
        return [answer_text(Rated(cast("float", answer["value"])))]
    return [str(answer[name]) for name in ("label", "preferred") if name in answer]
