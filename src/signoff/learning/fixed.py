"""A strategy around a model that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Temperature
from signoff.core.hints import Advice
from signoff.core.items import Items, Predictions
from signoff.core.selection import Pool, Random
from signoff.learning.advising import words_for
from signoff.learning.outlook import Outlook, confidence_of, fit_calibration, look_ahead, usable
from signoff.learning.pools import (
    calibration_answers,
    candidates_of,
    freeze,
    given,
    threshold_answers,
)
from signoff.ports import Ask, Freeze, Model, PoolState

Index = NDArray[np.int64]


@dataclass(slots=True, kw_only=True, eq=False)
class FixedModelStrategy:
    """A model that stays as it is: a few random answers calibrate it, then the audit.

    ``labels``: empty where answers come as they come, not as labels.
    """

    model: Model
    labels: tuple[str, ...]
    threshold: float | None = None
    _seen: tuple[Items, Predictions] | None = field(default=None, init=False)

    def step(self, state: PoolState, *, rng: np.random.Generator) -> Ask | Freeze:
        """Ask a few at random, or freeze."""
        candidates = candidates_of(state)
        predictions = self._predict(state)
        possible = candidates[usable(predictions)[candidates]]
        wanted = calibration_answers(len(state.items)) - given(state)
        if self.threshold is not None:
            wanted = threshold_answers(len(state.items)) - given(state)
        wanted = min(wanted, len(possible))
        if state.budget is not None:
            wanted = min(wanted, state.budget // 4)
        if wanted > 0:
            chosen = Random().select(Pool(size=len(possible)), wanted, rng=rng)
            return Ask(
                positions=possible[chosen],
                reason="random",
                forecast=self._outlook(state, candidates, predictions).forecast,
                model_version=self.model.version,
            )
        return self._freeze(state, candidates, predictions)

    def advise(self, state: PoolState, positions: Index) -> Advice:
        """What the model says of some items; to a model that learns nothing none are alike."""
        predictions = self._predict(state)
        codes = np.where(usable(predictions), predictions.answer, -1)[positions]
        return Advice(
            codes=codes,
            confidence=self._confidence(state, predictions)[positions],
            words=words_for(self.model, state.items.take(positions), codes),
            alike=[[] for _ in positions],
        )

    def _predict(self, state: PoolState) -> Predictions:
        """What the model says of every item that it may decide; it sees no others."""
        items = state.items
        if self._seen is None or self._seen[0] is not items.base:
            seen = np.flatnonzero(state.eligible)
            told = self.model.predict(items if len(seen) == len(items) else items.take(seen))
            self._seen = (items.base, told.among(len(items), seen))
        return self._seen[1]

    def _confidence(self, state: PoolState, predictions: Predictions) -> NDArray[np.float64]:
        if len(state.asked) == 0:
            return confidence_of(predictions, Temperature(temperature=1.0))
        held_out = predictions.take(state.asked)
        calibration = fit_calibration(held_out, state.codes, labels=len(self.labels))
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
