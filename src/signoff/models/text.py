"""The built-in text model: word and character TF-IDF into a linear model, many classes, sparse.

Scores are linear in the features, so every token's contribution is exact: contributions and the
bias sum to the score. The few answers are helped by the pool's own structure: the leading
directions of its latent semantic space (truncated SVD) count more in the inner product. That is
linear too, and is folded into the weights.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from signoff.core.items import Answers, Items, Predictions
from signoff.models.ridge import Fit, best, fit_ridge, sharpness, softmax
from signoff.models.text_features import (
    CHUNK,
    Csr,
    Local,
    Stream,
    Vectoriser,
    ngram_matrix,
    read_stream,
    tokenise,
)

MOST_WEIGHTS = 40_000_000  # columns times labels
MOST_COLUMNS = 1 << 18  # of each part
KEEP_ROWS = 60_000  # pools up to this size keep their features in memory
DIRECTIONS = 64
DIRECTION_WEIGHT = 2.0
SVD_TEXTS = 4_000
SPARE_DIRECTIONS = 10
SVD_STEPS = 4
UNSURE = 0.5  # the most a model that has seen one class only will say
POOLS = 2  # pools whose features a learner keeps


class PoolFeatures:
    """The features of one pool's texts, worked out once and sliced by row."""

    def __init__(self, base: Items, *, most: int) -> None:
        self.base = base
        self.stream: Stream = read_stream(_chunked_texts(base))
        self.vectoriser = Vectoriser.learn(self.stream, most=most)
        self.local: Local = self.vectoriser.local(self.stream)
        self._kept = self._transform(np.arange(len(base))) if len(base) <= KEEP_ROWS else None
        self._directions: NDArray[np.float32] | None = None
        self._gram = np.zeros((0, 0))
        self._gram_rows = np.zeros(0, dtype=np.int64)

    def rows(self, index: NDArray[np.int64]) -> Csr:
        """(len(index), width) features of these rows of the pool."""
        if self._kept is not None:
            return self._kept[index]
        return self._transform(index)

    def _transform(self, index: NDArray[np.int64]) -> Csr:
        return self.vectoriser.transform(self.stream, self.local, index)

    @property
    def directions(self) -> NDArray[np.float32]:
        """(width, d) leading right singular vectors of the pool's features, without scale."""
        if self._directions is None:
            index = np.arange(len(self.base))
            if len(index) > SVD_TEXTS:
                index = np.random.default_rng(0).permutation(index)[:SVD_TEXTS]
            rows = self.rows(np.sort(index))
            width = self.vectoriser.width
            d = min(DIRECTIONS, len(index) - 1, width - 1)
            if d < 2 or rows.nnz == 0:
                return np.zeros((width, 1), dtype=np.float32)
            self._directions = leading_directions(rows, d)
        return self._directions

    def gram(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """(L, L) inner products of these rows; what an earlier call worked out is kept."""
        known = len(self._gram_rows)
        if not (known <= len(index) and np.array_equal(index[:known], self._gram_rows)):
            known = 0
        grown = np.empty((len(index), len(index)))
        grown[:known, :known] = self._gram[:known, :known]
        rows = self.rows(index)
        rows.sort_indices()  # sums then run in one order, whichever rows are new
        fresh = (rows[known:] @ rows.T).toarray()
        grown[known:, :] = fresh
        grown[:known, known:] = fresh[:, :known].T
        self._gram, self._gram_rows = grown, index.copy()
        latent = self.latent(index).astype(np.float64)
        return grown + DIRECTION_WEIGHT * (latent @ latent.T)

    def latent(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(index), d) coordinates in the pool's leading directions."""
        return np.asarray(self.rows(index) @ self.directions)

    def vectors(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """Unit-length latent coordinates: near means about the same thing."""
        parts = [self.latent(index[i : i + CHUNK]) for i in range(0, len(index), CHUNK)]
        latent = np.concatenate([*parts, np.zeros((0, self.directions.shape[1]), np.float32)])
        return latent / np.maximum(np.linalg.norm(latent, axis=1, keepdims=True), 1e-9)


def leading_directions(rows: Csr, d: int) -> NDArray[np.float32]:
    """(width, d) leading right singular vectors: subspace iteration on the side of the texts.

    Halko, Martinsson, Tropp 2011 (arXiv 0909.4061), with the orthogonal bases kept n long, as
    there are far fewer texts than columns.
    """
    across = sp.csr_matrix(rows.T)
    basis = np.random.default_rng(0).standard_normal((len(rows.indptr) - 1, d + SPARE_DIRECTIONS))
    basis = basis.astype(np.float32)
    for _ in range(SVD_STEPS):
        basis, _ = np.linalg.qr(np.asarray(rows @ np.asarray(across @ basis)))
    image = np.asarray(across @ basis)
    squares, turn = np.linalg.eigh((image.T @ image).astype(np.float64))
    top = np.argsort(-squares)[:d]
    scale = np.sqrt(np.maximum(squares[top], 1e-12))
    return np.ascontiguousarray(image @ (turn[:, top] / scale), dtype=np.float32)


class TextModel:
    """A linear model over word, word-pair and n-gram TF-IDF.

    ``weights`` (width, k), ``bias`` (k,); probabilities are softmax(factor * score).
    ``held_out`` (L, k) float32: probabilities of the fitted items by fits that did not see them;
    None for a model read back from arrays.
    """

    def __init__(
        self,
        vectoriser: Vectoriser,
        *,
        labels: tuple[str, ...],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        factor: float,
        pool: PoolFeatures | None = None,
        held_out: NDArray[np.float32] | None = None,
    ) -> None:
        self.vectoriser = vectoriser
        self.labels = labels
        self.weights = weights
        self.bias = bias
        self.factor = factor
        self.held_out = held_out
        self._pool = pool
        self._version: str | None = None

    @property
    def version(self) -> str:
        """SHA-256 over everything predictions depend on, shortened."""
        if self._version is None:
            sha = hashlib.sha256(f"text-1|{self.factor!r}|{self.labels!r}|".encode())
            sha.update(self.vectoriser.digest.encode())
            sha.update(self.weights.tobytes() + self.bias.tobytes())
            self._version = "text-" + sha.hexdigest()[:16]
        return self._version

    def predict(self, items: Items) -> Predictions:
        """Label, its probability, and all probabilities (n, k)."""
        scores = [self._probabilities(rows) for rows in self._features(items)]
        empty = np.zeros((0, len(self.labels)), dtype=np.float32)
        probabilities = np.concatenate([*scores, empty])
        answer, top = best(probabilities)
        return Predictions(answer=answer, raw_score=top, probabilities=probabilities, why=None)

    def _probabilities(self, rows: Csr) -> NDArray[np.float32]:
        if self.factor == 0:  # one class only so far
            k = len(self.labels)
            low = np.full((len(rows.indptr) - 1, k), UNSURE / max(1, k - 1), dtype=np.float32)
            low[:, int(self.bias.argmax())] = UNSURE + 1e-6
            return low
        return softmax(np.asarray(rows @ self.weights + self.bias, dtype=np.float64), self.factor)

    def _features(self, items: Items) -> Iterator[Csr]:
        if self._pool is not None and items.base is self._pool.base:
            for start in range(0, len(items), CHUNK):
                yield self._pool.rows(items.index[start : start + CHUNK])
            return
        for texts in _chunked_texts(items):
            yield self._rows(texts)

    def _rows(self, texts: Sequence[str]) -> Csr:
        stream = read_stream(iter([texts]))
        local = self.vectoriser.local(stream)
        return self.vectoriser.transform(stream, local, np.arange(len(texts)))

    # ------------------------------------------------------------------ explaining

    def score(self, text: str, label: int) -> float:
        """The score of a label before softmax: bias plus the contributions of all tokens."""
        row = self._rows([text])
        return float(np.asarray(row @ self.weights[:, [label]])[0, 0] + self.bias[label])

    def explain(self, text: str, label: int, limit: int) -> list[tuple[str, float]]:
        """Each token's exact contribution to the label's score, largest magnitude first.

        All of them and ``bias[label]`` sum to :meth:`score`. A word pair's share goes half to
        either word, an n-gram's to the words that hold it.
        """
        row = self._rows([text])
        parts = row.data * self.weights[row.indices, label]
        value = dict(zip(row.indices.tolist(), parts.tolist(), strict=True))
        tokens = tokenise([text])
        shares: dict[str, float] = dict.fromkeys(tokens, 0.0)
        self._share_words(shares, tokens, value)
        self._share_pairs(shares, tokens, value)
        self._share_ngrams(shares, tokens, value)
        ranked = sorted(shares.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
        return ranked[:limit]

    def _share_words(
        self, shares: dict[str, float], tokens: list[str], value: dict[int, float]
    ) -> None:
        for token in sorted(set(tokens)):
            shares[token] += value.get(self.vectoriser.column_of.get(token, -1), 0.0)

    def _share_pairs(
        self, shares: dict[str, float], tokens: list[str], value: dict[int, float]
    ) -> None:
        start, words = len(self.vectoriser.words), len(self.vectoriser.words)
        for first, second in sorted(set(pairwise(tokens))):
            a, b = (self.vectoriser.column_of.get(token, -1) for token in (first, second))
            place = int(np.searchsorted(self.vectoriser.pairs, a * words + b))
            if min(a, b) < 0 or place == len(self.vectoriser.pairs):
                continue
            if self.vectoriser.pairs[place] != a * words + b:
                continue
            half = value.get(start + place, 0.0) / 2
            shares[first] += half
            shares[second] += half

    def _share_ngrams(
        self, shares: dict[str, float], tokens: list[str], value: dict[int, float]
    ) -> None:
        counted = Counter(tokens)
        words = sorted(counted)
        if not words:
            return
        start = len(self.vectoriser.words) + len(self.vectoriser.pairs)
        times = sp.diags([float(counted[word]) for word in words])
        held = (times @ ngram_matrix(words)[:, self.vectoriser.buckets]).tocsc()
        total = np.asarray(held.sum(axis=0)).ravel()
        worth = np.zeros(len(total))
        for column in np.flatnonzero(total).tolist():
            worth[column] = value.get(start + column, 0.0) / total[column]
        for word, share in zip(words, (held @ worth).tolist(), strict=True):
            shares[word] += share

    def top_tokens(self, label: int, limit: int) -> list[tuple[str, float]]:
        """The words that add most to this label's score beyond the other labels' mean.

        A word's weight is its own plus that of the n-grams in it.
        """
        words = self.vectoriser.words
        if not words:
            return []
        edge = self.weights[:, label] - self.weights.mean(axis=1)
        start = len(words) + len(self.vectoriser.pairs)
        ngrams = ngram_matrix(words)[:, self.vectoriser.buckets]
        held = np.maximum(np.asarray(ngrams.sum(axis=1)).ravel(), 1)
        worth = edge[: len(words)] + np.asarray(ngrams @ edge[start:]) / held
        top = np.argsort(-worth, kind="stable")[:limit]
        return [(words[i], float(worth[i])) for i in top.tolist() if worth[i] > 0]

    # --------------------------------------------------------------------- storing

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything predictions depend on, as plain arrays (for ``numpy.savez``)."""
        text = "\n".join(["text-1", *self.labels, "", *self.vectoriser.words])
        return {
            "text": np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8),
            "labels": np.array(len(self.labels)),
            "pairs": self.vectoriser.pairs,
            "buckets": self.vectoriser.buckets,
            "idf": self.vectoriser.idf,
            "weights": self.weights,
            "bias": self.bias,
            "factor": np.array(self.factor),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> TextModel:
        """The inverse of :meth:`to_arrays`."""
        lines = arrays["text"].tobytes().decode("utf-8", "surrogatepass").split("\n")
        k = int(arrays["labels"])
        vectoriser = Vectoriser(
            words=tuple(lines[k + 2 :]),
            pairs=arrays["pairs"].astype(np.int64),
            buckets=arrays["buckets"].astype(np.int64),
            idf=arrays["idf"].astype(np.float32),
        )
        return cls(
            vectoriser,
            labels=tuple(lines[1 : k + 1]),
            weights=arrays["weights"].astype(np.float32),
            bias=arrays["bias"].astype(np.float32),
            factor=float(arrays["factor"]),
        )


class TextLearner:
    """Learns a :class:`TextModel` from answers; keeps the features of the last pools.

    ``labels``: how many labels there will be at most; more labels leave room for fewer columns.
    """

    def __init__(self, *, labels: int = 100) -> None:
        self._most = min(MOST_COLUMNS, MOST_WEIGHTS // (3 * labels))
        self._pools: OrderedDict[int, PoolFeatures] = OrderedDict()

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> TextModel:
        """A model of the answers so far; needs one answer at least. ``rng`` is not used."""
        pool = self.features(items.base)
        if len(answers) == 0:
            raise ValueError("a text model needs at least one answer")
        if len(answers.classes) < 2:
            return self._constant(pool, answers)
        gram = pool.gram(items.index)
        scale = 1 / max(float(np.diagonal(gram).mean()), 1e-9)
        fitted = fit_ridge(gram * scale, answers.codes, len(answers.labels))
        return self._model(pool, items.index, answers, fitted, scale)

    def _model(
        self,
        pool: PoolFeatures,
        index: NDArray[np.int64],
        answers: Answers,
        fitted: Fit,
        scale: float,
    ) -> TextModel:
        """Fold the dual solution into one weight per column and label."""
        factor = sharpness(fitted.held_out, answers.codes)
        summed = np.asarray(pool.rows(index).T @ (fitted.dual * scale))
        latent = DIRECTION_WEIGHT * (pool.directions.T @ summed)
        return TextModel(
            pool.vectoriser,
            labels=answers.labels,
            weights=(summed + pool.directions @ latent).astype(np.float32),
            bias=fitted.bias.astype(np.float32),
            factor=factor,
            pool=pool,
            held_out=softmax(fitted.held_out, factor),
        )

    def _constant(self, pool: PoolFeatures, answers: Answers) -> TextModel:
        k = len(answers.labels)
        model = TextModel(
            pool.vectoriser,
            labels=answers.labels,
            weights=np.zeros((pool.vectoriser.width, k), dtype=np.float32),
            bias=np.eye(k, dtype=np.float32)[int(answers.codes[0])],
            factor=0.0,
            pool=pool,
        )
        model.held_out = np.full((len(answers), k), 1 / k, dtype=np.float32)
        return model

    def vectors(self, items: Items) -> NDArray[np.float32]:
        """(n, d) unit vectors; near ones speak of the same things. For choosing diverse items."""
        return self.features(items.base).vectors(items.index)

    def likeness(self, items: Items, others: Items) -> NDArray[np.float32]:
        """(n, m) cosines of the features: those are alike that share words few others have."""
        features = self.features(items.base)
        left, right = features.rows(items.index), features.rows(others.index)
        inner = np.asarray((left @ right.T).todense(), dtype=np.float32)
        lengths = np.maximum(np.outer(_lengths(left), _lengths(right)), 1e-9)
        return np.asarray(inner / lengths, dtype=np.float32)

    def features(self, base: Items) -> PoolFeatures:
        """The features of a pool, worked out at most once while it is in use."""
        found = self._pools.pop(id(base), None)
        if found is None or found.base is not base:
            found = PoolFeatures(base, most=self._most)
        self._pools[id(base)] = found
        while len(self._pools) > POOLS:
            self._pools.popitem(last=False)
        return found


def _lengths(rows: Csr) -> NDArray[np.float32]:
    """(n,) Euclidean lengths of rows."""
    squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return np.sqrt(squares).astype(np.float32)


def _chunked_texts(items: Items) -> Iterator[list[str]]:
    """The texts of a view, some thousand at a time."""
    for start in range(0, len(items), CHUNK):
        yield items.take(np.arange(start, min(start + CHUNK, len(items)))).texts
