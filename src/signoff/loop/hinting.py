"""Hints for the items that people are asked: made when they are asked, kept with the requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.hints import Advice, Hint, MachineSays
from signoff.core.questions import Answer
from signoff.core.records import Json, Pool, Project
from signoff.loop.knowledge import Knowledge
from signoff.ports import Advises, Automation, PoolState, Store

Hints = Mapping[int, Json]
"""Hints as requests keep them, by item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinter:
    """Asks the strategies of a project what people are told beside an item."""

    store: Store
    project: Project
    automations: Mapping[str, Automation]
    knowledge: Knowledge

    @property
    def wanted(self) -> bool:
        """Whether the project shows hints, now or later."""
        return bool(self.automations) and self.store.hint_time(self.project.id) != "off"

    def hints(self, pool: Pool, items: NDArray[np.int64]) -> Hints:
        """A hint for each item that a model says something of; none while the project shows none.

        In the audit all items have been predicted, so that none stands out by lacking a hint.
        """
        if len(items) == 0 or not self.wanted:
            return {}
        states = self.knowledge.of(pool, budget=None)
        advice = {name: self._advice(name, state, items) for name, state in states.items()}
        known = {name: each for name, each in advice.items() if each is not None}
        return {
            item: hint.to_json()
            for at, item in enumerate(items.tolist())
            if (hint := self._hint(known, at)).machine
        }

    def _advice(self, question: str, state: PoolState, items: NDArray[np.int64]) -> Advice | None:
        strategy = self.automations[question].strategy
        return strategy.advise(state, items) if isinstance(strategy, Advises) else None

    def _hint(self, advice: Mapping[str, Advice], at: int) -> Hint:
        machine = {
            name: _says(each, at, self.automations[name].codes.answers)
            for name, each in advice.items()
            if each.codes[at] >= 0
        }
        alike = next((tuple(each.alike[at]) for each in advice.values() if each.alike[at]), ())
        return Hint(machine=machine, alike=alike)


def _says(advice: Advice, at: int, answers: list[Answer]) -> MachineSays:
    confidence = float(advice.confidence[at])
    return MachineSays(
        answer=answers[int(advice.codes[at])],
        confidence=round(confidence, 4) if np.isfinite(confidence) else None,
        words=tuple(advice.words[at]),
    )
