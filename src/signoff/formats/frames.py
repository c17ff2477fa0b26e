"""Frames of other libraries and rows of dicts as polars frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, cast

import polars as pl

from signoff.errors import InputError
from signoff.formats.jsonlines import frame_of_rows
from signoff.formats.values import column_of_values
from signoff.formats.wording import first_line


class _PandasLike(Protocol):
    """The part of a pandas frame that is used when pyarrow is not installed."""

    columns: Iterable[object]

    def __getitem__(self, name: object) -> Iterable[object]: ...


def frame_of(source: object) -> tuple[pl.DataFrame, str, list[str]]:
    """The frame, its format ("frame" or "rows") and notes; anything else is refused."""
    if isinstance(source, pl.DataFrame):
        return source, "frame", []
    if isinstance(source, pl.LazyFrame):
        return source.collect(), "frame", []
    if type(source).__module__.partition(".")[0] == "pandas" and hasattr(source, "columns"):
        return *_of_pandas(cast(_PandasLike, source)), "frame", []
    if hasattr(source, "__arrow_c_stream__") and hasattr(source, "schema"):
        return _of_arrow(source), "frame", []
    if isinstance(source, Iterable) and not isinstance(source, Mapping | bytes | bytearray):
        frame, notes = _of_rows(cast(Iterable[object], source))
        return frame, "rows", notes
    raise InputError(
        f"Data of type {type(source).__name__} cannot be read.",
        hint="Pass a path, a polars, pandas or Arrow table, or an iterable of dicts.",
        code="wrong_format",
    )


def _of_arrow(source: object) -> pl.DataFrame:
    try:
        return pl.DataFrame(source)  # type: ignore[arg-type]
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"The Arrow table cannot be read ({first_line(error)}).",
            hint="Pass a polars frame or a Parquet file.",
            code="wrong_format",
        ) from error


def _of_pandas(source: _PandasLike) -> tuple[pl.DataFrame]:
    """Column by column, the index left out; missing values become null."""
    names = [str(name) for name in source.columns]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"Column {twice!r} is in the frame twice.",
            hint="Give each column its own name.",
            code="duplicate_column",
        )
    columns = [
        _of_pandas_column(name, source[key])
        for name, key in zip(names, source.columns, strict=True)
    ]
    return (pl.DataFrame(columns),)


def _of_pandas_column(name: str, values: Iterable[object]) -> pl.Series:
    try:
        return pl.Series(name, values, nan_to_null=True)
    except (ImportError, TypeError, ValueError, pl.exceptions.PolarsError):
        plain = [None if _is_missing(value) else value for value in values]
        return column_of_values(name, plain, "The frame")[0]


def _is_missing(value: object) -> bool:
    """None, NaN, NaT and pandas' NA: none of them equals itself."""
    if value is None:
        return True
    try:
        return not bool(value == value)
    except TypeError:  # pandas' NA has no truth value
        return True
    except ValueError:  # nor has an array, but it is a value
        return False


def _of_rows(source: Iterable[object]) -> tuple[pl.DataFrame, list[str]]:
    rows: list[dict[str, object]] = []
    for number, row in enumerate(source, 1):
        if not isinstance(row, Mapping):
            raise InputError(
                f"Row {number} is a {type(row).__name__}, not a dict.",
                hint='Pass rows such as {"text": "…"}.',
                code="not_an_object",
            )
        rows.append({str(key): value for key, value in row.items()})
    return frame_of_rows(rows, "The data")
