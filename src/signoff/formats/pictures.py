"""Where the pictures of a table lie: in a folder. No name leads out of it, and none to the web."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from signoff.core.images import MOST_BYTES, too_many_bytes
from signoff.errors import InputError
from signoff.formats.wording import column_list, shown

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
FILE = "file"
"""The column that names the pictures where they come without a table."""

_ADDRESS = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.\-]+:|//)")
_DRIVE = re.compile(r"[A-Za-z]:")
_SAMPLE = 1_000


class Pictures(Protocol):
    """The pictures that came with a table."""

    def read(self, name: str) -> bytes:
        """The bytes of one of them; raises :class:`InputError` where there is none or it is too
        large."""
        ...


class FolderOfPictures:
    """Pictures in a folder of this computer and the folders in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """The bytes of a file; no link is followed out of the folder."""
        path = self._folder / inner_name(name)
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(self._folder.resolve()):
                raise _leads_out(name)
            if not real.is_file():
                raise InputError(f"{shown(name)} is no file.", hint="Name a picture.")
            if real.stat().st_size > MOST_BYTES:
                raise too_many_bytes(shown(name))
            return real.read_bytes()
        except (OSError, ValueError, RuntimeError) as error:
            raise missing_picture(
                name,
                f"the folder {self._folder}",
                hint="Names are relative to the table's folder; --images FOLDER names another.",
            ) from error


def inner_name(name: str) -> str:
    """A name relative to where the table lies, with slashes.

    >>> inner_name("cats\\\\1.png"), inner_name(" ./a/./b.gif")
    ('cats/1.png', 'a/b.gif')

    Raises :class:`InputError` where it is an address of the web, or leads elsewhere.
    """
    if _ADDRESS.match(name):
        raise InputError(
            f"{shown(name)} is an address, and signoff fetches no pictures.",
            hint="Download them first, and name files beside the table.",
            code="picture_address",
        )
    path = name.strip().replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or "\x00" in path or _DRIVE.match(path):
        raise _leads_out(name)
    if not parts:
        raise InputError("A picture has no name.", hint="Fill the column, or leave the row out.")
    return "/".join(parts)


def missing_picture(name: str, where: str, *, hint: str) -> InputError:
    """A picture that is not where its name says."""
    return InputError(f"{shown(name)} is not in {where}.", hint=hint, code="no_picture")


def _leads_out(name: str) -> InputError:
    return InputError(
        f"{shown(name)} leads out of the folder of the pictures.",
        hint="Name files in it, relative to it.",
        code="picture_path",
    )


def listed(names: Sequence[str]) -> pl.DataFrame:
    """Pictures that came without a table, as one: a row for each."""
    return pl.DataFrame({FILE: sorted(names)}, schema={FILE: pl.String})


def is_picture_name(name: str) -> bool:
    """Whether a file is one of the pictures of a folder, by its suffix; hidden ones are not."""
    parts = name.split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not hidden and name.lower().endswith(SUFFIXES)


def names_in(folder: Path) -> list[str]:
    """The pictures of a folder and the folders in it, relative to it."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return [name for name in found if is_picture_name(name)]


def guess_picture_column(frame: pl.DataFrame, *, name: str) -> str:
    """The one column in which nothing but names of pictures stands; else an error lists them."""
    found = [
        column.name
        for column in frame.head(_SAMPLE).get_columns()
        if column.dtype == pl.String
        and column.drop_nulls().len()
        and all(map(_ends_like_one, column.drop_nulls()))
    ]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"Which column of {name} names the pictures is not clear"
        f" (has: {column_list(frame.columns)}).",
        hint="Pass --text COLUMN.",
        code="no_text_column",
    )


def _ends_like_one(value: object) -> bool:
    return str(value).strip().lower().endswith(SUFFIXES)
