"""From stored rows to the items of a pool, and from a table to the rows that are new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.core.items import Items
from signoff.core.records import Pool, Project
from signoff.errors import StoreChanged
from signoff.formats.rows import group_rows, private_rows
from signoff.ports import PoolView
from signoff.store.artifacts import PREFIX
from signoff.store.store import SqlStore

KEY = PREFIX + "key"
ITEM = PREFIX + "item"


class Columns(Mapping[str, Sequence[object]]):
    """The columns of a frame as Python lists, made when first asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._made: dict[str, list[object]] = {}

    def __getitem__(self, name: str) -> Sequence[object]:
        if name not in self._frame.columns:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._frame[name].to_list()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frame.columns)

    def __len__(self) -> int:
        return len(self._frame.columns)


@dataclass(slots=True)
class PoolViews:
    """Views of a project's pools, read once each."""

    store: SqlStore
    project: Project
    hidden: frozenset[str]
    cache: dict[int, PoolView]

    def __call__(self, pool: Pool) -> PoolView:
        """The pool's items."""
        if pool.number not in self.cache:
            rows = self.store.rows(pool)
            self.cache[pool.number] = pool_view(rows, self.project, hidden=self.hidden)
        return self.cache[pool.number]


def pool_view(rows: pl.DataFrame, project: Project, *, hidden: frozenset[str]) -> PoolView:
    """A pool's items: the first row of each stands for all rows with its text."""
    first = rows.unique(ITEM, keep="first", maintain_order=True).sort(ITEM)
    user = [
        name
        for name in first.columns
        if not name.startswith(PREFIX) and name not in hidden and name not in project.hidden
    ]
    slices, names = _slices(first, project)
    return PoolView(
        items=Items(Columns(first.select(user)), text_column=project.text_column)
        if user
        else Items({"": [None] * first.height}),
        keys=first[KEY].fill_null("").to_list(),
        rows=np.bincount(rows[ITEM].to_numpy(), minlength=first.height).astype(np.int64),
        blank=_blank(first, project),
        ruled=_ruled(rows, project, first.height),
        slices=slices,
        slice_names=names,
    )


def _blank(first: pl.DataFrame, project: Project) -> NDArray[np.bool_]:
    """Items without text: nothing a model could decide on. Erased items are among them."""
    gone = first[KEY].is_null()
    if project.text_column is None:
        return gone.to_numpy()
    text = first[project.text_column].cast(pl.String)
    empty = text.is_null() | (text.str.strip_chars() == "") | (text.str.to_lowercase() == "nan")
    return (empty | gone).to_numpy()


def _ruled(rows: pl.DataFrame, project: Project, items: int) -> NDArray[np.bool_]:
    """Items of which any row meets a rule."""
    ruled = np.zeros(items, dtype=np.bool_)
    for rule in project.rules:
        met = (rows[rule.column].cast(pl.String) == rule.value).fill_null(value=False)
        ruled[rows[ITEM].to_numpy()[met.to_numpy()]] = True
    return ruled


def _slices(first: pl.DataFrame, project: Project) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    by = getattr(project.policy, "slice", None)
    if by is None:
        return np.zeros(first.height, dtype=np.int64), ()
    values = first[by].cast(pl.String).fill_null("")
    names = tuple(values.unique().sort().to_list())
    place = {name: at for at, name in enumerate(names)}
    return np.array([place[value] for value in values.to_list()], dtype=np.int64), names


# ------------------------------------------------------------------------- new rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRows:
    """Rows that no pool has yet, grouped into items."""

    table: pl.DataFrame
    keys: list[str]
    item_of_row: NDArray[np.int64]

    @property
    def items(self) -> int:
        """How many distinct items they are."""
        return int(self.item_of_row.max()) + 1 if len(self.item_of_row) else 0

    @property
    def ints(self) -> NDArray[np.int64]:
        """(row, item) numbers."""
        return np.column_stack([np.arange(len(self.keys)), self.item_of_row]).astype(np.int64)

    def private(self) -> list[bytes]:
        """Canonical JSON of each row, which the log commits to."""
        return private_rows(self.table, self.keys)

    def stored(self) -> pl.DataFrame:
        """The table with its keys, as the artifact keeps it."""
        return self.table.with_columns(pl.Series(KEY, self.keys, dtype=pl.String))


def group(frame: pl.DataFrame, keys: list[str], project: Project) -> NewRows:
    """Equal texts are one item (within a slice and a rule's column), unless grouping is off."""
    if project.group and project.text_column is not None:
        by = getattr(project.policy, "slice", None)
        apart = {name for name in (by, *(rule.column for rule in project.rules)) if name}
        extra = [frame[name] for name in sorted(apart)]
        item_of_row = group_rows(frame[project.text_column], *extra).item_of_row
        item_of_row = _blank_rows_apart(frame, project.text_column, item_of_row)
    else:
        item_of_row = np.arange(frame.height, dtype=np.int64)
    return NewRows(table=frame, keys=keys, item_of_row=item_of_row)


def _blank_rows_apart(
    frame: pl.DataFrame, text: str, item_of_row: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows without text share nothing: each is an item of its own."""
    values = frame[text].cast(pl.String)
    blank = (values.is_null() | (values.str.strip_chars() == "")).to_numpy()
    if int(blank.sum()) < 2:
        return item_of_row
    apart = item_of_row.copy()
    apart[blank] = item_of_row.max() + 1 + np.arange(int(blank.sum()))
    _, first, which = np.unique(apart, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[which]


def rows_not_stored(
    frame: pl.DataFrame,
    keys: list[str],
    store: SqlStore,
    project: Project,
) -> tuple[pl.DataFrame, list[str], int]:
    """Rows that no pool of the project has, their keys, and how many were erased before.

    Raises :class:`StoreChanged` where a stored key now has other content.
    """
    stored: dict[str, bytes] = {}
    for pool in store.pools(project.id):
        rows = store.rows(pool)
        rows = rows.filter(rows[KEY].is_not_null())
        names = [name for name in rows.columns if not name.startswith(PREFIX)]
        known = rows[KEY].to_list()
        contents = (
            private_rows(rows.select(names), known) if project.key_column else [b""] * len(known)
        )
        stored.update(zip(known, contents, strict=True))
    if project.key_column is not None:
        _refuse_changed(frame, keys, stored)
    erased = store.erased(project.id)
    gone = [bool(erased) and key_digest(project.id, key) in erased for key in keys]
    new = [key not in stored and not was for key, was in zip(keys, gone, strict=True)]
    kept = [key for key, is_new in zip(keys, new, strict=True) if is_new]
    return frame.filter(pl.Series(new, dtype=pl.Boolean)), kept, sum(gone)


def _refuse_changed(frame: pl.DataFrame, keys: list[str], stored: dict[str, bytes]) -> None:
    for key, content in zip(keys, private_rows(frame, keys), strict=True):
        if stored.get(key, content) != content:
            raise StoreChanged(
                f"Key {key[:40]!r} is in the store with other content.",
                hint="Give the changed row a new key, or start another --project.",
            )


def key_digest(project: str, key: str) -> str:
    """What remains of the key of an erased row."""
    return hashlib.sha256(f"{project}|{key}".encode()).hexdigest()
