"""What a strategy may know of a pool: its items and people's answers, never a coming coin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from signoff.core.certification import SliceTest, split_tests
from signoff.core.items import Answers, Items, joined
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
    _earlier: dict[int, Earlier] = field(default_factory=dict[int, Earlier], init=False)

    def of(self, pool: Pool, *, budget: int | None) -> PoolState:
        """The state of a pool as people's answers stand."""
        view = self.views(pool)
        reviews = self.store.reviews(self.project, pool.number)
        known = [(review, review.answer) for review in reviews if review.answer is not None]
        eligible = ~(view.blank | view.ruled)
        eligible[[review.item for review in reviews if review.answer is None]] = False
        question = self.project.question
        return PoolState(
            items=view.items,
            labels=question.ids,
            eligible=eligible,
            asked=np.array([review.item for review, _ in known], dtype=np.int64),
            codes=np.array([question.code(answer) for _, answer in known], dtype=np.int64),
            reasons=[review.reason for review, _ in known],
            slices=view.slices,
            tests=self._tests(view),
            budget=budget,
            earlier=self._learnt_before(pool),
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

    def _learnt_before(self, pool: Pool) -> Earlier:
        """What people answered in the project's earlier pools, read once."""
        if pool.number not in self._earlier:
            question = self.project.question
            parts: list[tuple[Items, list[int]]] = []
            for before in self.store.pools(self.project.id)[: pool.number - 1]:
                known = [
                    (review.item, question.code(review.answer))
                    for review in self.store.reviews(self.project, before.number)
                    if review.reason != CARRIED
                    and review.answer is not None
                    and question.code(review.answer) >= 0
                ]
                items = self.views(before).items.take([item for item, _ in known])
                parts.append((items, [code for _, code in known]))
            self._earlier[pool.number] = joined(parts, question.ids)
        return self._earlier[pool.number]
