"""One pool as a log tells of it: who answered, what was tried, who decided what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from signoff.audit.attempts import Attempt
from signoff.core.events import Event
from signoff.errors import VerificationFailed

NOBODY = -1

Labels = Sequence[str | None]
"""Labels or answers as JSON, None where not known; empty where none is."""


@dataclass(slots=True, kw_only=True)
class PoolHistory:
    """One pool so far. ``answers``: JSON of each standing answer by item, None where not known;
    ``given``: its event; ``by``: its reviewer; ``carried``: the items whose answer was given in an
    earlier pool. ``decided`` (items,): who decided, -1 for nobody."""

    number: int
    rows: int
    items: int
    decided: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    answers: dict[int, str | None] = field(default_factory=dict[int, str | None])
    given: dict[int, str] = field(default_factory=dict[int, str])
    items_of: dict[str, int] = field(default_factory=dict[str, int])
    by: dict[int, str] = field(default_factory=dict[int, str])
    carried: set[int] = field(default_factory=set[int])
    erased: set[int] = field(default_factory=set[int])
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    skipped: int = 0
    closed: bool = False

    def check_item(self, item: int) -> int:
        """The item, which must be one of the pool's."""
        if item >= self.items:
            _refuse(f"item {item} is not in pool {self.number}, which has {self.items}")
        return item

    def standing(self, event: str) -> int | None:
        """The item that the answer told of by this event stands for, if it stands."""
        item = self.items_of.get(event)
        return item if item is not None and self.given.get(item) == event else None

    def take(self, item: int, event: Event, answer: str | None) -> None:
        """Let an answer stand for an item that has none."""
        if item in self.answers:
            _refuse(f"item {item} is answered twice")
        self.answers[item] = answer
        self.given[item] = event.id
        self.items_of[event.id] = item
        self.by[item] = str(event.body["reviewer"])

    def attempt(self, number: int) -> Attempt:
        """The attempt of this number, which must be the newest."""
        if number != len(self.attempts) or number == 0:
            _refuse(f"attempt {number} is not the newest of pool {self.number}")
        return self.attempts[-1]

    def begin(self, ints: NDArray[np.int64]) -> None:
        """Check the rows; only now that they are there is room made for their decisions."""
        if not np.array_equal(ints[:, 0], np.arange(len(ints))):
            _refuse(f"the rows of pool {self.number} are not numbered from 0")
        if not np.array_equal(np.unique(ints[:, 1]), np.arange(self.items)):
            _refuse(f"the rows of pool {self.number} are not of its {self.items} items")
        self.decided = np.full(self.items, NOBODY, dtype=np.int8)

    def by_people(self, items: NDArray[np.int64]) -> Labels:
        """The answers to these items; refuses items without one."""
        unanswered = items[~isin(items, list(self.answers))]
        if len(unanswered):
            _refuse(f"item {int(unanswered[0])} is decided by reviewers but has no answer")
        return [self.answers[item] for item in items.tolist()]

    def check_decided(self, attempt: Attempt) -> None:
        """Every standing label and every answer is a decision, but for erased ones."""
        standing = set(attempt.standing_items.tolist()) - self.answers.keys()
        for who, items in (("by the model", standing), ("by reviewers", self.answers.keys())):
            for item in items - self.erased:
                if self.decided[item] == NOBODY:
                    _refuse(f"the certificate counts item {item} as decided {who}, but it is not")


def isin(items: NDArray[np.int64], known: Sequence[int]) -> NDArray[np.bool_]:
    """Which items (n,) are among the known ones."""
    return np.isin(items, np.array(known, dtype=np.int64))


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
