"""Batches: many rows under one event, each with public numbers and a commitment to the rest.

The event carries the Merkle root of the rows; the rows live in a columnar artifact named by that
root. Erasing a row blanks its private part and its salt; root and proofs stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signoff.core.events import ROWS_PER_LEAF, SALT_BYTES, batch_leaves, commit_rows
from signoff.core.merkle import Frontier

AT_ONCE = 1024 * ROWS_PER_LEAF
"""Rows that are hashed at a time: their Python objects stay in the processor's cache, and their
memory is used again."""

BatchName = Literal["rows", "frozen", "decisions"]

COLUMNS: dict[BatchName, tuple[str, ...]] = {
    "rows": ("row", "item"),
    "frozen": ("position", "item", "test"),
    "decisions": ("item", "by"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """n sealed rows: ``ints`` (n, j) int64, ``commitments`` n x 32 bytes, ``salts`` n x 16 bytes.

    ``private`` holds the canonical JSON array of each row.
    """

    name: BatchName
    root: str
    ints: NDArray[np.int64]
    private: Sequence[bytes]
    salts: bytes
    commitments: bytes

    def __len__(self) -> int:
        return len(self.ints)

    def reference(self) -> dict[str, object]:
        """What the event says of the batch."""
        return {"name": self.name, "root": self.root, "count": len(self.ints)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch as read back; ``private[i]`` and ``salts[i]`` are None where the row was erased."""

    name: BatchName
    root: str
    ints: NDArray[np.int64]
    private: Sequence[bytes | None]
    salts: Sequence[bytes | None]
    commitments: bytes

    def __len__(self) -> int:
        return len(self.ints)


def seal(
    name: BatchName,
    ints: NDArray[np.int64],
    private: Sequence[bytes],
    *,
    entropy: Callable[[int], bytes],
) -> Batch:
    """Commit to every row with a salt of its own and hash them to one root."""
    salts = entropy(SALT_BYTES * len(private))
    commitments: list[bytes] = []
    tree = Frontier()
    for start in range(0, len(private), AT_ONCE):
        end = start + AT_ONCE
        part = commit_rows(private[start:end], salts[SALT_BYTES * start : SALT_BYTES * end])
        tree.extend(batch_leaves(ints[start:end], part))
        commitments.append(part)
    return Batch(
        name=name,
        root=tree.root().hex(),
        ints=ints,
        private=private,
        salts=salts,
        commitments=b"".join(commitments),
    )
