"""How many labels may be wrong, and which machine labels stand after a blind audit.

Rule P (one sample from a frozen pool) uses :func:`sample_limit`, rule S (an independent coin per
admission) :func:`coin_limit`; both then apply :func:`standing`. Words: a **find** is an audited
label that was wrong, an **open** audit has no sealed verdict, a **miss** is a wrong label that was
not audited. If more than r misses stand, at most x* finds came before the (r+1)-th miss, whatever
the order, the model or the stopping time; x* makes the probability of that at most alpha.

The coins and the sample are drawn in :mod:`signoff.core.coins`; an audit is committed to and
judged in :mod:`signoff.core.commitment`; :mod:`signoff.core.certificate` makes the claim and
:mod:`signoff.core.feasibility` says what would do where no plan works.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signoff.core.tails import (
    coin_quantile,
    coin_tail_at_most,
    hypergeometric_at_most,
    irrevocable_tail_at_most,
    sample_tail_at_most,
    sample_tails,
)
from signoff.errors import UsageError

RIGHT, WRONG, OPEN = 1, 0, -1
"""Verdict codes: the audited label was right, was wrong, has no sealed verdict yet."""

SMALLEST_SHARE = Decimal("1e-9")

# --------------------------------------------------------------------- shares and budgets


def parse_share(text: str, *, name: str) -> Decimal:
    """The share strictly between 0 and 1 that ``text`` writes; ``name`` is the flag it came from.

    Raises :class:`UsageError` for anything else.

    >>> parse_share("5 %", name="--max-error"), parse_share(".05", name="--max-error")
    (Decimal('0.05'), Decimal('0.05'))
    """
    shown = text.strip()[:40]
    number = shown.removesuffix("%").rstrip()
    try:
        value = Decimal(number)
        if shown.endswith("%"):
            value = value.scaleb(-2)
    except InvalidOperation:
        raise UsageError(
            f"{name} {shown!r} is not a number.", hint="Write a share such as 5% or 0.05."
        ) from None
    if not value.is_finite() or not SMALLEST_SHARE <= value < 1:
        bare = value.is_finite() and not shown.endswith("%") and 1 <= value < 100
        meant = f"Did you mean {shown}%?" if bare else ""
        raise UsageError(
            f"{name} {shown!r} is not between 0 and 1 (0% and 100%), ends excluded.",
            hint=meant or "Write a share such as 5% or 0.05.",
        )
    return value


def error_budget(max_error: Decimal, n: int) -> int:
    """How many of n labels may be wrong: r = floor(max_error * n), in exact arithmetic.

    >>> error_budget(Decimal("0.29"), 100)
    29
    """
    return math.floor(Fraction(max_error) * n)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceTest:
    """One test of a pool: the slice it covers and what it may spend.

    ``size`` counts every final label of the slice, people's included; ``errors`` (r) of them may
    be wrong; ``alpha`` is this test's share.
    """

    name: str
    size: int
    errors: int
    alpha: float


def split_tests(
    slice_names: Sequence[str], sizes: Sequence[int], max_error: Decimal, alpha: Decimal | float
) -> list[SliceTest]:
    """The tests of a pool whose slices partition it: each its own N and r, alpha / k each.

    Without names ``sizes`` holds the size of the pool, and one test "all" covers it.
    """
    names = list(slice_names) or ["all"]
    if len(names) != len(sizes):
        raise ValueError(f"{len(names)} slices but {len(sizes)} sizes")
    share = float(Decimal(str(alpha)) / len(names))
    return [
        SliceTest(name=name, size=size, errors=error_budget(max_error, size), alpha=share)
        for name, size in zip(names, sizes, strict=True)
    ]


# --------------------------------------------------------------------------------- limits


def coin_limit(r: int, pi: float, alpha: float) -> int:
    """Rule S: the most finds x* a window may have while labels still leave; -1 if none may.

    F, the finds before the (r+1)-th miss, is NB(r+1, 1 - pi) under every strategy; x* is the
    largest x with P(F <= x) <= alpha.

    >>> [coin_limit(380, pi, 0.05) for pi in (0.05, 0.10, 0.20)]
    [12, 30, 77]
    """
    _check_share(pi=pi, alpha=alpha)

    def holds(x: int) -> bool:
        return coin_tail_at_most(x, r, pi, alpha)

    x = coin_quantile(r, pi, alpha)
    while x >= 0 and not holds(x):
        x -= 1
    while holds(x + 1):
        x += 1
    return x


def sample_limit(n: int, m: int, r: int, alpha: float) -> int:
    """Rule P: the most finds x* a sample of m of n labels may have; -1 if it may have none.

    F is negative hypergeometric: P(F <= x) = P(Hypergeom(n, r + 1 + x, m) <= x) (Janson, Su
    2015), a distribution function in x; x* is the largest x where it is at most alpha. When no
    more than r labels are left unaudited, all of them stand and x* is m.
    """
    _check_share(alpha=alpha)
    if not 0 <= m <= n or r < 0:
        raise ValueError(f"cannot sample {m} of {n} labels with {r} errors allowed")
    if n - m <= r:
        return m

    def holds(x: int) -> bool:
        return sample_tail_at_most(x, n, m, r, alpha)

    return _last(holds, -1, m)


def sample_limits(n: int, m: ArrayLike, r: int, alpha: float) -> NDArray[np.int64]:
    """:func:`sample_limit` for many sample sizes at once, for planning; same shape as ``m``.

    Ties with alpha are decided in floating point: commit what :func:`sample_limit` says.
    """
    sizes = np.asarray(m, dtype=np.int64)
    low = np.full(sizes.shape, -1, dtype=np.int64)
    high = np.maximum(np.where(n - sizes > r, sizes, 0), 0)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        holds = sample_tails(middle, n, sizes, r) <= alpha
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return np.where(n - sizes > r, low, sizes)


def irrevocable_limit(r: int, pi: float, alpha: float) -> int:
    """Rule S where effects cannot be taken back, so that finds are errors too; -1 if none may be.

    x* is the largest x with P(Binomial(r, pi) <= x) <= alpha. Sizes are 1; admit only while
    :func:`may_still_admit`.

    >>> [irrevocable_limit(380, pi, 0.05) for pi in (0.05, 0.10, 0.20)]
    [11, 28, 62]
    """
    _check_share(pi=pi, alpha=alpha)

    def holds(x: int) -> bool:
        return irrevocable_tail_at_most(x, r, pi, alpha)

    return _last(holds, -1, r)


def may_still_admit(spent: int, admissions: int, x_star: int, r: int) -> bool:
    """Whether one more effect that nobody can take back may happen; spent = finds + open."""
    return spent <= x_star or admissions < r


def reserved_for_people(n: int, s: int, x: int, alpha_2: float) -> int:
    """B of two budgets: the most people's errors that fit x differences among s of n items.

    Before the first coin the human process and a panel answer s items drawn from all n. B is the
    largest b with P(Hypergeom(n, b, s) <= x) > alpha_2; run on r - B at alpha - alpha_2.

    >>> reserved_for_people(1000, 100, 2, 0.01)
    78
    """
    _check_share(alpha=alpha_2)
    if not 0 <= x <= s <= n:
        raise ValueError(f"{x} differences among {s} of {n} items cannot be")

    def holds(b: int) -> bool:
        return not hypergeometric_at_most(x, n, b, s, alpha_2)

    return _last(holds, x, n - s + x + 1)


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last integer in [low, high) where a predicate that is true, then false, is true."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _check_share(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie strictly between 0 and 1, got {value}")


# ------------------------------------------------------------------- which labels stand


def standing(
    heads: NDArray[np.bool_],
    verdicts: NDArray[np.integer],
    sizes: NDArray[np.integer] | int,
    x_star: int,
    r: int,
) -> NDArray[np.bool_]:
    """Which machine labels may stand, in admission order; never re-sorted after the draw.

    ``heads`` (..., n): audited. ``verdicts`` (..., n): RIGHT, WRONG or OPEN, read at heads only.
    ``sizes`` (..., n) or one number: items each admission stands for. Leading axes are separate
    runs. Finds *and* open audits count as spent: on finds alone the promise can be broken in
    every run by delaying verdicts.
    """
    counts = np.broadcast_to(np.asarray(sizes, dtype=np.int64), heads.shape)
    spent = _before(np.where(heads & (verdicts != RIGHT), 1, 0))
    tails_with_this = np.cumsum(np.where(heads, 0, counts), axis=-1, dtype=np.int64)
    return ~heads & ((spent <= x_star) | (tails_with_this <= r))


def _before(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of the values before each place, along the last axis."""
    return np.cumsum(values, axis=-1, dtype=np.int64) - values


class Standing:
    """The same rule for a stream: admissions and verdicts come in any order, labels leave early.

    A tails label that once stands stands for good: later admissions do not touch it and sealed
    verdicts only ever let more labels stand.
    """

    __slots__ = ("_free", "_heads", "_released", "_sealed", "_spent", "_tails", "finds", "r", "x")

    def __init__(self, *, x_star: int, r: int) -> None:
        self.x = x_star
        self.r = r
        self.finds = 0
        self._heads: list[bool] = []
        self._free: list[bool] = []  # stands whatever the audits say: among the first r tails
        self._spent: list[int] = []  # admission numbers of finds and open audits, ascending
        self._sealed: dict[int, bool] = {}
        self._tails = 0
        self._released = 0

    def __len__(self) -> int:
        return len(self._heads)

    def admit(self, *, heads: bool, size: int = 1) -> int:
        """Add the next admission; gives its number, from 0."""
        number = len(self._heads)
        self._heads.append(heads)
        if heads:
            self._spent.append(number)
        else:
            self._tails += size
        self._free.append(not heads and self._tails <= self.r)
        return number

    def verdict(self, number: int, *, right: bool) -> None:
        """Seal the verdict of an audited admission; it can be sealed once."""
        if not self._heads[number]:
            raise ValueError(f"admission {number} was not audited")
        if number in self._sealed:
            raise ValueError(f"the verdict of admission {number} is sealed already")
        self._sealed[number] = right
        if right:
            del self._spent[bisect_left(self._spent, number)]
        else:
            self.finds += 1

    def stands(self, number: int) -> bool:
        """Whether this admission's machine label may stand on the verdicts so far."""
        if self._heads[number]:
            return False
        return self._free[number] or number < self._boundary()

    def release(self) -> range:
        """Admission numbers whose place the audits have newly cleared (heads among them).

        Labels that stand only because they are among the first r tails are not listed here: ask
        :meth:`stands`.
        """
        cleared = range(self._released, max(self._released, self._boundary()))
        self._released = cleared.stop
        return cleared

    @property
    def exhausted(self) -> bool:
        """More finds than x*: no admissions until the window ends, held labels go to people."""
        return self.finds > self.x

    @property
    def spent(self) -> int:
        """Finds and open audits so far."""
        return len(self._spent)

    def _boundary(self) -> int:
        """First admission number behind x* + 1 finds or open audits."""
        if self.x < 0:
            return 0
        return self._spent[self.x] + 1 if len(self._spent) > self.x else len(self._heads)
