"""Columnar artifacts: Parquet files in a folder, written whole before the transaction that
names them.

A file is named by the Merkle root of its rows, not by its bytes: erasing a row rewrites the file
under the same name. The table ``artifacts`` keeps the SHA-256 of the bytes as they are now.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import overload

import numpy as np
import polars as pl

from signoff.core.batches import COLUMNS, Batch, BatchName, StoredBatch
from signoff.core.events import pieces
from signoff.errors import StoreError

PREFIX = "__signoff_"
"""Our columns beside the user's own in a table of rows."""

UNFINISHED = ".writing-"
"""What the names of files begin with that are not whole yet."""


class ArtifactFolder:
    """The artifacts of all projects of one store.

    ``<folder>/<project>/<name>-<start of root>-<start of SHA-256>.parquet``: a rewritten artifact
    is a new file beside the old one until the transaction that names it is through.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, project: str, name: BatchName, root: str, sha256: str) -> Path:
        """Where an artifact lies."""
        return self.folder / project / f"{name}-{root[:32]}-{sha256[:16]}.parquet"

    def save(self, project: str, batch: Batch, table: pl.DataFrame | None = None) -> str:
        """Write a batch (its private part as ``table`` where that holds it typed); its SHA-256."""
        return self.write(project, batch.name, batch.root, _frame(batch, table))

    def write(self, project: str, name: BatchName, root: str, frame: pl.DataFrame) -> str:
        """Write atomically and durably; the SHA-256 of the bytes."""
        buffer = BytesIO()
        # Salts and commitments are random bytes: a strong compressor would only lose time on them.
        frame.write_parquet(buffer, compression="lz4", statistics=False)
        data = buffer.getbuffer()
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(project, name, root, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
            _sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        return sha256

    def keep_only(self, project: str, named: Iterable[tuple[BatchName, str, str]]) -> None:
        """Remove a project's files but those of (name, root, SHA-256): replaced ones, and what a
        killed process left behind."""
        wanted = {self.path(project, *each) for each in named}
        folder = self.folder / project
        for path in (*folder.glob("*.parquet"), *folder.glob(UNFINISHED + "*")):
            if path not in wanted:
                path.unlink(missing_ok=True)

    def read(self, project: str, name: BatchName, root: str, *, sha256: str) -> pl.DataFrame:
        """The artifact as a frame; raises :class:`StoreError` where it is missing or damaged."""
        path = self.path(project, name, root, sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise StoreError(
                f"The store's file {path} is missing.",
                hint="Restore it; the database alone is not the whole store.",
                code="missing_artifact",
            ) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(
                f"The store's file {path} is not as it was written.",
                hint="Restore it from a backup.",
                code="damaged",
            )
        return pl.read_parquet(BytesIO(data))

    def load(self, project: str, name: BatchName, root: str, *, sha256: str) -> StoredBatch:
        """A batch of decisions or of a frozen order."""
        frame = self.read(project, name, root, sha256=sha256)
        return StoredBatch(
            name=name,
            root=root,
            ints=_ints(frame, name),
            private=frame[PREFIX + "private"].to_list(),
            salts=_Lazy(frame[PREFIX + "salt"]),
            commitments=b"".join(frame[PREFIX + "commitment"].to_list()),
        )

    def blank(
        self, project: str, name: BatchName, root: str, *, sha256: str, items: Sequence[int]
    ) -> str:
        """Write the artifact again without content and salt of these items; the new SHA-256."""
        frame = self.read(project, name, root, sha256=sha256)
        gone = frame[PREFIX + "item"].is_in(list(items))
        kept_columns = {PREFIX + column for column in (*COLUMNS[name], "commitment")}
        blanked = frame.with_columns(
            [
                pl.when(gone).then(None).otherwise(pl.col(column)).alias(column)
                for column in frame.columns
                if column not in kept_columns
            ]
        )
        return self.write(project, name, root, blanked)


class _Lazy(Sequence[bytes | None]):
    """A column as a sequence that becomes Python objects when read: most readers need no salts."""

    def __init__(self, column: pl.Series) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes | None]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes | None] | None:
        found = self._column[at]
        return found.to_list() if isinstance(found, pl.Series) else found

    def __iter__(self) -> Iterator[bytes | None]:
        return iter(self._column.to_list())


def _frame(batch: Batch, table: pl.DataFrame | None) -> pl.DataFrame:
    ours: dict[str, pl.Series] = {
        PREFIX + column: pl.Series(batch.ints[:, at])
        for at, column in enumerate(COLUMNS[batch.name])
    }
    ours[PREFIX + "salt"] = _cut(batch.salts, 16)
    ours[PREFIX + "commitment"] = _cut(batch.commitments, 32)
    if table is None:
        ours[PREFIX + "private"] = pl.Series(list(batch.private), dtype=pl.Binary)
        return pl.DataFrame(ours)
    return table.with_columns(**ours)


def _cut(data: bytes, size: int) -> pl.Series:
    """Fixed-size pieces of a byte string."""
    return pl.Series(pieces(data, size), dtype=pl.Binary)


def _ints(frame: pl.DataFrame, name: BatchName) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    columns = [frame[PREFIX + column].to_numpy() for column in COLUMNS[name]]
    return np.column_stack(columns).astype(np.int64)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
