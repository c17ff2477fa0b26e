"""Models of streams as files: arrays, written whole before the transaction that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from signoff.errors import StoreError
from signoff.store.durable import write_durably


class ModelFiles:
    """``<folder>/<project>/model-<start of SHA-256>.npz``; reading needs no frames."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, project: str, data: bytes) -> str:
        """Write atomically and durably; the SHA-256 that names the file."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(project, sha256)
        write_durably(path, data)
        return sha256

    def read(self, project: str, sha256: str) -> bytes:
        """The bytes; raises :class:`StoreError` where they are missing or damaged."""
        path = self._path(project, sha256)
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
        return data

    def keep_only(self, project: str, named: Collection[str]) -> None:
        """Remove the files that no model is kept in any more."""
        kept = {self._path(project, sha256) for sha256 in named}
        for path in (self.folder / project).glob("model-*.npz"):
            if path not in kept:
                path.unlink(missing_ok=True)

    def _path(self, project: str, sha256: str) -> Path:
        return self.folder / project / f"model-{sha256[:32]}.npz"
