"""Pictures of rows that come in: each is looked at once, and its digest becomes part of its row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from signoff.core.images import read_image
from signoff.core.items import IMAGE
from signoff.errors import InputError
from signoff.formats.pictures import Pictures
from signoff.formats.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Where the pictures of rows lie, and under which name each digest (SHA-256) is found."""

    source: Pictures
    names: Mapping[str, str]

    def read(self, digests: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of these pictures, read again; raises :class:`InputError` where they changed
        since they were looked at."""
        for digest in digests:
            data = self.source.read(self.names[digest])
            if hashlib.sha256(data).hexdigest() != digest:
                raise InputError(
                    f"{self.names[digest]} changed while it was read.",
                    hint="Run again.",
                    code="changed_file",
                )
            yield digest, data


def with_images(table: Table, column: str) -> tuple[pl.DataFrame, Images]:
    """The rows with the digest of the picture that each names in ``column``.

    Raises :class:`InputError` with the first row whose picture is missing, none, or too large.
    """
    source = table.pictures
    if source is None:
        raise InputError(
            f"{table.name} names pictures, and none came with it.",
            hint="Send a ZIP of the table and its pictures.",
            code="no_pictures",
        )
    digests: dict[str, str] = {}
    found: list[str] = []
    for row, value in enumerate(table.frame[column].cast(pl.String).to_list(), 1):
        name = value or ""
        if name not in digests:
            digests[name] = _digest(source, name, f"Row {row} of {table.name}")
        found.append(digests[name])
    names = {digest: name for name, digest in digests.items()}
    frame = table.frame.with_columns(pl.Series(IMAGE, found, dtype=pl.String))
    return frame, Images(source=source, names=names)


def _digest(source: Pictures, name: str, row: str) -> str:
    try:
        data = source.read(name)
        _ = read_image(data, name)
    except InputError as error:
        raise InputError(f"{row}: {error.message}", hint=error.hint, code=error.code) from error
    return hashlib.sha256(data).hexdigest()
