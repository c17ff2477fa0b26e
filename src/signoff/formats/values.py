"""Between Python values, columns and text."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import polars as pl

from signoff.errors import InputError

_INT64 = 1 << 63


def column_of_values(
    name: str, values: Sequence[object], source: str
) -> tuple[pl.Series, str | None]:
    """A column that keeps the values' type; values of mixed types become text, with a note."""
    kinds = {type(value) for value in values} - {type(None)}
    try:
        if kinds == {str}:
            return pl.Series(name, values, dtype=pl.String), None
        if kinds == {bool}:
            return pl.Series(name, values, dtype=pl.Boolean), None
        if kinds == {int} and all(v is None or -_INT64 <= v < _INT64 for v in values):  # type: ignore[operator]
            return pl.Series(name, values, dtype=pl.Int64), None
        if kinds in ({float}, {int, float}) and _fit_floats(values):
            return pl.Series(name, values, dtype=pl.Float64, strict=False), None
        if not kinds & {str, bool, int, float}:
            return pl.Series(name, values, strict=True), None
    except UnicodeEncodeError as error:
        raise _lone_surrogate(name, source) from error
    except (
        *(TypeError, ValueError, OverflowError),
        *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    ):
        pass  # no one type holds them
    try:
        text = pl.Series(name, [_text(value) for value in values], dtype=pl.String)
    except UnicodeEncodeError as error:
        raise _lone_surrogate(name, source) from error
    return text, f"column {name!r} mixes types and was kept as text"


def as_text(column: pl.Series) -> pl.Series:
    """The column as text, null where it is null; the same text for the same values for ever.

    Text stays as it is; numbers are written as Python writes them, instants as ISO 8601, nested
    values as JSON with sorted keys, bytes in hexadecimal.
    """
    dtype = column.dtype
    if dtype == pl.String:
        return column
    if dtype.is_integer() or dtype.is_decimal() or dtype == pl.Null or holds_text(column):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        fraction = "%.9f" if dtype.time_unit == "ns" else "%.6f"
        zone = "%:z" if dtype.time_zone else ""
        return column.dt.to_string(f"%Y-%m-%dT%H:%M:%S{fraction}{zone}")
    if isinstance(dtype, pl.Date | pl.Time):
        return column.dt.to_string("iso")
    texts = [None if value is None else _text(value) for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


def holds_text(column: pl.Series) -> bool:
    """Text, also where it is stored as categories."""
    return isinstance(column.dtype, pl.String | pl.Categorical | pl.Enum)


def _text(value: object) -> str | None:
    """One value as text; text itself unchanged, everything else as JSON where it can be."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        return json.dumps(
            value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str
        )
    except (TypeError, ValueError, RecursionError):
        return str(value)


def _fit_floats(values: Sequence[object]) -> bool:
    """Can each be a float without loss? Whole numbers beyond 2^53 cannot."""
    return all(not isinstance(v, int) or abs(v) <= 1 << 53 for v in values)


def _lone_surrogate(name: str, source: str) -> InputError:
    return InputError(
        f"{source} holds half of a surrogate pair in column {name[:40]!r}, which is no character.",
        hint="Write the text again as UTF-8.",
        code="wrong_encoding",
    )
