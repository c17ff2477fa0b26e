"""Events: the facts of a project's log, their canonical bytes, and what they commit to.

An event's bytes are its RFC 8785 canonical JSON; its leaf in the log is the SHA-256 of a zero byte
and those bytes. Private values never enter an event: ``content`` holds a salted SHA-256 of each,
so that value and salt can be deleted and the log still verifies. A batch is many rows under one
event: the event holds the Merkle root of the rows, each row public integers and one commitment.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NoReturn, TypeGuard, cast

import numpy as np
import rfc8785
from numpy.typing import NDArray

from signoff.core.merkle import HASH_BYTES, leaf_hash
from signoff.core.people import ROLES
from signoff.errors import InputError, VerificationFailed

LOG_VERSION = 1
SALT_BYTES = 16
ROWS_PER_LEAF = 16
"""Rows of a batch under one leaf: a proof of one row then holds fifteen more commitments, and a
batch takes a third of the hashes."""
_INT_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"v", "id", "project", "type", "version", "at", "actor", "body", "content"}

Json = dict[str, object]


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
    if not _is_int(value["v"]) or value["v"] != LOG_VERSION:
        _malformed(f"it is of log version {value['v']!r}, not {LOG_VERSION}; update signoff")
    version, body, content = value["version"], value["body"], value["content"]
    texts = {name: value[name] for name in ("id", "project", "type", "at", "actor")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong or not _is_int(version) or not is_object(body) or not is_object(content):
        _malformed("a field has the wrong type")
    known = cast("dict[str, str]", texts)
    if not _ID.fullmatch(known["id"]):
        _malformed(f"its id {known['id'][:40]!r} is no UUID")
    if not _INSTANT.fullmatch(known["at"]):
        _malformed(f"its time {known['at'][:40]!r} is not RFC 3339 with microseconds and Z")
    if not all(isinstance(digest, str) and _HASH.fullmatch(digest) for digest in content.values()):
        _malformed("a commitment to its content is no SHA-256 in hex")
    return Event(
        **known,
        version=version,
        body=body,
        content=cast("dict[str, str]", content),
        canonical=canonical,
    )


# ------------------------------------------------------------------------ canonical JSON


def canonical_json(value: object) -> bytes:
    """RFC 8785 canonical bytes; raises :class:`InputError` where a value has none (NaN, 2**53)."""
    try:
        if _is_plain(value):
            return _PLAIN.encode(value).encode()
        return rfc8785.dumps(value)  # pyright: ignore[reportArgumentType]
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError) as error:
        raise InputError(f"A value has no canonical JSON form: {_one_line(error)}.") from error


_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _is_plain(value: object) -> bool:
    """Whether Python's own encoder, ten times as fast, writes a value as RFC 8785 does: no
    floats, no large numbers, and only names that every encoding sorts alike."""
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return True
    if kind is int:
        return -(2**53) < cast("int", value) < 2**53
    if kind is dict:
        fields = cast("dict[object, object]", value)
        return all(type(k) is str and k.isascii() and _is_plain(v) for k, v in fields.items())
    return kind is list and all(map(_is_plain, cast("list[object]", value)))


def parse_canonical(text: str) -> object:
    """The value of canonical JSON; raises :class:`VerificationFailed` for any other form of it."""
    try:
        value = cast("object", json.loads(text, parse_int=_whole))
        same = canonical_json(value) == text.encode()
    except (ValueError, RecursionError, InputError) as error:
        raise VerificationFailed(f"An event is not JSON: {_one_line(error)}.") from None
    if not same:
        _malformed("it is not in canonical form (RFC 8785)")
    return value


def _whole(digits: str) -> int | float:
    """RFC 8785 writes large floats as whole numbers: read those back as floats."""
    small = len(digits) <= 17 and abs(int(digits)) < 2**53
    return int(digits) if small else float(digits)


def is_object(value: object) -> TypeGuard[Json]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def instant(microseconds: int) -> str:
    """RFC 3339 with microseconds and Z.

    >>> instant(1_700_000_000_000_001)
    '2023-11-14T22:13:20.000001Z'
    """
    moment = _EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _malformed(what: str) -> NoReturn:
    raise VerificationFailed(f"An event is malformed: {what}.")


def _one_line(error: Exception) -> str:
    return str(error).splitlines()[0][:120].rstrip(".") if str(error) else type(error).__name__


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


# --------------------------------------------------------------------------- commitments


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


# ------------------------------------------------------------------------- known events

Check = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str)


def _count(value: object) -> bool:
    return _is_int(value) and value >= 0


def _number(value: object) -> bool:
    return _is_int(value) or isinstance(value, float)


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _share(value: object) -> bool:
    """A decimal number strictly between 0 and 1, written as text."""
    if not isinstance(value, str) or not re.fullmatch(r"0?\.[0-9]{1,30}|[0-9]E-[0-9]{1,2}", value):
        return False
    try:
        return 0 < Decimal(value) < 1
    except InvalidOperation:
        return False


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, cast("list[object]", value)))


def _one_of(*allowed: object) -> Check:
    return lambda value: isinstance(value, str) and value in allowed


def _object_with(**fields: Check) -> Check:
    def check(value: object) -> bool:
        return is_object(value) and all(
            name in value and field(value[name]) for name, field in fields.items()
        )

    return check


def _verdict(value: object) -> bool:
    if not isinstance(value, list):
        return False
    pair = cast("list[object]", value)
    return len(pair) == 2 and _count(pair[0]) and pair[1] in ("right", "wrong")


def _pair(value: object) -> bool:
    """Two counts."""
    return _list_of(_count)(value) and len(cast("list[object]", value)) == 2


def _versions(value: object) -> bool:
    """Versions of questions by name."""
    return is_object(value) and bool(value) and all(map(_count, value.values()))


def _batch(name: str) -> Check:
    return _object_with(name=_one_of(name), root=_hash, count=_count)


def _flag(value: object) -> bool:
    return isinstance(value, bool)


_role = _one_of(*ROLES)

_test = _object_with(
    name=_text, size=_count, errors=_count, alpha=_number, admitted=_count, sample=_count,
    limit=_is_int,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """What the body of a type of event holds, and the private values it may commit to."""

    fields: Mapping[str, Check]
    content: frozenset[str] = frozenset()
    version: int = 1


def _type(content: Iterable[str] = (), **fields: Check) -> EventType:
    return EventType(fields=fields, content=frozenset(content))


EVENT_TYPES: Mapping[str, EventType] = {
    "project.created": _type(
        ["guideline"], name=_text, kind=_text, form=_list_of(is_object), item_kind=_text,
        blur=_boolean, text_direction=_text, policy=is_object, rules=_list_of(is_object),
        process=is_object, model=_text, public_key=_text, signoff=_text,
    ),
    "reviewer.added": _type(["name"], reviewer=_text, kind=_text),
    "rows.added": _type(pool=_count, rows=_count, items=_count, batch=_batch("rows")),
    "requests.opened": _type(pool=_count, reason=_text, items=_list_of(_count)),
    "answer.given": _type(
        ["answers", "note"], pool=_count, item=_count, questions=_versions, reviewer=_text,
        seconds=_or_null(_number), reason=_text,
    ),
    "answer.extra": _type(
        ["answers", "note"], pool=_count, item=_count, questions=_versions, reviewer=_text,
        seconds=_or_null(_number), reason=_text,
    ),
    "answer.carried": _type(
        ["answers"], pool=_count, item=_count, questions=_versions, reviewer=_text, reason=_text,
        answer=_text,
    ),
    "answer.undone": _type(pool=_count, item=_count, answer=_text),
    "reviewer.tagged": _type(reviewer=_text, tags=_list_of(_text)),
    "request.assigned": _type(
        pool=_count, item=_count, tag=_or_null(_text), people=_list_of(_text),
    ),
    "request.expired": _type(
        pool=_count, item=_count, due=_text, outcome=_one_of("stay", "next"), to=_text,
    ),
    "comment.added": _type(["text"], pool=_count, item=_count, reviewer=_text),
    "gold.planted": _type(["key", "shown", "answers"], gold=_count),
    "gold.answered": _type(
        ["answers", "note"], gold=_count, reviewer=_text, seconds=_or_null(_number),
    ),
    "gold.undone": _type(gold=_count, answer=_text),
    "gold.skipped": _type(["note"], gold=_count, reviewer=_text),
    "gold.said": _type(["note", "text"], gold=_count, reviewer=_text),
    "gold.erased": _type(gold=_count),
    "answer.skipped": _type(["note"], pool=_count, item=_count, reviewer=_text),
    "item.flagged": _type(["note"], pool=_count, item=_count, reviewer=_text),
    "model.fitted": _type(
        pool=_count, question=_text, model=_text, answers=_count, snapshot=_hash, scores=is_object
    ),
    "audit.committed": _type(
        pool=_count, question=_text, attempt=_count, window=_text, items=_count,
        max_error=_share, errors=_count, reserved=_count, alpha=_share, rule=_text,
        certainty=_share, tests=_list_of(_test), process=is_object, differs=_text,
        seed_commitment=_hash,
        seed_chosen_by=_one_of("system", "operator"), model=_text, answered=_count, forced=_count,
        batch=_batch("frozen"),
    ),
    "verdicts.sealed": _type(
        pool=_count, question=_text, attempt=_count, verdicts=_list_of(_verdict)
    ),
    "seed.revealed": _type(pool=_count, question=_text, attempt=_count, seed=_hash),
    "decisions.made": _type(
        pool=_count, question=_text, by=_one_of("model", "reviewers"), batch=_batch("decisions")
    ),
    "certificate.issued": _type(
        pool=_count, question=_text, attempt=_count, certificate=is_object
    ),
    "window.started": _type(
        pool=_count, window=_text, rule=_one_of("S"), items=_count, max_error=_share,
        errors=_count, alpha=_share, audit_rate=_share,
        effects=_one_of("reversible", "irreversible"), limit=_is_int, reserved=_count,
        process=is_object, differs=_text, seed_commitment=_hash,
        seed_chosen_by=_one_of("system", "operator"),
    ),
    "items.arrived": _type(
        pool=_count, first=_count, count=_count, admitted=_list_of(_count), number=_count,
        model=_text, repeats=_list_of(_pair),
    ),
    "coins.drawn": _type(
        pool=_count, number=_count, count=_count, heads=_list_of(_count), left=_list_of(_count)
    ),
    "item.decided": _type(["answer", "key"], pool=_count, item=_count, id=_text),
    "item.corrected": _type(["answer", "key", "was"], pool=_count, item=_count, id=_text),
    "drift.alarm": _type(pool=_count, finds=_count, limit=_is_int),
    "item.erased": _type(pool=_count, item=_count, rows=_list_of(_count)),
    "pool.closed": _type(pool=_count, undecided=_count),
    "role.changed": _type(
        account=_text, role=_or_null(_role), was=_or_null(_role), everywhere=_flag, by=_text
    ),
    "session.begun": _type(account=_text, how=_one_of("password", "invitation")),
    "session.ended": _type(account=_text, why=_one_of("sign-out", "password", "everywhere")),
    "session.refused": _type(account=_text, tries=_count),
    "password.changed": _type(account=_text, by=_text),
    "token.made": _type(account=_text, token=_text, scopes=_list_of(_text), expires=_text),
    "token.revoked": _type(account=_text, token=_text, by=_text),
    "invitation.made": _type(
        invitation=_text, role=_role, everywhere=_flag, expires=_text, by=_text
    ),
    "invitation.revoked": _type(invitation=_text, by=_text),
    "person.removed": _type(account=_text, reviewers=_list_of(_text), by=_text),
    "export.made": _type(["by"], what=_text, format=_text, rows=_count, sha256=_hash),
    "webhook.added": _type(["url", "by"], webhook=_text, events=_list_of(_text)),
    "webhook.removed": _type(["by"], webhook=_text),
    "page.changed": _type(
        ["guideline", "by"], changed=_list_of(_text), blur=_boolean, text_direction=_text
    ),
    "run.started": _type(signoff=_text),
    "run.ended": _type(outcome=_text),
}  # fmt: skip


def check_body(type: str, body: Mapping[str, object]) -> None:
    """Raise :class:`InputError` where a body lacks a field of its type or holds it wrongly typed.

    Further fields are allowed: a later version may say more.
    """
    known = EVENT_TYPES.get(type)
    if known is None:
        raise InputError(f"Event type {type[:40]!r} is not known.", hint="Update signoff.")
    for name, check in known.fields.items():
        if name not in body:
            raise InputError(f"A {type} event lacks the field {name!r}.")
        if not check(body[name]):
            raise InputError(
                f"The field {name!r} of a {type} event cannot be {str(body[name])[:60]!r}."
            )
