"""Multi-class kernel ridge regression on few answers, with exact leave-one-out scores.

One-hot targets are regressed on the Gram matrix of the answered items. Solving in that dual form
costs the cube of the number of *answers*, never of the vocabulary, and leave-one-out scores come
in closed form: r_i = a_i / inv(G + l I)_ii (Rifkin, Lippert 2007, "Notes on regularized least
squares"). Beyond :data:`LARGEST` answers the equations are solved by conjugate gradients and held
out scores come from folds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import get_lapack_funcs

from signoff.core.calibration import lowest

PENALTIES = (0.1, 0.3, 1.0)
TUNING = 800  # answers that the penalty is chosen on
LARGEST = 4_000
FOLDS = 5

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fit:
    """``dual`` (L, k) and ``bias`` (k,): score(x) = sum_i dual_i <x, x_i> + bias.

    ``held_out`` (L, k): the score of each answered item by a fit that did not see its answer.
    """

    dual: Matrix
    bias: Matrix
    held_out: Matrix
    penalty: float


def fit_ridge(gram: Matrix, codes: NDArray[np.int64], k: int) -> Fit:
    """Fit on the Gram matrix (L, L), scaled to a mean diagonal of 1, and label codes (L,)."""
    targets = np.eye(k)[codes]
    bias = targets.mean(axis=0)
    penalty = _choose_penalty(gram, targets)
    solve = _cholesky if len(codes) <= LARGEST else _conjugate_gradients
    dual, held_out = solve(gram, targets - bias, penalty)
    return Fit(dual=dual, bias=bias, held_out=held_out + bias, penalty=penalty)


def _choose_penalty(gram: Matrix, targets: Matrix) -> float:
    """The penalty of least squared leave-one-out error on the first answers."""
    few = min(len(targets), TUNING)
    part, centred = gram[:few, :few], targets[:few] - targets[:few].mean(axis=0)
    losses = [np.square(_cholesky(part, centred, p)[1] - centred).sum() for p in PENALTIES]
    return PENALTIES[int(np.argmin(losses))]


def _cholesky(gram: Matrix, targets: Matrix, penalty: float) -> tuple[Matrix, Matrix]:
    factor, _ = cho_factor(gram + penalty * np.eye(len(gram)), lower=True, check_finite=False)
    dual = cho_solve((factor, True), targets, check_finite=False)
    (invert,) = get_lapack_funcs(("potri",), (factor,))
    inverse, _ = invert(factor, lower=True)
    return dual, targets - dual / np.diagonal(inverse)[:, None]


def _conjugate_gradients(gram: Matrix, targets: Matrix, penalty: float) -> tuple[Matrix, Matrix]:
    held_out = np.empty_like(targets)
    fold = np.arange(len(targets)) % FOLDS
    for each in range(FOLDS):
        out, rest = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        dual = _descend(gram[np.ix_(rest, rest)], targets[rest], penalty)
        held_out[out] = gram[np.ix_(out, rest)] @ dual
    return _descend(gram, targets, penalty), held_out


def _descend(gram: Matrix, targets: Matrix, penalty: float, steps: int = 60) -> Matrix:
    """Solve (G + l I) A = T, column by column in step; Hestenes, Stiefel 1952."""
    dual = np.zeros_like(targets)
    residual = targets.copy()
    direction = residual.copy()
    size = np.square(residual).sum(axis=0)
    for _ in range(steps):
        image = gram @ direction + penalty * direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-300)
        dual += step * direction
        residual -= step * image
        now = np.square(residual).sum(axis=0)
        if np.all(now <= 1e-10 * len(targets)):
            break
        direction = residual + now / np.maximum(size, 1e-300) * direction
        size = now
    return dual


def sharpness(scores: Matrix, codes: NDArray[np.int64]) -> float:
    """The factor b that makes softmax(b * score) most likely on held out scores (L, k)."""
    rows = np.arange(len(codes))

    def loss(log_factor: float) -> float:
        logits = float(np.exp(log_factor)) * scores
        top = logits.max(axis=1)
        return float(
            (top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - logits[rows, codes]).mean()
        )

    return float(np.exp(lowest(loss, float(np.log(0.5)), float(np.log(60.0)))))


def softmax(scores: Matrix, factor: float) -> NDArray[np.float32]:
    """Rows of exp(factor * score), normalised; (n, k) float32."""
    logits = factor * scores
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits.astype(np.float32)


def best(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The likeliest label of each row, and how likely it is."""
    answer = probabilities.argmax(axis=1).astype(np.int64)
    return answer, probabilities[np.arange(len(answer)), answer].astype(np.float64)
