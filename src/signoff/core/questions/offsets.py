"""Offsets into a text: code points here, UTF-16 code units in a browser.

The owl of "a🦉b" is one code point and two UTF-16 code units, so ``b`` is at 2 here and at 3 there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from signoff.errors import InputError

OUTSIDE = "outside_text"


def to_utf16(text: str, offsets: Sequence[int]) -> list[int]:
    """Offsets in UTF-16 code units of offsets in code points.

    Raises :class:`InputError` for an offset outside the text.

    >>> to_utf16("a🦉b", [0, 1, 2, 3])
    [0, 1, 3, 4]
    """
    for offset in offsets:
        if not 0 <= offset <= len(text):
            raise _outside(offset, len(text))
    table = _utf16_table(text)
    return [table[offset] for offset in offsets]


def from_utf16(text: str, offsets: Sequence[int]) -> list[int]:
    """Offsets in code points of offsets in UTF-16 code units.

    Raises :class:`InputError` for an offset outside the text or inside a character.

    >>> from_utf16("a🦉b", [0, 1, 3, 4])
    [0, 1, 2, 3]
    """
    table = _utf16_table(text)
    last = table[-1]
    found: list[int] = []
    for offset in offsets:
        if not 0 <= offset <= last:
            raise _outside(offset, last)
        place = bisect_left(table, offset)
        if table[place] != offset:
            raise InputError(
                f"The UTF-16 offset {offset} is inside the character {text[place - 1]!r}.",
                hint="Begin and end between characters.",
                code=OUTSIDE,
            )
        found.append(place)
    return found


def _utf16_table(text: str) -> list[int]:
    """The UTF-16 offset of each code point and of the end, (len(text) + 1,)."""
    return list(accumulate((1 + (char > "\uffff") for char in text), initial=0))


def _outside(offset: int, length: int) -> InputError:
    return InputError(
        f"The offset {offset} is outside the text, which ends at {length}.",
        hint="Is it another version of the text, or another unit of offsets?",
        code=OUTSIDE,
    )
