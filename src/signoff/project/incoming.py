"""Rows that come in: their keys, the items they make, and which of them a project has already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.core.items import IMAGE, key_digest
from signoff.core.questions import Form
from signoff.core.questions.form import columns_shown
from signoff.core.queueing import QueueRules, columns_of
from signoff.core.records import Project
from signoff.core.routing import AskAlways, Policy
from signoff.core.showing import ItemKind
from signoff.errors import StoreChanged
from signoff.formats.rows import group_rows, private_rows, row_contents, row_keys
from signoff.project.picturing import Images
from signoff.project.views import KEY
from signoff.store.artifacts import PREFIX
from signoff.store.store import SqlStore


class Grouped(Protocol):
    """What a project fixes about its items: a project, or what is to become one."""

    @property
    def text_column(self) -> str | None: ...
    @property
    def group(self) -> bool: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def rules(self) -> Sequence[AskAlways]: ...
    @property
    def queue(self) -> QueueRules: ...
    @property
    def form(self) -> Form: ...
    @property
    def item_kind(self) -> ItemKind: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Which rows are one item: those equal in ``text`` and ``apart``; each its own without text."""

    text: str | None
    apart: tuple[str, ...] = ()

    @classmethod
    def of(cls, fixed: Grouped) -> Grouping:
        """Equal texts, or pictures, are one item within a slice, a rule's column and what questions
        show beside them, unless grouping is off."""
        by = getattr(fixed.policy, "slice", None)
        ruled = (*(rule.column for rule in fixed.rules), *columns_of(fixed.queue))
        apart = {name for name in (by, *ruled, *columns_shown(fixed.form)) if name}
        apart.discard(fixed.text_column or "")
        text = IMAGE if fixed.item_kind == "image" else fixed.text_column
        return cls(text=text if fixed.group else None, apart=tuple(sorted(apart)))

    def items(self, frame: pl.DataFrame) -> NDArray[np.int64]:
        """The item of each row (n,), numbered in the order they are first seen."""
        if self.text is None:
            return np.arange(frame.height, dtype=np.int64)
        extra = [frame[name] for name in self.apart]
        item_of_row = group_rows(frame[self.text], *extra).item_of_row
        return _blank_rows_apart(frame, self.text, item_of_row)


@dataclass(frozen=True, kw_only=True, eq=False)
class IncomingRows:
    """Rows as they were handed in. What is derived from them is made once: there may be millions.

    ``contents`` holds the canonical JSON of each row's values.
    """

    table: pl.DataFrame
    keys: pl.Series
    contents: pl.Series
    grouping: Grouping
    images: Images | None = None

    @classmethod
    def of(
        cls,
        table: pl.DataFrame,
        *,
        grouping: Grouping,
        key_column: str | None = None,
        name: str = "the data",
        images: Images | None = None,
    ) -> IncomingRows:
        """The rows of a table, those with the same key and the same content taken once; their
        ``images``, where they have any.

        Raises :class:`InputError` where a key is empty, or given to different rows.
        """
        contents = row_contents(table)
        keys = row_keys(table, key_column, name=name, contents=contents)
        rows = cls(table=table, keys=keys, contents=contents, grouping=grouping, images=images)
        if key_column is None or keys.n_unique() == len(keys):
            return rows
        return rows.only(keys.is_first_distinct())

    def __len__(self) -> int:
        return len(self.keys)

    def only(self, kept: pl.Series) -> IncomingRows:
        """The rows that a mask (n,) keeps."""
        if kept.all():
            return self
        return IncomingRows(
            table=self.table.filter(kept),
            keys=self.keys.filter(kept),
            contents=self.contents.filter(kept),
            grouping=self.grouping,
            images=self.images,
        )

    @cached_property
    def item_of_row(self) -> NDArray[np.int64]:
        """The item of each row (n,)."""
        return self.grouping.items(self.table)

    @property
    def items(self) -> int:
        """How many distinct items they are."""
        return int(self.item_of_row.max()) + 1 if len(self) else 0

    @property
    def ints(self) -> NDArray[np.int64]:
        """(row, item) numbers."""
        return np.column_stack([np.arange(len(self)), self.item_of_row]).astype(np.int64)

    def private(self) -> Sequence[bytes]:
        """Canonical JSON of each row, which the log commits to."""
        return private_rows(self.contents, self.keys)

    def stored(self) -> pl.DataFrame:
        """The table with its keys, as the artifact keeps it."""
        return self.table.with_columns(self.keys.alias(KEY))

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        """The pictures of these rows by digest, each once."""
        if self.images is None:
            return iter(())
        return self.images.read(self.table[IMAGE].unique(maintain_order=True).to_list())

    def not_stored(self, store: SqlStore, project: Project) -> tuple[IncomingRows, int]:
        """The rows that no pool of the project has, and how many were erased before.

        Raises :class:`StoreChanged` where a stored key now has other content.
        """
        stored = _stored_contents(store, project)
        if project.key_column is not None:
            self._refuse_changed(stored)
        erased = store.erased(project.id)
        if not stored and not erased:
            return self, 0
        keys = self.keys.to_list()
        gone = [bool(erased) and key_digest(project.id, key) in erased for key in keys]
        new = [key not in stored and not was for key, was in zip(keys, gone, strict=True)]
        return self.only(pl.Series(new, dtype=pl.Boolean)), sum(gone)

    def _refuse_changed(self, stored: dict[str, str]) -> None:
        if not stored:
            return
        for key, content in zip(self.keys.to_list(), self.contents.to_list(), strict=True):
            if stored.get(key, content) != content:
                raise StoreChanged(
                    f"Key {key[:40]!r} is in the store with other content.",
                    hint="Give the changed row a new key, or start another --project.",
                )


def _stored_contents(store: SqlStore, project: Project) -> dict[str, str]:
    """The keys of a project's rows, with their contents where the user chose the keys."""
    stored: dict[str, str] = {}
    for pool in store.pools(project.id):
        rows = store.rows(pool)
        rows = rows.filter(rows[KEY].is_not_null())
        known = rows[KEY].to_list()
        if project.key_column is None:
            stored.update(dict.fromkeys(known, ""))
            continue
        user = [name for name in rows.columns if not name.startswith(PREFIX)]
        stored.update(zip(known, row_contents(rows.select(user)).to_list(), strict=True))
    return stored


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
