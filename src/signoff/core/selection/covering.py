"""Selections that leave nothing far from what is answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signoff.core.selection.pool import (
    Index,
    Pool,
    Vectors,
    blocks,
    nearest,
    smallest,
    squares,
    vectors_of,
)

BLOCK = 2_048
MOST_LATE = 8
"""At most one in so many bounds is brought up to date at once: all cost more than that saves."""
CHOSEN = -1
"""In place of the squared distance of one that is chosen: less than any."""


@dataclass(frozen=True, slots=True)
class KCenter:
    """Greedy k-center: again and again what is farthest from all that is chosen or answered.

    Sener and Savarese 2018 (arXiv 1708.00489). Exact, and lazy: distances to the nearest chosen one
    only shrink, so one that was not looked at since is an upper bound, and needs a look only where
    it could win. It asks outliers early, and so is no default.
    """

    block: int = BLOCK

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """Candidates, farthest first; the first at random where nothing is answered."""
        covering = _Covering(vectors_of(pool), min(count, pool.size))
        if pool.labelled is not None and len(pool.labelled):
            covering.draw_near(pool.labelled)
        elif covering.wanted > 0:
            covering.start_at(int(rng.integers(pool.size)))
        late, most = self.block, max(self.block, pool.size // MOST_LATE)
        while len(covering.chosen) < covering.wanted:
            if not covering.look(min(self.block, pool.size)):
                # Many bounds are far from true: bring more and more of them up to date at once.
                late = min(2 * late, most)
                covering.catch_up(min(late, pool.size))
        return np.array(covering.chosen, dtype=np.int64)


class _Covering:
    """Who is chosen so far, and how far each candidate is from them at most."""

    def __init__(self, vectors: Vectors, wanted: int) -> None:
        self.wanted = wanted
        self.chosen: list[int] = []
        self._vectors, self._lengths = vectors, squares(vectors)
        self._bound = np.full(len(vectors), np.inf, dtype=np.float32)
        # How many of the chosen ones each bound knows of.
        self._known = np.zeros(len(vectors), dtype=np.int32)

    def draw_near(self, centres: Vectors) -> None:
        """Bound all by their distances to these."""
        self._bound = nearest(self._vectors, self._lengths, centres, self._bound)

    def start_at(self, first: int) -> None:
        """Choose one out of turn."""
        self.draw_near(self._vectors[first : first + 1])
        self.chosen.append(first)
        self._bound[first] = CHOSEN
        self._known[:] = 1

    def look(self, block: int) -> bool:
        """Choose among the candidates that may be farthest, until another may be farther.

        True if any was chosen. Where none was, their bounds have become true at least, so that one
        of the looks that follow finds the farthest.
        """
        farthest = smallest(-self._bound, block)
        last, rest = int(farthest[-1]), float(self._bound[farthest[-1]])
        everyone, before = block == len(self._bound), len(self.chosen)
        # In the order of the pool, so that of equally far ones the earliest is found first.
        close = np.sort(farthest)
        rows, lengths = self._vectors[close], self._lengths[close]
        gaps = self._true_gaps(close, rows)
        while len(self.chosen) < self.wanted:
            at = int(gaps.argmax())
            # Others are at most as far as the last one of these, and where as far, later.
            beaten = gaps[at] < rest or (gaps[at] == rest and close[at] > last)
            if beaten and not everyone:
                break
            self.chosen.append(int(close[at]))
            gap = lengths + lengths[at] - 2 * (rows @ rows[at])
            gaps = np.minimum(gaps, np.maximum(gap, 0))
            gaps[at] = CHOSEN
        self._bound[close] = gaps
        self._known[close] = len(self.chosen)
        return len(self.chosen) > before

    def catch_up(self, count: int) -> None:
        """Make the bounds of as many true, those first that may be farthest."""
        farthest = np.sort(smallest(-self._bound, count))
        behind = farthest[self._known[farthest] < len(self.chosen)]
        for some in blocks(len(behind), self._vectors.shape[1]):
            close = behind[some]
            self._bound[close] = self._true_gaps(close, self._vectors[close])
            self._known[close] = len(self.chosen)

    def _true_gaps(self, close: Index, rows: Vectors) -> NDArray[np.float32]:
        """(rows,) the squared distance of these to the nearest chosen or answered one."""
        late = self.chosen[int(self._known[close].min()) :]
        if not late:
            return self._bound[close]
        return nearest(rows, self._lengths[close], self._vectors[late], self._bound[close])
