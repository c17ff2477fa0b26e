"""A run whose model is a provider's: where texts go, who agrees to that, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from signoff.audit.keys import config_folder
from signoff.bootstrap import recorder_for
from signoff.core.questions import Form
from signoff.core.records import Project
from signoff.errors import UsageError
from signoff.job.options import RunOptions
from signoff.models.llm.model import LanguageModel
from signoff.models.llm.prices import FILE, Price, Prices, cost_of, known_prices, price_of
from signoff.models.llm.providers import ModelName, elsewhere, is_model_name
from signoff.models.llm.spending import Purse
from signoff.project.language import (
    agree,
    agreed_bases,
    agreements,
    models_for_form,
    put_to_work,
)
from signoff.store.store import SqlStore

NOT_AGREED = "not_agreed"


def own_prices() -> Path:
    """Where the user's own prices belong."""
    return config_folder() / FILE


def prices() -> Prices:
    """What models cost, as the user or else signoff wrote it down."""
    return known_prices(own_prices())


def asked_models(
    options: RunOptions, model: object, form: Form, guideline: str
) -> dict[str, LanguageModel]:
    """The models of a provider that a run asks, by question; none where its model is another kind.

    Raises :class:`UsageError` for flags that only such a model understands.
    """
    if not (isinstance(model, str) and is_model_name(model)):
        if options.judge is None:
            _refuse_flags(options, model)
        return {}
    provider = model.partition(":")[0]
    bases = dict(options.bases)
    if options.base_url is not None:
        bases[provider] = options.base_url
    models = models_for_form(model, form, bases=bases, offline=options.offline, guideline=guideline)
    if options.max_cost is not None:
        for each in models.values():
            for one in each.everyone:
                _ = _price(one.name)
    return models


def _refuse_flags(options: RunOptions, model: object) -> None:
    flags = {
        "--base-url": options.base_url is not None,
        "--max-cost": options.max_cost is not None,
    }
    for flag, given in flags.items():
        if given:
            raise UsageError(
                f"{flag} is for models of providers, and this run's is {str(model)[:40]!r}.",
                hint="Pass --model gemini:MODEL, openai:MODEL or anthropic:MODEL, or leave it out.",
            )


def require_consent(
    options: RunOptions,
    *models: Mapping[str, LanguageModel],
    known: frozenset[str] = frozenset(),
) -> None:
    """Ask once whether texts may leave this machine; ``known``: hosts agreed to before.

    Raises :class:`UsageError` where nobody agrees; then nothing was sent.
    """
    agreed = set(known)
    everyone = [each for some in models for model in some.values() for each in model.everyone]
    for name in [each.name for each in everyone]:
        if name.local or name.host in agreed:
            continue
        what = f"{name} sends the text of the items to {name.host}, outside this machine."
        if not options.agree(what):
            raise UsageError(
                f"{what} Nobody agreed to that; nothing was sent.",
                hint="Pass --yes to agree, or --model text to keep everything here.",
                code=NOT_AGREED,
            )
        agreed.add(name.host)


def remembered(options: RunOptions, store: SqlStore, project: Project) -> RunOptions:
    """The options with the addresses where the project's models were asked last; flags and the
    environment come before them."""
    if not is_model_name(project.model) or not agreements(store, project.id):
        return options
    known = agreed_bases(store, project)
    bases = {provider: url for provider, url in known.items() if elsewhere(provider) is None}
    return replace(options, bases=bases)


def agreed_hosts(store: SqlStore, project: Project) -> frozenset[str]:
    """The hosts that texts of a project may go to."""
    return frozenset(each.host for each in agreements(store, project.id))


def begin_asking(
    options: RunOptions,
    store: SqlStore,
    project: Project,
    *models: Mapping[str, LanguageModel],
    actor: str,
) -> None:
    """Note what was agreed, and let the models work for the project; all of them from one purse."""
    if not any(models):
        return
    recorder = recorder_for(store, project.id, actor=actor)
    for each in models:
        agree(store, recorder, each)
        put_to_work(store, project, recorder, each)
    purse = _purse(options, store, project)
    for model in (model for each in models for model in each.values()):
        model.use(purse=purse, on_asked=options.on_asked)
        for each in model.everyone:
            each.letters.price = None if purse is None else _price(each.name)
        if model.stronger is not None:
            name = model.stronger.name
            model.stronger_price = price_of(prices(), name.provider, name.model)
            model.answer_cost = options.answer_cost


def _purse(options: RunOptions, store: SqlStore, project: Project) -> Purse | None:
    if options.max_cost is None:
        return None
    before = cost_of(prices(), store.spent(project.id))
    if before is None:
        raise UsageError(
            "What earlier calls of this project cost is not known, so --max-cost cannot be kept.",
            hint=f"Write the prices of its models into {own_prices()}.",
        )
    return Purse(most=options.max_cost, before=before)


def _price(name: ModelName) -> Price:
    price = price_of(prices(), name.provider, name.model)
    if price is None:
        raise UsageError(
            f"The price of {name} is not known, so --max-cost cannot be kept.",
            hint=f"Write it into {own_prices()}; signoff prices shows the form.",
        )
    return price
