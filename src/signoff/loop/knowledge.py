"""What a strategy may know of a pool: its items and people's answers, never a coming coin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from signoff.core.certification import SliceTest, split_tests
from signoff.core.coding import Codes, labels_of
from signoff.core.items import Answers, Items, joined
from signoff.core.joining import Answered, answered_items
from signoff.core.records import CARRIED, Pool, Project
from signoff.core.routing import Certified
from signoff.ports import PoolState, PoolView, Store

Earlier = tuple[Items, Answers] | None


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """Reads the state of a project's pools; keeps what earlier pools taught."""

    store: Store
    project: Project
    views: Callable[[Pool], PoolView]
    codes: Mapping[str, Codes]
    _earlier: dict[tuple[int, str], Earlier] = field(
        default_factory=dict[tuple[int, str], Earlier], init=False
    )

    def of(self, pool: Pool, *, budget: int | None) -> dict[str, PoolState]:
        """The state of a pool as people's answers stand, for each question a machine answers."""
        answered = answered_items(self.store.reviews(self.project, pool.number), self.project)
        return {question: self._of(pool, question, answered, budget) for question in self.codes}

    def at_freeze(self, pool: Pool) -> dict[str, PoolState]:
        """The state as it was when labels and their order were frozen."""
        answered = answered_items(self.store.reviews(self.project, pool.number), self.project)
        before = [each for each in answered if each.phase == "learning"]
        return {question: self._of(pool, question, before, None) for question in self.codes}

    def _of(
        self, pool: Pool, question: str, answered: Sequence[Answered], budget: int | None
    ) -> PoolState:
        view, codes = self.views(pool), self.codes[question]
        answers = [(each, each.to(question)) for each in answered]
        known = [(each, answer) for each, answer in answers if answer is not None]
        eligible = ~(view.blank | view.ruled)
        eligible[[each.item for each, answer in answers if answer is None]] = False
        return PoolState(
            items=view.items,
            labels=labels_of(codes.question) or (),
            eligible=eligible,
            asked=np.array([each.item for each, _ in known], dtype=np.int64),
            codes=np.array([codes.code(answer) for _, answer in known], dtype=np.int64),
            reasons=[each.reason for each, _ in known],
            slices=view.slices,
            tests=self._tests(view),
            budget=budget,
            earlier=self._learnt_before(pool, question),
        )

    def _tests(self, view: PoolView) -> list[SliceTest]:
        """One test per slice, one for all where there are none; none without a promise."""
        policy = self.project.policy
        if not isinstance(policy, Certified):
            return []
        if not view.slice_names:
            return split_tests([], [len(view)], policy.max_error, policy.alpha)
        sizes = np.bincount(view.slices, minlength=len(view.slice_names)).tolist()
        return split_tests(view.slice_names, sizes, policy.max_error, policy.alpha)

    def _learnt_before(self, pool: Pool, question: str) -> Earlier:
        """What people answered in the project's earlier pools, read once."""
        place = (pool.number, question)
        labels = labels_of(self.codes[question].question)
        if labels is None:
            return None
        if place not in self._earlier:
            before = self.store.pools(self.project.id)[: pool.number - 1]
            parts = [self._taught(each, question) for each in before]
            self._earlier[place] = joined(parts, labels)
        return self._earlier[place]

    def _taught(self, pool: Pool, question: str) -> tuple[Items, list[int]]:
        """The items of a pool that people gave a label to there, and its code."""
        codes = self.codes[question]
        reviews = self.store.reviews(self.project, pool.number)
        answered = answered_items(reviews, self.project)
        answers = [(r.item, r.to(question)) for r in answered if r.reason != CARRIED]
        coded = [(item, codes.code(answer)) for item, answer in answers if answer is not None]
        known = [(item, code) for item, code in coded if code >= 0]
        return self.views(pool).items.take([item for item, _ in known]), [code for _, code in known]
