"""A window of a stream under rule S: what is fixed before its first coin, and what may leave when.

A window is N labels in the order they arrive. A label that the model gives is **admitted** and
logged, then its coin falls: heads is audited, tails leaves if it stands. Whether it stands is known
at once, for a new admission has every find and every open audit before it: the :class:`Ledger`
of a few counts says the same as :func:`signoff.core.certification.standing` over the whole order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal, Self, cast

from signoff.core.certification import coin_limit, error_budget, irrevocable_limit
from signoff.core.fields import FieldReader, as_json

Effects = Literal["reversible", "irreversible"]
"""Whether a label that left can be corrected, or has had its effect for good."""

EFFECTS: tuple[Effects, ...] = ("reversible", "irreversible")
ALPHA_DIGITS = Context(prec=12, rounding=ROUND_FLOOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """What is logged before a window's first coin and fixed from then on.

    ``items`` is N, ``errors`` r, ``audit_rate`` pi, ``limit`` x*: the most finds and open audits
    that may stand before a label that leaves.
    """

    items: int
    max_error: Decimal
    errors: int
    alpha: Decimal
    audit_rate: Decimal
    effects: Effects
    limit: int

    def to_json(self) -> dict[str, object]:
        """Plain JSON; decimals as text."""
        return as_json(self)

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Self:
        """The inverse of :meth:`to_json`; raises VerificationFailed on anything malformed."""
        read = FieldReader(value, "a window's plan")
        return cls(
            items=read.integer("items", least=1),
            max_error=read.decimal("max_error"),
            errors=read.integer("errors"),
            alpha=read.decimal("alpha"),
            audit_rate=read.decimal("audit_rate"),
            effects=cast("Effects", read.one_of("effects", EFFECTS)),
            limit=read.integer("limit", least=-1),
        )


def plan_window(
    items: int, *, max_error: Decimal, alpha: Decimal, audit_rate: Decimal, effects: Effects
) -> WindowPlan:
    """The plan of a window, with the budget r and the limit x* that follow from its numbers.

    >>> share = Decimal("0.05")
    >>> plan = plan_window(
    ...     7600, max_error=share, alpha=share, audit_rate=Decimal("0.1"), effects="reversible"
    ... )
    >>> plan.errors, plan.limit
    (380, 30)
    """
    errors = error_budget(max_error, items)
    return WindowPlan(
        items=items,
        max_error=max_error,
        errors=errors,
        alpha=alpha,
        audit_rate=audit_rate,
        effects=effects,
        limit=limit_of(errors, audit_rate, alpha, effects),
    )


def limit_of(errors: int, audit_rate: Decimal, alpha: Decimal, effects: Effects) -> int:
    """x* of a window; -1 where not even the first find could be borne."""
    of = coin_limit if effects == "reversible" else irrevocable_limit
    return of(errors, float(audit_rate), float(alpha))


def window_alpha(alpha: Decimal, number: int, *, together: bool) -> Decimal:
    """What window ``number`` (from 1) may fail with: alpha each, or alpha / (k (k + 1)) so that
    all windows together fail with at most alpha; rounded down.

    >>> window_alpha(Decimal("0.05"), 3, together=False), window_alpha(
    ...     Decimal("0.05"), 2, together=True)
    (Decimal('0.05'), Decimal('0.00833333333333'))
    """
    if not together:
        return alpha
    return ALPHA_DIGITS.divide(alpha, Decimal(number * (number + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a window has spent: ``admitted`` labels, ``tails`` among them, ``finds``, and ``open``
    audits, which count like finds until their verdicts are sealed."""

    admitted: int = 0
    tails: int = 0
    finds: int = 0
    open: int = 0

    @property
    def spent(self) -> int:
        """Finds and open audits."""
        return self.finds + self.open

    def flipped(self, *, heads: bool) -> Ledger:
        """After the coin of one more admission."""
        return replace(
            self,
            admitted=self.admitted + 1,
            tails=self.tails + (not heads),
            open=self.open + heads,
        )

    def sealed(self, *, right: bool) -> Ledger:
        """After the verdict of one open audit."""
        if self.open == 0:
            raise ValueError("no audit is open")
        return replace(self, open=self.open - 1, finds=self.finds + (not right))


def is_exhausted(plan: WindowPlan, ledger: Ledger) -> bool:
    """More finds than x*: no admissions until the window ends."""
    return ledger.finds > plan.limit


def stands_next(plan: WindowPlan, ledger: Ledger) -> bool:
    """Whether the label admitted after all these may leave.

    Reversible: it stands if its coin shows tails. Irreversible: it may have its effect at all,
    whatever the coin shows.
    """
    free = ledger.tails if plan.effects == "reversible" else ledger.admitted
    return ledger.spent <= plan.limit or free < plan.errors


def room(plan: WindowPlan, ledger: Ledger) -> int:
    """How many labels may be admitted before the next coin, each sure to pass
    :func:`stands_next` however the coins before it fall.

    >>> share = Decimal("0.05")
    >>> plan = plan_window(
    ...     7600, max_error=share, alpha=share, audit_rate=Decimal("0.1"), effects="reversible"
    ... )
    >>> room(plan, Ledger(admitted=5000, tails=4500, finds=10, open=20))
    1
    """
    if is_exhausted(plan, ledger):
        return 0
    free = ledger.tails if plan.effects == "reversible" else ledger.admitted
    return max(plan.limit + 1 - ledger.spent, plan.errors - free, 0)
