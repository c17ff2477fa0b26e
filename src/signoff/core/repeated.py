"""A column in which values recur: each distinct value once, and which of them every row has.

A model gives a million items a few thousand different labels and scores; what is made once per
distinct value costs nothing per row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class Repeated(Sequence[T], Generic[T]):
    """n rows: row i is ``values[place[i]]``.

    >>> column = Repeated([b"a", b"b"], np.array([1, 0, 1]))
    >>> list(column), column[0], column[1:]
    ([b'b', b'a', b'b'], b'b', [b'a', b'b'])
    """

    __slots__ = ("place", "values")

    def __init__(self, values: Sequence[T], place: NDArray[np.int64]) -> None:
        self.values = values
        self.place = place

    def __len__(self) -> int:
        return len(self.place)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return list(map(self.values.__getitem__, self.place[at].tolist()))
        return self.values[int(self.place[at])]

    def __iter__(self) -> Iterator[T]:
        return iter(self[:])


def repeated(rows: Sequence[T]) -> Repeated[T]:
    """These rows (values must be hashable) as such a column, unless they are one."""
    if isinstance(rows, Repeated):
        return rows
    place = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    return Repeated(list(place), np.array([place[row] for row in rows], dtype=np.int64))
