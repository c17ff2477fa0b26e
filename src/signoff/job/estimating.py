"""What a run with a provider's model would take, before anything is sent or made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl

from signoff.bootstrap import open_store
from signoff.core.certification import split_tests
from signoff.core.planning import plan_audit
from signoff.core.records import Project
from signoff.core.routing import Certified
from signoff.errors import UsageError
from signoff.formats.table import Table
from signoff.job.asking import prices, remembered
from signoff.job.first_run import incoming_rows, models_of_run, specify
from signoff.job.options import RunOptions
from signoff.job.paths import paths_of, store_exists
from signoff.job.preparing import read_data
from signoff.job.refusals import refuse_changes, require_columns
from signoff.learning.pools import calibration_answers
from signoff.models.llm.model import LanguageModel
from signoff.models.llm.prices import Prices, price_of
from signoff.models.llm.providers import ModelName
from signoff.models.llm.spending import OUTPUT_TOKENS, tokens_of
from signoff.project.incoming import IncomingRows
from signoff.project.language import recall
from signoff.store.store import SqlStore

WRONG = (0.0, 0.02, 0.05, 0.1, 0.2)
"""Shares of the model's labels that may turn out wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Calls and their price, and how many answers of people to expect.

    ``calls``: of items whose reply is not kept yet, one for each question; ``unasked``: items that
    go to people without a call; ``at_most``: a stronger model's are among them, which is asked
    about some of the items alone. ``cost`` in US dollars and ``as_of`` the day of its price, None
    where the price is unknown. ``people``: answers expected where so large a share of the model's
    labels is wrong and its confidence does not tell which; empty where nothing is certified.
    """

    model: str
    host: str
    items: int
    unasked: int
    calls: int
    at_most: bool
    input_tokens: int
    output_tokens: int
    cost: Decimal | None
    as_of: str | None
    people: Mapping[float, int]


def estimate(options: RunOptions) -> Estimate:
    """What a run with these options would take; nothing is sent, stored or agreed to.

    Raises what :func:`signoff.job.prepare` raises, and :class:`UsageError` where the model is not a
    provider's.
    """
    table = read_data(options)
    require_columns(table, options)
    path = paths_of(options).store
    if not store_exists(path):
        return _estimate(options, table, None, None)
    store = open_store(path, create=False)
    try:
        return _estimate(options, table, store, store.find_project(options.project))
    finally:
        store.close()


def _estimate(
    options: RunOptions, table: Table, store: SqlStore | None, project: Project | None
) -> Estimate:
    if store is not None and project is not None:
        refuse_changes(options, project, table)
        options = remembered(options, store, project)
    fixed = project or specify(table, options)
    models = models_of_run(options, options.model or fixed.model, fixed)
    if not models or fixed.text_column is None:
        raise UsageError(
            "There is nothing to estimate: the run asks no provider's model about texts.",
            hint="Pass --model gemini:MODEL, openai:MODEL or anthropic:MODEL.",
        )
    if store is not None and project is not None:
        _ = recall(store, project, models)
    rows = incoming_rows(table, fixed)
    return _of_texts(_texts(rows, fixed.text_column), models, fixed.policy)


def _texts(rows: IncomingRows, column: str) -> list[str]:
    """The text of each item."""
    first = rows.table.with_columns(pl.Series("", rows.item_of_row)).unique("", keep="first")
    return first[column].cast(pl.String).fill_null("").to_list()


def _of_texts(
    texts: Sequence[str], models: Mapping[str, LanguageModel], policy: object
) -> Estimate:
    name = next(iter(models.values())).name
    calls = inputs = 0
    known = prices()
    cost: Decimal | None = Decimal(0)
    unasked = set(range(len(texts)))
    for model in models.values():
        unasked -= set(model.askable(texts))
        for each in model.everyone:
            waiting = each.unanswered(texts)
            told = len(waiting) * (tokens_of(each.prompt.instructions) + _shown(model, texts))
            told += sum(tokens_of(letter.text) + OUTPUT_TOKENS for letter in waiting)
            calls, inputs = calls + len(waiting), inputs + told
            cost = _plus(cost, known, each.name, told, len(waiting) * OUTPUT_TOKENS)
    price = price_of(known, name.provider, name.model)
    return Estimate(
        model=str(name),
        host=name.host,
        items=len(texts),
        unasked=len(unasked),
        calls=calls,
        at_most=any(model.stronger is not None for model in models.values()),
        input_tokens=inputs,
        output_tokens=calls * OUTPUT_TOKENS,
        cost=cost,
        as_of=None if price is None else price.as_of,
        people=_people(len(texts), len(unasked), policy),
    )


def _shown(model: LanguageModel, texts: Sequence[str]) -> int:
    """Tokens of the examples that a prompt is still to show, each as long as a text is."""
    if not model.lacks_examples or not texts:
        return 0
    mean = sum(map(tokens_of, texts)) / len(texts)
    return round(model.wanted_examples * (mean + OUTPUT_TOKENS))


def _plus(
    cost: Decimal | None, known: Prices, name: ModelName, input: int, output: int
) -> Decimal | None:
    """A cost and that of so many tokens; None where a price is unknown."""
    price = price_of(known, name.provider, name.model)
    return None if cost is None or price is None else cost + price.of(input=input, output=output)


def _people(items: int, unasked: int, policy: object) -> dict[float, int]:
    """Answers expected, by the share of wrong labels."""
    if not isinstance(policy, Certified) or items == 0:
        return {}
    first = calibration_answers(items)
    left = max(0, items - unasked - first)
    (test,) = split_tests([], [items], policy.max_error, policy.alpha)
    found: dict[float, int] = {}
    for wrong in WRONG:
        plan = plan_audit(np.full(left, wrong), errors=test.errors, alpha=test.alpha)
        found[wrong] = round(unasked + first + plan.answers)
    return found
