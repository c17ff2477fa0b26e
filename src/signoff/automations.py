"""How a project's questions are answered by a machine: from a model's name to a strategy each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from signoff.core.coding import Codes, labels_of
from signoff.core.questions import Form, Question
from signoff.core.records import Pool, Project
from signoff.core.routing import People, Policy, Threshold
from signoff.core.showing import ItemKind
from signoff.errors import SignoffError, UsageError
from signoff.loop.knowledge import Knowledge
from signoff.models.llm.providers import is_model_name
from signoff.models.predictions import PREDICTIONS
from signoff.ports import Automation, PoolView
from signoff.store.store import SqlStore

if TYPE_CHECKING:
    from signoff.project.explaining import Explainer

DEFAULT_MODEL = "text"


def stored_model(project: Project) -> str:
    """The model by the name that the first run was given."""
    by_name = (DEFAULT_MODEL, PREDICTIONS)
    if project.model in by_name or ".py:" in project.model or is_model_name(project.model):
        return project.model
    raise UsageError(
        f"Project {project.name!r} was begun from Python with a model of its own"
        f" ({project.model}).",
        hint="Pass the same model again: signoff.run(..., model=...).",
    )


def models_for(model: object, form: Form, *, item_kind: ItemKind = "text") -> dict[str, object]:
    """The model of each question that has one: the built-in one for choices about texts (it cannot
    learn from pictures), one for an only question, or those of a mapping by question name.

    Raises :class:`UsageError` where a model cannot be told to belong to a question.
    """
    if model is None or model == DEFAULT_MODEL:
        if item_kind == "image":
            return {}
        choices = (question for question in form.questions if labels_of(question) is not None)
        return {question.name: DEFAULT_MODEL for question in choices}
    if model == PREDICTIONS:
        if len(form.questions) == 1 and labels_of(form.only) is not None:
            return {form.only.name: PREDICTIONS}
        raise UsageError(
            "Predictions that come with the rows answer one choice.",
            hint="Ask one question with labels, or pass --model FILE.py:NAME.",
        )
    if isinstance(model, str):
        if is_model_name(model):
            return dict.fromkeys(form.names, model)
        from signoff.models.loading import load_model_spec

        model = load_model_spec(model)
    if isinstance(model, Mapping):
        named = cast("Mapping[str, object]", model)
        unknown = [name for name in named if name not in form.names]
        if unknown:
            raise UsageError(
                f"There is a model for {unknown[0]!r}, and no such question.",
                hint=f"The questions are: {', '.join(form.names)}.",
            )
        return dict(named)
    if len(form.questions) == 1:
        return {form.only.name: model}
    raise UsageError(
        f"One model is given for {len(form.questions)} questions.",
        hint="Give a dict of models by question name.",
    )


def without_model(model: object, form: Form, *, item_kind: ItemKind = "text") -> list[str]:
    """The questions that no model answers."""
    known = models_for(model, form, item_kind=item_kind)
    return [name for name in form.names if name not in known]


def make_automations(
    policy: Policy, model: object, form: Form, *, item_kind: ItemKind = "text"
) -> dict[str, Automation]:
    """How each question is answered by a machine: by a learner that is taught, or a model that
    stays as it is. None where people answer everything.

    Raises :class:`UsageError` where a question has no model: people would answer every item.
    """
    if isinstance(policy, People):
        return {}
    from signoff.learning.supervised import fixed_strategy, strategy_for
    from signoff.models.answers import AnswerModel
    from signoff.models.llm.model import LanguageModel

    models = models_for(model, form, item_kind=item_kind)
    if not models and item_kind == "image":
        raise UsageError(
            "The built-in model cannot learn from pictures: nothing would be automatic.",
            hint="Pass --model FILE.py:NAME, or --policy people.",
        )
    if lacking := [name for name in form.names if name not in models]:
        raise UsageError(
            f"No model answers {', '.join(lacking)}, and a person who gets an item answers all its"
            " questions: nothing would be automatic.",
            hint="Pass --model FILE.py:NAME that answers them, ask them in a project of their own,"
            " or pass --policy people.",
        )
    threshold = policy.confidence if isinstance(policy, Threshold) else None
    automations: dict[str, Automation] = {}
    for question in form.questions:
        codes, labels, own = Codes(question), labels_of(question), models[question.name]
        if isinstance(own, LanguageModel):
            codes = own.codes
        if labels is None:
            answering = own if isinstance(own, LanguageModel) else AnswerModel(own, codes=codes)
            strategy = fixed_strategy(answering, threshold=threshold)
        else:
            strategy = strategy_for(own, labels=labels, threshold=threshold)
        automations[question.name] = Automation(strategy=strategy, codes=codes)
    return automations


def explainer(
    store: SqlStore,
    project: Project,
    pool: Pool,
    question: Question,
    views: Callable[[Pool], PoolView],
) -> Explainer:
    """What tells why a pool's items ended as they did. A model that is asked elsewhere, that came
    with the rows, or that is not here any more, is not asked again."""
    from signoff.project.explaining import Explainer

    automations: dict[str, Automation] = {}
    with suppress(SignoffError):
        model = stored_model(project)
        if not is_model_name(model) and model != PREDICTIONS:
            automations = make_automations(
                project.policy, model, project.form, item_kind=project.item_kind
            )
    codes = {name: each.codes for name, each in automations.items()}
    return Explainer(
        store=store,
        project=project,
        pool=pool,
        view=views(pool),
        question=question,
        automation=automations.get(question.name),
        knowledge=Knowledge(store=store, project=project, views=views, codes=codes),
    )
