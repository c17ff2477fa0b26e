"""A strategy around a model that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Temperature
from signoff.core.hints import Advice
from signoff.core.items import Items, Predictions
from signoff.core.selection import Diverse, Pool, Random, smallest
from signoff.learning.advising import words_for
from signoff.learning.cascading import Cascade
from signoff.learning.combining import Combiner
from signoff.learning.outlook import Outlook, confidence_of, fit_calibration, look_ahead, usable
from signoff.learning.pools import (
    calibration_answers,
    candidates_of,
    freeze,
    given,
    subsample,
    threshold_answers,
)
from signoff.ports import Ask, AskReason, Freeze, Model, PoolState

Index = NDArray[np.int64]


EXAMPLE: AskReason = "start"
"""Why people are asked what a model is then shown; such answers judge nothing it says."""
WIDER = 3
"""Answers expected beyond an audit, in batches, as long as asking the least sure costs nothing."""
MOST_TO_LEARN = 0.25
"""The share of a pool that is asked before the freeze."""
FEWEST_AT_ONCE = 50
FEWEST_OF_A_VERSION = 30
"""Answers about the labels of one version of a model that changed amid a pool."""


@runtime_checkable
class ShownExamples(Protocol):
    """A model that wants to see a few of people's answers before it says anything."""

    wanted_examples: int

    @property
    def lacks_examples(self) -> bool:
        """Whether it has not seen them yet."""
        ...

    def show(self, items: Items, codes: Index) -> None:
        """Let it see answered items; -1 where people could not say."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class FixedModelStrategy:
    """A model that stays as it is: a few random answers calibrate it, then the audit.

    Where its texts tell more of how sure it is than its score alone (:class:`Combiner`), the least
    sure items are asked before the audit: people would get them anyway, and what they say teaches
    which of the others are right. ``labels``: empty where answers come as they come, not as labels.
    """

    model: Model
    labels: tuple[str, ...]
    threshold: float | None = None
    _seen: tuple[Items, Predictions] | None = field(default=None, init=False)
    combiner: Combiner = field(init=False)
    cascade: Cascade = field(init=False)

    def __post_init__(self) -> None:
        self.cascade = Cascade(model=self.model, labels=self.labels, threshold=self.threshold)
        self.combiner = Combiner(labels=self.labels)

    def step(self, state: PoolState, *, rng: np.random.Generator) -> Ask | Freeze:
        """Ask a few at random, then perhaps the least sure, or freeze."""
        first = self._examples(state, rng)
        if first is not None:
            return first
        state = _without_examples(state)
        candidates = candidates_of(state)
        predictions = self._predict(state)
        possible = candidates[usable(predictions)[candidates]]
        wanted = calibration_answers(len(state.items)) - given(state)
        if self.threshold is not None:
            wanted = threshold_answers(len(state.items)) - given(state)
        wanted = min(wanted, len(possible))
        if state.budget is not None:
            wanted = min(wanted, state.budget // 4)
        if wanted <= 0:
            predictions = self._escalated(state, predictions)
        outlook = self._outlook(state, candidates, predictions)
        if wanted > 0:
            chosen = Random().select(Pool(size=len(possible)), wanted, rng=rng)
            return self._ask(possible[chosen], "random", outlook)
        unsure = self._unsure(state, predictions, candidates, outlook)
        if len(unsure):
            return self._ask(unsure, "uncertain", outlook)
        return self._freeze(state, candidates, predictions)

    def _ask(self, positions: Index, reason: AskReason, outlook: Outlook) -> Ask:
        return Ask(
            positions=positions,
            reason=reason,
            forecast=outlook.forecast,
            model_version=self.model.version,
        )

    def _unsure(
        self, state: PoolState, predictions: Predictions, candidates: Index, outlook: Outlook
    ) -> Index:
        """The least sure items, as long as people would get more of them than these anyway, and
        their answers teach anything."""
        if self.threshold is not None or self._combined(state, predictions) is None:
            return candidates[:0]
        answered = given(state)
        step = max(FEWEST_AT_ONCE, answered // 4)
        room = round(MOST_TO_LEARN * len(state.items)) - answered
        wanted = min(step, room) if outlook.forecast.review >= WIDER * step else 0
        if state.budget is not None:
            wanted = min(wanted, state.budget // 4)
        confidence = self._confidence(state, predictions)[candidates]
        known = np.flatnonzero(np.isfinite(confidence))
        return candidates[known[smallest(confidence[known], max(0, min(wanted, len(known))))]]

    def _examples(self, state: PoolState, rng: np.random.Generator) -> Ask | None:
        """Ask for the examples that the model wants, or let it see them."""
        if not (isinstance(self.model, ShownExamples) and self.model.lacks_examples):
            return None
        shown = np.array([reason == EXAMPLE for reason in state.reasons], dtype=np.bool_)
        candidates, wanted = candidates_of(state), self.model.wanted_examples - int(shown.sum())
        room = len(candidates) if state.budget is None else min(len(candidates), state.budget)
        if min(wanted, room) > 0:
            chosen = self._varied(state.items, candidates, min(wanted, room), rng)
            return Ask(positions=candidates[chosen], reason=EXAMPLE, forecast=None)
        self.model.show(state.items.take(state.asked[shown]), state.codes[shown])
        return None

    def _varied(
        self, items: Items, candidates: Index, count: int, rng: np.random.Generator
    ) -> Index:
        few, _ = subsample(candidates)
        if items.text_column is None or len(few) < len(candidates):
            return Random().select(Pool(size=len(candidates)), count, rng=rng)
        vectors = self.combiner.learner.vectors(items.take(candidates))
        return Diverse().select(Pool(size=len(candidates), vectors=vectors), count, rng=rng)

    def advise(self, state: PoolState, positions: Index) -> Advice | None:
        """What the model says of some items; to a model that learns nothing none are alike."""
        if isinstance(self.model, ShownExamples) and self.model.lacks_examples:
            return None
        state = _without_examples(state)
        predictions = self._predict(state)
        codes = np.where(usable(predictions), predictions.answer, -1)[positions]
        return Advice(
            codes=codes,
            confidence=self._confidence(state, predictions)[positions],
            words=words_for(self.model, state.items.take(positions), codes),
            alike=[[] for _ in positions],
        )

    def settled(self, state: PoolState) -> Model | None:
        """The model itself: no answer changes it."""
        return self.model

    def _predict(self, state: PoolState) -> Predictions:
        """What the model says of every item that it may decide; it sees no others."""
        items = state.items
        if self._seen is None or self._seen[0] is not items.base:
            seen = np.flatnonzero(state.eligible)
            told = self.model.predict(items if len(seen) == len(items) else items.take(seen))
            self._seen = (items.base, told.among(len(items), seen))
        return self.cascade.of(self._seen[1])

    def _escalated(self, state: PoolState, predictions: Predictions) -> Predictions:
        """The predictions, once a stronger model was asked where that pays."""
        asked = self._seen is not None and self.cascade.plan(state, self._seen[1])
        return self._predict(state) if asked else predictions

    def _combined(self, state: PoolState, predictions: Predictions) -> NDArray[np.float64] | None:
        return self.combiner.confidence(state, predictions)

    def _confidence(self, state: PoolState, predictions: Predictions) -> NDArray[np.float64]:
        """How probably each label is right. Where the model changed amid a pool, each version is
        judged by the answers about its own labels, and has no confidence before there are enough.
        """
        parts = predictions.by_version()
        if len(parts) == 1:
            return self._of_version(state, predictions)
        confidence = np.full(len(predictions), np.nan)
        for part in parts:
            if usable(part)[state.asked].sum() >= FEWEST_OF_A_VERSION:
                known = part.answer >= 0
                confidence[known] = self._of_version(state, part)[known]
        return confidence

    def _of_version(self, state: PoolState, predictions: Predictions) -> NDArray[np.float64]:
        if len(state.asked) == 0:
            return confidence_of(predictions, Temperature(temperature=1.0))
        combined = self._combined(state, predictions)
        if combined is not None:
            return combined
        return self._calibrated(state, predictions)

    def _calibrated(self, state: PoolState, predictions: Predictions) -> NDArray[np.float64]:
        chosen = np.array([reason == "uncertain" for reason in state.reasons], dtype=np.bool_)
        held_out = predictions.take(state.asked)
        calibration = fit_calibration(held_out, state.codes, labels=len(self.labels), chosen=chosen)
        return confidence_of(predictions, calibration, labels=len(self.labels))

    def _outlook(self, state: PoolState, candidates: Index, predictions: Predictions) -> Outlook:
        confidence = self._confidence(state, predictions)
        return look_ahead(
            state,
            candidates,
            predictions.take(candidates),
            confidence[candidates],
            most=state.budget,
            threshold=self.threshold,
        )

    def _freeze(self, state: PoolState, candidates: Index, predictions: Predictions) -> Freeze:
        confidence = self._confidence(state, predictions)
        return freeze(
            state, self.model, predictions, confidence, candidates, threshold=self.threshold
        )


def _without_examples(state: PoolState) -> PoolState:
    """A state in which what the model was shown is nobody's business any more."""
    kept = np.array([reason != EXAMPLE for reason in state.reasons], dtype=np.bool_)
    if kept.all():
        return state
    eligible = state.eligible.copy()
    eligible[state.asked[~kept]] = False
    return replace(
        state,
        eligible=eligible,
        asked=state.asked[kept],
        codes=state.codes[kept],
        reasons=[reason for reason in state.reasons if reason != EXAMPLE],
    )
