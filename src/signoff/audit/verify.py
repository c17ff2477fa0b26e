"""Verify an exported log from the file and the public key alone.

Three layers, each on the one before: the form of every line (:mod:`signoff.audit.export`); hashes,
batches and signatures (here); and whether what was signed makes sense, down to every number of
every certificate (:mod:`signoff.audit.history`). Memory: 32 bytes a batch row and the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from signoff.audit.checkpoint import open_checkpoint, origin_of
from signoff.audit.export import (
    BatchLine,
    CheckpointLine,
    EventLine,
    HeaderLine,
    Opened,
    read_log,
)
from signoff.audit.history import History
from signoff.audit.keys import parse_public_key
from signoff.audit.values import row_label
from signoff.core.batches import COLUMNS, BatchName, StoredBatch
from signoff.core.canonical import Json
from signoff.core.events import ROWS_PER_LEAF, SALT_BYTES, Event, batch_leaves, commit, commit_rows
from signoff.core.merkle import HASH_BYTES, Frontier
from signoff.errors import VerificationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The first bad record: its line, the number of its event (None: no event), and why."""

    line: int
    event: int | None
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}" + ("" if self.event is None else f", event {self.event}")
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verification found.

    ``trusted``: the public key came from outside, not from the log itself. ``covered``: events
    under the last checkpoint, whose text is ``checkpoint``; nothing proves what comes after.
    ``opened``: private values checked against their commitments; ``blanks``: erased ones.
    ``certificates``: those recomputed.
    """

    ok: bool
    project: str
    public_key: str
    trusted: bool
    events: int
    covered: int
    checkpoints: int
    checkpoint: str
    batches: int
    rows: int
    opened: int
    blanks: int
    certificates: tuple[Json, ...]
    notes: tuple[str, ...]
    problem: Problem | None


def verify_log(
    lines: Iterable[bytes | StoredBatch],
    *,
    public_key: str | None = None,
    allow_tail: bool = False,
) -> Verdict:
    """Verify the lines of an exported log; a batch may stand for its own lines.

    ``public_key``: the verifier key the log must be signed with; without it, the one the log
    names. ``allow_tail``: accept events behind the last checkpoint. Raises :class:`InputError`
    only where the file is no exported log or the key no key; everything else is in the verdict.
    """
    walk = _Walk(public_key=public_key, allow_tail=allow_tail)
    problem: Problem | None = None
    reader = read_log(lines)
    try:
        for line in reader:
            walk.take(line)
        walk.end()
    except VerificationFailed as error:
        problem = Problem(
            line=walk.line + (error.code == "line"),
            event=walk.at_event if error.code != "line" else None,
            reason=error.message.split(": ", 1)[-1] if error.code == "line" else error.message,
        )
    return walk.verdict(problem)


@dataclass(slots=True)
class _OpenBatch:
    """The batch that the last event names, while its rows come in."""

    event: Event
    name: BatchName
    root: str
    count: int
    tree: Frontier = field(default_factory=Frontier)
    rows: int = 0
    ints: list[NDArray[np.int64]] = field(default_factory=list[NDArray[np.int64]])
    labels: list[str | None] = field(default_factory=list[str | None])


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The state of a verification, line by line."""

    public_key: str | None
    allow_tail: bool
    line: int = 0
    at_event: int | None = None
    header: HeaderLine | None = None
    history: History | None = None
    tree: Frontier = field(default_factory=Frontier)
    ids: set[str] = field(default_factory=set[str])
    batch: _OpenBatch | None = None
    known: dict[str, str] = field(default_factory=dict[str, str])
    covered: int = 0
    checkpoints: int = 0
    checkpoint: str = ""
    batches: int = 0
    rows: int = 0
    opened: int = 0
    blanks: int = 0
    notes: list[str] = field(default_factory=list[str])

    def take(self, line: HeaderLine | EventLine | BatchLine | CheckpointLine) -> None:
        self.line = line.line
        if not isinstance(line, BatchLine) and self.batch is not None:
            batch = self.batch
            _refuse(f"only {batch.rows} of the {batch.count} rows before it are there")
        match line:
            case HeaderLine():
                self._begin(line)
            case EventLine():
                self._event(line)
            case BatchLine():
                self._rows(line)
            case CheckpointLine():
                self._checkpoint(line)

    def end(self) -> None:
        """Check what only the end can tell."""
        if self.batch is not None:
            _refuse(f"the log ends after {self.batch.rows} of {self.batch.count} rows")
        if self.tree.size == 0:
            _refuse("the log has no events")
        tail = self.tree.size - self.covered
        if tail and not self.allow_tail:
            _refuse(f"no checkpoint covers the last {tail} of {self.tree.size} events")
        if tail and not self.covered:
            _refuse(f"no checkpoint covers any of the {tail} events: nothing is signed yet")
        if tail:
            self.notes.append(
                f"The newest {tail} of {self.tree.size} events are in no checkpoint yet: nothing"
                " proves them. A run that is at work, or goes on, signs them; verify again then."
            )
        if self.history is not None:
            self.notes.extend(self.history.end())

    def verdict(self, problem: Problem | None) -> Verdict:
        return Verdict(
            ok=problem is None,
            project="" if self.header is None else self.header.project,
            public_key="" if self.header is None else self.header.public_key.text,
            trusted=self.public_key is not None,
            events=self.tree.size,
            covered=self.covered,
            checkpoints=self.checkpoints,
            checkpoint=self.checkpoint,
            batches=self.batches,
            rows=self.rows,
            opened=self.opened,
            blanks=self.blanks,
            certificates=() if self.history is None else tuple(self.history.certificates),
            notes=tuple(self.notes),
            problem=problem,
        )

    # ------------------------------------------------------------------- lines

    def _begin(self, line: HeaderLine) -> None:
        self.header = line
        self.history = History(project=line.project, public_key=line.public_key.text)
        if self.public_key is not None:
            wanted = parse_public_key(self.public_key)
            if wanted != line.public_key:
                _refuse(f"the log is signed with key {line.public_key.id}, not {wanted.id}")

    def _event(self, line: EventLine) -> None:
        event = line.event
        self.at_event = self.tree.size
        if event.id in self.ids:
            _refuse(f"event id {event.id} is used twice")
        self.ids.add(event.id)
        self._open(event.content, line.content)
        self._history.tell(event, {name: part.value for name, part in line.content.items()})
        self.tree.append(event.leaf)
        batch = event.body.get("batch")
        if batch is not None and event.type in _BATCHED:
            value = cast("Json", batch)
            self.batch = _OpenBatch(
                event, _BATCHED[event.type], str(value["root"]), cast("int", value["count"])
            )
            self._close_batch_if_full()

    def _open(self, commitments: Mapping[str, str], content: Mapping[str, Opened]) -> None:
        """Compare the private values of an event with what it commits to."""
        for name, part in content.items():
            if commit(part.salt, part.value.encode()) != commitments[name]:
                _refuse(f"its content {name!r} is not the one the event commits to")
        self.opened += len(content)
        if self._header.content:
            self.blanks += len(commitments) - len(content)

    def _rows(self, line: BatchLine) -> None:
        batch = self.batch
        if batch is None:
            _refuse("rows follow that no event names")
        if line.root != batch.root or line.first != batch.rows:
            _refuse(
                f"rows from {line.first} of batch {line.root[:12]} follow where rows from "
                f"{batch.rows} of {batch.root[:12]} must"
            )
        if line.ints.shape[1] != len(COLUMNS[batch.name]):
            _refuse(f"a row of a {batch.name} batch has {len(COLUMNS[batch.name])} numbers")
        if line.first + len(line.ints) > batch.count:
            _refuse(f"batch {batch.root[:12]} has more than its {batch.count} rows")
        if line.first % ROWS_PER_LEAF:
            _refuse(f"the rows before row {line.first} of a batch end within a leaf")
        self._open_rows(line, batch)
        batch.tree.extend(batch_leaves(line.ints, line.commitments))
        batch.ints.append(line.ints)
        batch.rows += len(line.ints)
        self.rows += len(line.ints)
        self._close_batch_if_full()

    def _open_rows(self, line: BatchLine, batch: _OpenBatch) -> None:
        """Compare private rows with their commitments, and keep their labels."""
        if not line.private:
            return
        texts = [text for text in line.private if text is not None]
        kept = [at for at, text in enumerate(line.private) if text is not None]
        erased = len(line.private) - len(kept)
        salts, expected = line.salts, line.commitments
        if erased:
            salts = b"".join(salts[SALT_BYTES * at : SALT_BYTES * (at + 1)] for at in kept)
            expected = b"".join(expected[HASH_BYTES * at : HASH_BYTES * (at + 1)] for at in kept)
        found = commit_rows([text.encode() for text in texts], salts)
        if found != expected:
            bad = next(
                at
                for place, at in enumerate(kept)
                if found[HASH_BYTES * place : HASH_BYTES * (place + 1)]
                != expected[HASH_BYTES * place : HASH_BYTES * (place + 1)]
            )
            _refuse(f"row {line.first + bad} of the batch is not the one it commits to")
        self.opened += len(kept)
        self.blanks += erased
        if batch.name != "rows":
            batch.labels += [None if text is None else self._label(text) for text in line.private]

    def _label(self, text: str) -> str:
        """The label of a row; one string for all rows that share it."""
        label = row_label(text)
        return self.known.setdefault(label, label)

    def _close_batch_if_full(self) -> None:
        batch = self.batch
        if batch is None or batch.rows < batch.count:
            return
        self.batch = None
        if batch.tree.root().hex() != batch.root:
            _refuse(f"the rows of batch {batch.root[:12]} do not give its root")
        width = len(COLUMNS[batch.name])
        empty = np.empty((0, width), dtype=np.int64)
        ints = np.concatenate([empty, *batch.ints])
        self.batches += 1
        self._history.tell_batch(batch.event, ints, batch.labels)

    def _checkpoint(self, line: CheckpointLine) -> None:
        head = open_checkpoint(
            line.note, self._header.public_key, origin=origin_of(self._header.project)
        )
        if head.size != self.tree.size:
            _refuse(f"a checkpoint over {head.size} events stands after {self.tree.size}")
        if head.size <= self.covered:
            _refuse(f"a second checkpoint covers {head.size} events")
        if head.root != self.tree.root():
            _refuse(
                f"the first {head.size} events are not those that were signed "
                f"(the last good checkpoint covers {self.covered})"
            )
        self.covered, self.checkpoint = head.size, line.note
        self.checkpoints += 1

    @property
    def _header(self) -> HeaderLine:
        if self.header is None:
            raise VerificationFailed("The log has no first line.")
        return self.header

    @property
    def _history(self) -> History:
        if self.history is None:
            raise VerificationFailed("The log has no first line.")
        return self.history


_BATCHED: Mapping[str, BatchName] = {
    "rows.added": "rows",
    "audit.committed": "frozen",
    "decisions.made": "decisions",
}


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
