"""Teaching a stream's model: on people's answers, at growing counts, never in anybody's way.

Rule S allows a new model at any moment, also within a window: coins fall on labels, whoever made
them. After an alarm the world may be another one: what people say from then on is the judge, of a
model of those answers alone and of one that keeps the older ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Calibration
from signoff.core.calibration_json import calibration_json
from signoff.core.items import Items, Predictions
from signoff.core.records import AskReason, Json, Project
from signoff.core.routing import Certified
from signoff.core.streams import StreamItem, StreamModel, StreamState, choice_of
from signoff.core.thresholds import learned_threshold
from signoff.learning.fitting import Fitted, fit
from signoff.learning.outlook import confidence_of, fit_calibration
from signoff.loop.recorder import Recorder
from signoff.models.text import TextLearner, TextModel
from signoff.ports import Model, PoolState
from signoff.store.store import SqlStore
from signoff.stream.clerk import plan_of
from signoff.stream.models import items_of, model_named, to_bytes

FIRST_FIT = 50
MOST_BETWEEN = 1_000
MOST_LEARNED = 2_000
TRAFFIC = 1_000
"""The newest items that stand for what is to come."""


def is_due(state: StreamState) -> bool:
    """Whether enough answers came since the last fit."""
    return state.answers >= next_fit(state)


def next_fit(state: StreamState) -> int:
    """The count of answers at which the model is fitted next: 50 after the start or the last
    alarm, then twice as many each time."""
    fitted = state.fitted_at - state.fresh_from
    return state.fresh_from + max(FIRST_FIT, min(2 * fitted, fitted + MOST_BETWEEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What there is to learn from: n answered items, then what else came in.

    ``codes`` (n,): people's answers, -1 for "cannot say". ``fresh`` (n,): given since the last
    alarm. ``chosen`` (n,): asked because the model was unsure.
    """

    items: Items
    codes: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    chosen: NDArray[np.bool_]
    labels: tuple[str, ...]

    @property
    def traffic(self) -> Items:
        """The newest items, whatever became of them."""
        return self.items.take(np.arange(len(self.codes), len(self.items)))

    def state(self, which: NDArray[np.bool_]) -> PoolState:
        """Some of the answers as a strategy's state, over all items."""
        asked = np.flatnonzero(which)
        reasons: list[AskReason] = [
            "uncertain" if chosen else "random" for chosen in self.chosen[asked].tolist()
        ]
        return PoolState(
            items=self.items,
            labels=self.labels,
            eligible=np.ones(len(self.items), dtype=np.bool_),
            asked=asked,
            codes=self.codes[asked],
            reasons=reasons,
            slices=np.zeros(len(self.items), dtype=np.int64),
            tests=[],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A model and how far to trust it."""

    model: Model
    calibration: Calibration
    accuracy: float


def teach(
    store: SqlStore, project: Project, policy: Certified, recorder: Recorder, state: StreamState
) -> bool:
    """Fit the model on what people said so far and use it; False where that gave no model."""
    given = store.answered_items(project.id, most=MOST_LEARNED)
    answered = [item for item in given if item.why != "empty"]
    lesson = _lesson(store, project, state, answered)
    taught = _taught(lesson, model_named(project.model, choice_of(project).ids))
    if taught is None:
        store.note_fitting(project.id, state.answers)
        return False
    newest = store.window(project.id)
    plan = plan_of(policy, state.spec, 1) if newest is None else newest.plan
    confidence = confidence_of(taught.model.predict(lesson.traffic), taught.calibration)
    model = StreamModel(
        version=taught.model.version,
        answers=state.answers,
        sha256=_kept(store, project, taught.model),
        calibration=calibration_json(taught.calibration),
        threshold=learned_threshold(confidence, plan),
        scores={"held_out_accuracy": taught.accuracy},
        at=recorder.now(),
    )
    pairs = [[item.window, item.item, cast("int", item.answered)] for item in answered]
    body: Json = {
        "pool": 1 if newest is None else newest.number,
        "question": choice_of(project).name,
        "model": model.version,
        "answers": state.answers,
        "snapshot": hashlib.sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest(),
        "scores": {**model.scores, "threshold": model.threshold},
    }
    fitted = recorder.event("model.fitted", body)
    put = store.put_model(project.id, model, state.fresh_from, [fitted])
    store.model_files.keep_only(project.id, store.model_files_in_use(project.id))
    return put


def _kept(store: SqlStore, project: Project, model: Model) -> str | None:
    if not isinstance(model, TextModel):
        return None
    return store.model_files.write(project.id, to_bytes(model))


def _lesson(
    store: SqlStore, project: Project, state: StreamState, answered: Sequence[StreamItem]
) -> Lesson:
    question = choice_of(project)
    others = store.traffic(project.id, most=TRAFFIC)
    said = [question.from_json(item.answer or {}) for item in answered]
    return Lesson(
        items=items_of([item.shown or {} for item in (*answered, *others)]),
        codes=np.array([question.code(answer) for answer in said], dtype=np.int64),
        fresh=np.array([(item.answered or 0) > state.fresh_from for item in answered], dtype=bool),
        chosen=np.array([item.why == "unsure" for item in answered], dtype=bool),
        labels=question.ids,
    )


def _taught(lesson: Lesson, named: Model | TextLearner) -> Taught | None:
    """The better of a model of all answers and one of the fresh ones, by the fresh ones."""
    if not isinstance(named, TextLearner):
        said = named.predict(lesson.items.take(np.flatnonzero(lesson.fresh)))
        codes, chosen = lesson.codes[lesson.fresh], lesson.chosen[lesson.fresh]
        return _trusted(named, said, codes, chosen, labels=len(lesson.labels))
    everything = np.ones(len(lesson.codes), dtype=np.bool_)
    ways = [everything] if lesson.fresh.all() else [everything, lesson.fresh]
    found = [_fitted(lesson, which, named) for which in ways]
    models = [taught for taught in found if taught is not None]
    return max(models, key=lambda taught: taught.accuracy, default=None)


def _fitted(lesson: Lesson, which: NDArray[np.bool_], learner: TextLearner) -> Taught | None:
    """A model of some answers, judged and calibrated by the fresh ones among them."""
    state = lesson.state(which)
    if len(np.unique(state.codes[state.codes >= 0])) < 2:
        return None
    fitted = fit(learner, state, lesson.labels)
    fresh = _in_order_of(fitted, state, lesson.fresh[state.asked])
    return _trusted(
        fitted.model,
        fitted.held_out.take(fresh),
        fitted.codes[fresh],
        fitted.chosen[fresh],
        labels=len(lesson.labels),
    )


def _in_order_of(fitted: Fitted, state: PoolState, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the flagged answers in a fit's own order: labels first, then "cannot say"."""
    said = state.codes >= 0
    ordered = np.concatenate([flags[said], flags[~said]])
    if len(ordered) != len(fitted.codes):
        raise RuntimeError("a fit holds other answers than it was given")
    return np.flatnonzero(ordered)


def _trusted(
    model: Model,
    said: Predictions,
    codes: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    *,
    labels: int,
) -> Taught:
    calibration = fit_calibration(said, codes, labels=labels, chosen=chosen)
    return Taught(
        model=model,
        calibration=calibration,
        accuracy=float((said.answer == codes).mean()) if len(codes) else 0.0,
    )
