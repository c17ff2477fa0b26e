"""Events: the facts of a project's log, their canonical bytes, and what they commit to.

An event's bytes are its RFC 8785 canonical JSON; its leaf in the log is the SHA-256 of a zero byte
and those bytes. Private values never enter an event: ``content`` holds a salted SHA-256 of each,
so that value and salt can be deleted and the log still verifies. A batch is many rows under one
event: the event holds the Merkle root of the rows, each row public integers and one commitment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from signoff.core.canonical import Json, canonical_json, is_int, is_object, parse_canonical
from signoff.core.event_types import EVENT_TYPES, HASH, check_body
from signoff.core.merkle import HASH_BYTES, leaf_hash
from signoff.errors import VerificationFailed

LOG_VERSION = 1
SALT_BYTES = 16
ROWS_PER_LEAF = 16
"""Rows of a batch under one leaf: a proof of one row then holds fifteen more commitments, and a
batch takes a third of the hashes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FIELDS = {"v", "id", "project", "type", "version", "at", "actor", "body", "content"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact: ``canonical`` is exactly what is hashed, the other fields are read from it.

    ``at`` is RFC 3339 with microseconds and ``Z``; ``content`` maps the name of each private value
    to its commitment in hex.
    """

    id: str
    project: str
    type: str
    version: int
    at: str
    actor: str
    body: Mapping[str, object]
    content: Mapping[str, str]
    canonical: str = field(repr=False)

    @property
    def leaf(self) -> bytes:
        """This event's leaf hash in the log (32 bytes)."""
        return leaf_hash(self.canonical.encode())


def build_event(
    *,
    id: str,
    project: str,
    type: str,
    at: int,
    actor: str,
    body: Mapping[str, object],
    content: Mapping[str, str] | None = None,
) -> Event:
    """An event of a known type; ``at`` in microseconds since 1970 in UTC.

    Raises :class:`InputError` where the body lacks what its type needs.
    """
    check_body(type, body)
    value: Json = {
        "v": LOG_VERSION,
        "id": id,
        "project": project,
        "type": type,
        "version": EVENT_TYPES[type].version,
        "at": instant(at),
        "actor": actor,
        "body": dict(body),
        "content": dict(content or {}),
    }
    return parse_event(canonical_json(value).decode())


def parse_event(canonical: str) -> Event:
    """The event these canonical bytes hold; raises :class:`VerificationFailed` on anything else.

    Well-formedness only: whether the body is what its type needs is for :func:`check_body`.
    """
    value = parse_canonical(canonical)
    if not is_object(value) or set(value) != _FIELDS:
        _malformed("it has other fields than an event has")
    if not is_int(value["v"]) or value["v"] != LOG_VERSION:
        _malformed(f"it is of log version {value['v']!r}, not {LOG_VERSION}; update signoff")
    version, body, content = value["version"], value["body"], value["content"]
    texts = {name: value[name] for name in ("id", "project", "type", "at", "actor")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong or not is_int(version) or not is_object(body) or not is_object(content):
        _malformed("a field has the wrong type")
    known = cast("dict[str, str]", texts)
    if not _ID.fullmatch(known["id"]):
        _malformed(f"its id {known['id'][:40]!r} is no UUID")
    if not _INSTANT.fullmatch(known["at"]):
        _malformed(f"its time {known['at'][:40]!r} is not RFC 3339 with microseconds and Z")
    if not all(isinstance(digest, str) and HASH.fullmatch(digest) for digest in content.values()):
        _malformed("a commitment to its content is no SHA-256 in hex")
    return Event(
        **known,
        version=version,
        body=body,
        content=cast("dict[str, str]", content),
        canonical=canonical,
    )


def instant(microseconds: int) -> str:
    """RFC 3339 with microseconds and Z.

    >>> instant(1_700_000_000_000_001)
    '2023-11-14T22:13:20.000001Z'
    """
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _malformed(what: str) -> NoReturn:
    raise VerificationFailed(f"An event is malformed: {what}.")


# --------------------------------------------------------------------------- commitments


def silence_of(item: int) -> str:
    """The name of the content that says why a model had no answer to an item."""
    return f"why:{item}"


def example_name(item: int) -> str:
    """The name of the content that shows an item as an example in a prompt."""
    return f"example:{item}"


def commit(salt: bytes, content: bytes) -> str:
    """The commitment to a private value: SHA-256(salt || content) in hex."""
    return hashlib.sha256(salt + content).hexdigest()


def commit_rows(private: Sequence[bytes], salts: bytes) -> bytes:
    """One 32-byte commitment per row, joined; ``salts`` holds 16 bytes a row. About 1 µs a row."""
    if len(salts) != SALT_BYTES * len(private):
        raise ValueError(f"{len(private)} rows need {SALT_BYTES} salt bytes each")
    sha256 = hashlib.sha256
    digests = [
        sha256(salt + content).digest()
        for salt, content in zip(pieces(salts, SALT_BYTES), private, strict=True)
    ]
    return b"".join(digests)


def pieces(data: bytes, size: int) -> list[bytes]:
    """The pieces of this size that bytes are made of; several times as fast as slicing.

    >>> pieces(b"abcdef", 2)
    [b'ab', b'cd', b'ef']
    """
    return np.frombuffer(data, dtype=f"V{size}").tolist()


def batch_leaves(ints: NDArray[np.int64], commitments: bytes) -> list[bytes]:
    """The leaf hashes of a batch's rows, :data:`ROWS_PER_LEAF` rows to a leaf:
    SHA-256(0x00 || integers || commitment || integers || commitment …).

    ``ints`` (n, j), not negative, 8 bytes each, big-endian; ``commitments`` n x 32 bytes. The last
    leaf holds what is left. Parts of a batch give its leaves if they are cut between leaves.
    """
    n = len(ints)
    if len(commitments) != HASH_BYTES * n:
        raise ValueError(f"{n} rows need {HASH_BYTES} commitment bytes each")
    if n == 0:
        return []
    if int(ints.min()) < 0:
        raise ValueError("a row of a batch holds a negative number")
    numbers = np.ascontiguousarray(ints, dtype=">i8").view(np.uint8)
    digests = np.frombuffer(commitments, dtype=np.uint8).reshape(n, HASH_BYTES)
    rows = np.concatenate([numbers, digests], axis=1)
    data, step = rows.tobytes(), ROWS_PER_LEAF * rows.shape[1]
    return [leaf_hash(data[at : at + step]) for at in range(0, len(data), step)]
