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

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"the share drawn at random must be from 0 to 1, not {self.share:g}")

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """The random ones last."""
        count = min(count, pool.size)
        chosen = self.of.select(pool, count - round(self.share * count), rng=rng)
        order = Random().select(pool, pool.size, rng=rng)
        others = order[~np.isin(order, chosen)]
        return np.concatenate([chosen, others])[:count]


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """Another selection, spread evenly over groups; ``groups`` (n,): the group of each candidate,
    by class as predicted or by an attribute. Where a group is too small, the others get its places.
    """

    of: Selection
    groups: Index

    def select(self, pool: Pool, count: int, *, rng: np.random.Generator) -> Index:
        """The first of each group, then the second of each, as long as there are any."""
        if len(self.groups) != pool.size:
            found = f"{len(self.groups)} for {pool.size}"
            raise ValueError(f"there must be a group for each candidate, not {found}")
        names, sizes = np.unique(self.groups, return_counts=True)
        chosen, turns = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for name, places in zip(names.tolist(), evenly(sizes, count).tolist(), strict=True):
            if places > 0:
                inside = np.flatnonzero(self.groups == name)
                some = self.of.select(part_of(pool, inside), places, rng=rng)
                chosen.append(inside[some])
                turns.append(np.arange(len(some)))
        return np.concatenate(chosen)[np.argsort(np.concatenate(turns), kind="stable")]


def evenly(sizes: Index, count: int) -> Index:
    """Places (g,) for groups of these sizes when each gets one in turn, the earlier ones first.

    >>> evenly(np.array([90, 8, 2]), 13).tolist()
    [6, 5, 2]
    """
    places = np.zeros_like(sizes)
    left = min(count, int(sizes.sum()))
    while left > 0:
        room = np.flatnonzero(places < sizes)
        turns = left // len(room)
        if turns == 0:
            room, turns = room[:left], 1
        places[room] += np.minimum(sizes[room] - places[room], turns)
        left = min(count, int(sizes.sum())) - int(places.sum())
    return places


def part_of(pool: Pool, positions: Index) -> Pool:
    """Some candidates of a pool as a pool of their own."""
    return Pool(
        size=len(positions),
        probabilities=None if pool.probabilities is None else pool.probabilities[positions],
        vectors=None if pool.vectors is None else pool.vectors[positions],
        labelled=pool.labelled,
        minutes=None if pool.minutes is None else pool.minutes[positions],
    )
