"""A scikit-learn estimator or pipeline, as it is, as a learner.

It is cloned before every fit, so the caller's object never changes. It sees texts where the items
have a text column, names of files where they are pictures, otherwise a float matrix of the numeric
columns (NaN where a value is missing or no number).
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from signoff.core.items import Answers, Items, Predictions
from signoff.errors import InputError

UNSURE = 0.5
MOST_SEED = 2**31 - 1


class EstimatorModel:
    """A fitted estimator behind the port :class:`signoff.ports.Model`."""

    def __init__(
        self, estimator: BaseEstimator, *, labels: tuple[str, ...], classes: NDArray[np.int64]
    ) -> None:
        self.estimator = estimator
        self.labels = labels
        self.classes = classes
        self._version = _version(estimator, labels)

    @property
    def version(self) -> str:
        """Hash of the estimator's parameters and of what it learned from."""
        return self._version

    def taught_with(self, items: Items, answers: Answers) -> EstimatorModel:
        """The same model, its version bound to these answers."""
        sha = hashlib.sha256(self._version.encode())
        sha.update(items.index.tobytes() + answers.codes.tobytes())
        self._version = "estimator-" + sha.hexdigest()[:16]
        return self

    def predict(self, items: Items) -> Predictions:
        """Label, score and probabilities (n, k)."""
        if len(items) == 0:
            return Predictions(answer=np.zeros(0, np.int64), raw_score=np.zeros(0))
        table = _probabilities(self.estimator, features_of(items), self.classes, len(self.labels))
        answer = table.argmax(axis=1).astype(np.int64)
        score = table[np.arange(len(answer)), answer].astype(np.float64)
        return Predictions(answer=answer, raw_score=score, probabilities=table)


class ConstantModel:
    """What can be said when all answers are one label: that label, unsure."""

    def __init__(self, code: int, *, labels: tuple[str, ...]) -> None:
        self.code = code
        self.labels = labels

    @property
    def version(self) -> str:
        """Names the label."""
        return f"constant-{self.code}-of-{len(self.labels)}"

    def predict(self, items: Items) -> Predictions:
        """The one label everywhere, with a score no policy lets pass."""
        k = len(self.labels)
        table = np.full((len(items), k), UNSURE / max(1, k - 1), dtype=np.float32)
        table[:, self.code] = UNSURE
        answer = np.full(len(items), self.code, dtype=np.int64)
        return Predictions(
            answer=answer, raw_score=np.full(len(items), UNSURE), probabilities=table
        )


class EstimatorLearner:
    """Fits a clone of the estimator on people's answers, again and again."""

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def fit(
        self, items: Items, answers: Answers, *, rng: np.random.Generator
    ) -> EstimatorModel | ConstantModel:
        """A model of these answers; estimators' own seeds are drawn from ``rng``."""
        seed = int(rng.integers(MOST_SEED))
        if len(answers.classes) < 2:
            return ConstantModel(int(answers.codes[0]), labels=answers.labels)
        fresh = _seeded(clone(self.estimator), seed)  # pyright: ignore[reportArgumentType]
        fresh.fit(features_of(items), answers.codes)  # pyright: ignore[reportAttributeAccessIssue]
        model = EstimatorModel(fresh, labels=answers.labels, classes=answers.classes)
        return model.taught_with(items, answers)


def features_of(items: Items) -> list[str] | NDArray[np.float64]:
    """Files of pictures, texts, or the float matrix (n, d) of the columns that hold numbers."""
    if items.images is not None:
        return items.images
    if items.text_column is not None:
        return items.texts
    columns = [_numbers(items.column(name)) for name in items.names if _is_numeric(items, name)]
    if not columns:
        raise InputError(
            f"No text column and no column of numbers (has: {', '.join(items.names)}).",
            hint="Pass --text COL.",
        )
    return np.column_stack(columns)


def is_fitted(estimator: BaseEstimator) -> bool:
    """Whether scikit-learn takes it for fitted."""
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError):
        return False
    return hasattr(estimator, "classes_")


def fitted_model(estimator: BaseEstimator, labels: tuple[str, ...]) -> EstimatorModel:
    """A fitted estimator as a fixed model; its classes must be labels."""
    classes = [str(value) for value in estimator.classes_]  # pyright: ignore[reportAttributeAccessIssue]
    unknown = [value for value in classes if value not in labels]
    if unknown:
        raise InputError(
            f"The fitted model answers {unknown[0]!r}, which is not one of the labels.",
            hint=f"Labels: {', '.join(labels[:12])}. Pass it unfitted to have it trained.",
        )
    codes = np.array([labels.index(value) for value in classes], dtype=np.int64)
    return EstimatorModel(estimator, labels=labels, classes=codes)


def _is_numeric(items: Items, name: str) -> bool:
    """Whether the pool's first values of this column are numbers."""
    some = items.base.take(np.arange(min(200, len(items.base)))).column(name)
    read = _numbers(some)
    return bool(np.isfinite(read).any()) and not any(
        isinstance(value, str) and np.isnan(number) and value.strip()
        for value, number in zip(some, read.tolist(), strict=True)
    )


def _numbers(values: list[object]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: object) -> float:
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return float("nan")


def _probabilities(
    estimator: BaseEstimator,
    features: list[str] | NDArray[np.float64],
    classes: NDArray[np.int64],
    k: int,
) -> NDArray[np.float32]:
    """(n, k) from predict_proba, from decision_function by softmax, or from bare labels."""
    n = len(features)
    table = np.zeros((n, k), dtype=np.float32)
    if hasattr(estimator, "predict_proba"):
        table[:, classes] = estimator.predict_proba(features)  # pyright: ignore[reportAttributeAccessIssue]
    elif hasattr(estimator, "decision_function"):
        decided = np.asarray(estimator.decision_function(features), dtype=np.float64)  # pyright: ignore[reportAttributeAccessIssue]
        if decided.ndim == 1:
            decided = np.column_stack([-decided / 2, decided / 2])
        weight = np.exp(decided - decided.max(axis=1, keepdims=True))
        table[:, classes] = weight / weight.sum(axis=1, keepdims=True)
    else:
        said = np.asarray(estimator.predict(features))  # pyright: ignore[reportAttributeAccessIssue]
        table += UNSURE / k
        known = np.searchsorted(np.sort(classes), said.astype(np.int64))
        table[np.arange(n), np.sort(classes)[known]] += 1 - UNSURE
    return table


def _seeded(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """Set every open ``random_state`` so that equal answers give an equal model."""
    open_seeds = {
        name: seed
        for name, value in dict(estimator.get_params(deep=True)).items()
        if name.rsplit("__", 1)[-1] == "random_state" and value is None
    }
    return estimator.set_params(**open_seeds) if open_seeds else estimator


def _version(estimator: BaseEstimator, labels: tuple[str, ...]) -> str:
    content = f"estimator-1|{estimator!r}|{labels!r}"
    return "estimator-" + hashlib.sha256(content.encode()).hexdigest()[:16]
