"""Pictures that people judge: what they are, told by their bytes, and which are refused.

Nothing here decodes a pixel. The header says how large a picture becomes, and one that ends too
early is found by walking over its parts; what they hold is for the browser that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from signoff.core.images.formats import Broken, Header, ImageFormat, read_header
from signoff.errors import InputError

MEDIA_TYPES: dict[ImageFormat, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
}
MOST_BYTES = 20_000_000
MOST_PIXELS = 64_000_000
MOST_FRAMES = 500
_MAGIC: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"BM", "a BMP picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"\x1f\x8b", "a gzip file"),
)
_LOOKED_AT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that may be shown."""

    format: ImageFormat
    width: int
    height: int
    frames: int

    @property
    def media_type(self) -> str:
        """What a browser is told it is."""
        return MEDIA_TYPES[self.format]


def image_format(start: bytes) -> ImageFormat | None:
    """Which kind of picture begins with these bytes (16 will do); None for anything else.

    >>> image_format(b"GIF89a..."), image_format(b"<svg xmlns=")
    ('gif', None)
    """
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    return next((format for magic, format in _MAGIC if start.startswith(magic)), None)


def read_image(data: bytes, name: str) -> Image:
    """The picture that these bytes are; ``name`` is what messages call it.

    Raises :class:`InputError`: it is none of the four kinds, damaged, or becomes too large.
    """
    if len(data) > MOST_BYTES:
        raise too_many_bytes(name)
    format = image_format(data[:16])
    if format is None:
        raise InputError(
            f"{name} is {_what_else(data)}, not a PNG, JPEG, WebP or GIF picture.",
            hint="Convert it to one of them.",
            code="wrong_image",
        )
    try:
        header = read_header(data, format)
    except Broken as broken:
        raise InputError(
            f"{name} is a damaged {format.upper()} picture: {broken}.",
            hint="Save it again, or leave its row out.",
            code="damaged_image",
        ) from None
    _refuse_bomb(header, name)
    return Image(format=format, width=header.width, height=header.height, frames=header.frames)


def too_many_bytes(name: str) -> InputError:
    """A picture that is too large as a file."""
    return InputError(
        f"{name} has more than {MOST_BYTES:,} bytes.",
        hint="Save it smaller.",
        code="image_too_large",
    )


def _refuse_bomb(header: Header, name: str) -> None:
    """A few kilobytes can say that they become gigabytes, and browsers believe them."""
    pixels = header.width * header.height
    if pixels > MOST_PIXELS:
        raise InputError(
            f"{name} has {header.width:,} x {header.height:,} pixels;"
            f" {MOST_PIXELS:,} are the most.",
            hint="Save it smaller.",
            code="image_too_large",
        )
    if header.frames > MOST_FRAMES:
        raise InputError(
            f"{name} has {header.frames:,} frames; {MOST_FRAMES} are the most.",
            hint="Save it with fewer.",
            code="image_too_large",
        )


def _what_else(data: bytes) -> str:
    start = data[:_LOOKED_AT]
    if not start:
        return "an empty file"
    if start[4:8] == b"ftyp":
        return "a HEIC or AVIF picture" if start[8:11] in (b"hei", b"avi", b"mif") else "a film"
    for magic, what in _OTHERS:
        if start.startswith(magic):
            return what
    if b"<svg" in start.lower():
        return "an SVG drawing, which may hold scripts"
    return "something else"
