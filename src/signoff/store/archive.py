"""The file a backup is: a ZIP of every table as JSON lines, the artifacts, and their checksums.

The same for every database, so that a store moves from one to another. Nothing in an archive is
believed: names, sizes and checksums are checked before anything is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, cast

from signoff.core.records import Json
from signoff.errors import StoreError

FORMAT = 1
MANIFEST = "manifest.json"
MOST_MANIFEST = 200_000_000
CHUNK = 1 << 20
Kind = Literal["text", "int", "float", "bool", "bytes", "json"]

_TABLE = re.compile(r"tables/[a-z_]{1,60}\.jsonl")
_PART = re.compile(r"[0-9A-Za-z][\w.\-]{0,200}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePart:
    """A table in an archive: rows as JSON arrays in the order of ``columns`` (name, kind)."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: int
    size: int
    sha256: str

    @property
    def entry(self) -> str:
        """Its name in the ZIP."""
        return f"tables/{self.name}.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """An artifact in an archive; ``path`` is relative to the artifact folder."""

    path: str
    size: int
    sha256: str

    @property
    def entry(self) -> str:
        """Its name in the ZIP."""
        return f"artifacts/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive holds. ``schema`` is the revision of its tables."""

    signoff: str
    schema: str
    created: str
    tables: tuple[TablePart, ...]
    files: tuple[FilePart, ...]

    def to_json(self) -> Json:
        """As the archive says it."""
        return {"signoff_backup": FORMAT, **asdict(self)}


class Writer:
    """Fills an archive; the manifest comes last, so that one without it is none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", allowZip64=True)
        self._tables: list[TablePart] = []
        self._files: list[FilePart] = []

    def table(
        self, name: str, columns: Sequence[tuple[str, Kind]], rows: Iterable[Sequence[object]]
    ) -> None:
        """Add a table."""
        digest, count, size = hashlib.sha256(), 0, 0
        info = _info(f"tables/{name}.jsonl", zipfile.ZIP_DEFLATED)
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for row in rows:
                line = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                entry.write(line)
                count, size = count + 1, size + len(line)
        self._tables.append(
            TablePart(
                name=name,
                columns=tuple(columns),
                rows=count,
                size=size,
                sha256=digest.hexdigest(),
            )
        )

    def file(self, path: str, source: Path) -> str:
        """Add an artifact; its SHA-256."""
        digest, size = hashlib.sha256(), 0
        # Artifacts are packed already.
        info = _info(f"artifacts/{path}", zipfile.ZIP_STORED)
        with source.open("rb") as file, self._zip.open(info, "w", force_zip64=True) as entry:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                entry.write(chunk)
                size += len(chunk)
        self._files.append(FilePart(path=path, size=size, sha256=digest.hexdigest()))
        return digest.hexdigest()

    def abandon(self) -> None:
        """Let go of an archive that failed; its file is for nothing."""
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()

    def close(self, *, signoff: str, schema: str, created: str) -> Manifest:
        """Write the manifest and end the archive."""
        manifest = Manifest(
            signoff=signoff,
            schema=schema,
            created=created,
            tables=tuple(self._tables),
            files=tuple(self._files),
        )
        text = json.dumps(manifest.to_json(), indent=1)
        self._zip.writestr(_info(MANIFEST, zipfile.ZIP_DEFLATED), text)
        self._zip.close()
        return manifest


def _info(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = compression
    info.external_attr = 0o600 << 16
    return info


class Reader:
    """An archive whose manifest and names were checked.

    Raises :class:`StoreError` where it is none, damaged, or of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read: {error.strerror or error}.", hint="Check the path."
            ) from None
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
            raise self._damaged("it is no ZIP archive, or its end is missing") from None
        try:
            self.manifest = self._read_manifest()
            self._check_names()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def check(self) -> None:
        """Read everything once and compare it with its checksum; nothing is written."""
        for part in (*self.manifest.tables, *self.manifest.files):
            for _ in self.chunks(part):
                pass

    def chunks(self, part: TablePart | FilePart) -> Iterator[bytes]:
        """An entry piece by piece; raises where it is not what the manifest says."""
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(part.entry) as entry:
                while chunk := entry.read(CHUNK):
                    size += len(chunk)
                    if size > part.size:
                        break
                    digest.update(chunk)
                    yield chunk
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise self._damaged(f"{part.entry}: {error}") from None
        except Exception as error:  # zlib.error and whatever else a broken stream raises
            raise self._damaged(f"{part.entry}: {type(error).__name__}") from None
        if size != part.size or digest.hexdigest() != part.sha256:
            raise self._damaged(f"{part.entry} is not what its checksum says")

    def rows(self, part: TablePart) -> Iterator[list[object]]:
        """A table's rows."""
        rest = b""
        for chunk in self.chunks(part):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield self._row(line, part)
        if rest:
            raise self._damaged(f"{part.entry} ends in the middle of a row")

    def _row(self, line: bytes, part: TablePart) -> list[object]:
        try:
            row: object = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, list) and len(cast("list[object]", row)) == len(part.columns):
            return cast("list[object]", row)
        raise self._damaged(f"{part.entry} holds what is no row")

    # ------------------------------------------------------------------ checks

    def _read_manifest(self) -> Manifest:
        try:
            if self._zip.getinfo(MANIFEST).file_size > MOST_MANIFEST:
                raise self._damaged("its list of contents is too long")
            said: Json = json.loads(self._zip.read(MANIFEST))
            version = said["signoff_backup"]
        except KeyError:
            raise StoreError(
                f"{self._name} is no backup of signoff.", hint="Pass a file of signoff backup."
            ) from None
        except StoreError:
            raise
        except Exception as error:
            raise self._damaged(f"its list of contents: {type(error).__name__}") from None
        if version != FORMAT:
            raise StoreError(
                f"{self._name} was written by a newer version of signoff (format {version}).",
                hint="Update signoff to restore it.",
                code="newer_store",
            )
        try:
            return _manifest(said)
        except (KeyError, TypeError, ValueError):
            raise self._damaged("its list of contents is incomplete") from None

    def _check_names(self) -> None:
        """Only what the manifest lists, each once, under names that stay inside a folder."""
        listed = [part.entry for part in (*self.manifest.tables, *self.manifest.files)]
        found = [info.filename for info in self._zip.infolist()]
        for entry in (*listed, *found):
            if entry != MANIFEST and not _is_safe(entry):
                raise self._damaged(f"the name {entry[:60]!r} leads elsewhere")
        if sorted(found) != sorted([*listed, MANIFEST]):
            raise self._damaged("it does not hold exactly what it lists")

    def _damaged(self, what: str) -> StoreError:
        return StoreError(
            f"{self._name} is damaged: {what}.", hint="Use another backup.", code="damaged"
        )


def _is_safe(entry: str) -> bool:
    if _TABLE.fullmatch(entry):
        return True
    top, *parts = entry.split("/")
    return (
        top == "artifacts"
        and 2 <= len(parts) <= 5
        and all(_PART.fullmatch(part) is not None for part in parts)
    )


def _manifest(said: Mapping[str, object]) -> Manifest:
    tables = [cast("Json", each) for each in cast("list[object]", said["tables"])]
    files = [cast("Json", each) for each in cast("list[object]", said["files"])]
    return Manifest(
        signoff=str(said["signoff"]),
        schema=str(said["schema"]),
        created=str(said["created"]),
        tables=tuple(
            TablePart(
                name=str(each["name"]),
                columns=tuple(
                    (str(name), cast("Kind", kind))
                    for name, kind in cast("list[tuple[str, str]]", each["columns"])
                ),
                rows=int(str(each["rows"])),
                size=int(str(each["size"])),
                sha256=_hash(each["sha256"]),
            )
            for each in tables
        ),
        files=tuple(
            FilePart(
                path=str(each["path"]),
                size=int(str(each["size"])),
                sha256=_hash(each["sha256"]),
            )
            for each in files
        ),
    )


def _hash(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(value)
    return value
