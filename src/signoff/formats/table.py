"""Read a table from a file, a stream, a frame or rows: the format is told by the content."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import polars as pl

from signoff.errors import InputError
from signoff.formats.delimited import parse_delimited, sniff_separator
from signoff.formats.encoding import refuse_binary, to_utf8, unpack_gzip
from signoff.formats.frames import frame_of
from signoff.formats.jsonlines import looks_like_json, parse_json_lines
from signoff.formats.parquet import read_parquet
from signoff.formats.pictures import Pictures
from signoff.formats.wording import column_list, first_line, shown

Format = Literal["csv", "tsv", "jsonl", "parquet", "frame", "rows"]

RESERVED = "signoff_"
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_LONG_NAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it came in: CSV values are text, other formats keep their types.

    ``name`` is what messages call it; ``path`` is None for streams, frames and rows. ``notes``
    say what was done to read it ("decoded as windows-1252 …"). ``pictures``: where those that it
    names lie, if it may name any; ``all_pictures``: it came as a collection of them.
    """

    frame: pl.DataFrame
    name: str
    format: Format
    path: Path | None = None
    notes: list[str] = field(default_factory=list[str])
    pictures: Pictures | None = None
    all_pictures: bool = False


def read_table(
    source: object, *, stdin: BinaryIO | None = None, most_bytes: int | None = None
) -> Table:
    """The table in a path, in ``-`` (standard input), in a frame or in an iterable of dicts.

    ``most_bytes``: how large a Parquet file may become.
    Raises :class:`InputError`: one line with what is wrong, where, and what to do.
    """
    if isinstance(source, str | Path):
        if str(source) == "-":
            return read_bytes(_read_stream(stdin), "standard input", "")
        path = Path(source)
        data = _read_file(path)
        return read_bytes(data, path.name, _suffix(path), path=path, most_bytes=most_bytes)
    frame, kind, notes = frame_of(source)
    table = Table(
        frame=frame,
        name="the frame" if kind == "frame" else "the rows",
        format="frame" if kind == "frame" else "rows",
        notes=notes,
    )
    return _checked(table)


def read_bytes(
    data: bytes,
    name: str,
    suffix: str,
    *,
    path: Path | None = None,
    most_bytes: int | None = None,
) -> Table:
    """The table in a file's bytes; its ``suffix`` counts where the content leaves it open."""
    notes: list[str] = []
    if data.startswith(_GZIP):
        data = unpack_gzip(data, name)
        notes.append("unpacked gzip")
    if not data:
        raise _empty(name)
    if data.startswith(_PARQUET):
        frame = read_parquet(data, name, most_bytes=most_bytes)
        return _checked(Table(frame=frame, name=name, format="parquet", path=path, notes=notes))
    refuse_binary(data, name)
    text, decoding = to_utf8(data, name)
    notes.extend(decoding)
    if not text.strip():
        raise _empty(name)
    if looks_like_json(text, suffix):
        frame, bent = parse_json_lines(text, name)
        notes.extend(bent)
        return _checked(Table(frame=frame, name=name, format="jsonl", path=path, notes=notes))
    return _checked(_delimited(text, name=name, suffix=suffix, path=path, notes=notes))


def _delimited(
    text: bytes, *, name: str, suffix: str, path: Path | None, notes: list[str]
) -> Table:
    separator = sniff_separator(text, suffix)
    parsed = parse_delimited(text, separator=separator, name=name)
    if not parsed.header:
        raise _empty(name)
    check_columns(parsed.header, name)
    _refuse_missing_header(parsed.header, parsed.frame, name)
    if separator in (";", "|"):
        notes = [*notes, f"columns separated by {separator!r}"]
    return Table(
        frame=parsed.frame.rename(dict(zip(parsed.frame.columns, parsed.header, strict=True))),
        name=name,
        format="tsv" if separator == "\t" else "csv",
        path=path,
        notes=notes,
    )


# -------------------------------------------------------------------------- checks


def check_columns(names: Sequence[str], source: str) -> None:
    """Refuse names that are missing, given twice, or reserved for results.

    A first column without a name is the index that pandas writes, and is let through.
    """
    for position, name in enumerate(names, 1):
        if not name.strip() and position > 1:
            raise InputError(
                f"Column {position} of {source} has no name.",
                hint="Is the header line missing? The first line must name the columns.",
                code="no_header",
            )
        if names.index(name) != position - 1:
            raise InputError(
                f"Column {name[:40]!r} is in {source} twice"
                f" (columns {names.index(name) + 1} and {position}).",
                hint="Rename one; if the header line is missing, add it.",
                code="duplicate_column",
            )
        if name.startswith(RESERVED):
            raise InputError(
                f"Column {name[:40]!r} of {source} begins with {RESERVED!r}, reserved for results.",
                hint="Pass the original file, or drop or rename the column.",
                code="reserved_column",
            )


def require_column(table: Table, column: str, flag: str) -> None:
    """Refuse a column the table does not have, naming those it has."""
    if column not in table.frame.columns:
        has = column_list(table.frame.columns)
        raise InputError(
            f"Column {shown(column)!r} not in {table.name} (has: {has}).",
            hint=f"Pass {flag}.",
            code="no_such_column",
        )


def _checked(table: Table) -> Table:
    """The table, when its columns are usable and it has rows."""
    if not table.frame.columns:
        raise _empty(table.name)
    check_columns(table.frame.columns, table.name)
    if table.frame.height == 0:
        raise InputError(
            f"{table.name} has a header and no rows.",
            hint="Add rows under it; a file without a header needs one.",
            code="no_rows",
        )
    _refuse_endless_times(table)
    return table


def _refuse_endless_times(table: Table) -> None:
    """Instants that no calendar has could not be shown to people."""
    for column in table.frame.get_columns():
        if not column.dtype.is_temporal():
            continue
        try:
            _ = column.min(), column.max()
        except (ValueError, OverflowError, pl.exceptions.PanicException) as error:
            raise InputError(
                f"Column {shown(column.name)!r} of {table.name} holds a time that cannot be read"
                f" ({first_line(error)}).",
                hint="Correct it, or write the column as text.",
                code="wrong_time",
            ) from error


def _refuse_missing_header(header: Sequence[str], frame: pl.DataFrame, name: str) -> None:
    """Say that the header is missing when the first line clearly is data.

    Clear is: a name as long as a paragraph; only numbers; or a value that recurs in its own
    column (as a label does) beside one that reads as prose or a number.
    """
    if (
        any(len(each) > _LONG_NAME for each in header)
        or all(_is_number(each) for each in header)
        or _recurs(header, frame)
    ):
        raise InputError(
            f"The first line of {name} seems to be data, not column names:"
            f" {shown(', '.join(header))}",
            hint="Add a first line such as text,label.",
            code="no_header",
        )


def _recurs(header: Sequence[str], frame: pl.DataFrame) -> bool:
    if not any(_is_number(each) or len(each.split()) >= 5 for each in header):
        return False
    sample = frame.head(1000)
    return any(
        (sample.get_column(column) == value).sum() >= max(2, 0.05 * sample.height)
        for column, value in zip(frame.columns, header, strict=True)
        if value.strip() and not _is_number(value)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _empty(name: str) -> InputError:
    return InputError(
        f"{name} is empty.", hint="It needs a header line and rows.", code="empty_file"
    )


# --------------------------------------------------------------------------- bytes


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(
                f"{shown(str(path), 120)} is a directory.",
                hint="Pass one file in it.",
                code="is_directory",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            f"{shown(str(path), 120)} does not exist.", hint="Check the path.", code="no_such_file"
        ) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or "unknown"
        raise InputError(
            f"{shown(str(path), 120)} cannot be read: {reason}.",
            hint="Check the path and its permissions.",
            code="unreadable_file",
        ) from error


def _read_stream(stdin: BinaryIO | None) -> bytes:
    try:
        return (stdin or sys.stdin.buffer).read()
    except OSError as error:
        raise InputError(
            f"Standard input cannot be read: {error.strerror}.",
            hint="Pipe a table into it, or pass a file.",
            code="unreadable_file",
        ) from error


def _suffix(path: Path) -> str:
    """The suffix, the one before ``.gz`` for packed files."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
