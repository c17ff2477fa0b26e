"""Prices: dated, the user's own win, and what is unknown never counts as nothing."""

from __future__ import annotations

import contextlib
import re
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.replies import Spent
from signoff.errors import CostReached, InputError
from signoff.models.llm.calls import Call, Usage
from signoff.models.llm.prices import Price, cost_of, in_words, known_prices, price_of
from signoff.models.llm.spending import Purse, cost, expected_cost, tokens_of

OWN = '[gemini."gemini-2.5-flash"]\ninput = 1\noutput = "2.5"\nas_of = "2026-11-01"\n'


def spent(model: str, version: str = "") -> Spent:
    return Spent(
        provider="gemini", model=model, host="h", version=version,
        items=1, calls=1, input=2_000_000, output=1_000_000, cached=1_000_000,
    )  # fmt: skip


def test_every_built_in_price_has_its_day() -> None:
    prices = known_prices(None)
    assert len(prices) >= 9
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", price.as_of) for price in prices.values())
    assert all(price.cached <= price.input <= price.output for price in prices.values())


def test_the_users_file_wins_model_by_model(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(OWN)
    prices = known_prices(own)
    price = price_of(prices, "gemini", "gemini-2.5-flash")
    assert price is not None
    assert (price.input, price.cached, price.as_of) == (1, 1, "2026-11-01")
    assert price_of(prices, "gemini", "gemini-2.5-pro") is not None


@pytest.mark.parametrize(
    ("model", "version", "known"),
    [
        ("gemini-2.5-flash", "", True),
        ("gemini-2.5-flash-preview-05-20", "", True),
        ("my-alias", "gemini-2.5-flash-001", True),
        ("gemini-2.5-flash-lite", "", True),
        ("gemini-2.5-flash-image", "", False),
        ("gemini-2.5", "", False),
        ("toy", "toy", False),
    ],
)
def test_a_price_is_that_of_the_model_or_of_none(model: str, version: str, known: bool) -> None:
    assert (price_of(known_prices(None), "gemini", model, version) is not None) == known


def test_lite_is_not_priced_as_its_larger_sister() -> None:
    prices = known_prices(None)
    lite = price_of(prices, "gemini", "gemini-2.5-flash-lite")
    assert lite is not None
    assert lite.output < Decimal(1)


def test_cost_counts_cached_tokens_once_and_is_unknown_where_a_part_is() -> None:
    prices = known_prices(None)
    assert cost_of(prices, [spent("gemini-2.5-flash")]) == Decimal("2.83")
    assert cost_of(prices, [spent("gemini-2.5-flash"), spent("toy")]) is None
    assert in_words(cost_of(prices, [spent("toy")])) == "unknown"
    assert cost_of(prices, []) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[gemini", "cannot be read"),
        ("gemini = 3", "is no table"),
        ('[gemini]\n"m" = 3', "is no table"),
        ('[gemini."m"]\ninput = 1', "has no 'output'"),
        ('[gemini."m"]\ninput = "cheap"\noutput = 1', "'cheap', no price"),
        ('[gemini."m"]\ninput = -1\noutput = 1', "'-1', no price"),
        ('[gemini."m"]\ninput = nan\noutput = 1', "no price"),
        ('[gemini."m"]\ninput = true\noutput = 1', "no price"),
        ('[gemini."m"]\ninput = 1\noutput = 1\ncurrency = "EUR"', "unknown field 'currency'"),
    ],
)
def test_a_file_that_holds_no_prices_is_refused_in_one_line(
    tmp_path: Path, content: str, told: str
) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(content)
    with pytest.raises(InputError, match=re.escape(told)) as refused:
        known_prices(own)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=200))
def test_any_other_file_is_refused_or_read(content: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "prices.toml"
        own.write_text(content, encoding="utf-8", errors="surrogateescape")
        with contextlib.suppress(InputError):
            assert known_prices(own)


CALL = Call(system="s" * 100, prompt="p" * 100)


def price() -> Price:
    found = price_of(known_prices(None), "gemini", "gemini-2.5-flash")
    assert found is not None
    return found


def test_a_purse_counts_calls_under_way() -> None:
    one = expected_cost(price(), CALL)
    assert one > 0
    small = Purse(most=one * 3 + one / 2)
    assert [small.take(one) for _ in range(5)] == [True, True, True, False, False]
    small.pay(one, Decimal(0))
    assert small.take(one)
    assert "--max-cost" in small.refuse().hint
    assert small.refuse().exit_code == 3
    assert isinstance(small.refuse(), CostReached)


def test_a_purse_books_what_calls_did_cost() -> None:
    held = Purse(most=Decimal(10))
    one = expected_cost(price(), CALL)
    assert held.take(one)
    held.pay(one, cost(price(), Usage(input=30_000_000, output=0)))
    assert held.take(one)
    assert held.take(one)
    held.pay(one, cost(price(), Usage(input=4_000_000)))
    assert not held.take(one)


def test_what_earlier_runs_spent_counts() -> None:
    assert not Purse(most=Decimal(1), before=Decimal(1)).take(Decimal("0.01"))


@given(st.text(max_size=300))
def test_a_text_has_at_most_a_token_a_letter(text: str) -> None:
    assert 0 <= tokens_of(text) <= len(text)
