"""Blending a model's answer with people's: y' = alpha * yhat + (1 - alpha) * h(x)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signoff.errors import UsageError


def blend(predicted: ArrayLike, human: ArrayLike, alpha: ArrayLike) -> NDArray[np.float64]:
    """alpha * predicted + (1 - alpha) * human, row by row; (n, k), rows sum to 1.

    ``predicted`` and ``human`` (n, k): distributions over the labels; rows need not be normalised
    but must be finite, not negative and not all zero. ``alpha``: one number in [0, 1] or one per
    item; 0 lets people overrule, 1 lets the model.

    >>> blend([[0.8, 0.2]], [[0.0, 1.0]], 0.25).tolist()
    [[0.2, 0.8]]
    """
    yhat = _distributions(predicted, "predicted")
    h = _distributions(human, "human")
    if yhat.shape != h.shape:
        raise UsageError(
            f"Cannot blend {yhat.shape} with {h.shape} probabilities.",
            hint="Give both for the same items and labels.",
        )
    weight = np.asarray(alpha, dtype=np.float64)
    if not bool(np.all((weight >= 0) & (weight <= 1))):
        raise UsageError(
            f"alpha {alpha!r} is not between 0 and 1.", hint="0: people decide, 1: the model does."
        )
    weight = weight.reshape(-1, 1) if weight.ndim else weight
    mixed = weight * yhat + (1 - weight) * h
    return mixed / mixed.sum(axis=1, keepdims=True)


def one_hot(codes: ArrayLike, k: int) -> NDArray[np.float64]:
    """Certain distributions (n, k) for label codes (n,); code -1 ("cannot say") is uniform.

    >>> one_hot([1, -1], 2).tolist()
    [[0.0, 1.0], [0.5, 0.5]]
    """
    chosen = np.asarray(codes, dtype=np.int64)
    if chosen.size and (chosen.max() >= k or chosen.min() < -1):
        raise ValueError(f"codes must lie in -1..{k - 1}")
    rows = np.full((len(chosen), k), 1 / k)
    known = np.flatnonzero(chosen >= 0)
    rows[known] = 0.0
    rows[known, chosen[known]] = 1.0
    return rows


def _distributions(values: ArrayLike, name: str) -> NDArray[np.float64]:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2:
        raise UsageError(
            f"{name} has {rows.ndim} dimensions, not 2.",
            hint="Give one row of k probabilities per item.",
        )
    top = rows.max(axis=1, keepdims=True, initial=0.0)
    if not bool(np.all(np.isfinite(rows) & (rows >= 0))) or bool(np.any(top == 0)):
        raise UsageError(
            f"{name} holds a row that is no distribution.",
            hint="Probabilities are finite, not negative and not all zero.",
        )
    scaled = rows / top  # first by the largest: neither tiny nor huge rows lose their shape
    return scaled / scaled.sum(axis=1, keepdims=True)
