"""BADGE: items that would move the model far, and in different directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.selection.pool import (
    ROWS,
    Index,
    Pool,
    Vectors,
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
        drawing = _Drawing(_Gradients.of(pool), count, rng)
        return filled(np.array(drawing.chosen(), dtype=np.int64), pool.size, count, rng)


@dataclass(frozen=True, slots=True, eq=False)
class _Gradients:
    """Factors of n gradients, and their squared lengths (n,)."""

    errors: NDArray[np.float32]
    vectors: Vectors
    lengths: Gaps

    @classmethod
    def of(cls, pool: Pool) -> _Gradients:
        probabilities, vectors = probabilities_of(pool), vectors_of(pool)
        errors = probabilities.astype(np.float32, copy=True)
        errors[np.arange(len(errors)), probabilities.argmax(axis=1)] -= 1
        return cls(errors, vectors, squares(errors) * squares(vectors))

    def nearest(self, rows: Index | slice, chosen: list[int], bound: Gaps) -> Gaps:
        """Squared distances to the nearest of the chosen, or ``bound`` where that is less."""
        if not chosen:
            return bound
        gaps = self.vectors[rows] @ self.vectors[chosen].T
        gaps *= self.errors[rows] @ self.errors[chosen].T
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
        for start in range(0, len(self._bound), ROWS):
            some = slice(start, start + ROWS)
            self._bound[some] = self._gradients.nearest(some, late, self._bound[some])
        self._bound[self._chosen] = 0
        self._known = len(self._chosen)
        self._sums = np.cumsum(self._bound, dtype=np.float64)

    def _draw(self) -> None:
        """Draw until too many draws are rejected, as happens once bounds are far from true."""
        tries = accepted = 0
        while len(self._chosen) < self._count:
            points = self._rng.random(TRIES) * self._sums[-1]
            drawn = np.minimum(np.searchsorted(self._sums, points, "right"), len(self._bound) - 1)
            luck = self._rng.random(TRIES)
            true = self._gradients.nearest(
                drawn, self._chosen[self._known :], self._bound[drawn].copy()
            )
            before = len(self._chosen)
            for at, candidate in enumerate(drawn.tolist()):
                gap = true[at]
                if len(self._chosen) > before:
                    since = self._chosen[before:]
                    gap = self._gradients.nearest(drawn[at : at + 1], since, true[at : at + 1])[0]
                tries += 1
                if luck[at] * self._bound[candidate] < gap:
                    self._chosen.append(candidate)
                    accepted += 1
                    if len(self._chosen) == self._count:
                        return
                if tries >= FEWEST_TRIES and accepted < ACCEPTED * tries:
                    return
