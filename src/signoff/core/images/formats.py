"""The parts of a PNG, JPEG, WebP and GIF file, walked over without looking into them.

Sources: the PNG specification (W3C, third edition), ITU-T T.81 annex B (JPEG), RFC 9649 (WebP),
the GIF89a specification.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

ImageFormat = Literal["png", "jpeg", "webp", "gif"]

MOST_SCANS = 200
"""A progressive JPEG is drawn once per scan: thousands of empty ones keep a browser busy."""

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class Header(NamedTuple):
    """How large a picture becomes."""

    width: int
    height: int
    frames: int


class Broken(Exception):
    """A file ends too early, or is not what its kind looks like; the text is a clause."""


def read_header(data: bytes, format: ImageFormat) -> Header:
    """The size that any part of the file says, the largest; raises :class:`Broken`."""
    readers = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif}
    try:
        header = readers[format](data)
    except (struct.error, IndexError):
        raise Broken("it ends too early") from None
    if header.width < 1 or header.height < 1 or header.frames < 1:
        raise Broken("it has no pixels")
    return header


# ---------------------------------------------------------------------------------- PNG


def _png(data: bytes) -> Header:
    width = height = 0
    frames, pixels, at = 1, False, 8
    while True:
        size, kind = struct.unpack_from(">I4s", data, at)
        body, end = at + 8, at + 12 + size
        if end > len(data):
            raise Broken("it ends too early")
        if at == 8 and kind != b"IHDR":
            raise Broken("it does not begin with its size")
        if kind == b"IHDR":
            wide, tall = struct.unpack_from(">II", data, body)
            width, height = max(width, wide), max(height, tall)
        elif kind == b"acTL":
            frames = struct.unpack_from(">I", data, body)[0]
        elif kind == b"IDAT":
            pixels = True
        elif kind == b"IEND":
            return Header(width, height, frames if pixels else 0)
        at = end


# --------------------------------------------------------------------------------- JPEG


def _jpeg(data: bytes) -> Header:
    width = height = scans = 0
    at = 2
    while True:
        marker, at = _jpeg_marker(data, at)
        if marker == 0xD9:
            break
        if marker in _ALONE:
            continue
        size = struct.unpack_from(">H", data, at)[0]
        if size < 2 or at + size > len(data):
            raise Broken("it ends too early")
        if marker in _START_OF_FRAME:
            tall, wide = struct.unpack_from(">HH", data, at + 3)
            width, height = max(width, wide), max(height, tall)
        at += size
        if marker == 0xDA:
            scans += 1
            if scans > MOST_SCANS:
                raise Broken(f"it is drawn more than {MOST_SCANS} times over")
            found = _MARKER.search(data, at)
            if found is None:
                raise Broken("it ends too early")
            at = found.start()
    return Header(width, height, 1 if scans else 0)


def _jpeg_marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker here, and where what follows it begins."""
    if data[at] != 0xFF:
        raise Broken("a part of it begins in the wrong place")
    while data[at] == 0xFF:
        at += 1
    return data[at], at + 1


# --------------------------------------------------------------------------------- WebP


def _webp(data: bytes) -> Header:
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise Broken("it ends too early")
    width = height = frames = 0
    for kind, body, stop in _webp_parts(data, 12, end):
        wide, tall = _webp_size(data, kind, body)
        width, height = max(width, wide), max(height, tall)
        frames += kind in (b"ANMF", b"VP8 ", b"VP8L")
        if kind == b"ANMF":
            for inner, inside, _ in _webp_parts(data, body + 16, stop):
                wide, tall = _webp_size(data, inner, inside)
                width, height = max(width, wide), max(height, tall)
    return Header(width, height, frames)


def _webp_parts(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The name, beginning and end of each part."""
    while at < end:
        kind, size = struct.unpack_from("<4sI", data, at)
        body, stop = at + 8, at + 8 + size
        if stop > end:
            raise Broken("it ends too early")
        yield kind, body, stop
        at = stop + size % 2


def _webp_size(data: bytes, kind: bytes, body: int) -> tuple[int, int]:
    match kind:
        case b"VP8X":
            return _uint24(data, body + 4) + 1, _uint24(data, body + 7) + 1
        case b"ANMF":
            return _uint24(data, body + 6) + 1, _uint24(data, body + 9) + 1
        case b"VP8 ":
            wide, tall = struct.unpack_from("<HH", data, body + 6)
            return wide & 0x3FFF, tall & 0x3FFF
        case b"VP8L":
            bits = struct.unpack_from("<I", data, body + 1)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            return 0, 0


def _uint24(data: bytes, at: int) -> int:
    low, high = struct.unpack_from("<HB", data, at)
    return low | high << 16


# ---------------------------------------------------------------------------------- GIF


def _gif(data: bytes) -> Header:
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at, frames = 13 + _colours(packed), 0
    while True:
        kind = data[at]
        if kind == 0x3B:
            return Header(width, height, frames)
        if kind == 0x21:
            at = _gif_blocks(data, at + 2)
        elif kind == 0x2C:
            left, top, wide, tall, packed = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, left + wide), max(height, top + tall)
            frames += 1
            at = _gif_blocks(data, at + 11 + _colours(packed))
        else:
            raise Broken("a part of it begins in the wrong place")


def _gif_blocks(data: bytes, at: int) -> int:
    """Where what follows a chain of blocks begins."""
    while size := data[at]:
        at += 1 + size
    return at + 1


def _colours(packed: int) -> int:
    """The bytes of a colour table."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0
