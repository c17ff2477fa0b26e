"""A polars column as a sequence whose values become Python objects only when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

import polars as pl

T = TypeVar("T")


class Lazy(Sequence[T], Generic[T]):
    """A column of a million values costs nothing until somebody asks for some of them.

    >>> column = Lazy(pl.Series(["a", "b", "c"]))
    >>> column[1], column[1:], len(column)
    ('b', ['b', 'c'], 3)
    """

    __slots__ = ("_column",)

    def __init__(self, column: pl.Series) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        found = self._column[at]
        return found.to_list() if isinstance(found, pl.Series) else found

    def __iter__(self) -> Iterator[T]:
        return iter(self._column.to_list())
