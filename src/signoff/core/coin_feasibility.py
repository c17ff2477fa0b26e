"""Whether a stream's windows can be certified at all, said before anything is decided.

A window bears its first find when x* is at least 0: (1 - pi)^(r + 1) <= alpha, or (1 - pi)^r where
effects are for good. Below that only r labels of each window could ever be automatic.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from signoff.core.certification import error_budget
from signoff.core.feasibility import percent
from signoff.core.fields import decimal_text
from signoff.core.windows import Effects
from signoff.errors import Infeasible

MOST_ERRORS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinRemedy:
    """What would each do alone: the least window, max_error and audit rate, the greatest certainty.

    None where no value of that one would do.
    """

    items: int | None
    max_error: Decimal | None
    audit_rate: Decimal | None
    certainty: Decimal | None


def bears_a_find(errors: int, audit_rate: Decimal, alpha: Decimal, effects: Effects) -> bool:
    """Whether x* is at least 0, exactly.

    >>> [bears_a_find(r, Decimal("0.1"), Decimal("0.05"), "reversible") for r in (27, 28)]
    [False, True]
    """
    misses = errors + (effects == "reversible")
    return (1 - Fraction(audit_rate)) ** misses <= Fraction(alpha)


def coin_remedy(
    items: int, *, max_error: Decimal, alpha: Decimal, audit_rate: Decimal, effects: Effects
) -> CoinRemedy:
    """The numbers that would each do alone, rounded to the safe side."""
    errors = error_budget(max_error, items)
    least = _least_errors(audit_rate, alpha, effects)
    return CoinRemedy(
        items=None if least is None else _ceiling(Fraction(least) / Fraction(max_error)),
        max_error=None if least is None or least >= items else _share(Fraction(least, items)),
        audit_rate=_least_rate(errors, alpha, effects),
        certainty=_greatest_certainty(errors, audit_rate, effects),
    )


def explain_coins(
    items: int,
    remedy: CoinRemedy,
    *,
    max_error: Decimal,
    alpha: Decimal,
    audit_rate: Decimal,
) -> Infeasible:
    """The one-line refusal: what cannot be promised, and the numbers that would do."""
    ways = [
        f"--window {remedy.items}" if remedy.items is not None else "",
        f"--max-error {_flag(remedy.max_error)}" if remedy.max_error is not None else "",
        f"--audit-rate {_flag(remedy.audit_rate)}" if remedy.audit_rate is not None else "",
        f"--certainty {_flag(remedy.certainty)}" if remedy.certainty is not None else "",
    ]
    offers = ", or ".join(way for way in ways if way)
    return Infeasible(
        f"A window of {items:,} labels with {percent(audit_rate)} of them audited is too small to"
        f" certify at most {percent(max_error)} wrong labels with certainty"
        f" {percent(1 - alpha)}; nothing was made.",
        hint=f"Any one of these would do: {offers}." if offers else "Ask for less.",
    )


def _least_errors(audit_rate: Decimal, alpha: Decimal, effects: Effects) -> int | None:
    low, high = -1, 1
    while not bears_a_find(high, audit_rate, alpha, effects):
        if high > MOST_ERRORS:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        holds = bears_a_find(middle, audit_rate, alpha, effects)
        low, high = (low, middle) if holds else (middle, high)
    return high


def _least_rate(errors: int, alpha: Decimal, effects: Effects) -> Decimal | None:
    """The least audit rate in steps of 0.1 %."""
    steps = (Decimal(step).scaleb(-3) for step in range(1, 1000))
    return next((rate for rate in steps if bears_a_find(errors, rate, alpha, effects)), None)


def _greatest_certainty(errors: int, audit_rate: Decimal, effects: Effects) -> Decimal | None:
    misses = errors + (effects == "reversible")
    certainty = _rounded(1 - (1 - Fraction(audit_rate)) ** misses, ROUND_FLOOR)
    return certainty if certainty > 0 else None


def _share(share: Fraction) -> Decimal:
    return _rounded(share, ROUND_CEILING)


def _rounded(share: Fraction, rounding: str) -> Decimal:
    """To three decimals of a percent, in one direction."""
    scaled = share * 10**5
    whole = scaled.numerator // scaled.denominator
    if rounding == ROUND_CEILING and whole != scaled:
        whole += 1
    return Decimal(whole).scaleb(-5)


def _ceiling(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _flag(share: Decimal) -> str:
    return f"{decimal_text(share.scaleb(2))}%"
