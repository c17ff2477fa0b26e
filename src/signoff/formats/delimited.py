"""CSV and TSV: every value is text and comes back as it went in.

Polars parses. Before it does, a scan over the positions of quotes, separators and line ends finds
what polars would bend silently: rows that are too short, stray quotes, lone carriage returns.
Files with stray quotes or lone carriage returns take Python's own (slower) parser.
"""

from __future__ import annotations

import csv
import io
import sys
import threading
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from signoff.errors import InputError
from signoff.formats.wording import first_line, shown

_QUOTE, _LF, _CR = 0x22, 0x0A, 0x0D
_CHUNK = 1 << 24
_SAMPLE = 1 << 16
_RECORDS = 100
_SEPARATORS = (",", ";", "\t", "|")
_limit_lock = threading.Lock()

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The header and the rows under it; every column is text."""

    header: list[str]
    frame: pl.DataFrame
    blank_lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Where the records of a file are: starts, ends (without line feed), fields in each."""

    starts: Positions
    ends: Positions
    fields: Positions
    line_feeds: Positions
    blank: NDArray[np.bool_]

    def number(self, record: int) -> int:
        """Line number, from 1, on which a record begins."""
        return int(np.searchsorted(self.line_feeds, self.starts[record])) + 1


def parse_delimited(data: bytes, *, separator: str, name: str) -> Parsed:
    """Header and rows of UTF-8 text; ragged rows and unclosed quotes raise :class:`InputError`."""
    lines = _scan(data, separator)
    if lines is None:
        return _parse_slowly(data, separator, name)
    _refuse_ragged(lines, data, separator, name)
    blank = int(lines.blank.sum())
    if blank == len(lines.blank):
        return Parsed(header=[], frame=pl.DataFrame(), blank_lines=blank)
    if blank:
        data = _without_blank_lines(data, lines)
    width = int(lines.fields[np.flatnonzero(~lines.blank)[0]])
    frame = _parse_with_polars(data, width, separator, name)
    header = ["" if value is None else str(value) for value in frame.row(0)]
    return Parsed(header=header, frame=frame.slice(1), blank_lines=blank)


def sniff_separator(data: bytes, suffix: str) -> str:
    """The separator under which the first records have the same number of fields, at least 2."""
    whole = len(data) <= _SAMPLE
    sample = data[:_SAMPLE]
    if not whole:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode("utf-8", errors="replace")
    preferred = "\t" if suffix == ".tsv" else ","
    scores = {separator: _consistency(text, separator) for separator in _SEPARATORS}
    return max(_SEPARATORS, key=lambda each: (*scores[each], each == preferred))


def _consistency(text: str, separator: str) -> tuple[bool, float, int]:
    """Is it a table, which share of records is as wide as the header, how wide that is."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            widths += [len(row)] if row else []
            if len(widths) == _RECORDS:
                break
    except csv.Error as error:
        if "unexpected end" not in str(error):  # the sample may end inside a field
            return (False, 0.0, 0)
    if not widths or widths[0] < 2:
        return (False, 0.0, 0)
    agreeing = sum(width == widths[0] for width in widths) / len(widths)
    return (True, round(agreeing, 2), widths[0])


# ------------------------------------------------------------------------ the scan


def _scan(data: bytes, separator: str) -> _Lines | None:
    """Where records begin and end; None when only a parser with states can tell."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    quotes = _positions(buffer, _QUOTE)
    if not _quotes_are_regular(buffer, quotes, ord(separator)):
        return None
    returns = _outside(_positions(buffer, _CR), quotes)
    if np.any(_byte_at(buffer, returns + 1) != _LF):
        return None
    line_feeds = _positions(buffer, _LF)
    ends = _outside(line_feeds, quotes)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1])[: len(ends)]
    separators = _outside(_positions(buffer, ord(separator)), quotes)
    seen = np.searchsorted(separators, ends)
    lengths = ends - starts
    blank = (lengths == 0) | ((lengths == 1) & (_byte_at(buffer, starts) == _CR))
    return _Lines(
        starts=starts,
        ends=ends,
        fields=np.diff(seen, prepend=0) + 1,
        line_feeds=line_feeds,
        blank=blank,
    )


def _positions(buffer: NDArray[np.uint8], byte: int) -> Positions:
    """Where a byte occurs, looked for in pieces so that no mask of the whole file exists."""
    found = [
        np.flatnonzero(buffer[start : start + _CHUNK] == byte) + start
        for start in range(0, len(buffer), _CHUNK)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _outside(positions: Positions, quotes: Positions) -> Positions:
    """Those with an even number of quotes before them."""
    if not len(quotes):
        return positions
    return positions[np.searchsorted(quotes, positions) % 2 == 0]


def _byte_at(buffer: NDArray[np.uint8], positions: Positions) -> NDArray[np.uint8]:
    """The bytes there; before the start and after the end there are line feeds."""
    inside = (positions >= 0) & (positions < len(buffer))
    found = np.full(len(positions), _LF, dtype=np.uint8)
    found[inside] = buffer[positions[inside]]
    return found


def _quotes_are_regular(buffer: NDArray[np.uint8], quotes: Positions, separator: int) -> bool:
    """Every quote opens a field, closes one, or is half of a doubled one (RFC 4180)."""
    if len(quotes) % 2:
        return False
    before = _byte_at(buffer, quotes[0::2] - 1)
    after = _byte_at(buffer, quotes[1::2] + 1)
    return bool(
        np.isin(before, (separator, _LF, _QUOTE)).all()
        and np.isin(after, (separator, _LF, _CR, _QUOTE)).all()
    )


def _refuse_ragged(lines: _Lines, data: bytes, separator: str, name: str) -> None:
    records = np.flatnonzero(~lines.blank)
    if not len(records):
        return
    width = int(lines.fields[records[0]])
    wrong = records[lines.fields[records] != width]
    if len(wrong):
        first = int(wrong[0])
        seen = data[lines.starts[first] : lines.ends[first]].decode(errors="replace")
        raise _ragged(name, lines.number(first), int(lines.fields[first]), width, separator, seen)


def _ragged(name: str, line: int, fields: int, width: int, separator: str, seen: str) -> InputError:
    hint = (
        f"Quote fields that hold {separator!r} or a line break."
        if fields > width
        else "Is a field missing, or a line break not quoted?"
    )
    return InputError(
        f"{name} line {line} has {_fields(fields)}, the header has {width}"
        f" (separator {separator!r}): {shown(seen)}",
        hint=hint,
        code="ragged_row",
    )


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _without_blank_lines(data: bytes, lines: _Lines) -> bytes:
    kept = np.flatnonzero(~lines.blank)
    if kept[-1] == len(kept) - 1:  # only the last lines are blank
        return data[: lines.ends[kept[-1]]]
    spans = zip(lines.starts[kept].tolist(), lines.ends[kept].tolist(), strict=True)
    return b"\n".join(data[start:end] for start, end in spans)


# -------------------------------------------------------------------- the two parsers


def _parse_with_polars(data: bytes, width: int, separator: str, name: str) -> pl.DataFrame:
    """All records, the header too, so that its names pass the same parser."""
    columns = [f"column_{i}" for i in range(width)]
    try:
        return pl.read_csv(
            io.BytesIO(data),
            has_header=False,
            schema=dict.fromkeys(columns, pl.String()),
            separator=separator,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(
            f"{name} is not a table this program can parse ({first_line(error)}).",
            hint="Save it again as CSV (UTF-8).",
            code="broken_csv",
        ) from error


def _parse_slowly(data: bytes, separator: str, name: str) -> Parsed:
    """Python's parser: stray quotes inside a field are text, lone carriage returns end a line."""
    rows: list[list[str]] = []
    blank = 0
    source = io.StringIO(data.decode(), newline="")
    with _limit_lock:
        limit = csv.field_size_limit(sys.maxsize)
        line = 1
        try:
            reader = csv.reader(source, delimiter=separator, strict=True)
            for row in reader:
                if not row:
                    blank += 1
                elif rows and len(row) != len(rows[0]):
                    seen = separator.join(row)
                    raise _ragged(name, line, len(row), len(rows[0]), separator, seen)
                else:
                    rows.append(row)
                line = reader.line_num + 1
        except csv.Error as error:
            raise _broken_quote(name, line, error) from error
        finally:
            csv.field_size_limit(limit)
    return Parsed(header=rows[0] if rows else [], frame=_from_rows(rows), blank_lines=blank)


def _from_rows(rows: list[list[str]]) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame()
    body = zip(*rows[1:], strict=True) if len(rows) > 1 else ([] for _ in rows[0])
    columns = {
        f"column_{i}": pl.Series([value or None for value in values], dtype=pl.String)
        for i, values in enumerate(body)
    }
    return pl.DataFrame(columns)


def _broken_quote(name: str, line: int, error: csv.Error) -> InputError:
    if "unexpected end" in str(error):
        return InputError(
            f"{name} line {line} opens a quote that is never closed.",
            hint='Close it, or write a quote inside a field as "".',
            code="unclosed_quote",
        )
    return InputError(
        f"{name} line {line} has text after a closing quote.",
        hint='Inside a quoted field write a quote as "".',
        code="broken_quote",
    )
