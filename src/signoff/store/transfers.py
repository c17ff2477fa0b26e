"""Files on their way in and out of a store: uploads that wait for a worker, finished exports.

They lie beside the artifacts and no table names them: losing one loses no data. Nothing here loads
what reads columns.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from signoff.errors import InputError, StoreError
from signoff.store.database import shown

UPLOADS = "uploads"
EXPORTS = "exports"
KEPT_SECONDS = 24 * 3600.0
"""How long an upload that nobody used, and an export, are kept."""

_ABOUT = "about.json"
_UNSAFE = re.compile(r"[^\w.\- ]+")
_MOST_NAME = 80


def default_folder(url: sa.URL) -> Path:
    """Where a store's columnar files lie where nobody says: beside the file of SQLite."""
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return path.with_name(path.name.removesuffix(".db") + ".artifacts")
    raise StoreError(
        f"{shown(url)} has no folder for its columnar files.",
        hint="Set SIGNOFF_ARTIFACTS to a folder that every process on it shares.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came in whole; ``by``: who sent it."""

    id: str
    name: str
    by: str
    size: int
    sha256: str


class Transfers:
    """``<folder>/uploads/<id>/`` and ``<folder>/<project>/exports/<job>.<format>``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    # ------------------------------------------------------------------- uploads

    @contextlib.contextmanager
    def receiving(self, id: str, name: str) -> Generator[BinaryIO]:
        """A file to write an upload to; gone again where the block fails."""
        folder = self._uploads / id
        folder.mkdir(parents=True)
        try:
            with (folder / safe_name(name)).open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def received(self, upload: Upload) -> None:
        """Note that an upload is whole."""
        about = self._uploads / upload.id / _ABOUT
        about.write_text(json.dumps(asdict(upload)), encoding="utf-8")

    def upload(self, id: str) -> tuple[Upload, Path] | None:
        """An upload that is whole, and where it lies."""
        folder = self._uploads / id
        try:
            about = Upload(**json.loads((folder / _ABOUT).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        path = folder / safe_name(about.name)
        return (about, path) if path.is_file() else None

    def forget_upload(self, id: str) -> None:
        """Remove an upload."""
        shutil.rmtree(self._uploads / id, ignore_errors=True)

    def room(self) -> int:
        """How many bytes the disk still takes."""
        self._uploads.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._uploads).free

    # ------------------------------------------------------------------- exports

    def export(self, project: str, job: str, format: str) -> Path:
        """Where an export lies, or will lie."""
        return self._folder / project / EXPORTS / f"{job}.{format}"

    def forget_exports(self, project: str) -> None:
        """Remove a project's exports: they may hold what is being erased."""
        for path in (self._folder / project / EXPORTS).glob("*"):
            path.unlink(missing_ok=True)

    # ------------------------------------------------------------------ cleaning

    def sweep(self, keep: frozenset[str], *, now: float | None = None) -> None:
        """Remove what is older than a day, but for the uploads (by id) to ``keep``."""
        oldest = (time.time() if now is None else now) - KEPT_SECONDS
        for folder in self._uploads.glob("*"):
            if folder.name not in keep and _changed(folder) < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        for path in self._folder.glob(f"*/{EXPORTS}/*"):
            if _changed(path) < oldest:
                path.unlink(missing_ok=True)

    @property
    def _uploads(self) -> Path:
        return self._folder / UPLOADS


def safe_name(name: str) -> str:
    """A file name that names a file here, whatever a caller says.

    >>> safe_name("../../etc/pass\\x00wd")
    'pass_wd'
    >>> safe_name("C:\\\\data\\\\Kunden 2026.csv")
    'Kunden 2026.csv'
    >>> safe_name("..")
    'upload'
    """
    last = re.split(r"[/\\]", name)[-1]
    tidy = _UNSAFE.sub("_", last).strip(". ")
    stem, dot, suffix = tidy.rpartition(".")
    if len(tidy) > _MOST_NAME:
        tidy = f"{stem[: _MOST_NAME - 10]}{dot}{suffix[:9]}"
    return "upload" if tidy in ("", _ABOUT) else tidy


def disk_is_full(error: OSError) -> bool:
    """Whether a write failed for want of space."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def missing_upload() -> InputError:
    """An upload that was there once."""
    return InputError(
        "The uploaded file is not there any more.",
        hint="Upload it again; uploads are kept for a day.",
        code="no_upload",
    )


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")
