"""Whether a pool can be certified at all, said before anything is asked, and what would do.

A plan is worth an audit when, with no find, more labels stand than would without one: some
sample of m of the n' = n - first items people have not answered leaves n' - m > r unaudited
labels with P(no find) <= alpha. P is least at m = n' - r - 1, where it is 1 / C(n', r + 1). A
plan for fewer errors also serves a larger budget, so the binomial coefficient is taken at the
best r' <= r; that makes feasibility monotone in the items, the errors and alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from signoff.core.certification import error_budget
from signoff.core.fields import decimal_text
from signoff.errors import Infeasible

MOST_ITEMS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What would each do alone: the least pool, the least max_error, the greatest certainty.

    None where no value of that one would do.
    """

    items: int | None
    max_error: Decimal | None
    certainty: Decimal | None


def feasible(n: int, first: int, r: int, alpha: Decimal | float) -> bool:
    """Whether some audit of n items, ``first`` of them answered to start, leaves labels standing.

    >>> feasible(12, 8, 0, 0.05), feasible(100, 8, 5, 0.05)
    (False, True)
    """
    wanted = 1 / _exact(alpha)
    return _chances(n - first, r, enough=wanted) >= wanted


def what_would_do(
    n: int, first: int, max_error: Decimal, alpha: Decimal | float, *, whole: Decimal | None = None
) -> Remedy:
    """The least N, the least max_error and the greatest certainty that would each do alone.

    max_error is rounded up and certainty down to a readable number. ``whole`` is the alpha of
    the whole pool where ``alpha`` is one slice's share; the certainty answers for the pool.
    """
    scale = Fraction(1) if whole is None else Fraction(whole) / _exact(alpha)
    return Remedy(
        items=_least_items(n, first, max_error, alpha),
        max_error=_least_max_error(n, first, alpha),
        certainty=_greatest_certainty(n - first, error_budget(max_error, n), scale),
    )


def explain(
    n: int, first: int, max_error: Decimal, alpha: Decimal | float, remedy: Remedy
) -> Infeasible:
    """The one-line refusal: what cannot be promised, and the three numbers that would do."""
    certainty = percent(1 - Decimal(str(alpha)))
    ways = [
        f"{remedy.items:,} items" if remedy.items is not None else "",
        f"--max-error {_flag(remedy.max_error)}" if remedy.max_error is not None else "",
        f"--certainty {_flag(remedy.certainty)}" if remedy.certainty is not None else "",
    ]
    offers = [way for way in ways if way]
    would = "Any one of these would do: " + ", or ".join(offers) + "." if offers else ""
    too_few = "1 item is" if n == 1 else f"{n:,} items are"
    return Infeasible(
        f"{too_few} too few to certify at most {percent(max_error)} wrong labels with "
        f"certainty {certainty}; nothing was asked.",
        hint=f"{would} Or let people answer everything: --policy people.".strip(),
    )


def percent(share: Decimal) -> str:
    """A share as people write it.

    >>> percent(Decimal("0.05")), percent(Decimal("0.125")), percent(Decimal("0.10"))
    ('5 %', '12.5 %', '10 %')
    """
    return f"{decimal_text(share.scaleb(2))} %"


def _flag(share: Decimal) -> str:
    return f"{decimal_text(share.scaleb(2))}%"


def _exact(alpha: Decimal | float) -> Fraction:
    """The decimal number that alpha prints as."""
    return Fraction(alpha) if isinstance(alpha, Decimal) else Fraction(repr(float(alpha)))


def _chances(left: int, r: int, *, enough: Fraction | None = None) -> int:
    """C(left, k) at the best k <= r + 1; stops counting once it has ``enough``."""
    ways = 1
    for i in range(min(r + 1, max(left, 0) // 2)):
        ways = ways * (left - i) // (i + 1)
        if enough is not None and ways >= enough:
            break
    return ways


def _least_items(n: int, first: int, max_error: Decimal, alpha: Decimal | float) -> int | None:
    return _first_true(
        lambda size: feasible(size, first, error_budget(max_error, size), alpha), n, MOST_ITEMS
    )


def _least_max_error(n: int, first: int, alpha: Decimal | float) -> Decimal | None:
    errors = _first_true(lambda r: feasible(n, first, r, alpha), 0, n)
    if errors is None:
        return None
    share = _round_up(Fraction(errors, n), digits=2) if errors else _round_up(Fraction(1, n * 10))
    return share if share < 1 else None


def _greatest_certainty(left: int, r: int, scale: Fraction) -> Decimal | None:
    alpha = min(scale, Fraction(1)) if left < 2 else scale / _chances(left, r)
    certainty = 1 - _round_up(alpha, digits=2)
    return certainty if certainty > 0 else None


def _round_up(share: Fraction, *, digits: int = 1) -> Decimal:
    """The least number of so many significant digits that is not below ``share``."""
    rough = Decimal(share.numerator) / Decimal(share.denominator)
    step = Decimal(1).scaleb(rough.adjusted() + 1 - digits)
    rounded = rough.quantize(step, rounding=ROUND_CEILING)
    return rounded if Fraction(rounded) >= share else rounded + step


def _first_true(holds: Callable[[int], bool], low: int, most: int) -> int | None:
    """The first integer in [low, most] where a predicate that is false, then true, is true."""
    if holds(low):
        return low
    step = 1
    while not holds(min(low + step, most)):
        if low + step >= most:
            return None
        low, step = low + step, step * 2
    high = min(low + step, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
