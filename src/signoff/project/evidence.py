"""What a stored project can show an auditor: its log as lines, and whether its tables agree."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import polars as pl

from signoff.audit.checkpoint import open_checkpoint, origin_of
from signoff.audit.export import Opened, batch_lines, checkpoint_line, event_line, header_line
from signoff.audit.keys import PublicKey, parse_public_key
from signoff.audit.proof import DecisionProof, RowProof, prove_event, prove_row
from signoff.core.batches import COLUMNS, BatchName, StoredBatch
from signoff.core.joining import answered_items
from signoff.core.merkle import leaf_hash
from signoff.core.records import Json, Pool, Project
from signoff.errors import VerificationFailed
from signoff.formats.rows import private_rows, row_contents
from signoff.project.views import KEY
from signoff.store.artifacts import PREFIX, Salts, commitments_of
from signoff.store.log import StoredEvent
from signoff.store.store import SqlStore


def log_lines(store: SqlStore, project: Project, *, content: bool) -> Iterator[bytes]:
    """The project's log as an exported file: events, batches, checkpoints; with private values
    where ``content`` asks for them."""
    for part in log_parts(store, project, content=content):
        if isinstance(part, bytes):
            yield part
        else:
            yield from batch_lines(part, content=content)


def log_parts(
    store: SqlStore, project: Project, *, content: bool, unsigned: bool = False
) -> Iterator[bytes | StoredBatch]:
    """The lines of the log, each batch whole instead of its lines; what verification reads.

    ``unsigned``: with the events that no checkpoint covers yet behind the others.
    """
    yield header_line(project.id, public_key_of(store, project), content=content)
    heads = _checkpoints_by_size(store, project)
    for size, event in enumerate(store.events(project.id, unsigned=unsigned), start=1):
        parts = {part.name: (part.salt, part.value) for part in event.content}
        yield event_line(event.canonical, parts if content else None)
        batch = _batch_of(store, project, event)
        if batch is not None:
            yield batch
        if size in heads:
            yield checkpoint_line(heads.pop(size))
    for note in heads.values():
        # A tree larger than the log there is: whoever verifies must see it.
        yield checkpoint_line(note)


def public_key_of(store: SqlStore, project: Project) -> PublicKey:
    """The key the log itself names in its first event."""
    for event in store.events(project.id, types=["project.created"], unsigned=True):
        body: Json = json.loads(event.canonical)["body"]
        return parse_public_key(str(body["public_key"]))
    raise VerificationFailed(f"The log of project {project.name!r} has no first event.")


def _checkpoints_by_size(store: SqlStore, project: Project) -> dict[int, str]:
    key = public_key_of(store, project)
    sizes: dict[int, str] = {}
    for number, note in enumerate(store.checkpoints(project.id)):
        try:
            size = open_checkpoint(note, key, origin=origin_of(project.id)).size
        except VerificationFailed:
            size = -1 - number
        sizes[size] = note
    return sizes


def _batch_of(store: SqlStore, project: Project, event: StoredEvent) -> StoredBatch | None:
    if event.type not in ("rows.added", "audit.committed", "decisions.made"):
        return None
    reference = json.loads(event.canonical)["body"]["batch"]
    name: BatchName = reference["name"]
    root = str(reference["root"])
    if name == "rows":
        # Asked for only now: the pool of a live run may be newer than the walk's beginning.
        pools = {pool.rows_root: pool for pool in store.pools(project.id)}
        return rows_batch(store.rows(pools[root]), root) if root in pools else None
    return store.batch(project.id, name, root)


def rows_batch(rows: pl.DataFrame, root: str) -> StoredBatch:
    """The batch behind a table of rows: its private part is made from the table itself."""
    user = [name for name in rows.columns if not name.startswith(PREFIX)]
    contents = row_contents(rows.select(user))
    private: list[bytes | None] = [*private_rows(contents, rows[KEY].fill_null(""))]
    salts = Salts(rows)
    for at, salt in enumerate(salts):
        if salt is None:
            private[at] = None
    return StoredBatch(
        name="rows",
        root=root,
        ints=rows.select([PREFIX + column for column in COLUMNS["rows"]]).to_numpy(),
        private=private,
        salts=salts,
        commitments=commitments_of(rows),
    )


# ----------------------------------------------------------------------------- proofs


def decision_proof(
    store: SqlStore, project: Project, pool: Pool, item: int, *, question: str
) -> DecisionProof | None:
    """That an item's decision on a question is in the log: its row of a batch, or a person's answer
    that no batch holds yet. None where nothing is decided."""
    for roots in (pool.people_roots, pool.model_roots):
        root = roots.get(question)
        if root is None:
            continue
        batch = store.batch(project.id, "decisions", root)
        places = np.flatnonzero(batch.ints[:, 0] == item)
        if len(places):
            event = store.decision_event(project.id, root)
            return _prove(store, project, event, row=prove_row(batch, int(places[0])))
    given = [r for r in store.reviews(project, pool.number) if r.item == item]
    answered = answered_items(given, project)
    return _prove(store, project, answered[0].event, row=None) if answered else None


def _prove(
    store: SqlStore, project: Project, event: str | None, *, row: RowProof | None
) -> DecisionProof | None:
    return None if event is None else prove_events(store, project, {event: None}, row=row)


def prove_events(
    store: SqlStore,
    project: Project,
    events: Mapping[str, Collection[str] | None],
    *,
    row: RowProof | None = None,
) -> DecisionProof | None:
    """That these events are in the log, each with the content of these names (None: all of it).

    The first is the one proved, the others stand behind it. None where one is not signed yet.
    """
    leaves: list[bytes] = []
    found: dict[str, tuple[int, StoredEvent]] = {}
    for number, stored in enumerate(store.events(project.id)):
        leaves.append(leaf_hash(stored.canonical.encode()))
        if stored.id in events:
            found[stored.id] = (number, stored)
    checkpoint = store.newest_checkpoint(project.id)
    if len(found) < len(events) or checkpoint is None:
        return None
    key = public_key_of(store, project)
    size = open_checkpoint(checkpoint, key, origin=origin_of(project.id)).size
    if any(number >= size for number, _ in found.values()):
        return None
    proof: DecisionProof | None = None
    for id in reversed(list(events)):
        number, stored = found[id]
        proof = prove_event(
            leaves[:size],
            number,
            canonical=stored.canonical,
            checkpoint=checkpoint,
            content=_parts(stored, events[id]),
            row=row,
            also=proof,
        )
    return proof


def _parts(event: StoredEvent, names: Collection[str] | None) -> dict[str, Opened]:
    return {
        part.name: Opened(part.salt, part.value)
        for part in event.content
        if names is None or part.name in names
    }
