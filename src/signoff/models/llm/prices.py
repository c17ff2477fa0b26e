"""What calls cost: prices from a dated file that the user can edit. An unknown price is no price.

``prices.toml`` beside this module holds what the providers' pages said on a day; a file of the same
form in signoff's configuration folder wins, model by model.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

from signoff.core.replies import Spent
from signoff.errors import InputError

FILE = "prices.toml"
BUILT_IN = Path(__file__).with_name(FILE)
MILLION = 1_000_000
_RATES = ("input", "output", "cached")
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|latest|preview(?:-\d{2}-\d{2,4})?)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens of each kind, and the day that somebody looked them up."""

    input: Decimal
    output: Decimal
    cached: Decimal
    as_of: str

    def of(self, *, input: float, output: float, cached: float = 0) -> Decimal:
        """US dollars for so many tokens; ``cached`` of the input cost less."""
        fresh = Decimal(max(0, round(input - cached)))
        told = fresh * self.input + Decimal(round(cached)) * self.cached
        return (told + Decimal(round(output)) * self.output) / MILLION


Prices = Mapping[tuple[str, str], Price]
"""By provider and model."""


def known_prices(own: Path | None) -> Prices:
    """The built-in prices, and those of the user's ``own`` file where it is there.

    Raises :class:`InputError` for a file that cannot be read as prices.
    """
    found = _read(BUILT_IN)
    if own is not None and own.is_file():
        found |= _read(own)
    return found


def price_of(prices: Prices, provider: str, model: str, version: str = "") -> Price | None:
    """What a model costs: by the version that answered, its name, or either without its date; None
    where nobody wrote that down."""
    for name in (version, model):
        for candidate in (name, _DATED.sub("", name)):
            if candidate and (provider, candidate) in prices:
                return prices[provider, candidate]
    return None


def cost_of(prices: Prices, spent: Iterable[Spent]) -> Decimal | None:
    """US dollars for what was asked; None where the price of any of it is unknown."""
    total = Decimal(0)
    for each in spent:
        price = price_of(prices, each.provider, each.model, each.version)
        if price is None:
            return None
        total += price.of(input=each.input, output=each.output, cached=each.cached)
    return total


def in_words(cost: Decimal | None) -> str:
    """
    >>> in_words(Decimal("1.5")), in_words(Decimal("0.00042")), in_words(None)
    ('$1.50', '$0.0004', 'unknown')
    """
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 1 or cost == 0 else f"${cost:.4f}"


def _read(path: Path) -> dict[tuple[str, str], Price]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"The prices in {path} cannot be read: {str(error)[:160]}.",
            hint="Mend the file, or move it away: the built-in prices count then.",
        ) from None
    found: dict[tuple[str, str], Price] = {}
    for provider, models in content.items():
        for model, value in _table(path, provider, models).items():
            found[provider, model] = _price(path, model, _table(path, model, value))
    return found


def _table(path: Path, name: str, value: object) -> Mapping[str, object]:
    if isinstance(value, dict):
        return cast("Mapping[str, object]", value)
    raise InputError(
        f"{path}: {name[:60]!r} is no table.",
        hint='Write [provider."model"] above input, output and as_of.',
    )


def _price(path: Path, model: str, value: Mapping[str, object]) -> Price:
    if unknown := sorted(set(value) - {*_RATES, "as_of"}):
        raise InputError(
            f"{path}: {model[:60]!r} has an unknown field {unknown[0][:40]!r}.",
            hint="Fields are input, output, cached and as_of.",
        )
    rates = {name: _rate(path, model, name, value.get(name)) for name in _RATES if name in value}
    if lacking := [name for name in ("input", "output") if name not in rates]:
        raise InputError(f"{path}: {model[:60]!r} has no {lacking[0]!r}.", hint="Write its price.")
    cached = rates.get("cached", rates["input"])
    as_of = str(value.get("as_of", "an unknown day"))
    return Price(input=rates["input"], output=rates["output"], cached=cached, as_of=as_of)


def _rate(path: Path, model: str, name: str, value: object) -> Decimal:
    try:
        rate = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_finite() and rate >= 0:
        return rate
    raise InputError(
        f"{path}: {name} of {model[:60]!r} is {str(value)[:40]!r}, no price.",
        hint="Write US dollars for a million tokens, such as 0.30.",
    )
