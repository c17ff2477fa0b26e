"""Pictures that rows name: files named by the SHA-256 of their bytes.

``<folder>/<project>/blobs/<first two digits>/<SHA-256>``. Rows hold the digest, and the log commits
to rows, so it commits to every byte. No table names them: what no row of the project names any
more is removed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from signoff.errors import StoreError
from signoff.store.durable import write_durably

BLOBS = "blobs"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BlobFolder:
    """The pictures of all projects of one store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, project: str) -> Path:
        """The folder of a project's pictures."""
        return self._folder / project / BLOBS

    def find(self, project: str, digest: str) -> Path | None:
        """Where a picture lies; None where the project has no such one, or it is no digest."""
        if not _DIGEST.fullmatch(digest):
            return None
        path = _place(self.of(project), digest)
        return path if path.is_file() else None

    def save(self, project: str, digest: str, data: bytes) -> None:
        """Write a picture, whole and durable; one that is there already stays as it is."""
        path = _place(self.of(project), digest)
        if not path.is_file():
            write_durably(path, data)

    def has_any(self, project: str) -> bool:
        """Whether a project ever had pictures."""
        return self.of(project).is_dir()

    def keep_only(self, project: str, digests: Collection[str]) -> None:
        """Remove a project's pictures but these, and what a killed process left behind."""
        for path in self.of(project).glob("*/*"):
            if path.name not in digests:
                path.unlink(missing_ok=True)

    def damaged(self, project: str, digests: Collection[str]) -> Iterator[str]:
        """What is wrong with these pictures, a sentence each."""
        for digest in sorted(digests):
            path = self.find(project, digest)
            if path is None:
                yield f"The picture {digest[:16]}… that rows name is missing."
            elif digest_of(path) != digest:
                yield f"The picture {digest[:16]}… is not as it was written."


def blob_path(folder: str, digest: object) -> str:
    """Where a picture of a project's folder lies; "" where its row was erased."""
    return str(_place(Path(folder), digest)) if isinstance(digest, str) else ""


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(
            f"The store's file {path} cannot be read: {error.strerror}.",
            hint="Check its permissions.",
        ) from None


def _place(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest
