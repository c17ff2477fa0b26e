"""Read Parquet files that may be damaged.

A damaged file can end the whole process that reads it: polars believes the sizes it finds in it,
and a failed allocation aborts. So a process of its own reads the file first; only what it survives
is read here.
"""

from __future__ import annotations

import io
import subprocess
import sys

import polars as pl

from signoff.errors import InputError
from signoff.formats.parquet_sizes import refuse_large_parquet, too_large
from signoff.formats.values import as_text
from signoff.formats.wording import first_line

REFUSED, TOO_LARGE = 3, 4
"""Exit codes of the process that looks first, where it could say what is wrong."""

_TROUBLE = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    OSError,
    ValueError,
    OverflowError,
)


def read_parquet(data: bytes, name: str, *, most_bytes: int | None = None) -> pl.DataFrame:
    """The table in a Parquet file; raises :class:`InputError` where it is damaged, or says that it
    becomes larger than ``most_bytes``."""
    if most_bytes is not None:
        refuse_large_parquet(data, name, most_bytes)
    refused = _look_first(data, name, most_bytes)
    if refused is not None:
        raise _damaged(name, refused)
    try:
        return _read(data)
    except _TROUBLE as error:
        raise _damaged(name, first_line(error)) from error


def _look_first(data: bytes, name: str, most_bytes: int | None) -> str | None:
    """What is wrong with a file, by a process that may die of it; None where nothing is.

    Raises :class:`InputError` where its texts, written out, are larger than ``most_bytes``.
    """
    looked = subprocess.run(
        [sys.executable, "-m", __name__, *([] if most_bytes is None else [str(most_bytes)])],
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if looked.returncode == 0:
        return None
    if most_bytes is not None and looked.returncode == TOO_LARGE:
        raise too_large(name, most_bytes)
    said = looked.stdout.decode(errors="replace").strip()
    return said if looked.returncode == REFUSED and said else "it cannot be read to its end"


def _read(data: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(data), hive_partitioning=False)


def _damaged(name: str, what: str) -> InputError:
    return InputError(
        f"{name} is a damaged Parquet file ({what}).",
        hint="Copy or write it again.",
        code="damaged_file",
    )


def _length(column: pl.Series) -> int:
    """Bytes of a column's texts, written out: in the file a text that recurs stands once."""
    dtype = column.dtype
    if isinstance(dtype, pl.List | pl.Array):
        return _length(column.explode())
    if isinstance(dtype, pl.Struct):
        return sum(map(_length, column.struct.unnest().get_columns()))
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return int(column.cat.len_bytes().sum())
    if dtype == pl.String:
        return int(column.str.len_bytes().sum())
    return int(column.bin.size().sum()) if dtype == pl.Binary else 0


def look(most_bytes: int | None = None) -> int:
    """Read standard input as Parquet, down to values no calendar has; the exit code."""
    try:
        columns = _read(sys.stdin.buffer.read()).get_columns()
        if most_bytes is not None and sum(map(_length, columns)) > most_bytes:
            return TOO_LARGE
        for column in columns:
            if column.dtype.is_temporal() or column.dtype.is_nested():
                as_text(column)
    except _TROUBLE as error:
        print(first_line(error))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(look(*map(int, sys.argv[1:])))
