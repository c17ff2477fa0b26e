"""A folder of pictures, or a ZIP of them with or without a table that says what belongs to each.

Nothing is unpacked to disk. What the archive says of itself is checked before anything in it is
read: how many files, how large they become, and that their names stay inside.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from signoff.core.images import MOST_BYTES, too_many_bytes
from signoff.errors import InputError
from signoff.formats.pictures import (
    FolderOfPictures,
    inner_name,
    is_picture_name,
    listed,
    missing_picture,
    names_in,
)
from signoff.formats.table import Table, read_bytes
from signoff.formats.wording import shown

MAGIC = b"PK\x03\x04"
MOST_FILES = 65_535
"""More need the large form of a ZIP, whose list may fill the memory of who reads it."""

MOST_UNPACKED = 100_000_000_000
"""Where no server says less."""

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")
_END, _LARGE = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _MOST_COMMENT = 22, 65_535
_LIST_BYTES = 64_000_000
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class ZipOfPictures:
    """Pictures in an archive, named relative to the folder of its table."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, name: str) -> None:
        self._zip = archive
        self._folder = folder
        self._name = name

    def read(self, name: str) -> bytes:
        """The bytes of a file in it."""
        inner = self._folder + inner_name(name)
        try:
            info = self._zip.getinfo(inner)
        except KeyError:
            raise missing_picture(
                name, self._name, hint="Pack it in, under the name that the table gives."
            ) from None
        if info.file_size > MOST_BYTES:
            raise too_many_bytes(shown(name))
        return _content(self._zip, info, self._name)


def read_pictured(source: object, *, name: str, most_bytes: int = MOST_UNPACKED) -> Table | None:
    """The table of a folder or a ZIP of pictures, with them; None for anything else.

    Raises :class:`InputError` where it is one of the two and cannot be read.
    """
    if not isinstance(source, str | Path) or str(source) in ("-", ""):
        return None
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    return read_zip(path, name, most_bytes=most_bytes) if is_zip(path) else None


def is_zip(path: Path) -> bool:
    """Whether a file begins like a ZIP."""
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC
    except (OSError, ValueError):
        return False


def _read_folder(path: Path) -> Table:
    names = names_in(path)
    if not names:
        raise InputError(
            f"{shown(str(path), 120)} is a directory without pictures.",
            hint="Pass one file in it, or a folder of PNG, JPEG, WebP or GIF files.",
            code="is_directory",
        )
    return Table(
        frame=listed(names),
        name=path.resolve().name,
        format="rows",
        path=path,
        pictures=FolderOfPictures(path),
        all_pictures=True,
    )


def read_zip(path: Path, name: str, *, most_bytes: int = MOST_UNPACKED) -> Table:
    """The table in a ZIP with its pictures, or a row for each picture where it has none.

    Raises :class:`InputError`: it holds neither, more than one table, names that lead elsewhere, or
    becomes larger than ``most_bytes``.
    """
    archive, files = open_zip(path, name, most_bytes=most_bytes)
    table = table_in(files, name)
    if table is None:
        pictures = ZipOfPictures(archive, "", name)
        return Table(
            frame=pictures_in(files, name),
            name=name,
            format="rows",
            path=path,
            pictures=pictures,
            all_pictures=True,
        )
    inner = f"{shown(table.filename)} in {name}"
    found = read_bytes(_text_of(archive, table, name), inner, PurePosixPath(table.filename).suffix)
    folder = table.filename.rpartition("/")[0]
    pictures = ZipOfPictures(archive, folder + "/" if folder else "", name)
    return Table(
        frame=found.frame,
        name=inner,
        format=found.format,
        path=path,
        notes=found.notes,
        pictures=pictures,
        all_pictures=True,
    )


def open_zip(
    path: Path, name: str, *, most_bytes: int
) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """An archive whose list was checked, and the files in it."""
    try:
        _refuse_long_list(path, name)
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, struct.error, OSError, ValueError, NotImplementedError):
        raise _damaged(name) from None
    files = [info for info in archive.infolist() if not info.is_dir()]
    _check_files(files, name, most_bytes)
    return archive, files


def table_in(files: Sequence[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo | None:
    """The table among the files of an archive; None where it holds pictures alone."""
    found = [
        info
        for info in files
        if info.filename.lower().endswith(TABLES)
        and not any(part.startswith((".", "__MACOSX")) for part in info.filename.split("/"))
    ]
    if len(found) > 1:
        names = ", ".join(shown(info.filename) for info in found[:2])
        raise InputError(
            f"{name} holds {len(found)} tables ({names} …).",
            hint="Put one table into it, or none.",
            code="wrong_format",
        )
    if found and not any(is_picture_name(info.filename) for info in files):
        raise _nothing_in(name)
    return found[0] if found else None


def pictures_in(files: Sequence[zipfile.ZipInfo], name: str) -> pl.DataFrame:
    """The pictures of an archive that holds nothing else, a row for each."""
    names = [info.filename for info in files if is_picture_name(info.filename)]
    if not names:
        raise _nothing_in(name)
    return listed(names)


def text_start(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most: int) -> bytes:
    """The beginning of a table in an archive."""
    return _content(archive, info, name, most)


# ----------------------------------------------------------------------------------- checks


def _refuse_long_list(path: Path, name: str) -> None:
    """An archive's list is read whole by whoever opens it: look at how long it is first."""
    with path.open("rb") as file:
        _ = file.seek(-min(path.stat().st_size, _END_BYTES + _MOST_COMMENT), 2)
        tail = file.read()
    at = len(tail) - _END_BYTES
    if not (tail[at : at + 4] == _END and tail[-2:] == b"\x00\x00"):
        at = tail.rfind(_END)
    if at < 0:
        raise _damaged(name)
    files, size = struct.unpack_from("<HI", tail, at + 10)
    if files >= MOST_FILES or size > _LIST_BYTES or tail[max(0, at - 20) : at][:4] == _LARGE:
        raise InputError(
            f"{name} holds {MOST_FILES:,} files or more.",
            hint="Split it: one project takes several archives.",
            code="too_large",
        )


def _check_files(files: Sequence[zipfile.ZipInfo], name: str, most_bytes: int) -> None:
    if any(info.filename.startswith("xl/") for info in files):
        raise InputError(
            f"{name} is an Excel workbook.",
            hint="Save the sheet as CSV (UTF-8).",
            code="wrong_format",
        )
    seen: set[str] = set()
    for info in files:
        if info.filename in seen or inner_name(info.filename) != info.filename:
            raise InputError(
                f"{name} holds a file under a name that leads elsewhere or comes twice:"
                f" {shown(info.filename)}",
                hint="Pack it again, from one folder.",
                code="picture_path",
            )
        seen.add(info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(
                f"{shown(info.filename)} in {name} is a link.",
                hint="Pack the files themselves.",
                code="picture_path",
            )
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _PLAIN:
            raise InputError(
                f"{shown(info.filename)} in {name} is encrypted or packed in an unusual way.",
                hint="Pack it again as an ordinary ZIP.",
                code="wrong_format",
            )
    if sum(info.file_size for info in files) > most_bytes:
        raise InputError(
            f"{name} unpacks to more than {most_bytes:,} bytes.",
            hint="Split it: one project takes several archives.",
            code="too_large",
        )


def _content(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most: int | None = None
) -> bytes:
    """What a file in an archive holds: never more than the list said."""
    try:
        with archive.open(info) as file:
            return file.read(info.file_size if most is None else most)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
        raise _damaged(name) from None


def _text_of(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    data = _content(archive, info, name)
    if data.startswith((b"\x1f\x8b", b"PAR1", b"PK")):
        raise InputError(
            f"{shown(info.filename)} in {name} is packed once more.",
            hint="Put the table itself into it: CSV, TSV or JSON Lines.",
            code="wrong_format",
        )
    return data


def _nothing_in(name: str) -> InputError:
    return InputError(
        f"{name} is a zip archive without pictures.",
        hint="Unpack it and pass the file inside; a ZIP is for pictures and their table.",
        code="wrong_format",
    )


def _damaged(name: str) -> InputError:
    return InputError(
        f"{name} is a damaged zip archive.", hint="Copy or pack it again.", code="damaged_file"
    )
