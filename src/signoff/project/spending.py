"""What a project's language models were asked, and what that cost: in all, an item, a decision."""

from __future__ import annotations

from decimal import Decimal

from signoff.core.certification import error_budget
from signoff.core.records import Json, Project
from signoff.core.routing import Certified
from signoff.loop.progress import decided_by_model
from signoff.models.llm.prices import Prices, cost_of, in_words
from signoff.store.store import SqlStore


def spending_of(store: SqlStore, project: Project, prices: Prices) -> Json:
    """Calls, tokens and money, by version of each model and in all."""
    automatic, correct = _decided(store, project)
    spent = store.spent(project.id)
    cost = cost_of(prices, spent)
    items = sum(each.items for each in spent)
    found: Json = {
        "calls": sum(each.calls for each in spent),
        "input_tokens": sum(each.input for each in spent),
        "output_tokens": sum(each.output for each in spent),
        "cost": in_words(cost),
        "cost_a_call": _each(cost, sum(each.calls for each in spent)),
        "cost_an_item": _each(cost, items),
        "cost_a_decision": _each(cost, automatic),
        "cost_a_correct_decision": _each(cost, correct, at_most=True),
    }
    for each in spent:
        version = each.version or "no reply"
        found[f"{each.provider}:{each.model} ({version}) at {each.host}"] = {
            "items": each.items,
            "calls": each.calls,
            "input_tokens": each.input,
            "output_tokens": each.output,
            "cached_tokens": each.cached,
            "cost": in_words(cost_of(prices, [each])),
        }
    return found


def _decided(store: SqlStore, project: Project) -> tuple[int, int]:
    """How many items the model decided, and how many of them are right at least: what is certified
    less the errors that the certificate allows."""
    automatic = correct = 0
    for pool in store.pools(project.id):
        decided = decided_by_model(store, pool)
        automatic += decided
        if isinstance(project.policy, Certified) and pool.phase == "closed":
            correct += max(0, decided - error_budget(project.policy.max_error, pool.items))
    return automatic, correct


def _each(cost: Decimal | None, count: int, *, at_most: bool = False) -> str | None:
    if count <= 0:
        return None
    shown = in_words(None if cost is None else cost / count)
    return f"at most {shown}" if at_most and cost is not None else shown
