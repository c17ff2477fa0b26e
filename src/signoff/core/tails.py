"""The tail probabilities behind every limit, in floating point and as exact fractions.

Floats decide unless they come too close to alpha to be trusted; then the fraction decides, so
that every machine commits and verifies the same limit.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false, reportPrivateUsage=false
# (SciPy's distributions have partial types; they enter here and nowhere else in the core.
# ``scipy.stats`` takes a second to import, so it comes with its first use.)

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

try:  # the routine behind scipy.stats.hypergeom.cdf, which has no public name without scipy.stats
    from scipy.special._ufuncs import (
        _hypergeom_cdf,  # pyright: ignore[reportAttributeAccessIssue]
    )
except ImportError:  # pragma: no cover - before SciPy 1.14
    _hypergeom_cdf = None

TIE = 1e-8
"""Relative distance to alpha below which floats do not decide."""


def coin_tail_at_most(x: int, r: int, pi: float, alpha: float) -> bool:
    """Rule S: whether P(F <= x) <= alpha for F ~ NB(r + 1, 1 - pi), finds before r + 1 misses."""
    tail = float(scipy.stats.nbinom.cdf(x, r + 1, 1 - pi))
    return _at_most(tail, alpha, lambda: exact_coin_tail(x, r, pi))


def coin_quantile(r: int, pi: float, alpha: float) -> int:
    """About where P(F <= x) reaches alpha under rule S."""
    return int(scipy.stats.nbinom.ppf(alpha, r + 1, 1 - pi))


def sample_tail_at_most(x: int, n: int, m: int, r: int, alpha: float) -> bool:
    """Rule P: whether P(F <= x) <= alpha for F negative hypergeometric."""
    tail = float(hypergeometric(x, n, r + 1 + x, m))
    return _at_most(tail, alpha, lambda: exact_sample_tail(x, n, m, r))


def sample_tails(x: NDArray[np.int64], n: int, m: NDArray[np.int64], r: int) -> NDArray[np.float64]:
    """P(F <= x) under rule P, elementwise."""
    return hypergeometric(x, n, np.minimum(r + 1 + x, n), m)


def irrevocable_tail_at_most(x: int, r: int, pi: float, alpha: float) -> bool:
    """Whether P(Binomial(r, pi) <= x) <= alpha."""
    tail = float(scipy.stats.binom.cdf(x, r, pi))
    return _at_most(tail, alpha, lambda: exact_irrevocable_tail(x, r, pi))


def hypergeometric_at_most(x: int, n: int, good: int, m: int, alpha: float) -> bool:
    """Whether P(Hypergeom(n, good, m) <= x) <= alpha."""
    tail = float(hypergeometric(x, n, good, m))
    return _at_most(tail, alpha, lambda: exact_hypergeometric(x, n, good, m))


def hypergeometric(
    x: ArrayLike, n: ArrayLike, good: ArrayLike, m: ArrayLike
) -> NDArray[np.float64]:
    """P(Hypergeom(n, good, m) <= x), elementwise; NaN where there is no such distribution.

    What ``scipy.stats.hypergeom.cdf`` gives, to the last bit, without importing ``scipy.stats``.
    """
    if _hypergeom_cdf is None:
        return np.asarray(scipy.stats.hypergeom.cdf(x, n, good, m), dtype=np.float64)
    x, n, good, m = (np.asarray(each, dtype=np.float64) for each in (x, n, good, m))
    known = (n > 0) & (good >= 0) & (good <= n) & (m >= 0) & (m <= n)
    least, most = np.maximum(0, good + m - n), np.minimum(good, m)
    inside = _hypergeom_cdf(np.clip(x, least, most), good, m, n)
    tail = np.where(x < least, 0.0, np.where(x >= most, 1.0, inside))
    return np.where(known, tail, np.nan)


def _at_most(tail: float, alpha: float, exact: Callable[[], Fraction]) -> bool:
    """Whether tail <= alpha; alpha is the decimal number it prints as."""
    if abs(tail - alpha) > TIE * alpha:
        return tail <= alpha
    return exact() <= Fraction(repr(float(alpha)))


def exact_hypergeometric(x: int, n: int, good: int, m: int) -> Fraction:
    """P(Hypergeom(n, good, m) <= x) as a fraction."""
    bad = n - good
    first = max(0, m - bad)
    ways = total = math.comb(good, first) * math.comb(bad, m - first)
    for i in range(first, min(x, m, good)):
        ways = ways * (good - i) * (m - i) // ((i + 1) * (bad - m + i + 1))
        total += ways
    return Fraction(total if x >= first else 0, math.comb(n, m))


def exact_sample_tail(x: int, n: int, m: int, r: int) -> Fraction:
    """P(F <= x) under rule P as a fraction."""
    return exact_hypergeometric(x, n, r + 1 + x, m)


def exact_coin_tail(x: int, r: int, pi: float) -> Fraction:
    """P(F <= x) under rule S as a fraction; pi is the decimal number it prints as."""
    p = Fraction(repr(float(pi)))
    a, b = p.numerator, p.denominator
    terms = sum(math.comb(r + i, i) * a**i * b ** (x - i) for i in range(x + 1))
    return Fraction((b - a) ** (r + 1) * terms, b ** (r + 1 + x))


def exact_irrevocable_tail(x: int, r: int, pi: float) -> Fraction:
    """P(Binomial(r, pi) <= x) as a fraction; pi is the decimal number it prints as."""
    p = Fraction(repr(float(pi)))
    a, b = p.numerator, p.denominator
    return Fraction(sum(math.comb(r, i) * a**i * (b - a) ** (r - i) for i in range(x + 1)), b**r)
