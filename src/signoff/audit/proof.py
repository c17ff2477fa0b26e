"""Proofs of one record: that an event, or one row of its batch, is in a signed log.

Small enough to send: the event, the hashes that lead from it to the root of a checkpoint, and for
a decision of a batch the row and the hashes that lead from it to the batch's root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Self, cast

import numpy as np

from signoff.audit.checkpoint import Checkpoint, open_checkpoint, origin_of
from signoff.audit.export import Opened
from signoff.audit.keys import PublicKey, parse_public_key
from signoff.core.batches import StoredBatch
from signoff.core.canonical import is_object
from signoff.core.events import ROWS_PER_LEAF, SALT_BYTES, Event, batch_leaves, commit, parse_event
from signoff.core.merkle import HASH_BYTES, inclusion_holds, inclusion_proof
from signoff.errors import VerificationFailed

PROOF_VERSION = 1
_FIELDS = ("signoff_proof", "checkpoint", "event", "index", "path", "content", "row", "also")
_SEALED = ("ints", "commitment")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """A row of a batch as its leaf holds it."""

    ints: tuple[int, ...]
    commitment: bytes

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return {"ints": list(self.ints), "commitment": self.commitment.hex()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProof:
    """Row ``index`` of the batch the event names; ``private`` is None where it was erased.

    ``beside`` are the other rows of its leaf, in order.
    """

    index: int
    row: SealedRow
    beside: tuple[SealedRow, ...]
    path: tuple[bytes, ...]
    private: Opened | None

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return {
            "index": self.index,
            **self.row.to_json(),
            "beside": [row.to_json() for row in self.beside],
            "path": _hex(self.path),
            "private": None if self.private is None else _opened_json(self.private),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionProof:
    """Event ``index`` of the log under ``checkpoint``, and where given one row of its batch.

    ``also``: another event of the log without which this one does not tell the whole decision.
    """

    checkpoint: str
    event: str
    index: int
    path: tuple[bytes, ...]
    content: Mapping[str, Opened]
    row: RowProof | None
    also: DecisionProof | None = None

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return {
            "signoff_proof": PROOF_VERSION,
            "checkpoint": self.checkpoint,
            "event": self.event,
            "index": self.index,
            "path": _hex(self.path),
            "content": {name: _opened_json(part) for name, part in self.content.items()},
            "row": None if self.row is None else self.row.to_json(),
            "also": None if self.also is None else self.also.to_json(),
        }

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The inverse of :meth:`to_json`; raises VerificationFailed on anything malformed."""
        fields = _fields(value, _FIELDS)
        if fields["signoff_proof"] != PROOF_VERSION:
            _refuse(f"it is of version {str(fields['signoff_proof'])[:20]}; update signoff")
        content = fields["content"]
        if not is_object(content):
            _refuse("its content is no object")
        return cls(
            checkpoint=_text(fields["checkpoint"]),
            event=_text(fields["event"]),
            index=_count(fields["index"]),
            path=_path(fields["path"]),
            content={name: _opened(part) for name, part in content.items()},
            row=None if fields["row"] is None else _row(fields["row"]),
            also=None if fields["also"] is None else _also(cls.from_json(fields["also"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a proof shows: the event, and the row's numbers and private value where it has one."""

    event: Event
    checkpoint: Checkpoint
    ints: tuple[int, ...] = ()
    private: str | None = None
    also: Event | None = None


def prove_event(
    leaves: Sequence[bytes],
    index: int,
    *,
    canonical: str,
    checkpoint: str,
    content: Mapping[str, Opened] | None = None,
    row: RowProof | None = None,
    also: DecisionProof | None = None,
) -> DecisionProof:
    """The proof of event ``index`` among the leaf hashes that ``checkpoint`` covers."""
    return DecisionProof(
        checkpoint=checkpoint,
        event=canonical,
        index=index,
        path=tuple(inclusion_proof(leaves, index)),
        content=dict(content or {}),
        row=row,
        also=also,
    )


def prove_row(batch: StoredBatch, index: int) -> RowProof:
    """The proof of one row of a batch; hashes the whole batch."""
    private, salt = batch.private[index], batch.salts[index]
    opened = None if private is None or salt is None else Opened(salt, private.decode())
    leaf, place = divmod(index, ROWS_PER_LEAF)
    start = index - place
    rows = [_sealed(batch, at) for at in range(start, min(start + ROWS_PER_LEAF, len(batch)))]
    return RowProof(
        index=index,
        row=rows.pop(place),
        beside=tuple(rows),
        path=tuple(inclusion_proof(batch_leaves(batch.ints, batch.commitments), leaf)),
        private=opened,
    )


def _sealed(batch: StoredBatch, at: int) -> SealedRow:
    return SealedRow(
        ints=tuple(batch.ints[at].tolist()),
        commitment=batch.commitments[HASH_BYTES * at : HASH_BYTES * (at + 1)],
    )


def verify_proof(proof: DecisionProof, public_key: str) -> Proved:
    """What the proof shows; raises :class:`VerificationFailed` where it shows nothing.

    ``public_key``: the verifier key of the log. That the log itself holds true statements is for
    :func:`signoff.audit.verify.verify_log`.
    """
    event = parse_event(proof.event)
    head = _head(proof, parse_public_key(public_key), event.project)
    if not inclusion_holds(event.leaf, proof.index, head.size, proof.path, head.root):
        _refuse(f"the event is not number {proof.index} under the checkpoint")
    for name, part in proof.content.items():
        if event.content.get(name) != commit(part.salt, part.value.encode()):
            _refuse(f"its content {name[:40]!r} is not what the event commits to")
    also = None if proof.also is None else verify_proof(proof.also, public_key).event
    if also is not None and also.project != event.project:
        _refuse("the two events are of different logs")
    if proof.row is None:
        return Proved(event=event, checkpoint=head, also=also)
    _check_row(proof.row, event)
    private = proof.row.private
    return Proved(
        event=event,
        checkpoint=head,
        ints=proof.row.row.ints,
        private=None if private is None else private.value,
        also=also,
    )


def _head(proof: DecisionProof, key: PublicKey, project: str) -> Checkpoint:
    return open_checkpoint(proof.checkpoint, key, origin=origin_of(project))


def _check_row(row: RowProof, event: Event) -> None:
    batch = event.body.get("batch")
    fields = batch if is_object(batch) else {}
    root, count = fields.get("root"), fields.get("count")
    if not isinstance(root, str) or not isinstance(count, int):
        _refuse("the event names no batch")
    number, place = divmod(row.index, ROWS_PER_LEAF)
    rows = [*row.beside[:place], row.row, *row.beside[place:]]
    if len(rows) != min(ROWS_PER_LEAF, count - number * ROWS_PER_LEAF):
        _refuse("it has not all rows of the row's leaf")
    if any(len(each.ints) != len(row.row.ints) for each in rows):
        _refuse("the rows of a leaf have different numbers of numbers")
    ints = np.array([each.ints for each in rows], dtype=np.int64)
    (leaf,) = batch_leaves(ints, b"".join(each.commitment for each in rows))
    leaves = -(-count // ROWS_PER_LEAF)
    if not inclusion_holds(leaf, number, leaves, row.path, _digest(root)):
        _refuse(f"the row is not number {row.index} of the event's batch")
    private, commitment = row.private, row.row.commitment.hex()
    if private is not None and commit(private.salt, private.value.encode()) != commitment:
        _refuse("the row's private value is not what it commits to")


# ------------------------------------------------------------------------ reading JSON


def _also(proof: DecisionProof) -> DecisionProof:
    if proof.also is not None:
        _refuse("it holds more than two events")
    return proof


def _row(value: object) -> RowProof:
    fields = _fields(value, ["index", "ints", "commitment", "beside", "path", "private"])
    beside = fields["beside"]
    if not isinstance(beside, list):
        _refuse("the rows beside a row are no list")
    others = [_fields(other, _SEALED) for other in cast("list[object]", beside)]
    return RowProof(
        index=_count(fields["index"]),
        row=_sealed_row(fields),
        beside=tuple(_sealed_row(other) for other in others),
        path=_path(fields["path"]),
        private=None if fields["private"] is None else _opened(fields["private"]),
    )


def _sealed_row(fields: Mapping[str, object]) -> SealedRow:
    ints = fields["ints"]
    if not isinstance(ints, list) or not ints:
        _refuse("a row has no numbers")
    return SealedRow(
        ints=tuple(_count(number) for number in cast("list[object]", ints)),
        commitment=_digest(fields["commitment"]),
    )


def _fields(value: object, names: Sequence[str]) -> dict[str, object]:
    if not is_object(value) or set(value) != set(names):
        _refuse("it has other fields than a proof has")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        _refuse("a field is not text")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        _refuse("a field is not a whole number")
    return value


def _digest(value: object, size: int = HASH_BYTES) -> bytes:
    text = _text(value)
    try:
        data = bytes.fromhex(text)
    except ValueError:
        _refuse("a hash is not hexadecimal")
    if len(data) != size or data.hex() != text:
        _refuse(f"a hash or salt is not {size} bytes in hexadecimal")
    return data


def _path(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        _refuse("a path is no list")
    return tuple(_digest(step) for step in cast("list[object]", value))


def _opened(value: object) -> Opened:
    fields = _fields(value, ["salt", "value"])
    return Opened(_digest(fields["salt"], SALT_BYTES), _text(fields["value"]))


def _opened_json(part: Opened) -> dict[str, object]:
    return {"salt": part.salt.hex(), "value": part.value}


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [digest.hex() for digest in hashes]


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"The proof does not hold: {what}.", code="proof")
