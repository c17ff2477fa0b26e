"""Write a table so that a reader sees either the old file or the whole new one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, cast

import polars as pl

from signoff.errors import InputError, StoreError
from signoff.formats.table import RESERVED
from signoff.formats.values import as_text, holds_text
from signoff.formats.wording import first_line

WriteFormat = Literal["csv", "tsv", "jsonl", "parquet"]

_SUFFIXES: dict[str, WriteFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_FORMULA = r"^'*[=+\-@\t\r\n\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]"
"""Also with apostrophes before it: each gets one more, so that taking one away undoes it. The last
four are the wide forms of the first four, which some spreadsheets take for the same."""
_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"


def write_table(
    frame: pl.DataFrame,
    path: str | Path,
    *,
    format: WriteFormat | None = None,
    stdout: BinaryIO | None = None,
    guarded: bool = False,
) -> None:
    """Write the frame whole or not at all; ``-`` is standard output.

    The format follows the suffix (``-``: CSV). In CSV and TSV text in ``signoff_*`` columns that a
    spreadsheet would run as a formula gets a leading apostrophe. The user's own columns come back
    as they were, unless they are to be ``guarded``, too, with the names of columns.
    """
    if str(path) == "-":
        _serialise(frame, stdout or sys.stdout.buffer, format or "csv", guarded)
        return
    kind = format or format_of(Path(path))
    replace_file(Path(path), lambda file: _serialise(frame, file, kind, guarded))


def format_of(path: Path) -> WriteFormat:
    """The format a file name asks for."""
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path.name} does not end in a format this program writes.",
            hint="Use .csv, .tsv, .jsonl or .parquet.",
            code="wrong_format",
        )
    return kind


def replace_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Replace a file in one step: written beside it, synced, renamed.

    On any failure the old file stays as it was and :class:`StoreError` says why.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with _created(temporary) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _keep_mode(target, temporary)
        temporary.replace(target)
        _sync_folder(target.parent)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _not_written(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step."""

    def write(file: BinaryIO) -> None:
        file.write(text.encode())

    replace_file(path, write)


def spreadsheet_safe(column: pl.Series) -> pl.Series:
    """Text a spreadsheet would take for a formula, with an apostrophe before it."""
    if not holds_text(column):
        return column
    column = column.cast(pl.String)
    risky = _risky(column)
    return (
        pl.DataFrame({"text": column, "risky": risky})
        .select(pl.when("risky").then(pl.concat_str(pl.lit("'"), "text")).otherwise("text"))
        .to_series()
        .alias(column.name)
    )


def count_formulas(frame: pl.DataFrame) -> int:
    """How many texts of the user's own columns, their names included, guarding would change."""
    names = pl.Series(frame.columns, dtype=pl.String)
    own = [column for column in frame.get_columns() if not column.name.startswith(RESERVED)]
    texts = [column.cast(pl.String) for column in own if holds_text(column)]
    return sum(int(_risky(each).sum()) for each in (names, *texts))


def _risky(texts: pl.Series) -> pl.Series:
    return texts.str.contains(_FORMULA) & ~texts.str.contains(_NUMBER)


# -------------------------------------------------------------------------- formats


def _serialise(frame: pl.DataFrame, file: BinaryIO, kind: WriteFormat, guarded: bool) -> None:
    if kind == "parquet":
        frame.write_parquet(file)
    elif kind == "jsonl":
        frame.write_ndjson(file)
    else:
        _delimited(frame, guarded).write_csv(file, separator="\t" if kind == "tsv" else ",")


def _delimited(frame: pl.DataFrame, guarded: bool) -> pl.DataFrame:
    """The frame with every value in a form a text file can hold.

    In a table of one column a missing value is written as ``""``: a blank line would be no row.
    """
    columns = [
        spreadsheet_safe(_flat(column))
        if guarded or column.name.startswith(RESERVED)
        else _flat(column)
        for column in frame.get_columns()
    ]
    if len(columns) == 1:
        columns = [as_text(columns[0]).fill_null("")]
    if guarded:
        names = spreadsheet_safe(pl.Series(frame.columns, dtype=pl.String))
        columns = [each.alias(name) for each, name in zip(columns, names, strict=True)]
    return pl.DataFrame(columns)


def _flat(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    unwritable = dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object | pl.Duration)
    return as_text(column) if unwritable else column


# ---------------------------------------------------------------------------- files


def _created(path: Path) -> BinaryIO:
    """A new file with the usual permissions, refused if it exists."""
    return cast(BinaryIO, path.open("xb"))


def _keep_mode(target: Path, temporary: Path) -> None:
    """Give the new file the permissions of the one it replaces."""
    with contextlib.suppress(FileNotFoundError):
        temporary.chmod(target.stat().st_mode & 0o7777)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; some file systems cannot, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _not_written(path: Path, error: BaseException) -> StoreError:
    there = False
    with contextlib.suppress(OSError):  # a folder that cannot be entered
        there = path.exists()
    kept = "the file that was there is unchanged" if there else "nothing was written"
    number = _errno(error)
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(
            f"{path} could not be written, the disk is full; {kept}.",
            hint="Free some space, or write elsewhere with --out.",
            code="disk_full",
        )
    if number in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreError(
            f"{path} could not be written, its folder is read-only; {kept}.",
            hint="Write elsewhere with --out.",
            code="read_only",
        )
    reason = first_line(error) if number is None else os.strerror(number)
    return StoreError(
        f"{path} could not be written ({reason}); {kept}.",
        hint="Check the folder, or write elsewhere with --out.",
        code="not_written",
    )


def _errno(error: BaseException) -> int | None:
    """The system's error number; polars passes it on in the message only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else None
