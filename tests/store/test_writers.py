"""Changes of several threads share a transaction, and fail each for itself."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from storeroom import Room

from signoff.errors import StoreBusy, StoreError
from signoff.store.connections import Database
from signoff.store.database import _engine
from signoff.store.schema_queue import tallies
from signoff.store.writers import MOST_TOGETHER, Writers

numbers = sa.table("numbers", sa.column("n"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
        db.execute("PRAGMA journal_mode=WAL")
    return path


@pytest.fixture
def writers(file: Path) -> Iterator[Writers]:
    engine = _engine(sa.URL.create("sqlite", database=str(file)))
    opened = Writers(engine)
    yield opened
    opened.close()
    engine.dispose()


def insert(n: int) -> sa.Insert:
    return sa.insert(numbers).values(n=n)


def stored(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as db:
        return [n for (n,) in db.execute("SELECT n FROM numbers ORDER BY n")]


def side_by_side(writers: Writers, wanted: list[int]) -> tuple[dict[int, object], int]:
    """Write each number in a thread of its own while the pen is taken; what each got, and how many
    transactions it took."""
    outcomes: dict[int, object] = {}
    transactions: list[object] = []
    sa.event.listen(writers._durable, "commit", transactions.append)

    def write(n: int) -> None:
        try:
            outcomes[n] = writers.write(lambda db: db.execute(insert(n)).rowcount, durable=True)
        except Exception as error:
            outcomes[n] = error

    threads = [threading.Thread(target=write, args=[n]) for n in wanted]
    with writers.alone():
        for thread in threads:
            thread.start()
        while len(writers._waiting) < len(wanted):
            pass
        transactions.clear()
    for thread in threads:
        thread.join()
    # The long change above is one of the commits.
    return outcomes, len(transactions) - 1


def test_changes_that_wait_are_written_together(writers: Writers, file: Path) -> None:
    outcomes, transactions = side_by_side(writers, list(range(30)))
    assert set(outcomes.values()) == {1}
    assert stored(file) == list(range(30))
    assert transactions == -(-30 // MOST_TOGETHER)


def test_one_that_fails_takes_nothing_else_with_it(writers: Writers, file: Path) -> None:
    writers.write(lambda db: db.execute(insert(3)), durable=True)
    outcomes, _ = side_by_side(writers, [1, 2, 3, 4])
    assert isinstance(outcomes.pop(3), sa.exc.IntegrityError)
    assert set(outcomes.values()) == {1}
    assert stored(file) == [1, 2, 3, 4]


def test_half_a_change_that_fails_leaves_nothing_behind(writers: Writers, file: Path) -> None:
    def half(db: sa.Connection) -> None:
        db.execute(insert(7))
        raise ValueError("no further")

    with pytest.raises(ValueError, match="no further"):
        writers.write(half, durable=True)
    assert stored(file) == []


def test_a_thread_that_is_to_end_leaves_the_others_their_changes(
    writers: Writers, file: Path
) -> None:
    """Ctrl-C strikes the thread that writes for another one."""

    def interrupted(db: sa.Connection) -> None:
        if threading.current_thread() is first:
            raise KeyboardInterrupt

    caught: list[BaseException] = []

    def leader() -> None:
        try:
            writers.write(interrupted, durable=True)
        except KeyboardInterrupt as error:
            caught.append(error)

    other = threading.Thread(
        target=lambda: writers.write(lambda db: db.execute(insert(5)), durable=True)
    )
    first = threading.Thread(target=leader)
    with writers.alone():
        first.start()
        while not writers._waiting:
            pass
        other.start()
        while len(writers._waiting) < 2:
            pass
    other.join(10)
    first.join(10)
    assert stored(file) == [5]


def test_what_need_not_last_does_not_wait_for_the_disk(writers: Writers, file: Path) -> None:
    def synchronous(db: sa.Connection) -> int:
        return int(str(db.exec_driver_sql("PRAGMA synchronous").scalar()))

    assert writers.write(synchronous, durable=False) == 1
    assert writers.write(synchronous, durable=True) == 2


def test_a_file_that_another_process_writes_is_busy_in_plain_words(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.store.database.BUSY_SECONDS", 0.1)
    with (
        closing(sqlite3.connect(sqlite_room.database, isolation_level=None)) as other,
        closing(Database(sqlite_room.where, create=False)) as mine,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            mine.write(lambda db: db.execute(sa.text("DELETE FROM rounds")))
        other.execute("ROLLBACK")
        mine.write(lambda db: db.execute(sa.text("DELETE FROM rounds")))


# ------------------------------------------------------------- several callers' work at once


def work_of(room: Room, n: int, *, durable: bool = True) -> Callable[[], object]:
    """Work that reads what others did before it, and skips ``n`` requests."""

    def work() -> None:
        before = room.store.queue_counts(room.project.id, 1).skipped
        counted = {"project": room.project.id, "pool": 1, "reviewer": f"r{n}", "skips": 1}
        add = sa.insert(tallies).values(**counted)
        room.store.write(lambda db: db.execute(add), durable=durable)
        assert room.store.queue_counts(room.project.id, 1).skipped == before + 1

    return work


def skipped(room: Room) -> int:
    return room.store.queue_counts(room.project.id, 1).skipped


def test_works_of_several_callers_see_each_other_and_fail_each_for_itself(room: Room) -> None:
    def fails() -> None:
        work_of(room, 2)()
        raise ValueError("no further")

    def goes_on_after_a_failed_write() -> None:
        work_of(room, 3)()
        with suppress(StoreBusy):
            work_of(room, 3)()

    works = [work_of(room, 1), fails, work_of(room, 4)]
    failures = room.store.together(works, durable=True)
    assert [type(failure) for failure in failures] == [type(None), ValueError, type(None)]
    if room.store.is_file:
        # Elsewhere each write is a transaction of its own, as it was before.
        assert skipped(room) == 2
        (failure,) = room.store.together([goes_on_after_a_failed_write], durable=True)
        assert isinstance(failure, StoreBusy)
        (failure, none) = room.store.together(
            [goes_on_after_a_failed_write, work_of(room, 5)], durable=True
        )
        assert (type(failure), none) == (StoreBusy, None)
        assert skipped(room) == 3


def test_works_of_several_callers_cost_one_transaction(sqlite_room: Room) -> None:
    commits: list[object] = []
    writers = sqlite_room.store._writers
    assert writers is not None
    sa.event.listen(writers._durable, "commit", commits.append)
    sqlite_room.store.together([work_of(sqlite_room, n) for n in range(9)], durable=True)
    assert len(commits) == 1
    assert skipped(sqlite_room) == 9


def test_nothing_is_done_where_the_common_transaction_cannot_be_committed(
    sqlite_room: Room,
) -> None:
    def refuse(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    writers = sqlite_room.store._writers
    assert writers is not None
    sa.event.listen(writers._durable, "commit", refuse)
    works = [work_of(sqlite_room, n) for n in range(3)]
    failures = sqlite_room.store.together(works, durable=True)
    assert {type(failure) for failure in failures} == {StoreError}
    sa.event.remove(writers._durable, "commit", refuse)
    assert skipped(sqlite_room) == 0
    assert sqlite_room.store.together(works, durable=True) == [None] * 3


def test_what_must_last_is_not_done_among_what_need_not(sqlite_room: Room) -> None:
    def synchronous() -> None:
        read = sa.text("PRAGMA synchronous")
        level = sqlite_room.store.write(lambda db: db.execute(read).scalar(), durable=False)
        levels.append(level)

    levels: list[object] = []
    sqlite_room.store.together([synchronous], durable=True)
    sqlite_room.store.together([synchronous], durable=False)
    assert levels == [2, 1]
    (failure,) = sqlite_room.store.together([work_of(sqlite_room, 1)], durable=False)
    assert isinstance(failure, RuntimeError)
    assert skipped(sqlite_room) == 0
