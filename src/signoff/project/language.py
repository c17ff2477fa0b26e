"""The language models of a project: to whom its texts may go, and what is asked with which prompt.

Both are events of its log, so that every process that works on the project finds them there. A text
is logged as sent before it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from signoff.core.events import example_name, instant
from signoff.core.questions import Form
from signoff.core.records import Json, NewEvent, Project
from signoff.errors import UsageError
from signoff.loop.recorder import Recorder
from signoff.models.llm.limits import Limits
from signoff.models.llm.model import LanguageModel
from signoff.models.llm.panels import Panel
from signoff.models.llm.prompts import Example, Prompt
from signoff.models.llm.providers import ModelName, model_name
from signoff.store.store import SqlStore

AGREED, FIXED, SENT = "provider.agreed", "prompt.fixed", "texts.sent"
ANSWERED = "version.answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Somebody agreed that the project's texts go to this host."""

    provider: str
    model: str
    host: str
    base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPrompt:
    """A prompt as the log fixed it: the version of all that is sent beside a text, and when.

    ``prompt`` is None where an item that it quoted was erased.
    """

    question: str
    version: str
    at: int
    prompt: Prompt | None


def models_for_form(
    who: str,
    form: Form,
    *,
    bases: Mapping[str, str],
    offline: bool = False,
    guideline: str = "",
    limits: Limits | None = None,
) -> dict[str, LanguageModel]:
    """A model for each question of a form; ``who`` as :class:`Panel` reads it, ``bases``: where
    providers are asked that are not asked at their own address.

    Raises :class:`UsageError` for an unknown name, a kind of question that language models are not
    asked, a missing key or library.
    """
    panel = Panel.read(who)

    def named(model: str) -> ModelName:
        provider = model.partition(":")[0]
        name = model_name(model, base_url=bases.get(provider), offline=offline)
        name.check()
        return name

    name = named(panel.model)
    second = None if panel.second is None else named(panel.second)
    then = None if panel.then is None else named(panel.then)
    models: dict[str, LanguageModel] = {}
    for question in form.questions:
        prompt = Prompt(question=question, guideline=guideline)
        _ = prompt.form
        models[question.name] = LanguageModel(
            name,
            prompt,
            limits=limits,
            samples=panel.samples,
            second=None if second is None else LanguageModel(second, prompt, limits=limits),
            then=None if then is None else LanguageModel(then, prompt, limits=limits),
            examples=panel.examples,
        )
    return models


def agreements(store: SqlStore, project: str) -> list[Agreement]:
    """To whom texts of a project may go, the newest last."""
    found = store.events(project, [AGREED], unsigned=True)
    bodies = (json.loads(event.canonical)["body"] for event in found)
    return [
        Agreement(
            provider=body["provider"],
            model=body["model"],
            host=body["host"],
            base_url=body["base_url"],
        )
        for body in bodies
    ]


def agree(store: SqlStore, recorder: Recorder, models: Mapping[str, LanguageModel]) -> None:
    """Log to whom texts may go, as far as the log does not say so already."""
    known = agreements(store, recorder.project)
    for name in {each.name for model in models.values() for each in model.everyone}:
        wanted = Agreement(
            provider=name.provider, model=name.model, host=name.host, base_url=name.base_url
        )
        if wanted not in known:
            store.record(recorder.project, [recorder.event(AGREED, asdict(wanted))])


def agreed_bases(store: SqlStore, project: Project) -> dict[str, str]:
    """Where the providers of a project's models were asked last, other than at their own address.

    Raises :class:`UsageError` where nobody agreed that they are asked.
    """
    known = {each.provider: each for each in agreements(store, project.id)}
    if not known:
        raise UsageError(
            f"Nobody agreed that the texts of {project.name!r} go to {project.model}.",
            hint="Run it once with signoff run, which asks.",
        )
    return {
        provider: each.base_url for provider, each in known.items() if each.base_url is not None
    }


def fixed_prompts(store: SqlStore, project: Project) -> list[FixedPrompt]:
    """Every prompt that a project's models were given, oldest first."""
    found: list[FixedPrompt] = []
    for event in store.events(project.id, [FIXED], unsigned=True):
        body = json.loads(event.canonical)["body"]
        content = {part.name: part.value for part in event.content}
        found.append(
            FixedPrompt(
                question=body["question"],
                version=body["version"],
                at=event.at,
                prompt=_prompt_of(project.form, body["question"], content),
            )
        )
    return found


def prompts_of(store: SqlStore, project: Project, *, every: bool = False) -> list[Json]:
    """What models are sent beside each text, as JSON: the newest prompt of each question, or
    ``every`` one that was fixed."""
    found = fixed_prompts(store, project)
    if not every:
        found = list({each.question: each for each in found}.values())
    return [
        {
            "question": each.question,
            "version": each.version,
            "fixed": instant(each.at),
            "sent": None if each.prompt is None else each.prompt.instructions,
            "schema": None if each.prompt is None else each.prompt.form.schema,
        }
        for each in found
    ]


def put_to_work(
    store: SqlStore, project: Project, recorder: Recorder, models: Mapping[str, LanguageModel]
) -> None:
    """Let models work for a project: replies are kept in its store, texts are logged before they
    are sent, and prompts are those that are fixed."""
    versions = recall(store, project, models)
    for question, model in models.items():
        model.on_examples = _fixing_with(store, recorder, question, model)
        for each in model.everyone:
            each.on_send = _sending(store, recorder, question, each)
            each.on_version = _noting(store, recorder, each)
        if not model.lacks_examples and versions.get(question) != model.prompt.version:
            store.record(project.id, [_fixing(recorder, question, model.prompt)])


def recall(
    store: SqlStore, project: Project, models: Mapping[str, LanguageModel]
) -> dict[str, str]:
    """Let models find what they replied, and give them the prompts of an open pool; the versions of
    the prompts that were fixed last, by question.

    A pool that is open keeps the prompts it began with: another one would ask about every item
    again, and change what a certificate speaks of. A prompt with examples is kept for later pools.
    """
    pools = store.pools(project.id)
    begun = bool(pools) and pools[-1].phase != "closed"
    last = {each.question: each for each in fixed_prompts(store, project)}
    for question, model in models.items():
        model.use(replies=store.replies_of(project.id))
        known = last.get(question)
        exemplary = model.wanted_examples > 0 and known is not None
        if (begun or exemplary) and known is not None and known.prompt is not None:
            for each in model.everyone:
                each.prompt = known.prompt
    return {question: each.version for question, each in last.items()}


def _sending(
    store: SqlStore, recorder: Recorder, question: str, model: LanguageModel
) -> Callable[[Sequence[int]], None]:
    def note(places: Sequence[int]) -> None:
        pool = store.pools(recorder.project)[-1].number
        body: Json = {
            "pool": pool,
            "host": model.name.host,
            "question": question,
            "items": list(places),
        }
        store.record(recorder.project, [recorder.event(SENT, body)])

    return note


def _noting(store: SqlStore, recorder: Recorder, model: LanguageModel) -> Callable[[str], None]:
    """Logs a version when it first answers for a project: so the log tells when an alias moved."""
    name = model.name

    def note(version: str) -> None:
        body: Json = {
            "provider": name.provider,
            "model": name.model,
            "version": version,
            "weighs": model.letters.weighs,
        }
        known = store.events(recorder.project, [ANSWERED], unsigned=True)
        if all(_version_of(event.canonical) != _version_of(body) for event in known):
            store.record(recorder.project, [recorder.event(ANSWERED, body)])

    return note


def _version_of(said: str | Json) -> tuple[object, ...]:
    body: Json = json.loads(said)["body"] if isinstance(said, str) else said
    return body["provider"], body["model"], body["version"]


def _fixing_with(
    store: SqlStore, recorder: Recorder, question: str, model: LanguageModel
) -> Callable[[Sequence[int]], None]:
    def note(places: Sequence[int]) -> None:
        pool = store.pools(recorder.project)[-1].number
        event = _fixing(recorder, question, model.prompt, pool=pool, places=places)
        store.record(recorder.project, [event])

    return note


def _fixing(
    recorder: Recorder,
    question: str,
    prompt: Prompt,
    *,
    pool: int | None = None,
    places: Sequence[int] = (),
) -> NewEvent:
    """The event that fixes a prompt; each example is content of its own, erased with its item."""
    body: Json = {"question": question, "version": prompt.version}
    content: Json = {
        "prompt": {
            "template": prompt.template,
            "guideline": prompt.guideline,
            "examples": [example_name(place) for place in places],
        }
    }
    for place, example in zip(places, prompt.examples, strict=True):
        content[example_name(place)] = {"text": example.text, "answer": example.answer}
    return recorder.event(FIXED, body, content, pool=pool)


def _prompt_of(form: Form, question: str, content: Mapping[str, str]) -> Prompt | None:
    if "prompt" not in content:
        return None
    said = cast("dict[str, Any]", json.loads(content["prompt"]))
    if any(name not in content for name in said["examples"]):
        return None
    examples = [json.loads(content[name]) for name in said["examples"]]
    return Prompt(
        question=form.question(question),
        template=said["template"],
        guideline=said["guideline"],
        examples=tuple(Example(text=each["text"], answer=each["answer"]) for each in examples),
    )
