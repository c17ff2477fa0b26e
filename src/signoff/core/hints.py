"""Hints: what the machine says of an item, and decided items that are like it; and who sees that.

A hint is made when an item is asked and kept with its request. A certificate rests on answers that
nobody nudged, so that a certified project shows none before the certificate is issued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Item
from signoff.core.questions import Answer, Form
from signoff.core.records import Answers, Json, Pool, Project
from signoff.core.routing import Certified, Policy
from signoff.core.showing import HintTime
from signoff.errors import UsageError

_Weighed = tuple[str, float]

MOST_ALIKE = 3
"""Decided items shown beside an item."""

MOST_WORDS = 6
"""Words shown that the machine's answer rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a machine says of b items before people answer them, columnar.

    - ``codes`` (b,) int64: its answers, -1 where it has none; ``confidence`` (b,): how probably
      each is right, NaN where that is not known.
    - ``words``: for each item the words that told most, with their weights.
    - ``alike``: for each item positions of answered items, most alike first.
    """

    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    words: Sequence[Sequence[tuple[str, float]]]
    alike: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSays:
    """A model's answer to one question. ``confidence``: how probably it is right, if known.

    ``words``: those of the item that told most, each with its weight: above 0 speaks for the
    answer, below 0 against it; largest first.
    """

    answer: Answer
    confidence: float | None = None
    words: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a machine says of an item, by question; ``alike``: decided items of the same pool,
    most alike first. Those are numbers, so that nothing of an erased item stays here."""

    machine: Mapping[str, MachineSays]
    alike: tuple[int, ...] = ()

    def to_json(self) -> Json:
        """As a request keeps it."""
        machine = {
            name: {
                "answer": said.answer.to_json(),
                "confidence": said.confidence,
                "words": [[word, weight] for word, weight in said.words],
            }
            for name, said in self.machine.items()
        }
        return {"machine": machine, "alike": list(self.alike)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A decided item as people saw it, and what they decided."""

    item: Item
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHint:
    """A hint as people read it."""

    machine: Mapping[str, MachineSays] = field(default_factory=dict[str, MachineSays])
    alike: Sequence[Alike] = ()


def hint_from_json(stored: Mapping[str, object], form: Form) -> Hint:
    """A hint from what a request keeps."""
    machine = cast("Mapping[str, Mapping[str, object]]", stored["machine"])
    return Hint(
        machine={
            name: MachineSays(
                answer=form.question(name).from_json(said["answer"]),
                confidence=cast("float | None", said["confidence"]),
                words=tuple(
                    (word, weight) for word, weight in cast("list[_Weighed]", said["words"])
                ),
            )
            for name, said in machine.items()
        },
        alike=tuple(cast("list[int]", stored["alike"])),
    )


def check_hints(hints: HintTime, policy: Policy) -> HintTime:
    """The time itself; refuses hints before the answers that a certificate rests on."""
    if hints == "before" and isinstance(policy, Certified):
        raise UsageError(
            "A certified project shows no hints before an answer: its certificate rests on answers "
            "that nobody nudged.",
            hint="Pass --hints after or --hints off, or another --policy.",
        )
    return hints


def hints_now(project: Project, pools: Sequence[Pool]) -> HintTime:
    """When people see hints as things stand.

    In a certified project nothing is shown while one of the ``pools`` is open: who learns how the
    machine errs answers the next audited item with that in mind, and what shows first when an audit
    is over tells which items it was of.
    """
    if not isinstance(project.policy, Certified):
        return project.page.hints
    closed = bool(pools) and all(pool.phase == "closed" for pool in pools)
    return "after" if closed and project.page.hints != "off" else "off"
