"""Columnar artifacts: Parquet files in a folder, written whole before the transaction that
names them.

A file is named by the Merkle root of its rows, not by its bytes: erasing a row rewrites the file
under the same name. The table ``artifacts`` keeps the SHA-256 of the bytes as they are now.

Salts (16 bytes) and commitments (32) stand in columns of 8 bytes each, ``__signoff_salt_0`` and so
on, little-endian: as numbers they go to disk and back without becoming a Python object each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import overload

import numpy as np
import polars as pl

from signoff.core.batches import COLUMNS, Batch, BatchName, StoredBatch
from signoff.core.events import SALT_BYTES, pieces
from signoff.core.merkle import HASH_BYTES
from signoff.core.repeated import Repeated, repeated
from signoff.errors import StoreError
from signoff.store.durable import UNFINISHED, write_durably

PREFIX = "__signoff_"
"""Our columns beside the user's own in a table of rows."""

SALT, COMMITMENT = PREFIX + "salt", PREFIX + "commitment"
_WORDS = {SALT: SALT_BYTES // 8, COMMITMENT: HASH_BYTES // 8}


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
        write_durably(path, data)
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
            raise _missing(path) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(
                f"The store's file {path} is not as it was written.",
                hint="Restore it from a backup.",
                code="damaged",
            )
        return pl.read_parquet(BytesIO(data))

    def values(
        self, project: str, name: BatchName, root: str, *, sha256: str, column: str
    ) -> set[str]:
        """The distinct values of one column of text, without reading the others; none where the
        artifact lacks it."""
        path = self.path(project, name, root, sha256)
        if not path.is_file():
            raise _missing(path)
        if column not in pl.read_parquet_schema(path):
            return set()
        return set(pl.read_parquet(path, columns=[column])[column].drop_nulls().unique())

    def load(self, project: str, name: BatchName, root: str, *, sha256: str) -> StoredBatch:
        """A batch of decisions or of a frozen order."""
        frame = self.read(project, name, root, sha256=sha256)
        return StoredBatch(
            name=name,
            root=root,
            ints=_ints(frame, name),
            private=_repeated(frame[PREFIX + "private"]),
            salts=Salts(frame),
            commitments=commitments_of(frame),
        )

    def blank(
        self, project: str, name: BatchName, root: str, *, sha256: str, items: Sequence[int]
    ) -> str:
        """Write the artifact again without content and salt of these items; the new SHA-256."""
        frame = self.read(project, name, root, sha256=sha256)
        gone = frame[PREFIX + "item"].is_in(list(items))
        kept_columns = {PREFIX + column for column in COLUMNS[name]} | set(_columns(COMMITMENT))
        blanked = frame.with_columns(
            [
                pl.when(gone).then(None).otherwise(pl.col(column)).alias(column)
                for column in frame.columns
                if column not in kept_columns
            ]
        )
        return self.write(project, name, root, blanked)


def _missing(path: Path) -> StoreError:
    return StoreError(
        f"The store's file {path} is missing.",
        hint="Restore it; the database alone is not the whole store.",
        code="missing_artifact",
    )


class Salts(Sequence[bytes | None]):
    """The salt of each row of an artifact, None where it was erased; made when first read, since
    most readers need none."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return self._frame.height

    @cached_property
    def _made(self) -> list[bytes | None]:
        salts: list[bytes | None] = [*pieces(_joined(self._frame, SALT), SALT_BYTES)]
        for at in self._frame[_columns(SALT)[0]].is_null().arg_true().to_list():
            salts[at] = None
        return salts

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes | None]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes | None] | None:
        return self._made[at]


def commitments_of(frame: pl.DataFrame) -> bytes:
    """The commitments of an artifact's rows, joined."""
    return _joined(frame, COMMITMENT)


def _frame(batch: Batch, table: pl.DataFrame | None) -> pl.DataFrame:
    ours: dict[str, pl.Series] = {
        PREFIX + column: pl.Series(batch.ints[:, at])
        for at, column in enumerate(COLUMNS[batch.name])
    }
    ours |= _split(batch.salts, SALT) | _split(batch.commitments, COMMITMENT)
    if table is None:
        private = repeated(batch.private)
        values = pl.Series(list(private.values), dtype=pl.Binary)
        ours[PREFIX + "private"] = values.gather(private.place)
        return pl.DataFrame(ours)
    return table.with_columns(**ours)


def _repeated(column: pl.Series) -> Repeated[bytes | None]:
    """A column with its distinct values as Python objects."""
    values = column.unique(maintain_order=True)
    place = column.to_frame("value").join(
        values.to_frame("value").with_row_index("place"),
        on="value",
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )["place"]
    return Repeated(values.to_list(), place.to_numpy().astype(np.int64))


def _columns(name: str) -> list[str]:
    """The columns that hold the 8-byte words of a salt or a commitment."""
    return [f"{name}_{at}" for at in range(_WORDS[name])]


def _split(data: bytes, name: str) -> dict[str, pl.Series]:
    """Values of a fixed size, joined, as columns of words."""
    words = np.frombuffer(data, dtype="<u8").reshape(-1, _WORDS[name])
    return {column: pl.Series(words[:, at]) for at, column in enumerate(_columns(name))}


def _joined(frame: pl.DataFrame, name: str) -> bytes:
    """The inverse of :func:`_split`; zeros where a row was erased."""
    words = np.empty((frame.height, _WORDS[name]), dtype="<u8")
    for at, column in enumerate(_columns(name)):
        words[:, at] = frame[column].fill_null(0).to_numpy()
    return words.tobytes()


def _ints(frame: pl.DataFrame, name: BatchName) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    columns = [PREFIX + column for column in COLUMNS[name]]
    ints = np.empty((frame.height, len(columns)), dtype=np.int64)
    for at, column in enumerate(columns):
        ints[:, at] = frame[column].to_numpy()
    return ints
