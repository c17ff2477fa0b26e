"""Text from outside, made safe to show on a terminal."""

from __future__ import annotations

import re
import unicodedata

TAB = "    "
_NEW_LINES = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_KEPT_FORMAT = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Joiners that scripts and emoji need, and the plain direction marks: harmless, so kept."""


def visible(text: str) -> str:
    r"""The text with everything that could steer a terminal, or hide, made visible.

    Control characters become their pictures, direction overrides and other invisible characters
    their code in angle brackets, half a surrogate pair the replacement character. Line ends
    become ``\n``, tabs four spaces; right-to-left text and emoji stay as they are.

    >>> visible("a\x1b[31mred\x07")
    'a␛[31mred␇'
    >>> visible("abc\u202edef")
    'abc⟨U+202E⟩def'
    """
    text = _NEW_LINES.sub("\n", text).replace("\t", TAB)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(map(_shown, text))


def one_line(text: str, limit: int = 0) -> str:
    """Visible text on one line, cut to ``limit`` characters where that is above 0."""
    line = " ".join(visible(text).split())
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


def _shown(char: str) -> str:
    if char == "\n" or char.isprintable() or char in _KEPT_FORMAT:
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    if category == "Zs":
        return " "
    return f"⟨U+{code:04X}⟩"
