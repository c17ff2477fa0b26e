"""Files on their way to a server and back: piece by piece, whole or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from signoff.errors import InputError

PIECE = 1 << 18
FILE_HEADERS = {"Content-Type": "application/octet-stream"}
TRANSFER_TIMEOUT = 300.0
FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """A file's bytes, a piece at a time."""
    return iter(lambda: file.read(PIECE), b"")


async def apieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """The same for the asynchronous client; reading a piece from disk takes no waiting for."""
    for piece in pieces(file):
        yield piece


def export_format(target: Path) -> str:
    """The format that a file's name asks for; raises :class:`InputError`."""
    found = FORMATS.get(target.suffix.lower())
    if found is None:
        raise InputError(
            f"{target.name} ends in no format that can be exported.",
            hint="End it in .csv, .jsonl or .parquet.",
        )
    return found


@contextmanager
def whole(target: Path) -> Generator[BinaryIO]:
    """A file to write that takes its name once it is whole; an old one stays until then."""
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
