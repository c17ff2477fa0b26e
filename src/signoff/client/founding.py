"""What a new project is told to be, in the words of ``signoff.run``, as the API's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from signoff.core.questions import Form, Question
from signoff.core.records import Json, TextDirection
from signoff.core.routing import Policy, Threshold
from signoff.core.showing import ItemKind
from signoff.core.windows import Effects
from signoff.errors import UsageError


class ProjectOptions(TypedDict, total=False):
    """What a project is, each as :func:`signoff.run` takes it; left out: as there.

    ``assign``: column, value and tag. ``due``: a length of time such as "2h", and what then.
    """

    labels: Sequence[str]
    question: str | Question | Form
    policy: Policy | Json
    text: str
    key: str
    ask_always: Sequence[tuple[str, str] | Json]
    overlap: int
    assign: Sequence[tuple[str, str, str]]
    due: str | tuple[str, str]
    model: str
    group: bool
    item_kind: ItemKind
    guideline: str
    blur: bool
    text_direction: TextDirection


class StreamOptions(TypedDict, total=False):
    """What a stream is, each as ``signoff stream create`` takes it; left out: as there."""

    question: str
    max_error: str
    certainty: str
    window: int
    audit_rate: str
    all_windows: bool
    effects: Effects
    undo_seconds: int
    seed: int


def project_wanted(name: str, upload: str, options: ProjectOptions) -> Json:
    """The body of ``POST /projects``."""
    rest: Json = dict(options)
    wanted: Json = {"name": name, "upload": upload, **rest}
    wanted |= _asked(options)
    if "policy" in options:
        wanted["policy"] = policy_json(options["policy"])
    wanted["ask_always"] = [_rule(rule) for rule in options.get("ask_always", ())]
    wanted["assign"] = [
        {"column": column, "value": value, "tag": tag}
        for column, value, tag in options.get("assign", ())
    ]
    if "due" in options:
        wanted["due"] = _due(options["due"])
    return wanted


def _asked(options: ProjectOptions) -> Json:
    """The questions: one choice by its labels and a text, or a form in their place."""
    question, labels = options.get("question"), options.get("labels")
    told: Json = {"labels": None if labels is None else list(labels)}
    if question is None or isinstance(question, str):
        return {**told, "question": question}
    if labels is not None:
        raise UsageError("The question has its labels already.", hint="Leave labels out.")
    form = question if isinstance(question, Form) else Form((question,))
    return {**told, "question": None, "form": form.to_json()}


def policy_json(policy: Policy | Json) -> Json:
    """A policy as the API takes it."""
    if isinstance(policy, Mapping):
        return policy
    if isinstance(policy, Threshold):
        return {"kind": "threshold", "confidence": policy.confidence}
    return policy.to_json()


def _rule(rule: tuple[str, str] | Json) -> Json:
    if isinstance(rule, Mapping):
        return rule
    column, value = rule
    return {"column": column, "value": value}


def _due(due: str | tuple[str, str]) -> Json:
    if isinstance(due, str):
        return {"after": due}
    after, then = due
    return {"after": after, "then": then}
