"""How large a Parquet file becomes, from what it says of itself: nothing in it is unpacked.

A file of a kilobyte can say that it holds gigabytes, at its end and before each of its pages, and
whoever reads it sets that much memory aside. Both places are looked at, and the larger one counts.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import cast

from signoff.errors import InputError

MAGIC = b"PAR1"
MOST_LISTED = 32_000_000
"""How long the list at the end of a file may be: a column's part takes some hundred bytes of it."""

_TAIL = 8
_DEEPEST = 16
_INT64_BITS = 64
_WIDTHS = {0: 1, 1: 4, 2: 8, 3: 12, 4: 4, 5: 8}
"""Bytes of a value in memory, by physical type; texts take the length of a reference."""
_REFERENCE = 16

# Numbers of fields in Parquet's own definition of its parts.
_ROW_GROUPS = 4
_COLUMNS, _ROWS = 1, 3
_META = 3
_TYPE, _VALUES, _UNPACKED, _PACKED, _DATA_AT, _DICTIONARY_AT = 1, 5, 6, 7, 9, 11
_PAGE_UNPACKED, _PAGE_PACKED, _PAGE_KINDS, _PAGE_VALUES = 2, 3, (5, 8), 1

Bytes = bytes | mmap.mmap
Fields = dict[int, object]


def refuse_large_parquet(data: Bytes, name: str, most_bytes: int) -> None:
    """Raise :class:`InputError` where a Parquet file becomes larger than ``most_bytes``.

    Also where that cannot be found out: a reader may make more of a damaged file than this does.
    """
    try:
        size = _size(data)
    except (ValueError, IndexError, KeyError, TypeError):
        raise InputError(
            f"{name} is a damaged Parquet file (what it says of its columns cannot be read).",
            hint="Copy or write it again.",
            code="damaged_file",
        ) from None
    if size > most_bytes:
        raise too_large(name, most_bytes)


def too_large(name: str, most_bytes: int) -> InputError:
    """The refusal of a file that becomes larger than it may."""
    return InputError(
        f"{name} unpacks to more than {most_bytes:,} bytes.",
        hint="Split the file.",
        code="too_large",
    )


def _size(data: Bytes) -> int:
    """Bytes of all columns in memory."""
    groups = _structs(_footer(data)[_ROW_GROUPS])
    return sum(
        _column_size(data, _struct(column[_META]), rows=_count(group[_ROWS]))
        for group in groups
        for column in _structs(group[_COLUMNS])
    )


def _footer(data: Bytes) -> Fields:
    length = int.from_bytes(data[-_TAIL : -len(MAGIC)], "little")
    start = len(data) - _TAIL - length
    if data[-len(MAGIC) :] != MAGIC or length > MOST_LISTED or start < len(MAGIC):
        raise ValueError("no list at the end")
    return _Compact(data, start).struct()


def _column_size(data: Bytes, meta: Fields, *, rows: int) -> int:
    """Bytes of a column's part: of its pages unpacked, or of its values, whichever is more."""
    pages, values = _pages(data, meta)
    unpacked = max(_count(meta[_UNPACKED]), pages)
    width = _WIDTHS.get(_count(meta[_TYPE]), _REFERENCE)
    return max(unpacked, max(_count(meta[_VALUES]), values, rows) * width)


def _pages(data: Bytes, meta: Fields) -> tuple[int, int]:
    """What the pages of a column's part say: bytes unpacked, and values."""
    data_at = _count(meta[_DATA_AT])
    at = _count(meta.get(_DICTIONARY_AT, 0)) or data_at
    end = at + _count(meta[_PACKED])
    if not len(MAGIC) <= at <= data_at <= end <= len(data):
        raise ValueError("pages outside of the file")
    unpacked = values = 0
    while at < end:
        reader = _Compact(data, at)
        page = reader.struct()
        unpacked += _count(page[_PAGE_UNPACKED])
        values += sum(
            _count(_struct(page[kind])[_PAGE_VALUES]) for kind in _PAGE_KINDS if kind in page
        )
        at = reader.at + _count(page[_PAGE_PACKED])
    return unpacked, values


def _count(value: object) -> int:
    """A number that may not be negative: some reader would take it for a large one."""
    if not isinstance(value, int) or value < 0:
        raise ValueError("not a count")
    return value


def _struct(value: object) -> Fields:
    if not isinstance(value, dict):
        raise TypeError("not a struct")
    return cast("Fields", value)


def _structs(value: object) -> Sequence[Fields]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return [_struct(each) for each in cast("list[object]", value)]


class _Compact:
    """Reads Thrift's compact protocol, in which a Parquet file says what is in it. Texts are
    passed over; ``at`` is where it stands."""

    __slots__ = ("_data", "at")

    def __init__(self, data: Bytes, at: int) -> None:
        self._data = data
        self.at = at

    def struct(self, depth: int = 0) -> Fields:
        """The fields of a struct by number."""
        fields: Fields = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._whole()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth + 1)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._whole()
            case 7:
                return self._skip(8)
            case 8:
                return self._skip(self._natural())
            case 9 | 10:
                return self._list(depth)
            case 11:
                return self._map(depth)
            case 12:
                return self.struct(depth)
            case 13:
                return self._skip(16)
            case _:
                raise ValueError("no such type")

    def _list(self, depth: int) -> list[object]:
        head = self._byte()
        count = self._natural() if head >> 4 == 15 else head >> 4
        return [self._value(head & 15, depth + 1) for _ in range(count)]

    def _map(self, depth: int) -> None:
        count = self._natural()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._value(kinds >> 4, depth + 1)
            self._value(kinds & 15, depth + 1)

    def _skip(self, count: int) -> None:
        self.at += count

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _natural(self) -> int:
        value = shift = 0
        while shift < _INT64_BITS:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("too large a number")

    def _whole(self) -> int:
        value = self._natural()
        return (value >> 1) ^ -(value & 1)
