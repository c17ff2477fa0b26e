"""The exported log: one JSON object a line, written and strictly read.

Each line is compact JSON with its fields in one order, so that no byte of it can be changed
without changing what it says. The lines are::

    {"signoff_log":1,"project":..,"public_key":..,"content":true|false}      first, once
    {"event":"<canonical JSON>","content":{name:{"salt":hex,"value":"<canonical JSON>"}}}
    {"batch":root,"first":i,"ints":[[..],..],"commitments":base64}           the rows of the batch
        the event before it names, at most 10,000 a line; with content also
        "private":["<canonical JSON>"|null,..],"salts":base64
    {"checkpoint":"<signed note>"}                                           right after the last
                                                                             event it covers
``content`` of an event and ``private`` of a row are absent (null, its salt zero) once erased.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from signoff.audit.keys import PublicKey, parse_public_key
from signoff.core.batches import StoredBatch
from signoff.core.canonical import is_object
from signoff.core.events import ROWS_PER_LEAF, SALT_BYTES, Event, parse_event
from signoff.core.merkle import HASH_BYTES
from signoff.errors import InputError, SignoffError, VerificationFailed

FORMAT = 1
CHUNK = 625 * ROWS_PER_LEAF
_NO_SALT = bytes(SALT_BYTES)


@dataclass(frozen=True, slots=True)
class Opened:
    """A private value and the salt of its commitment."""

    salt: bytes
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderLine:
    """Whose log this is, and whether private values come with it."""

    line: int
    project: str
    public_key: PublicKey
    content: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """One event, with the private values that were exported."""

    line: int
    event: Event
    content: Mapping[str, Opened]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """Some rows of a batch: ``ints`` (n, j), ``commitments`` n x 32 bytes.

    ``private[i]`` is None where the row was erased; ``private`` is empty and ``salts`` is not
    given where the log was exported without content.
    """

    line: int
    root: str
    first: int
    ints: NDArray[np.int64] = field(repr=False)
    commitments: bytes = field(repr=False)
    private: Sequence[str | None] = field(default=(), repr=False)
    salts: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointLine:
    """A signed note."""

    line: int
    note: str


Line = HeaderLine | EventLine | BatchLine | CheckpointLine

# ---------------------------------------------------------------------------- writing


def header_line(project: str, public_key: PublicKey, *, content: bool) -> bytes:
    """The first line."""
    return _dump(
        {
            "signoff_log": FORMAT,
            "project": project,
            "public_key": public_key.text,
            "content": content,
        }
    )


def event_line(canonical: str, content: Mapping[str, tuple[bytes, str]] | None = None) -> bytes:
    """An event; ``content`` maps names to (salt, canonical JSON), None where none is exported."""
    value: dict[str, object] = {"event": canonical}
    if content:
        value["content"] = {
            name: {"salt": salt.hex(), "value": text}
            for name, (salt, text) in sorted(content.items())
        }
    return _dump(value)


def batch_lines(batch: StoredBatch, *, content: bool = False) -> Iterator[bytes]:
    """The rows of a batch, in order."""
    for first in range(0, len(batch), CHUNK):
        last = min(first + CHUNK, len(batch))
        commitments = batch.commitments[HASH_BYTES * first : HASH_BYTES * last]
        value: dict[str, object] = {
            "batch": batch.root,
            "first": first,
            "ints": batch.ints[first:last].tolist(),
            "commitments": base64.b64encode(commitments).decode(),
        }
        if content:
            value["private"], salts = _opened_rows(batch, first, last)
            value["salts"] = base64.b64encode(salts).decode()
        yield _dump(value)


def checkpoint_line(note: str) -> bytes:
    """A checkpoint."""
    return _dump({"checkpoint": note})


def _dump(value: Mapping[str, object]) -> bytes:
    return _compact(value).encode() + b"\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ---------------------------------------------------------------------------- reading


def read_log(lines: Iterable[bytes | StoredBatch]) -> Iterator[Line]:
    """The lines of an exported log, each checked for its form.

    A batch may stand for its own lines: then they are not written out only to be read again.

    Raises :class:`InputError` where this is no exported log at all, and
    :class:`VerificationFailed`, with the line's number, where a line is not exactly as written.
    """
    header: HeaderLine | None = None
    number = 1
    for line in lines:
        if header is None:
            header = _header(number, line if isinstance(line, bytes) else b"")
            yield header
            number += 1
            continue
        try:
            for read in _read(number, line, content=header.content):
                yield read
                number += 1
        except SignoffError as error:
            raise VerificationFailed(f"Line {number}: {error.message}", code="line") from error
    if header is None:
        raise InputError("The file is empty: not an exported log.", hint=_HOW)


def _read(number: int, line: bytes | StoredBatch, *, content: bool) -> Iterator[Line]:
    if isinstance(line, bytes):
        yield _line(number, _load(line), content=content)
    else:
        yield from _lines_of(line, number, content=content)


def _lines_of(batch: StoredBatch, number: int, *, content: bool) -> Iterator[BatchLine]:
    """What reading the lines of :func:`batch_lines` would give."""
    n = len(batch)
    if n and (int(batch.ints.min()) < 0 or int(batch.ints.max()) >= 2**53):
        _refuse("a row of its batch holds a number below 0 or from 2**53")
    if len(batch.commitments) != HASH_BYTES * n:
        _refuse(f"its batch has {n} rows and {len(batch.commitments)} bytes of commitments")
    for at, first in enumerate(range(0, n, CHUNK)):
        last = min(first + CHUNK, n)
        private, salts = _opened_rows(batch, first, last) if content else ([], b"")
        yield BatchLine(
            line=number + at,
            root=batch.root,
            first=first,
            ints=batch.ints[first:last],
            commitments=batch.commitments[HASH_BYTES * first : HASH_BYTES * last],
            private=private,
            salts=salts,
        )


def _opened_rows(batch: StoredBatch, first: int, last: int) -> tuple[list[str | None], bytes]:
    """Private values and salts of these rows; without both a row counts as erased."""
    pairs = list(zip(batch.private[first:last], batch.salts[first:last], strict=True))
    salts = b"".join(_NO_SALT if None in pair else pair[1] or b"" for pair in pairs)
    if len(salts) != SALT_BYTES * len(pairs):
        _refuse(f"a salt is not {SALT_BYTES} bytes")
    try:
        private = [None if text is None or salt is None else text.decode() for text, salt in pairs]
    except UnicodeDecodeError:
        _refuse("a private value is not text")
    return private, salts


_HOW = "Write one with `signoff log`."


def _header(number: int, line: bytes) -> HeaderLine:
    try:
        value = _load(line)
        version, content = value.get("signoff_log"), value.get("content")
        project, key = value.get("project"), value.get("public_key")
    except VerificationFailed as error:
        raise InputError("The file is not an exported log.", hint=_HOW) from error
    if list(value) != ["signoff_log", "project", "public_key", "content"]:
        raise InputError("The file does not begin as an exported log does.", hint=_HOW)
    if type(version) is not int or version != FORMAT:
        raise InputError(
            f"The log is of format {str(version)[:20]!r}; this version reads format {FORMAT}.",
            hint="Update signoff.",
        )
    if not isinstance(project, str) or not isinstance(key, str) or not isinstance(content, bool):
        raise InputError("The first line of the log is damaged.", hint=_HOW)
    return HeaderLine(
        line=number, project=project, public_key=parse_public_key(key), content=content
    )


def _load(line: bytes) -> dict[str, object]:
    """The object on a line, which must be written exactly as this module writes it."""
    if not line.endswith(b"\n"):
        _refuse("the file ends in the middle of it")
    try:
        text = line[:-1].decode()
        value = cast("object", json.loads(text))
        same = _compact(value) == text
    except (ValueError, RecursionError):
        _refuse("it is not JSON in UTF-8")
    if not is_object(value):
        _refuse("it is not an object")
    if not same:
        _refuse("it is not written as signoff writes it")
    return value


def _line(number: int, value: dict[str, object], *, content: bool) -> Line:
    match list(value):
        case ["event"] | ["event", "content"]:
            return _event(number, value, content=content)
        case ["batch", "first", "ints", "commitments"] if not content:
            return _batch(number, value)
        case ["batch", "first", "ints", "commitments", "private", "salts"] if content:
            return _batch(number, value)
        case ["checkpoint"] if isinstance(value["checkpoint"], str):
            return CheckpointLine(line=number, note=value["checkpoint"])
        case _:
            raise VerificationFailed("it is no event, batch or checkpoint.")


def _event(number: int, value: dict[str, object], *, content: bool) -> EventLine:
    canonical, opened = value["event"], value.get("content", {})
    if not isinstance(canonical, str) or not is_object(opened):
        _refuse("its event is malformed")
    event = parse_event(canonical)
    if "content" in value and (not content or not opened or list(opened) != sorted(opened)):
        _refuse("its content should not be there")
    if not set(opened) <= set(event.content):
        _refuse("its content is not what the event commits to")
    return EventLine(
        line=number,
        event=event,
        content={name: _opened(part) for name, part in opened.items()},
    )


def _opened(value: object) -> Opened:
    if not is_object(value) or list(value) != ["salt", "value"]:
        _refuse("its content is malformed")
    salt, text = value["salt"], value["value"]
    if not isinstance(salt, str) or not isinstance(text, str):
        _refuse("its content is malformed")
    try:
        data = bytes.fromhex(salt)
    except ValueError:
        _refuse("a salt is not hexadecimal")
    if len(data) != SALT_BYTES or data.hex() != salt:
        _refuse(f"a salt is not {SALT_BYTES} bytes in hexadecimal")
    return Opened(salt=data, value=text)


def _batch(number: int, value: dict[str, object]) -> BatchLine:
    root, first = value["batch"], value["first"]
    if not isinstance(root, str) or not isinstance(first, int) or isinstance(first, bool):
        _refuse("its batch is malformed")
    ints = _ints(value["ints"])
    n = len(ints)
    salts = _bytes(value["salts"], SALT_BYTES * n) if "salts" in value else b""
    private = _private(value["private"], n, salts) if "private" in value else []
    return BatchLine(
        line=number,
        root=root,
        first=first,
        ints=ints,
        commitments=_bytes(value["commitments"], HASH_BYTES * n),
        private=private,
        salts=salts,
    )


def _private(value: object, n: int, salts: bytes) -> list[str | None]:
    texts = cast("list[object]", value) if isinstance(value, list) else []
    if len(texts) != n:
        _refuse(f"its batch has {n} rows and {len(texts)} private values")
    if not all(text is None or isinstance(text, str) for text in texts):
        _refuse("a private value is not text")
    for at, text in enumerate(texts):
        if text is None and salts[SALT_BYTES * at : SALT_BYTES * (at + 1)] != _NO_SALT:
            _refuse("an erased row kept its salt")
    return cast("list[str | None]", texts)


def _ints(value: object) -> NDArray[np.int64]:
    """Rows of whole numbers, all of one width."""
    rows = cast("list[object]", value) if isinstance(value, list) else []
    if not 1 <= len(rows) <= CHUNK:
        _refuse(f"its batch has {len(rows)} rows, not 1 to {CHUNK}")
    if not all(isinstance(row, list) for row in rows):
        _refuse("a row of its batch is no list")
    numbers = cast("list[list[object]]", rows)
    if len({len(row) for row in numbers}) != 1 or not numbers[0]:
        _refuse("the rows of its batch differ in width")
    if set(map(type, chain.from_iterable(numbers))) != {int}:
        _refuse("a row of its batch holds something other than whole numbers")
    whole = cast("list[list[int]]", numbers)
    if min(map(min, whole)) < 0 or max(map(max, whole)) >= 2**53:
        _refuse("a row of its batch holds a number below 0 or from 2**53")
    return np.array(whole, dtype=np.int64)


def _bytes(value: object, size: int) -> bytes:
    if not isinstance(value, str):
        _refuse("a field is not base64")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        _refuse("a field is not base64")
    if len(data) != size or base64.b64encode(data).decode() != value:
        _refuse(f"a field is not {size} bytes in base64")
    return data


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what}.")
