"""Why one item ended as it did: who decided, on what, and what the model saw in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from signoff.core.coding import labels_of, read_value
from signoff.core.joining import answered_items
from signoff.core.questions import Question, answer_text
from signoff.core.records import Json, Pool, Project
from signoff.learning.explain import occlusion, smallest_edit
from signoff.loop.knowledge import Knowledge
from signoff.ports import Advises, Automation, Explains, PoolView
from signoff.project.pool_results import pool_decisions
from signoff.store.store import SqlStore

MOST_TOLD = 8
ASKED: Mapping[str, str] = {
    "start": "one of the first items, chosen to be varied",
    "random": "drawn at random, to learn what the model's confidence is worth",
    "uncertain": "the model was not sure, and the answer taught it most",
    "audit": "drawn at random among the frozen items, to check the machine without its knowing",
    "review": "not sure enough for what was proved of the surer ones",
    "rule": "a rule gives such items to people",
    "empty": "there is nothing in it that a model could judge",
    "gold": "its answer was known, and it checked a reviewer",
    "answered before": "a person answered an equal item before",
    "certified": "among the labels that the audit let stand",
    "confident": "above the confidence that the policy names",
}
"""Why, in words, by the reason that results give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """An item that people answered, and that is like another."""

    key: str
    text: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the model saw in an item, as far as it can be made again from what people had answered.

    - ``answer``: its label; ``confidence``: how probably it is right, calibrated.
    - ``words``: those that told most, with their weight (``exact``: contributions to a linear
      model's score that sum to it; else how much less likely the label is without them).
    - ``change``: words without which it would say ``becomes``; empty where no few words do.
    - ``same_model``: whether it is the very model that decided, by its content hash.
    """

    answer: str
    confidence: float | None
    words: Sequence[tuple[str, float]]
    exact: bool
    change: tuple[str, ...]
    becomes: str | None
    alike: Sequence[Alike]
    same_model: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why an item ended as it did; ``place`` of ``frozen``: where it stood in the frozen order, the
    surest first. ``frozen_answer``: what the model would have said, where people decided."""

    key: str
    text: str
    answer: str | None
    by: str | None
    reviewers: str | None
    reason: str
    confidence: float | None
    place: int | None
    frozen: int
    frozen_answer: str | None
    event: str | None
    seen: Seen | None

    def to_json(self) -> Json:
        """JSON form."""
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class Explainer:
    """Explains the items of one pool for one question; ``automation``: what answered it, if that
    can be made again."""

    store: SqlStore
    project: Project
    pool: Pool
    view: PoolView
    question: Question
    automation: Automation | None
    knowledge: Knowledge

    def why(self, item: int) -> Why:
        """Why this item ended as it did, or waits."""
        name = self.question.name
        decided = pool_decisions(self.store, self.project, self.pool, name)
        confidence = float(decided.confidence[item])
        place, frozen, label = self._frozen(item)
        shown = self.view.item(item)
        return Why(
            key=shown.key,
            text=shown.text,
            answer=decided.answer[item],
            by=decided.by[item],
            reviewers=decided.reviewers[item],
            reason=_in_words(decided.reason[item]),
            confidence=confidence if np.isfinite(confidence) else None,
            place=place,
            frozen=frozen,
            frozen_answer=label,
            event=decided.event[item],
            seen=self._seen(item, decided.model[item]),
        )

    def _frozen(self, item: int) -> tuple[int | None, int, str | None]:
        """The item's place in the frozen order, how long that is, and its frozen label."""
        root = self.pool.frozen_roots.get(self.question.name)
        if root is None:
            return None, 0, None
        batch = self.store.batch(self.project.id, "frozen", root)
        found = np.flatnonzero(batch.ints[:, 1] == item)
        if not len(found):
            return None, len(batch.ints), None
        private = batch.private[int(found[0])]
        value = None if private is None else json.loads(private)[0]
        label = None if private is None else answer_text(read_value(self.question, value))
        return int(batch.ints[found[0], 0]) + 1, len(batch.ints), label

    def _seen(self, item: int, version: str | None) -> Seen | None:
        nothing = self.view.erased[item] or self.view.blank[item]
        if self.automation is None or nothing:
            return None
        strategy = self.automation.strategy
        if not isinstance(strategy, Advises):
            return None
        state = self.knowledge.at_freeze(self.pool)[self.question.name]
        model, advice = strategy.settled(state), strategy.advise(state, np.array([item]))
        code = -1 if advice is None else int(advice.codes[0])
        if model is None or advice is None or code < 0:
            return None
        answers, text = self.automation.codes.answers, self.view.item(item).text
        exact, items = isinstance(model, Explains), self.view.items
        # Words can be taken out of a text that is all a model sees of an item, and labels it has.
        readable = labels_of(self.question) is not None and items.text_column is not None
        words, edit = list(advice.words[0]), None
        if readable and items.image_path is None:
            weights = occlusion(model, text, code)
            words = words if exact else weights[:MOST_TOLD]
            edit = smallest_edit(model, text, code, weights)
        sure = float(advice.confidence[0])
        return Seen(
            answer=answer_text(answers[code]),
            confidence=round(sure, 4) if np.isfinite(sure) else None,
            words=words,
            exact=exact,
            change=() if edit is None else edit.removed,
            becomes=answer_text(answers[edit.becomes]) if edit and edit.becomes >= 0 else None,
            alike=self._alike(advice.alike[0]),
            same_model=version is not None and model.version == version,
        )

    def _alike(self, items: Sequence[int]) -> list[Alike]:
        reviews = self.store.reviews(self.project, self.pool.number)
        answered = answered_items(reviews, self.project)
        given = {each.item: each.to(self.question.name) for each in answered}
        found: list[Alike] = []
        for item in items:
            answer, shown = given.get(item), self.view.item(item)
            if answer is not None:
                found.append(Alike(key=shown.key, text=shown.text, answer=answer_text(answer)))
        return found


def _in_words(reason: str | None) -> str:
    if reason is None:
        return "not decided yet"
    kind, _, more = reason.partition(": ")
    return f"the model had no answer: {more}" if more else ASKED.get(kind, kind)
