"""Strategies for a pool: learn, select, ask, until learning no longer pays; then freeze.

The items a strategy asks are those people would most likely have to answer anyway: the least
certain ones. So learning costs nothing while the forecast leaves items to review, and the loop
stops when next to nothing is left to review, when the answers to give are spent, or when the pool
is too large for more answers to change much.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Calibration
from signoff.core.hints import Advice
from signoff.core.items import Items, Predictions
from signoff.core.planning import batch_size, most_to_learn
from signoff.core.selection import Diverse, DiverseMargin, Pool, smallest
from signoff.learning.advising import alike, words_for
from signoff.learning.fitting import Fitted, fit
from signoff.learning.fixed import FixedModelStrategy
from signoff.learning.outlook import Outlook, confidence_of, fit_calibration, look_ahead, usable
from signoff.learning.pools import (
    PER_CLASS,
    all_codes,
    appended,
    candidates_of,
    distinct,
    explore,
    freeze,
    given,
    most_starts,
    nothing_to_learn,
    subsample,
    threshold_answers,
    trainable,
)
from signoff.models.loading import load_model
from signoff.ports import Ask, Freeze, Learner, Model, PoolState, PoolStrategy

Index = NDArray[np.int64]

WIDER = 3  # close calls that compete for one place in a batch
KEPT_FOR_AUDIT = 0.4  # most of a budget that learning leaves to the audit


@runtime_checkable
class Represents(Protocol):
    """A learner that can place items in a space where near means alike."""

    def vectors(self, items: Items) -> NDArray[np.float32]:
        """(n, d) unit vectors."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class LearningStrategy:
    """Teach a learner with the answers that teach most; audit when that is the cheaper rest.

    ``threshold``: no certificate; stop when the confidence is calibrated well enough.
    """

    learner: Learner
    labels: tuple[str, ...]
    threshold: float | None = None
    _last: tuple[bytes, Fitted] | None = field(default=None, init=False)
    _widened: tuple[Items, Items] | None = field(default=None, init=False)

    def step(self, state: PoolState, *, rng: np.random.Generator) -> Ask | Freeze:
        """Ask the next batch, or freeze."""
        state = self._with_earlier(state)
        candidates = candidates_of(state)
        first = self._first_questions(state, candidates, rng)
        if first is not None:
            return first
        if state.earlier is None and not trainable(state).any():
            return nothing_to_learn(state, candidates)
        extra = explore(state, candidates, rng)
        if extra is not None:
            return extra
        fitted = self._fit(state)
        seen, scale = subsample(candidates)
        predictions = fitted.model.predict(state.items.take(seen))
        outlook = self._outlook(state, fitted, seen, predictions, scale)
        batch = self._batch(state, outlook, seen)
        if batch > 0 and len(candidates) > 0:
            return self._ask(state, fitted, outlook, seen, predictions, batch, rng)
        return self._freeze(state, fitted, candidates)

    def _with_earlier(self, state: PoolState) -> PoolState:
        """The pool's items followed by those of earlier pools, so that features are shared."""
        if state.earlier is None:
            return state
        if self._widened is None or self._widened[0] is not state.items.base:
            self._widened = (state.items.base, appended(state.items, state.earlier[0]))
        wide = self._widened[1]
        return replace(state, items=wide.take(np.arange(len(state.items))))

    # ------------------------------------------------------------------- the start

    def _first_questions(
        self, state: PoolState, candidates: Index, rng: np.random.Generator
    ) -> Ask | None:
        """Diverse items first, then more until each label was seen often enough."""
        k = len(self.labels)
        room = len(candidates) if state.budget is None else min(len(candidates), state.budget)
        started = sum(reason == "start" for reason in state.reasons)
        counts = np.bincount(all_codes(state), minlength=k)
        if room == 0 or counts.min() >= PER_CLASS or started >= most_starts(k, len(state.items)):
            return None
        if started == 0 and state.earlier is None:
            count = min(room, max(16, min(PER_CLASS * k, most_starts(k, len(state.items)))))
            chosen = Diverse().select(self._space(state, candidates), count, rng=rng)
        else:
            chosen = self._seek(state, candidates, counts, min(room, max(8, k)), rng)
        return Ask(positions=candidates[chosen], reason="start", forecast=None)

    def _seek(
        self,
        state: PoolState,
        candidates: Index,
        counts: Index,
        count: int,
        rng: np.random.Generator,
    ) -> Index:
        """Items most likely of the rare labels, and close calls for labels never seen."""
        if int((counts > 0).sum()) < 2:
            return Diverse().select(self._space(state, candidates), count, rng=rng)
        seen, _ = subsample(candidates)
        places = np.searchsorted(candidates, seen)
        probabilities = self._fit(state).model.predict(state.items.take(seen)).probabilities
        if probabilities is None:
            return Diverse().select(self._space(state, candidates), count, rng=rng)
        rare = np.flatnonzero((counts > 0) & (counts < PER_CLASS))
        wanted = [places[smallest(-probabilities[:, c], 2)] for c in rare.tolist()]
        unsure = places[smallest(probabilities.max(axis=1), count)]
        return distinct(np.concatenate([*wanted, unsure]))[:count]

    def _space(self, state: PoolState, candidates: Index) -> Pool:
        if not isinstance(self.learner, Represents):
            return Pool(size=len(candidates))
        few, _ = subsample(candidates)
        if len(few) == len(candidates):
            return Pool(size=len(few), vectors=self.learner.vectors(state.items.take(few)))
        return Pool(size=len(candidates))

    # ------------------------------------------------------------------- learning

    def _fit(self, state: PoolState) -> Fitted:
        key = state.asked.tobytes() + state.codes.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = (key, fit(self.learner, state, self.labels))
        return self._last[1]

    def _outlook(
        self,
        state: PoolState,
        fitted: Fitted,
        seen: Index,
        predictions: Predictions,
        scale: float,
    ) -> Outlook:
        confidence = confidence_of(predictions, self._calibration(fitted))
        return look_ahead(
            state,
            seen,
            predictions,
            confidence,
            scale=scale,
            most=state.budget,
            threshold=self.threshold,
        )

    def _calibration(self, fitted: Fitted) -> Calibration:
        return fit_calibration(
            fitted.held_out, fitted.codes, labels=len(self.labels), chosen=fitted.chosen
        )

    def _batch(self, state: PoolState, outlook: Outlook, seen: Index) -> int:
        """How many to ask before the next look; 0 when it is time to freeze."""
        answered = given(state)
        step = batch_size(answered, len(state.items), labels=len(self.labels))
        if self.threshold is not None:
            wanted = min(threshold_answers(len(state.items)) - answered, step)
        else:
            room = most_to_learn(len(state.items)) - answered
            wanted = min(step, room) if outlook.forecast.review >= WIDER * step else 0
        if state.budget is not None:
            audit = sum(plan.sample for plan in outlook.plans)
            kept = min(audit, round(KEPT_FOR_AUDIT * (answered + state.budget)))
            wanted = min(wanted, state.budget - kept)
        return max(0, min(wanted, len(seen)))

    def _ask(
        self,
        state: PoolState,
        fitted: Fitted,
        outlook: Outlook,
        seen: Index,
        predictions: Predictions,
        batch: int,
        rng: np.random.Generator,
    ) -> Ask:
        chosen = self._choose(state, seen, predictions, batch, rng)
        return Ask(
            positions=chosen,
            reason="uncertain",
            forecast=outlook.forecast,
            model_version=fitted.model.version,
            scores=fitted.scores,
        )

    def _choose(
        self,
        state: PoolState,
        seen: Index,
        predictions: Predictions,
        batch: int,
        rng: np.random.Generator,
    ) -> Index:
        if predictions.probabilities is None:
            score = np.where(usable(predictions), predictions.raw_score, -1.0)
            close = smallest(score, batch)
        else:
            pool = Pool(size=len(seen), probabilities=predictions.probabilities)
            close = DiverseMargin(WIDER).select(pool, batch, rng=rng)
        return seen[close]

    # ---------------------------------------------------------------------- hints

    def advise(self, state: PoolState, positions: Index) -> Advice | None:
        """What the model that these answers make says of some items."""
        state = self._with_earlier(state)
        if state.earlier is None and not trainable(state).any():
            return None
        fitted, items = self._fit(state), state.items.take(positions)
        predictions = fitted.model.predict(items)
        codes = np.where(usable(predictions), predictions.answer, -1)
        return Advice(
            codes=codes,
            confidence=confidence_of(predictions, self._calibration(fitted)),
            words=words_for(fitted.model, items, codes),
            alike=alike(self.learner, state, positions),
        )

    def settled(self, state: PoolState) -> Model | None:
        """The model that these answers make; None where they make none."""
        state = self._with_earlier(state)
        if state.earlier is None and not trainable(state).any():
            return None
        return self._fit(state).model

    # -------------------------------------------------------------------- freezing

    def _freeze(self, state: PoolState, fitted: Fitted, candidates: Index) -> Freeze:
        predictions = fitted.model.predict(state.items)
        return freeze(
            state,
            fitted.model,
            predictions,
            confidence_of(predictions, self._calibration(fitted)),
            candidates,
            threshold=self.threshold,
            scores=fitted.scores,
        )


def strategy_for(
    model: object, *, labels: tuple[str, ...], threshold: float | None = None
) -> PoolStrategy:
    """The strategy for a learner, a model, or whatever ``load_model`` makes one of."""
    loaded = load_model(model, labels=labels)
    if isinstance(loaded, Learner):
        return LearningStrategy(learner=loaded, labels=labels, threshold=threshold)
    return FixedModelStrategy(model=loaded, labels=labels, threshold=threshold)


def fixed_strategy(model: Model, *, threshold: float | None = None) -> PoolStrategy:
    """The strategy for a model whose answers are no labels."""
    return FixedModelStrategy(model=model, labels=(), threshold=threshold)


__all__ = ["FixedModelStrategy", "LearningStrategy", "Represents", "fixed_strategy", "strategy_for"]
