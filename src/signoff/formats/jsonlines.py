"""JSON Lines: one object a line, types kept. A file that is one array of objects is read too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import polars as pl

from signoff.errors import InputError
from signoff.formats.values import column_of_values
from signoff.formats.wording import first_line, shown

Row = dict[str, object]


def looks_like_json(data: bytes, suffix: str) -> bool:
    """Is this JSON rather than delimited text? By its first line, or by its name in doubt."""
    start = data[:1024].lstrip()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return True
    if not start.startswith((b"{", b"[")):
        return False
    inside = start[1:].lstrip()
    if start.startswith(b"["):
        return inside.startswith(b"{")
    return inside.startswith(b"}") or (
        inside.startswith(b'"') and b'":' in start.replace(b" ", b"")
    )


def parse_json_lines(data: bytes, name: str) -> tuple[pl.DataFrame, list[str]]:
    """A frame with a column for each key, in the order keys first occur, and notes."""
    text = data.decode()
    read = _array if text.lstrip().startswith("[") else _lines
    return frame_of_rows(read(text, name), name)


def frame_of_rows(rows: list[Row], name: str) -> tuple[pl.DataFrame, list[str]]:
    """A frame of rows of keys and values (a missing key is null), and notes on what was bent."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns: list[pl.Series] = []
    notes: list[str] = []
    for key in names:
        column, note = column_of_values(key, [row.get(key) for row in rows], name)
        columns.append(column)
        notes.extend([note] if note else [])
    return pl.DataFrame(columns), notes


def _lines(text: str, name: str) -> list[Row]:
    """One object a line: all at once where nothing is wrong, else line by line to say where."""
    numbered = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    rows = _all_at_once([line.strip() for _, line in numbered])
    if rows is not None:
        return rows
    decode = json.JSONDecoder(object_pairs_hook=_object).decode
    found = ((_decoded(decode, line, name, f"line {n}"), f"line {n}") for n, line in numbered)
    return [_row(value, name, where) for value, where in found]


def _all_at_once(lines: list[str]) -> list[Row] | None:
    """The lines read as one array, which is three times as fast; None unless each is one object."""
    if not all(line.startswith("{") and line.endswith("}") for line in lines):
        return None
    try:
        rows: list[object] = json.loads(f"[{','.join(lines)}]", object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None
    objects = [row for row in rows if isinstance(row, dict)]
    return objects if len(objects) == len(rows) == len(lines) else None


def _array(text: str, name: str) -> list[Row]:
    first = text.lstrip().partition("\n")[0]
    decode = json.JSONDecoder(object_pairs_hook=_object).decode
    value = _decoded(decode, text, name, f"the array that begins {first[:20]!r}")
    entries: Iterable[object] = value if isinstance(value, list) else []
    return [_row(entry, name, f"entry {i}") for i, entry in enumerate(entries, 1)]


def _decoded(decode: Callable[[str], object], text: str, name: str, where: str) -> object:
    try:
        return decode(text)
    except json.JSONDecodeError as error:
        at = f", line {error.lineno}" if "\n" in text else ""
        raise _broken(name, f"{where}{at}, column {error.colno}: {shown(error.msg)}") from error
    except RecursionError as error:
        raise _broken(name, f"{where}: nested too deeply") from error
    except ValueError as error:  # a key given twice, a number of thousands of digits
        raise _broken(name, f"{where}: {first_line(error, 80)}") from error


def _broken(name: str, what: str) -> InputError:
    return InputError(
        f"{name} is broken JSON at {what}.",
        hint='Each line must be one object, such as {"text": "…"}.',
        code="broken_json",
    )


def _row(value: object, name: str, where: str) -> Row:
    if isinstance(value, dict):
        return value
    raise InputError(
        f"{name} {where} is {_kind(value)}, not an object.",
        hint='Each line must be one object, such as {"text": "…"}.',
        code="not_an_object",
    )


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "a number"


def _object(pairs: list[tuple[str, object]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return row
