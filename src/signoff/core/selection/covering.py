"""Selections that leave nothing far from what is answered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signoff.core.selection.pool import (
    Index,
    Pool,
    filled,
    nearest,
    smallest,
    squares,
    vectors_of,
)

BLOCK = 2_048


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
        vectors, count = vectors_of(pool), min(count, pool.size)
        lengths = squares(vectors)
        bound = np.full(pool.size, np.inf, dtype=np.float32)
        chosen: list[int] = []
        if pool.labelled is not None and len(pool.labelled):
            bound = nearest(vectors, lengths, pool.labelled, bound)
        elif count > 0:
            chosen = [int(rng.integers(pool.size))]
            bound = nearest(vectors, lengths, vectors[chosen], bound)
            bound[chosen] = -1
        # How many of the chosen ones each bound knows of.
        known = np.full(pool.size, len(chosen), dtype=np.int64)
        block = self.block
        while len(chosen) < count:
            close = smallest(-bound, min(block, pool.size))
            rest = -np.inf if len(close) == pool.size else float(bound[close[-1]])
            rows, sizes, gaps = vectors[close], lengths[close], bound[close].copy()
            late = chosen[int(known[close].min()) :]
            if late:
                gaps = nearest(rows, sizes, vectors[late], gaps)
            before = len(chosen)
            while len(chosen) < count:
                at = int(gaps.argmax())
                if gaps[at] < rest:
                    break  # one that was not looked at may be farther
                chosen.append(int(close[at]))
                gap = sizes + sizes[at] - 2 * (rows @ rows[at])
                gaps = np.minimum(gaps, np.maximum(gap, 0))
                gaps[at] = -1
            gone = bound[close] < 0
            bound[close] = np.where(gone, -1, gaps)
            known[close] = len(chosen)
            if len(chosen) == before and not late:
                block *= 2
        return filled(np.array(chosen, dtype=np.int64), pool.size, count, rng)
