"""The log: events commit with their change, get numbers later, and a checkpoint covers them all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from storeroom import KEY, Room, make_project, open_store

from signoff.audit.checkpoint import Checkpoint, LogSigner, open_checkpoint, origin_of
from signoff.core.merkle import leaf_hash, merkle_root
from signoff.core.records import NewEvent, NewRequest
from signoff.errors import StoreError
from signoff.store import log
from signoff.store.schema import event_content, events
from signoff.testing.stores import new_id


def started(room: Room, n: int = 1) -> list[NewEvent]:
    return [room.event("run.started", {"signoff": str(at)}) for at in range(n)]


def opened(room: Room, note: str) -> Checkpoint:
    return open_checkpoint(note, KEY.public, origin=origin_of(room.project.id))


def assert_covers_everything(room: Room) -> None:
    """Leaves 0..n-1 without a gap, and the newest signed root is theirs."""
    note = room.store.checkpoint(room.project.id)
    assert note is not None
    stored = list(room.store.events(room.project.id))
    assert [event.leaf for event in stored] == list(range(len(stored)))
    checkpoint = opened(room, note)
    assert checkpoint.size == len(stored)
    assert checkpoint.root == merkle_root([leaf_hash(e.canonical.encode()) for e in stored])


def test_a_log_without_events_has_no_checkpoint(room: Room) -> None:
    assert room.store.checkpoint(room.project.id) is None
    assert room.store.checkpoints(room.project.id) == []


def test_a_checkpoint_covers_every_event_before_it(room: Room) -> None:
    for n in (1, 2, 3, 5):
        room.store.record(room.project.id, started(room, n))
        assert_covers_everything(room)
    assert [opened(room, note).size for note in room.store.checkpoints(room.project.id)] == [
        1, 3, 6, 11,
    ]  # fmt: skip


def test_nothing_new_gives_the_same_checkpoint(room: Room) -> None:
    room.store.record(room.project.id, started(room))
    first = room.store.checkpoint(room.project.id)
    assert room.store.checkpoint(room.project.id) == first
    assert room.store.newest_checkpoint(room.project.id) == first
    assert room.store.checkpoints(room.project.id) == [first]


def test_an_event_keeps_its_bytes_and_its_content(room: Room) -> None:
    event = room.event("reviewer.added", {"reviewer": "r", "kind": "person"}, {"name": "Ann—☃"})
    room.store.record(room.project.id, [event])
    room.store.checkpoint(room.project.id)
    (stored,) = room.store.events(room.project.id)
    assert (stored.id, stored.canonical, stored.at) == (event.id, event.canonical, event.at)
    assert stored.content == event.content


def test_events_are_read_in_log_order_by_type(room: Room) -> None:
    room.store.record(room.project.id, started(room, 3))
    room.add_reviewer("Ann")
    room.store.record(room.project.id, started(room, 2))
    room.store.checkpoint(room.project.id)
    leaves = [event.leaf for event in room.store.events(room.project.id, ["run.started"])]
    assert leaves == [0, 1, 2, 4, 5]


def test_a_log_longer_than_one_reading_comes_back_whole(room: Room) -> None:
    assert log.CHUNK < 5_200
    room.store.record(room.project.id, started(room, 5_200))
    assert_covers_everything(room)


def test_a_store_opened_without_a_key_does_not_sign(room: Room) -> None:
    room.store.signer = None
    with pytest.raises(RuntimeError, match="without a key"):
        room.store.checkpoint(room.project.id)


def test_projects_have_logs_of_their_own(room: Room) -> None:
    project = make_project("another")
    room.store.create_project(project, [])
    other = Room(store=room.store, project=project, where="", folder=room.folder)
    for at in range(3):
        room.store.record(room.project.id, started(room, 2))
        other.store.record(project.id, started(other, at))
    assert_covers_everything(room)
    assert_covers_everything(other)


def test_an_event_with_its_change_or_neither(room: Room) -> None:
    """The second event of the list is stored already, so nothing of this may stay."""
    room.add_pool()
    (known,) = started(room)
    room.store.record(room.project.id, [known])
    wanted = [NewRequest(id=new_id(), item=0, reason="random", priority=0)]
    with pytest.raises(StoreError):
        room.store.ask(
            room.project.id, 1, wanted, [*started(room), known], undone=0, phase="closed"
        )
    assert room.store.queue_counts(room.project.id, 1).open == 0
    assert [pool.phase for pool in room.store.pools(room.project.id)] == ["learning"]
    assert_covers_everything(room)
    assert len(list(room.store.events(room.project.id))) == 2


class FailsOnce:
    """A signer whose first signature fails, as on a disk that is full when it is stored."""

    def __init__(self) -> None:
        self.failed = False
        self.signer = LogSigner(KEY)

    def sign(self, *, project: str, size: int, root: bytes) -> str:
        if not self.failed:
            self.failed = True
            raise OSError(28, "No space left on device")
        return self.signer.sign(project=project, size=size, root=root)


def test_a_checkpoint_that_failed_leaves_nothing_behind_in_memory(room: Room) -> None:
    """Its numbers were rolled back and another process may give others."""
    room.store.signer = FailsOnce()
    room.store.record(room.project.id, started(room, 3))
    with pytest.raises(StoreError, match="disk is full"):
        room.store.checkpoint(room.project.id)
    with room.store.transaction() as db:
        ids = list(db.scalars(sa.select(events.c.id).order_by(events.c.n.desc())))
        for leaf, id in enumerate(ids):
            db.execute(sa.update(events).where(events.c.id == id).values(leaf=leaf))
    assert_covers_everything(room)


def write_and_check(room: Room, rounds: int) -> None:
    mine = room.again()
    try:
        for _ in range(rounds):
            new = started(mine, 3)
            mine.store.record(mine.project.id, new)
            note = mine.store.checkpoint(mine.project.id)
            assert note is not None
            with mine.store.reading() as db:
                leaves = db.scalars(
                    sa.select(events.c.leaf).where(events.c.id.in_([event.id for event in new]))
                ).all()
            assert None not in leaves
            assert max(leaf for leaf in leaves if leaf is not None) < opened(mine, note).size
    finally:
        mine.close()


def test_two_that_number_at_once_give_one_log_and_cover_their_own_events(room: Room) -> None:
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(write_and_check, room, 8) for _ in range(3)]:
            done.result()
    assert_covers_everything(room)
    assert len(list(room.store.events(room.project.id))) == 72
    every = [opened(room, note) for note in room.store.checkpoints(room.project.id)]
    leaves = [leaf_hash(e.canonical.encode()) for e in room.store.events(room.project.id)]
    assert all(note.root == merkle_root(leaves[: note.size]) for note in every)


def test_reading_the_log_waits_for_no_writer(sqlite_room: Room, tmp_path: Path) -> None:
    room = sqlite_room
    room.store.record(room.project.id, started(room))
    room.store.checkpoint(room.project.id)
    with room.store.transaction() as db:
        db.execute(sa.delete(event_content))
        reader = open_store(room.where, room.folder)
        assert len(list(reader.events(room.project.id))) == 1
        reader.close()


def test_the_last_instant_is_that_of_the_newest_event(room: Room) -> None:
    assert room.store.last_instant(room.project.id) == 0
    new = started(room, 3)
    room.store.record(room.project.id, new)
    assert room.store.last_instant(room.project.id) == new[-1].at
