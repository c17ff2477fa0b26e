"""One pool of a log: who answered what, which answers are joined, who decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from signoff.audit.attempts import Attempt
from signoff.audit.values import answers_json
from signoff.core.events import Event
from signoff.core.joining import form_joined
from signoff.core.questions import Answer, Form, answers_to_json
from signoff.errors import InputError, VerificationFailed

NOBODY = -1
Attempts = dict[str, Attempt]
"""The attempts of one number, by question."""
Labels = Sequence[str | None]
"""Labels or answers as JSON, None where not known; empty where none is."""


@dataclass(frozen=True, slots=True)
class Given:
    """Somebody's answers that stand: their event, and their JSON where known."""

    event: str
    answers: str | None


@dataclass(slots=True, kw_only=True)
class PoolHistory:
    """One pool so far. ``given``: the answers to each item that stand, by reviewer, in order;
    ``items_of``: the item of each, by event; ``carried``: the pool and item of an earlier pool
    whose answers those of an item are.
    ``answers``: JSON of the answers joined from them, by item and question, of each item that is
    answered; none where not known. ``decided`` (items,) of each question: who decided, -1 for
    nobody. ``attempts``: those of each question, which share items, order and sample."""

    number: int
    rows: int
    items: int
    form: Form
    overlap: int = 1
    decided: dict[str, NDArray[np.int8]] = field(default_factory=dict[str, NDArray[np.int8]])
    answers: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    given: dict[int, dict[str, Given]] = field(default_factory=dict[int, "dict[str, Given]"])
    items_of: dict[str, int] = field(default_factory=dict[str, int])
    carried: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    erased: set[int] = field(default_factory=set[int])
    attempts: list[Attempts] = field(default_factory=list[Attempts])
    skipped: int = 0
    closed: bool = False

    @property
    def by(self) -> list[str]:
        """The reviewer of each answer that stands."""
        return [reviewer for given in self.given.values() for reviewer in given]

    def item_of(self, event: str) -> int | None:
        """The item that the answers told of by this event stand for, if they stand."""
        return self.items_of.get(event)

    def take(self, item: int, event: Event, answers: str | None) -> None:
        """Let somebody's answers stand for an item."""
        reviewer = str(event.body["reviewer"])
        given = self.given.setdefault(item, {})
        if reviewer in given:
            _refuse(f"item {item} is answered twice by one reviewer")
        given[reviewer] = Given(event.id, answers)
        self.items_of[event.id] = item
        self.join(item)

    def drop(self, item: int, reviewer: str) -> None:
        """Take somebody's answers back."""
        del self.items_of[self.given[item].pop(reviewer).event]
        self.join(item)

    def carry(
        self, item: int, event: Event, answers: str | None, *, before: PoolHistory, equal: int
    ) -> None:
        """Let answers to an item of an earlier pool stand for an item here."""
        reviewer, told = str(event.body["reviewer"]), str(event.body["answer"])
        source = before.given[equal].get(reviewer)
        if source is None or source.event != told or equal in before.erased:
            _refuse(f"item {item} is answered by someone else than the equal item before")
        if None not in (source.answers, answers) and source.answers != answers:
            _refuse(f"item {item} is answered otherwise than the equal item before")
        if self.given.get(item) and self.carried.get(item) != (before.number, equal):
            _refuse(f"item {item} is answered from an earlier pool beside other answers")
        self.carried[item] = (before.number, equal)
        self.take(item, event, answers)

    def check_carried(self, pools: Sequence[PoolHistory]) -> None:
        """Refuse an item with some of the answers that the equal item has: whoever could choose
        among them could choose what they come to."""
        for item, (number, equal) in self.carried.items():
            before = pools[number - 1]
            if self.given[item].keys() != before.given[equal].keys():
                _refuse(f"item {item} has not all the answers of the equal item before")
            if item not in self.answers:
                _refuse(f"item {item} is answered from an earlier pool that did not answer it")

    def join(self, item: int) -> None:
        """Work out the answers to an item anew from all that were given.

        What is not known, or was erased, cannot tell whether two led: enough answers are one.
        """
        said = [each.answers for each in self.given.get(item, {}).values()]
        known = [each for each in said if each is not None]
        self.answers.pop(item, None)
        if len(said) < self.overlap:
            return
        if self.overlap == 1:
            self.answers[item] = answers_json(said[0]) if said[0] is not None else {}
        elif len(known) < len(said):
            self.answers[item] = {}
        else:
            answers = form_joined([self._read(each) for each in known], self.overlap, self.form)
            if answers is not None:
                self.answers[item] = answers_json(json.dumps(answers_to_json(answers)))

    def _read(self, text: str) -> dict[str, Answer]:
        try:
            return self.form.from_json(json.loads(text))
        except (InputError, ValueError) as error:
            raise VerificationFailed(
                f"An answer is none to the project's questions: {error}"
            ) from error

    def check_item(self, item: int) -> int:
        """The item, which must be one of the pool's."""
        if item >= self.items:
            _refuse(f"item {item} is not in pool {self.number}, which has {self.items}")
        return item

    def attempt(self, number: int, question: str) -> Attempt:
        """The attempt of this number at a question, which must be the newest."""
        if number != len(self.attempts) or number == 0:
            _refuse(f"attempt {number} is not the newest of pool {self.number}")
        if question not in self.attempts[-1]:
            _refuse(f"attempt {number} of pool {self.number} has no question {question[:40]!r}")
        return self.attempts[-1][question]

    def answers_to(self, question: str) -> dict[int, str | None]:
        """The standing answers to a question by item, None where not known."""
        return {item: known.get(question) for item, known in self.answers.items()}

    def anything_decided(self) -> bool:
        """Whether anybody decided any question of any item."""
        return any(bool((decided != NOBODY).any()) for decided in self.decided.values())

    def standing(self) -> NDArray[np.int64]:
        """Items whose labels stand for all questions; none before the seed is revealed."""
        attempts = list(self.attempts[-1].values())
        items = attempts[0].standing_items
        for attempt in attempts[1:]:
            items = np.intersect1d(items, attempt.standing_items)
        return items


def begin_pool(pool: PoolHistory, ints: NDArray[np.int64], questions: Sequence[str]) -> None:
    """Check the rows; only now that they are there is room made for their decisions."""
    if not np.array_equal(ints[:, 0], np.arange(len(ints))):
        _refuse(f"the rows of pool {pool.number} are not numbered from 0")
    if not np.array_equal(np.unique(ints[:, 1]), np.arange(pool.items)):
        _refuse(f"the rows of pool {pool.number} are not of its {pool.items} items")
    pool.decided = {name: np.full(pool.items, NOBODY, dtype=np.int8) for name in questions}


def by_people(pool: PoolHistory, items: NDArray[np.int64], question: str) -> Labels:
    """The answers to these items; refuses items without one."""
    unanswered = items[~isin(items, list(pool.answers))]
    if len(unanswered):
        _refuse(f"item {int(unanswered[0])} is decided by reviewers but has no answer")
    return [pool.answers[item].get(question) for item in items.tolist()]


def check_decided(pool: PoolHistory, question: str) -> None:
    """Every label that stands in all and every answer is a decision, but for erased ones."""
    standing = set(pool.standing().tolist()) - pool.answers.keys()
    for who, items in (("by the model", standing), ("by reviewers", pool.answers.keys())):
        for item in items - pool.erased:
            if pool.decided[question][item] == NOBODY:
                _refuse(f"the certificate counts item {item} as decided {who}, but it is not")


def isin(items: NDArray[np.int64], known: Sequence[int]) -> NDArray[np.bool_]:
    """(n,) whether each of the items is one of those known."""
    return np.isin(items, np.array(known, dtype=np.int64))


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
