"""Votes as flat arrays, and what counting them alone tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Index = NDArray[np.int64]
Real = NDArray[np.float64]

TINY = 1e-10
"""Probabilities below it count as it: one vote must not rule a label out for ever."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes:
    """Vote i says that person ``person[i]`` gave item ``item[i]`` the label ``label[i]``; all (v,).

    ``items``, ``people`` and ``labels``: how many there are of each. Nobody need vote on an item,
    and a person may vote on one twice.
    """

    item: Index
    person: Index
    label: Index
    items: int
    people: int
    labels: int

    def __post_init__(self) -> None:
        sides = (self.item, self.items), (self.person, self.people), (self.label, self.labels)
        for codes, size in sides:
            if len(codes) != len(self.item):
                raise ValueError("item, person and label must be of one length")
            if len(codes) and (int(codes.min()) < 0 or int(codes.max()) >= size):
                raise ValueError(f"codes must lie in 0..{size - 1}")
        if self.labels < 1:
            raise ValueError("there must be a label")

    def __len__(self) -> int:
        return len(self.item)

    @classmethod
    def of(
        cls,
        item: Sequence[int] | Index,
        person: Sequence[int] | Index,
        label: Sequence[int] | Index,
        *,
        labels: int,
        items: int | None = None,
        people: int | None = None,
    ) -> Votes:
        """Votes from anything that holds codes; as many items and people as occur, unless said."""
        columns = [np.asarray(codes, dtype=np.int64) for codes in (item, person, label)]
        return cls(
            item=columns[0],
            person=columns[1],
            label=columns[2],
            items=_size(columns[0]) if items is None else items,
            people=_size(columns[1]) if people is None else people,
            labels=labels,
        )

    @property
    def counts(self) -> Real:
        """(n, k) how often each item was given each label."""
        cells = np.bincount(self.cell, minlength=self.items * self.labels)
        return cells.reshape(self.items, self.labels).astype(np.float64)

    @property
    def cell(self) -> Index:
        """(v,) where each vote counts in a flat (n, k) table."""
        return self.item * self.labels + self.label

    @property
    def said(self) -> Index:
        """(v,) what each person said, as one code: person and label."""
        return self.person * self.labels + self.label

    @property
    def per_item(self) -> Index:
        """(n,) votes of each item."""
        return np.bincount(self.item, minlength=self.items)

    @property
    def per_person(self) -> Index:
        """(p,) votes of each person."""
        return np.bincount(self.person, minlength=self.people)


class Said:
    """Who said what of which item: sums over an item's votes, and over a saying's items."""

    def __init__(self, votes: Votes) -> None:
        shape = (votes.items, votes.people * votes.labels)
        ones = np.ones(len(votes))
        self._of_items = sparse.csr_array((ones, (votes.item, votes.said)), shape=shape)
        self._of_sayings = sparse.csr_array((ones, (votes.said, votes.item)), shape=shape[::-1])

    def over_votes(self, weights: Real) -> Real:
        """(n, k) the sum of rows (p * k, k) over what was said of each item."""
        return cast("Real", self._of_items @ weights)

    def over_items(self, posterior: Real) -> Real:
        """(p * k, k) the sum of rows (n, k) over the items that each was said of."""
        return cast("Real", self._of_sayings @ posterior)


def majority(votes: Votes) -> Real:
    """(n, k) the share of an item's votes that each label has; uniform where there are none.

    >>> votes = Votes.of([0, 0, 0, 1], [0, 1, 2, 0], [1, 1, 0, 0], labels=2, items=3)
    >>> majority(votes).round(2).tolist()
    [[0.33, 0.67], [1.0, 0.0], [0.5, 0.5]]
    """
    return shares(votes.counts)


def weighted(votes: Votes) -> Real:
    """(n, k) as :func:`majority`, where a vote weighs as much as its person agrees with majorities.

    "Worker agreement with aggregate", one round; of labels that lead together the first counts.
    """
    leading = votes.counts.argmax(axis=1)
    agrees = (leading[votes.item] == votes.label).astype(np.float64)
    skill = sums(votes.person, agrees, votes.people)
    skill /= np.maximum(votes.per_person, 1)
    cells = sums(votes.cell, skill[votes.person], votes.items * votes.labels)
    return shares(cells.reshape(votes.items, votes.labels))


def shares(weights: Real) -> Real:
    """Rows (n, k) that sum to 1; uniform where all of a row is 0."""
    total = weights.sum(axis=1, keepdims=True)
    uniform = np.full_like(weights, 1 / weights.shape[1])
    return np.divide(weights, total, out=uniform, where=total > 0)


def sums(where: Index, weights: Real, size: int) -> Real:
    """(size,) the sum of the weights that belong to each place."""
    return np.bincount(where, weights, minlength=size).astype(np.float64, copy=False)


def softmax(scores: Real) -> Real:
    """Rows (n, k) of probabilities from their logarithms; the scores are overwritten."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _size(codes: Index) -> int:
    return int(codes.max()) + 1 if len(codes) else 0
