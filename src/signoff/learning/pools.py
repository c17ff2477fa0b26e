"""What strategies share: who may be asked, what answers teach, and the freeze."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from signoff.core.items import Answers, Items, Predictions
from signoff.core.records import CARRIED
from signoff.core.selection import Pool, Random
from signoff.learning.outlook import look_ahead
from signoff.ports import Ask, AskReason, Forecast, Freeze, Model, PoolState

Index = NDArray[np.int64]

PER_CLASS = 4  # first questions wanted per label
MOST_STARTS = 12  # per label, before the search for rare labels is given up
LOOK_AT = 60_000  # candidates that are predicted while learning; all of them at the end
EXPLORE = 0.1  # share of answers drawn at random, for the calibration of confident ones
FEWEST_EXPLORED = 8  # random answers asked at once


def freeze(
    state: PoolState,
    model: Model | None,
    predictions: Predictions,
    confidence: NDArray[np.float64],
    candidates: Index,
    *,
    threshold: float | None = None,
    scores: dict[str, float] | None = None,
) -> Freeze:
    """Fix labels and order of the candidates, and the audit of each test."""
    outlook = look_ahead(
        state,
        candidates,
        predictions.take(candidates),
        confidence[candidates],
        most=state.budget,
        threshold=threshold,
    )
    return Freeze(
        order=outlook.order,
        codes=outlook.codes,
        confidence=outlook.confidence,
        audits=[plan.sample for plan in outlook.plans],
        forecast=outlook.forecast,
        model=model,
        predictions=predictions,
        pool_confidence=confidence,
        scores=scores or {},
    )


def nothing_to_learn(state: PoolState, candidates: Index) -> Freeze:
    """No model can be had: everything goes to people."""
    n = len(state.items)
    rest = n - len(state.asked)
    nothing = np.zeros(0, dtype=np.int64)
    return Freeze(
        order=nothing,
        codes=nothing,
        confidence=np.zeros(0),
        audits=[0] * len(state.tests),
        forecast=Forecast(answered=len(state.asked), learning=0, audit=0, review=rest, automatic=0),
        model=None,
        predictions=Predictions(answer=np.full(n, -1, np.int64), raw_score=np.full(n, np.nan)),
        pool_confidence=np.full(n, np.nan),
    )


def candidates_of(state: PoolState) -> Index:
    """Ascending positions that are eligible and not answered."""
    left = state.eligible.copy()
    left[state.asked] = False
    return np.flatnonzero(left).astype(np.int64)


def subsample(candidates: Index) -> tuple[Index, float]:
    """At most :data:`LOOK_AT` of the candidates, and how many each stands for."""
    if len(candidates) <= LOOK_AT:
        return candidates, 1.0
    rng = np.random.default_rng(len(candidates))
    few = np.sort(rng.permutation(len(candidates))[:LOOK_AT])
    return candidates[few], len(candidates) / LOOK_AT


def explore(state: PoolState, candidates: Index, rng: np.random.Generator) -> Ask | None:
    """Random items, where their share of the answers has fallen behind."""
    so_far, answered = sum(reason == "random" for reason in state.reasons), given(state)
    behind = (EXPLORE * answered - so_far) / (1 - EXPLORE)
    count = min(round(behind), len(candidates))
    if count < max(FEWEST_EXPLORED, EXPLORE / 4 * answered) or (
        state.budget is not None and state.budget < 2 * count
    ):
        return None
    chosen = Random().select(Pool(size=len(candidates)), count, rng=rng)
    return Ask(positions=candidates[chosen], reason="random", forecast=None)


def trainable(state: PoolState) -> NDArray[np.bool_]:
    """Which answers teach: a label, given to an item the model may see. Those that equal items got
    before teach as answers of earlier pools."""
    silent: tuple[AskReason, ...] = ("empty", CARRIED)
    seen = np.array([reason not in silent for reason in state.reasons], dtype=np.bool_)
    return (state.codes >= 0) & seen


def given(state: PoolState) -> int:
    """How many answers were given in this pool, not in an earlier one to an equal item."""
    return sum(reason != CARRIED for reason in state.reasons)


def all_codes(state: PoolState) -> Index:
    """Label codes of this pool's and earlier pools' answers."""
    fresh = np.array([reason != CARRIED for reason in state.reasons], dtype=np.bool_)
    here = state.codes[fresh & (state.codes >= 0)]
    if state.earlier is None:
        return here
    before = state.earlier[1].codes
    return np.concatenate([here, before[before >= 0]])


def taught_by(
    state: PoolState, train: NDArray[np.bool_], labels: tuple[str, ...]
) -> tuple[Items, Answers]:
    """Items and answers to learn from: this pool's, then those of earlier pools."""
    positions, codes = state.asked[train], state.codes[train]
    if state.earlier is None:
        return state.items.take(positions), Answers(labels=labels, codes=codes)
    before = state.earlier[1].codes
    known = np.flatnonzero(before >= 0)
    wide = state.items.base.take(np.concatenate([positions, len(state.items) + known]))
    return wide, Answers(labels=labels, codes=np.concatenate([codes, before[known]]))


def appended(items: Items, more: Items) -> Items:
    """One pool: these items, then the others; columns that only one side has are left out."""
    names = [name for name in items.names if name in more.names]
    columns = {name: items.column(name) + more.column(name) for name in names}
    return Items(columns, text_column=items.text_column, image_path=items.image_path)


def for_fitting(state: PoolState) -> np.random.Generator:
    """The same randomness for every fit on the same number of answers."""
    return np.random.default_rng([len(state.asked), len(state.items)])


def most_starts(k: int, n: int) -> int:
    """First questions after which rare labels are no longer looked for: k labels, n items."""
    return min(MOST_STARTS * k, max(PER_CLASS * k, n // 10))


def calibration_answers(n: int) -> int:
    """Random answers that calibrate a model that stays as it is, for n items."""
    return min(200, n // 10)


def threshold_answers(n: int) -> int:
    """Answers after which confidence counts as calibrated where nothing is certified."""
    return min(max(100, n // 10), 1_500)


def distinct(values: Index) -> Index:
    """Distinct values in the order of their first place."""
    _, first = np.unique(values, return_index=True)
    return values[np.sort(first)]
