"""Pictures made for a test, in every kind that people may be shown."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image

KINDS = ("PNG", "JPEG", "WEBP", "GIF")


def picture(
    kind: str = "PNG", size: tuple[int, int] = (8, 6), *, colour: str = "red", frames: int = 1
) -> bytes:
    """A picture of one colour; further frames differ a little."""
    first = Image.new("RGB", size, colour)
    more = [Image.new("RGB", size, (at % 256, at // 256, 99)) for at in range(1, frames)]
    file = io.BytesIO()
    if more:
        first.save(file, kind, save_all=True, append_images=more, duration=50)
    else:
        first.save(file, kind)
    return file.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """A sound small file that says it becomes this large."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", size + b"\x01\x00\x00\x00\x00"),
            _chunk(b"IDAT", zlib.compress(bytes(1000))),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + check


def packed(files: Mapping[str, bytes | str]) -> bytes:
    """A ZIP of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def photos(count: int, table: str | None = None) -> bytes:
    """A ZIP of so many different pictures, with a table where one is given."""
    files: dict[str, bytes | str] = {f"p/{n}.png": picture(size=(n + 1, 4)) for n in range(count)}
    if table is not None:
        files["rows.csv"] = table
    return packed(files)


SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'
    b"<script>alert(document.cookie)</script></svg>"
)
