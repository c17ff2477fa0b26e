"""Selections made of others: some at random, or evenly over groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signoff.core.selection.pool import Index, Pool, Random, Selection


@dataclass(frozen=True, slots=True)
class Mixed:
    """Another selection, with a share drawn at random: what a model is sure of, wrongly, is asked
    of nobody else."""

    of: Selection
    share: float = 0.1

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """The random ones last."""
        count = min(count, pool.size)
        chosen = self.of.select(pool, count - round(self.share * count), rng=rng)
        order = Random().select(pool, pool.size, rng=rng)
        others = order[~np.isin(order, chosen)]
        return np.concatenate([chosen, others])[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """Another selection, of every group in turn; ``groups`` (n,): the group of each candidate, by
    class as predicted or by an attribute."""

    of: Selection
    groups: Index

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """The first of each group, then the second of each, as long as there are any."""
        if len(self.groups) != pool.size:
            raise ValueError("there must be a group for each candidate")
        turns: list[Index] = []
        members: list[Index] = []
        for group in np.unique(self.groups).tolist():
            inside = np.flatnonzero(self.groups == group)
            chosen = inside[self.of.select(part_of(pool, inside), count, rng=rng)]
            members.append(chosen)
            turns.append(np.arange(len(chosen)))
        if not members:
            return np.zeros(0, dtype=np.int64)
        order = np.argsort(np.concatenate(turns), kind="stable")
        return np.concatenate(members)[order][:count].astype(np.int64)


def part_of(pool: Pool, positions: Index) -> Pool:
    """Some candidates of a pool as a pool of their own."""
    return Pool(
        size=len(positions),
        probabilities=None if pool.probabilities is None else pool.probabilities[positions],
        vectors=None if pool.vectors is None else pool.vectors[positions],
        labelled=pool.labelled,
        minutes=None if pool.minutes is None else pool.minutes[positions],
    )
