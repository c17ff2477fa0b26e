"""A learner's model with what it would have said of each answered item without its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Answers, Items, Predictions
from signoff.learning.pools import for_fitting, taught_by, trainable
from signoff.ports import Learner, Model, PoolState

Index = NDArray[np.int64]

FOLDS = 5


@runtime_checkable
class HoldsOut(Protocol):
    """A fitted model that knows what it would have said of each answered item without it."""

    @property
    def held_out(self) -> NDArray[np.float32] | None:
        """(L, k) probabilities in the order of the answers, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A model with held out predictions of everything answered."""

    model: Model
    held_out: Predictions
    codes: Index
    chosen: NDArray[np.bool_]

    @property
    def scores(self) -> dict[str, float]:
        """For the record of rounds."""
        return {"held_out_accuracy": float((self.held_out.answer == self.codes).mean())}


def fit(learner: Learner, state: PoolState, labels: tuple[str, ...]) -> Fitted:
    """Teach the learner all answers so far."""
    train = trainable(state)
    items, answers = taught_by(state, train, labels)
    # A generator of its own: whether the fit was cached must not show in what is asked next.
    model = learner.fit(items, answers, rng=for_fitting(state))
    held_out = _held_out(learner, model, items, answers, for_fitting(state))
    unsaid = np.flatnonzero(state.codes < 0)
    if len(unsaid):
        held_out = _joined(held_out, model.predict(state.items.take(state.asked[unsaid])))
    chosen = np.array([reason == "uncertain" for reason in state.reasons], dtype=np.bool_)
    earlier = np.ones(len(answers) - int(train.sum()), dtype=np.bool_)
    return Fitted(
        model=model,
        held_out=held_out,
        codes=np.concatenate([answers.codes, state.codes[unsaid]]),
        chosen=np.concatenate([chosen[train], earlier, chosen[unsaid]]),
    )


def _held_out(
    learner: Learner, model: Model, items: Items, answers: Answers, rng: np.random.Generator
) -> Predictions:
    """What fits without them say of the answered items: the model's own word, or folds."""
    if isinstance(model, HoldsOut) and model.held_out is not None:
        probabilities = model.held_out
        answer = probabilities.argmax(axis=1).astype(np.int64)
        top = probabilities[np.arange(len(answer)), answer].astype(np.float64)
        return Predictions(answer=answer, raw_score=top, probabilities=probabilities)
    fold = np.arange(len(answers)) % FOLDS
    answer, score = np.full(len(answers), -1, np.int64), np.full(len(answers), np.nan)
    for each in range(min(FOLDS, len(answers))):
        rest, out = np.flatnonzero(fold != each), np.flatnonzero(fold == each)
        if len(rest) == 0:
            continue
        part = Answers(labels=answers.labels, codes=answers.codes[rest])
        said = learner.fit(items.take(rest), part, rng=rng).predict(items.take(out))
        answer[out], score[out] = said.answer, said.raw_score
    return Predictions(answer=answer, raw_score=score)


def _joined(a: Predictions, b: Predictions) -> Predictions:
    return Predictions(
        answer=np.concatenate([a.answer, b.answer]),
        raw_score=np.concatenate([a.raw_score, b.raw_score]),
    )
