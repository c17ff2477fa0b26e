"""How sure a fixed model is, from all that tells something of it, weighed by people's answers.

Beside the signals that a model brings, two come from the texts: whether a text model that is taught
the model's own labels, of other items, gives the same label (a model that contradicts itself on
like texts is often wrong), and whether one that is taught people's answers does. A logistic
regression of "people agree with the label" weighs them (Platt 1999, with several scores).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from signoff.core.calibration import log_odds
from signoff.core.items import Answers, Items, Predictions
from signoff.learning.outlook import usable
from signoff.models.text import TextLearner, TextModel
from signoff.ports import PoolState

Index = NDArray[np.int64]
Real = NDArray[np.float64]

FEWEST_ANSWERS = 40
FEWEST_OF_A_KIND = 8
"""Answers, and of these agreements and disagreements, below which nothing is weighed."""
FOLDS = 5
SLACK = 0.02
MOST_ITEMS = 60_000
"""Of a pool: features of more texts would take longer than they spare."""
MOST_TAUGHT = 4_000
"""Items that the text model of the model's own labels is taught."""
FEWEST_TAUGHT = 20
STRENGTH = 0.1
"""How freely weights move from 0: the inverse of the ridge penalty."""


@dataclass(slots=True, kw_only=True, eq=False)
class Combiner:
    """Weighs the signals of one model's predictions for one pool; none where ``labels`` is empty,
    for answers that are no labels cannot be told by the words of their texts."""

    labels: tuple[str, ...]
    learner: TextLearner = field(init=False)
    _own: tuple[Predictions, Real] | None = field(default=None, init=False)
    _last: tuple[Predictions, bytes, Real | None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.learner = TextLearner(labels=max(1, len(self.labels)))

    def confidence(self, state: PoolState, predictions: Predictions) -> Real | None:
        """How probably each of the pool's labels is right (n,), NaN where the model gave none; None
        where people answered too little to say, or where the model's score alone tells as much."""
        if not self.labels or len(predictions) > MOST_ITEMS or state.items.text_column is None:
            return None
        answered = state.asked.tobytes() + state.codes.tobytes()
        if self._last is None or self._last[0] is not predictions or self._last[1] != answered:
            self._last = (predictions, answered, self._weighed(state, predictions))
        return self._last[2]

    def _weighed(self, state: PoolState, predictions: Predictions) -> Real | None:
        known = usable(predictions)
        asked = np.flatnonzero(known[state.asked])
        places = state.asked[asked]
        agreed = predictions.answer[places] == state.codes[asked]
        if len(asked) < FEWEST_ANSWERS or min(agreed.sum(), (~agreed).sum()) < FEWEST_OF_A_KIND:
            return None
        table = self._table(state, predictions, known)
        told, alone = table[places], self._score_alone(predictions, known)[places]
        if _held_out_loss(told, agreed) >= _held_out_loss(alone, agreed) + SLACK:
            return None
        confidence = np.full(len(predictions), np.nan)
        confidence[known] = _regression(told, agreed).predict_proba(table[known])[:, 1]
        return confidence

    def _score_alone(self, predictions: Predictions, known: NDArray[np.bool_]) -> Real:
        """(n, d) what the model's own score and label tell."""
        return np.column_stack(
            [*_scaled(log_odds(predictions.raw_score), known), self._label(predictions)]
        )

    def _label(self, predictions: Predictions) -> Real:
        return np.eye(len(self.labels))[np.maximum(predictions.answer, 0)]

    def _table(self, state: PoolState, predictions: Predictions, known: NDArray[np.bool_]) -> Real:
        """(n, d) features of zero mean and unit spread over the items with a label."""
        columns = [log_odds(predictions.raw_score)]
        columns += [log_odds(each) for each in predictions.signals.values()]
        columns.append(log_odds(self._by_own_labels(state, predictions, known)))
        people = self._by_people(state, predictions)
        columns += [] if people is None else [log_odds(people)]
        scaled = [part for column in columns for part in _scaled(column, known)]
        return np.column_stack([*scaled, self._label(predictions)])

    def _by_own_labels(
        self, state: PoolState, predictions: Predictions, known: NDArray[np.bool_]
    ) -> Real:
        """How probable each label is to a text model taught the other items' labels (n,)."""
        if self._own is None or self._own[0] is not predictions:
            taught = np.flatnonzero(known)
            if len(taught) > MOST_TAUGHT:
                luck = np.random.default_rng(len(taught))
                taught = np.sort(luck.permutation(taught)[:MOST_TAUGHT])
            self._own = (predictions, self._taught(state.items, taught, predictions, None))
        return self._own[1]

    def _by_people(self, state: PoolState, predictions: Predictions) -> Real | None:
        """How probable each label is to a text model taught people's other answers (n,)."""
        told = np.flatnonzero(state.codes >= 0)
        if len(told) < FEWEST_TAUGHT:
            return None
        return self._taught(state.items, state.asked[told], predictions, state.codes[told])

    def _taught(
        self, items: Items, taught: Index, predictions: Predictions, codes: Index | None
    ) -> Real:
        """The probability of each item's label to a model that did not see that item's own; taught
        ``codes``, or the labels themselves."""
        taught_codes = predictions.answer[taught] if codes is None else codes
        answers = Answers(labels=self.labels, codes=taught_codes)
        if len(taught) < FEWEST_TAUGHT or len(answers.classes) < 2:
            return np.full(len(predictions), np.nan)
        model: TextModel = self.learner.fit(
            items.take(taught), answers, rng=np.random.default_rng(0)
        )
        probabilities = model.predict(items).probabilities
        assert probabilities is not None
        assert model.held_out is not None
        probabilities[taught] = model.held_out
        answer = np.maximum(predictions.answer, 0)
        found = probabilities[np.arange(len(answer)), answer].astype(np.float64)
        return np.where(predictions.answer < 0, np.nan, found)


def _regression(table: Real, agreed: NDArray[np.bool_]) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=500).fit(table, agreed)


def _held_out_loss(table: Real, agreed: NDArray[np.bool_]) -> float:
    """Mean log loss of regressions that did not see the answers they are judged by."""
    fold = np.empty(len(agreed), dtype=np.int64)
    for kind in (True, False):
        places = np.flatnonzero(agreed == kind)
        fold[places] = np.arange(len(places)) % FOLDS
    likely = np.empty(len(agreed))
    for each in range(FOLDS):
        rest, out = fold != each, fold == each
        likely[out] = _regression(table[rest], agreed[rest]).predict_proba(table[out])[:, 1]
    likely = np.clip(np.where(agreed, likely, 1 - likely), 1e-6, 1)
    return float(-np.log(likely).mean())


def _scaled(column: Real, known: NDArray[np.bool_]) -> list[Real]:
    """A column with mean 0 and spread 1 where it tells something, 0 where it does not; and where
    that is, as far as it tells items apart."""
    there = known & np.isfinite(column)
    if not there.any():
        return []
    spread = float(column[there].std())
    if spread < 1e-9 and there[known].all():
        return []
    scaled = np.where(there, (column - column[there].mean()) / max(spread, 1e-9), 0.0)
    return [scaled] if there[known].all() else [scaled, there.astype(np.float64)]
