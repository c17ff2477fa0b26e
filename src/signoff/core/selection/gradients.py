"""BADGE: items that would move the model far, and in different directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.selection.pool import (
    Index,
    Pool,
    Probabilities,
    Vectors,
    blocks,
    filled,
    probabilities_of,
    squares,
    vectors_of,
)

Gaps = NDArray[np.float32]

TRIES, FEWEST_TRIES = 256, 16
ACCEPTED = 0.6
"""Share of draws that must be accepted; below, distances are brought up to date."""


@dataclass(frozen=True, slots=True)
class Badge:
    """k-means++ on the gradients of the last layer, had each label been the likeliest one.

    Ash et al. 2020 (arXiv 1906.03671). A gradient is (p - onehot) ⊗ x, and the product of two is
    the product of their factors' products, so that no table of labels times features is formed.
    Candidates are drawn with probability proportional to the squared distance to the nearest chosen
    one, exactly: by rejection from distances that were true a while ago and are bounds since.
    """

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates in the order they were drawn; the largest gradient first."""
        count = min(count, pool.size)
        if count == 0:
            return np.zeros(0, dtype=np.int64)
        drawn = _Drawing(_Gradients.of(pool), count, rng).chosen()
        return filled(np.array(drawn, dtype=np.int64), pool.size, count, rng)


@dataclass(frozen=True, slots=True, eq=False)
class _Gradients:
    """Factors of n gradients, and their squared lengths (n,)."""

    probabilities: Probabilities
    answers: Index
    vectors: Vectors
    lengths: Gaps

    @classmethod
    def of(cls, pool: Pool) -> _Gradients:
        probabilities, vectors = probabilities_of(pool), vectors_of(pool)
        answers = probabilities.argmax(axis=1)
        made = cls(probabilities, answers, vectors, squares(vectors))
        for some in blocks(pool.size, probabilities.shape[1]):
            made.lengths[some] *= squares(made.errors(some))
        return made

    def errors(self, rows: Index | slice | list[int]) -> NDArray[np.float32]:
        """(rows, k) p - onehot; made anew each time, as all of them take as much as the model's."""
        made = self.probabilities[rows].astype(np.float32, copy=True)
        made[np.arange(len(made)), self.answers[rows]] -= 1
        return made

    def nearest(self, rows: Index | slice, chosen: list[int], bound: Gaps) -> Gaps:
        """Squared distances to the nearest of the chosen, or ``bound`` where that is less."""
        if not chosen:
            return bound
        gaps = self.vectors[rows] @ self.vectors[chosen].T
        gaps *= self.errors(rows) @ self.errors(chosen).T
        gaps *= -2
        gaps += self.lengths[chosen]
        return np.minimum(bound, np.maximum(gaps.min(axis=1) + self.lengths[rows], 0))


class _Drawing:
    """The draws of one batch."""

    def __init__(self, gradients: _Gradients, count: int, rng: np.random.Generator) -> None:
        self._gradients, self._count, self._rng = gradients, count, rng
        self._chosen = [int(gradients.lengths.argmax())]
        self._known = 0  # how many of the chosen the bounds know of
        self._bound = np.full(len(gradients.lengths), np.inf, dtype=np.float32)
        self._sums = np.zeros(0)

    def chosen(self) -> list[int]:
        """The candidates drawn; fewer than wanted where all others are gradients of chosen ones."""
        self._refresh()
        while len(self._chosen) < self._count and self._sums[-1] > 0:
            self._draw()
            if len(self._chosen) < self._count:
                self._refresh()
        return self._chosen

    def _refresh(self) -> None:
        """Bring all bounds up to date."""
        late = self._chosen[self._known :]
        width = max(len(late), self._gradients.probabilities.shape[1])
        for some in blocks(len(self._bound), width):
            self._bound[some] = self._gradients.nearest(some, late, self._bound[some])
        self._bound[self._chosen] = 0
        self._known = len(self._chosen)
        self._sums = np.cumsum(self._bound, dtype=np.float64)

    def _draw(self) -> None:
        """Draw until too many draws are rejected, as happens once bounds are far from true."""
        tries = accepted = 0
        while len(self._chosen) < self._count:
            points = self._rng.random(TRIES) * float(self._sums[-1])
            drawn = np.minimum(np.searchsorted(self._sums, points, "right"), len(self._bound) - 1)
            bars = self._rng.random(TRIES) * self._bound[drawn]
            late = self._chosen[self._known :]
            gaps = self._gradients.nearest(drawn, late, self._bound[drawn])
            before = len(self._chosen)
            for at in range(TRIES):
                tries += 1
                if bars[at] < self._gap(drawn[at : at + 1], gaps[at : at + 1], before):
                    self._chosen.append(int(drawn[at]))
                    accepted += 1
                enough = tries < FEWEST_TRIES or accepted >= ACCEPTED * tries
                if not enough or len(self._chosen) == self._count:
                    return

    def _gap(self, candidate: Index, gap: Gaps, before: int) -> float:
        """The true squared distance of one that was ``gap`` from the first ``before`` chosen."""
        # A chosen one drawn again: its distance to itself is 0, which rounding may hide.
        if int(candidate[0]) in self._chosen[self._known :]:
            return 0.0
        return float(self._gradients.nearest(candidate, self._chosen[before:], gap)[0])
