"""One window of a stream as its log tells it, and whether what left stands in the whole order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from signoff.core.canonical import Json
from signoff.core.certification import OPEN, RIGHT, WRONG, standing
from signoff.core.windows import Ledger, WindowPlan
from signoff.errors import VerificationFailed


@dataclass(slots=True, kw_only=True)
class ItemHistory:
    """One item so far. ``label``, ``answer`` and ``says``: as JSON values, None where not known."""

    number: int | None = None
    label: object = None
    says: object = None
    heads: bool | None = None
    left: bool = False
    given: str | None = None
    answer: object = None
    right: bool | None = None
    decided: bool = False
    corrected: bool = False
    erased: bool = False


@dataclass(slots=True, kw_only=True)
class WindowHistory:
    """One window so far; ``admitted``: its items in order of admission."""

    number: int
    plan: WindowPlan
    body: Json
    items: list[ItemHistory] = field(default_factory=list[ItemHistory])
    admitted: list[int] = field(default_factory=list[int])
    ledger: Ledger = field(default_factory=Ledger)
    repeats: int = 0
    skipped: int = 0
    withdrawn: int = 0
    alarmed: bool = False
    revealed: bool = False
    issued: bool = False
    ended: bool = False

    @property
    def is_full(self) -> bool:
        """Whether all its items arrived, or it was ended with those that had."""
        return self.ended or len(self.items) == self.plan.items

    @property
    def size(self) -> int:
        """How many items it takes: N, or those that had arrived when it was ended early."""
        return len(self.items) if self.ended else self.plan.items

    def item(self, number: int) -> ItemHistory:
        """An item that arrived."""
        if number >= len(self.items):
            _refuse(f"item {number} is not among the {len(self.items)} of window {self.number}")
        return self.items[number]


def loose_item(window: WindowHistory) -> int | None:
    """An item whose unaudited label left and does not stand in the whole order, if there is one."""
    if not window.admitted or window.plan.effects != "reversible":
        return None
    admitted = [window.items[number] for number in window.admitted]
    codes = {True: RIGHT, False: WRONG, None: OPEN}
    stands = standing(
        np.array([bool(item.heads) for item in admitted], dtype=np.bool_),
        np.array([codes[item.right] for item in admitted], dtype=np.int8),
        1,
        window.plan.limit,
        window.plan.errors,
    )
    for number, item, stood in zip(window.admitted, admitted, stands.tolist(), strict=True):
        if item.left and not item.heads and not stood:
            return number
    return None


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
