"""A cheap model, a stronger one for what it is not sure enough of, and people for the rest.

What the stronger model sees is planned once, from people's first random answers, which both models
are held against: of several bars on the cheap model's score, the one where the calls for what lies
below it and the answers that are forecast then cost least together (Chen, Zaharia and Zou 2023,
FrugalGPT, with a forecast in place of a budget). Whether a label stands is the audit's to say, as
ever: a bad plan costs money, and breaks no promise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Items, Predictions
from signoff.learning.outlook import confidence_of, fit_calibration, look_ahead, usable
from signoff.learning.pools import candidates_of
from signoff.ports import Model, PoolState

Index = NDArray[np.int64]
Real = NDArray[np.float64]

BARS = 10
"""Bars that are tried: of the cheap model's scores as many even quantiles."""
FEWEST_ANSWERS = 30
"""Of people, about the labels of either model, without which nothing is known of it."""


@runtime_checkable
class Escalates(Protocol):
    """A model that has a stronger one behind it."""

    @property
    def stronger(self) -> Model | None:
        """The stronger one, if there is one."""
        ...

    def stronger_costs(self, items: Items) -> float:
        """What asking it about one of these items costs, in answers of people."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Cascade:
    """What a pool's items are told by a model and by the stronger one behind it."""

    model: Model
    labels: tuple[str, ...]
    threshold: float | None = None
    _merged: tuple[Predictions, Predictions] | None = field(default=None, init=False)

    def of(self, first: Predictions) -> Predictions:
        """The cheap model's predictions, with the stronger one's where it was asked."""
        if self._merged is None or self._merged[0] is not first:
            return first
        return self._merged[1]

    def plan(self, state: PoolState, first: Predictions) -> bool:
        """Ask the stronger model about what it pays for; whether it was asked just now.

        The same answers of people give the same plan: a run that was killed asks about no other
        items when it goes on.
        """
        model = self.model
        if not isinstance(model, Escalates) or model.stronger is None:
            return False
        if self._merged is not None and self._merged[0] is first:
            return False
        at_random = np.array([reason == "random" for reason in state.reasons], dtype=np.bool_)
        judged = np.flatnonzero(at_random & usable(first)[state.asked])
        places, codes = state.asked[judged], state.codes[judged]
        merged = first
        if len(places) >= FEWEST_ANSWERS:
            second = model.stronger.predict(state.items.take(places))
            bar = self._bar(state, first, second, places, codes, model.stronger_costs(state.items))
            below = np.flatnonzero(state.eligible & usable(first) & (first.raw_score <= bar))
            if len(below):
                merged = first.replaced(below, model.stronger.predict(state.items.take(below)))
        self._merged = (first, merged)
        return merged is not first

    def _bar(
        self,
        state: PoolState,
        first: Predictions,
        second: Predictions,
        places: Index,
        codes: Index,
        call: float,
    ) -> float:
        """The score up to which asking the stronger model costs least in all; -inf: nowhere."""
        candidates = candidates_of(state)
        left = candidates[usable(first)[candidates]]
        sure = self._calibrated(first.take(left), first.take(places), codes)
        sure_of_second = self._calibrated(second, second, codes)
        luck = np.random.default_rng(0)
        best, cheapest = -np.inf, np.inf
        for bar in [-np.inf, *_bars(first.raw_score[left]), np.inf]:
            below, told = first.raw_score[left] <= bar, first.raw_score[places] <= bar
            known = sure_of_second[told & np.isfinite(sure_of_second)]
            if below.any() and len(known) < FEWEST_ANSWERS:
                continue
            if not below.all() and (~told).sum() < FEWEST_ANSWERS:
                continue
            confidence = sure.copy()
            if below.any():
                confidence[below] = luck.choice(known, int(below.sum()))
            forecast = look_ahead(
                state,
                left,
                first.take(left),
                confidence,
                most=state.budget,
                threshold=self.threshold,
            ).forecast
            cost = forecast.audit + forecast.review + call * int(below.sum())
            if cost < cheapest:
                best, cheapest = float(bar), cost
        return best

    def _calibrated(self, wanted: Predictions, judged: Predictions, codes: Index) -> Real:
        labels = len(self.labels)
        curve = fit_calibration(judged, codes, labels=labels)
        return confidence_of(wanted, curve, labels=labels)


def _bars(scores: Real) -> list[float]:
    if not len(scores):
        return []
    shares = np.arange(1, BARS) / BARS
    found = np.quantile(scores, shares, method="lower")
    return np.unique(found[found < scores.max()]).tolist()
