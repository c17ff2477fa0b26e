"""What people get to see of hints, and when: made of what requests keep, from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.core.hints import Alike, Hint, ShownHint, hint_from_json, hints_now
from signoff.core.records import OpenRequest, Project
from signoff.core.routing import Certified
from signoff.ports import Store

OFF = "This project shows no hints."
SEALED = "What the machine says stays hidden until the certificate is issued."
ANSWER_FIRST = "What the machine says shows once you have answered."
NONE = "The machine knew too little of this item when it was asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A hint, or why there is none to see: a sentence that tells nothing of the item's role."""

    hint: ShownHint | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealer:
    """Shows hints of one project to one reviewer."""

    store: Store
    project: Project
    reviewer: str

    def before(self, asked: Sequence[OpenRequest]) -> dict[str, ShownHint]:
        """Hints of items that this reviewer is about to answer, by request; none where hints show
        later or never."""
        if self.project.page.hints != "before" or self._certified:
            return {}
        return self._shown(asked)

    def beside_receipt(self, asked: OpenRequest) -> ShownHint | None:
        """The hint of an item just answered, where an open project shows it then."""
        if self.project.page.hints != "after" or self._certified:
            return None
        return self._shown([asked]).get(asked.id)

    def of(self, asked: OpenRequest) -> Revealed:
        """The hint of an item, if this reviewer may see it now."""
        when = hints_now(self.project, self.store.pools(self.project.id))
        if when == "off":
            hidden = self._certified and self.project.page.hints != "off"
            return Revealed(why=SEALED if hidden else OFF)
        if when == "after" and not self._has_answered(asked):
            return Revealed(why=ANSWER_FIRST)
        hint = self._shown([asked]).get(asked.id)
        return Revealed(hint=hint, why="" if hint else NONE)

    @property
    def _certified(self) -> bool:
        return isinstance(self.project.policy, Certified)

    def _has_answered(self, asked: OpenRequest) -> bool:
        return self.store.has_answered(self.project.id, asked.id, self.reviewer)

    def _shown(self, asked: Sequence[OpenRequest]) -> dict[str, ShownHint]:
        hints = {
            each.id: (each.pool, hint_from_json(each.hint, self.project.form))
            for each in asked
            if each.hint is not None
        }
        found = self._decided([(pool, hint) for pool, hint in hints.values()])
        return {
            id: ShownHint(
                machine=hint.machine,
                alike=[found[pool, item] for item in hint.alike if (pool, item) in found],
            )
            for id, (pool, hint) in hints.items()
        }

    def _decided(self, hints: Sequence[tuple[int, Hint]]) -> dict[tuple[int, int], Alike]:
        """The decided items that hints speak of, by pool and number."""
        by_pool: dict[int, set[int]] = {}
        for pool, hint in hints:
            by_pool.setdefault(pool, set()).update(hint.alike)
        return {
            (pool, item): alike
            for pool, items in by_pool.items()
            for item, alike in self.store.decided(self.project, pool, sorted(items)).items()
        }
