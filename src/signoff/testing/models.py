"""Does a model or a learner keep what the engine relies on?"""

from __future__ import annotations

import numpy as np

from signoff.core.items import Answers, Items, Predictions
from signoff.ports import Learner, Model
from signoff.testing.expect import expect


def check_model(model: Model, items: Items, *, labels: int, atol: float = 1e-5) -> None:
    """Check a model on at least three items of a question with that many labels.

    ``atol``: how far a probability may move with the items it is predicted beside.
    """
    expect(len(items) >= 3, "Give at least three items.")
    version = model.version
    expect(bool(version) and len(version) <= 64, "version must be 1 to 64 characters.")
    whole = model.predict(items)
    _check_shape(whole, len(items), labels)
    _check_equal(model.predict(items), whole, "Predicting twice must give the same.", atol=0)
    for positions in (np.arange(len(items))[::-1], np.array([1]), np.array([2, 0])):
        part = model.predict(items.take(positions))
        _check_shape(part, len(positions), labels)
        _check_equal(
            part,
            whole.take(positions.astype(np.int64)),
            "An item's prediction must not depend on the items beside it.",
            atol=atol,
        )
    _check_shape(model.predict(items.take([])), 0, labels)
    expect(model.version == version, "Predicting must not change the version.")


def check_learner(
    learner: Learner, items: Items, answers: Answers, *, others: Items, atol: float = 1e-5
) -> None:
    """Check a learner on items with answers, and what it teaches on ``others``."""
    expect(len(items) == len(answers), "Give one answer per item.")
    k = len(answers.labels)
    first = learner.fit(items, answers, rng=np.random.default_rng(1))
    check_model(first, others, labels=k, atol=atol)
    said = first.predict(others)
    half = Answers(labels=answers.labels, codes=answers.codes[: len(answers) // 2])
    other = learner.fit(items.take(np.arange(len(half))), half, rng=np.random.default_rng(2))
    check_model(other, others, labels=k, atol=atol)
    again = learner.fit(items, answers, rng=np.random.default_rng(1))
    rule = "The same items, answers and rng must give the same model, whatever came before"
    expect(again.version == first.version, f"{rule}: versions differ.")
    _check_equal(again.predict(others), said, f"{rule}: predictions differ.", atol=atol)
    _check_equal(first.predict(others), said, "Fitting must leave earlier models alone.", atol=0)


def _check_shape(predictions: Predictions, n: int, k: int) -> None:
    answer, score = predictions.answer, predictions.raw_score
    expect(answer.shape == (n,), f"answer must have shape ({n},), has {answer.shape}.")
    expect(
        np.issubdtype(answer.dtype, np.integer), f"answer must be whole numbers: {answer.dtype}."
    )
    expect(score.shape == (n,), f"raw_score must have shape ({n},), has {score.shape}.")
    expect(
        bool(((answer >= -1) & (answer < k)).all()),
        f"answer must lie in -1..{k - 1}: found {answer.tolist()[:5]}.",
    )
    expect(
        bool(np.isfinite(score[answer >= 0]).all()),
        "Where there is an answer, raw_score must be finite.",
    )
    if predictions.why is not None:
        expect(len(predictions.why) == n, f"why must hold {n} reasons.")
    if predictions.probabilities is not None:
        _check_probabilities(predictions.probabilities.astype(np.float64), answer, k)


def _check_probabilities(
    probabilities: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    answer: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    k: int,
) -> None:
    shape = (len(answer), k)
    expect(
        probabilities.shape == shape,
        f"probabilities must have shape {shape}, have {probabilities.shape}.",
    )
    given = probabilities[answer >= 0]
    expect(bool(np.isfinite(given).all()), "Probabilities must be finite where there is an answer.")
    expect(
        bool(((given >= 0) & (given <= 1 + 1e-6)).all()), "Probabilities must lie between 0 and 1."
    )
    expect(
        bool(np.allclose(given.sum(axis=1), 1, atol=1e-3)),
        "Each row of probabilities must sum to 1.",
    )


def _check_equal(a: Predictions, b: Predictions, rule: str, *, atol: float) -> None:
    """Labels may only differ where two are tied within ``atol``."""
    close = np.isclose(a.raw_score, b.raw_score, atol=atol, rtol=atol, equal_nan=True)
    expect(bool(close.all()), rule)
    expect((a.probabilities is None) == (b.probabilities is None), rule)
    if a.probabilities is None or b.probabilities is None:
        expect(bool((a.answer == b.answer).all()), rule)
        return
    expect(bool(np.allclose(a.probabilities, b.probabilities, atol=atol, equal_nan=True)), rule)
    moved = np.flatnonzero(a.answer != b.answer)
    tops = np.sort(a.probabilities[moved], axis=1)[:, -2:]
    expect(bool((np.diff(tops, axis=1) <= 2 * atol).all()), rule)
