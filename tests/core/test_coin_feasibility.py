"""Streams that cannot keep their promise are refused with numbers that would do."""

from __future__ import annotations

from decimal import Decimal

import pytest

from signoff.core.coin_feasibility import bears_a_find, coin_remedy, explain_coins
from signoff.core.windows import Effects, limit_of, plan_window

SHARE = Decimal("0.05")


@pytest.mark.parametrize("effects", ["reversible", "irreversible"])
@pytest.mark.parametrize("rate", ["0.02", "0.05", "0.1", "0.2", "0.5"])
def test_a_window_bears_a_find_exactly_when_its_limit_is_not_below_zero(
    effects: Effects, rate: str
) -> None:
    pi = Decimal(rate)
    for errors in [*range(1, 60), 146, 147, 148, 149, 150]:
        assert bears_a_find(errors, pi, SHARE, effects) == (
            limit_of(errors, pi, SHARE, effects) >= 0
        )


def test_the_least_errors_are_those_of_the_mathematics() -> None:
    least = {"0.02": 148, "0.05": 58, "0.1": 28, "0.2": 13, "0.3": 8, "0.5": 4}
    for rate, errors in least.items():
        assert bears_a_find(errors, Decimal(rate), SHARE, "reversible")
        assert not bears_a_find(errors - 1, Decimal(rate), SHARE, "reversible")


@pytest.mark.parametrize("effects", ["reversible", "irreversible"])
def test_each_number_of_the_remedy_would_do_alone(effects: Effects) -> None:
    given = {"max_error": SHARE, "alpha": SHARE, "audit_rate": Decimal("0.1")}
    remedy = coin_remedy(200, **given, effects=effects)
    assert None not in (remedy.items, remedy.max_error, remedy.audit_rate, remedy.certainty)
    changes = [
        (remedy.items, given),
        (200, {**given, "max_error": remedy.max_error}),
        (200, {**given, "audit_rate": remedy.audit_rate}),
        (200, {**given, "alpha": 1 - remedy.certainty}),
    ]
    assert plan_window(200, **given, effects=effects).limit < 0
    for items, numbers in changes:
        assert plan_window(items, **numbers, effects=effects).limit >= 0


def test_the_refusal_names_what_would_do() -> None:
    remedy = coin_remedy(
        200, max_error=SHARE, alpha=SHARE, audit_rate=Decimal("0.1"), effects="reversible"
    )
    refused = explain_coins(200, remedy, max_error=SHARE, alpha=SHARE, audit_rate=Decimal("0.1"))
    assert "window of 200 labels" in refused.message
    assert f"--window {remedy.items}" in refused.hint
    assert "--max-error 14%" in refused.hint
    assert "--audit-rate" in refused.hint
    assert "--certainty" in refused.hint
