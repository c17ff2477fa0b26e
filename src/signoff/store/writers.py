"""Group commit: callers that write at once share one transaction and one wait for the disk.

SQLite has one writer at a time and waits for the disk at each commit. Whoever gets the pen first
writes for everybody who waits by then: twenty answers cost one fsync. No thread of its own, no
timer: alone, a change is written at once.

A server goes further and does the whole :meth:`~Writers.together` of several requests, what they
read and what they write, in one thread and one transaction.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import sqlalchemy as sa

from signoff.store.database import open_unsynced

MOST_TOGETHER = 20
"""Changes in one transaction: nobody waits for more than so many others."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Change(Generic[T]):
    """Something to write, and what came of it."""

    work: Callable[[sa.Connection], T]
    durable: bool
    done: bool = False
    result: list[T] = field(default_factory=list[T])
    error: Exception | None = None

    def apply(self, db: sa.Connection) -> None:
        """Write it, or note why not and leave nothing of it behind."""
        try:
            with db.begin_nested():
                self.result = [self.work(db)]
        except Exception as error:
            self.error = error

    def apply_alone(self, db: sa.Connection) -> None:
        """Write it in a transaction that holds nothing else: where it fails, all of that goes."""
        self.result = [self.work(db)]

    def outcome(self) -> T:
        """What the work returned; raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.result[0]


@dataclass(slots=True)
class _Shared:
    """The transaction in which a thread does the work of several callers."""

    db: sa.Connection
    durable: bool
    broken: Exception | None = None

    def do(self, work: Callable[[sa.Connection], T], *, durable: bool) -> T:
        """Write something of the present caller's work. Where it fails the whole work does."""
        if durable and not self.durable:
            raise RuntimeError("this must survive a power cut, and the others' work need not")
        try:
            return work(self.db)
        except Exception as error:
            self.broken = error
            raise

    def try_out(self, work: Callable[[], object]) -> Exception | None:
        """Do one caller's work; what went wrong, and then nothing of it is left."""
        try:
            with self.db.begin_nested():
                self.do_all(work)
        except Exception as error:
            return error
        return None

    def do_all(self, work: Callable[[], object]) -> None:
        """Do one caller's work; raises what went wrong, if only for a moment."""
        self.broken = None
        work()
        if self.broken is not None:
            raise self.broken


class _OfThread(threading.local):
    """What the present thread is in the middle of."""

    shared: _Shared | None = None


class Writers:
    """The pen of one SQLite file in this process; other processes wait at the file's lock."""

    def __init__(self, engine: sa.Engine) -> None:
        self._durable = engine
        self._unsynced = open_unsynced(engine)
        self._pen = threading.Lock()
        self._waiting: deque[_Change[object]] = deque()
        self._own = _OfThread()

    @property
    def present(self) -> sa.Connection | None:
        """The connection in whose transaction this thread does several callers' work, if so."""
        shared = self._own.shared
        return None if shared is None else shared.db

    def together(
        self, works: Sequence[Callable[[], object]], *, durable: bool
    ) -> list[Exception | None]:
        """Do the works of several callers in one transaction: what went wrong with each of them.

        All they read and write through this store is part of it. One that fails leaves nothing
        behind and takes nothing else with it. Raises where the transaction could not be committed:
        then none of it was done.
        """
        engine = self._durable if durable else self._unsynced
        with self._pen, engine.begin() as db:
            shared = self._own.shared = _Shared(db, durable)
            try:
                if len(works) > 1:
                    return [shared.try_out(work) for work in works]
                shared.do_all(works[0])
                return [None]
            finally:
                self._own.shared = None

    def write(self, work: Callable[[sa.Connection], T], *, durable: bool) -> T:
        """Do ``work`` in a transaction shared with others; returns once it is committed, and with
        ``durable`` once it would survive a power cut.

        What ``work`` raises is raised here, and undoes this work alone. ``work`` may run in another
        caller's thread.
        """
        if self._own.shared is not None:
            return self._own.shared.do(work, durable=durable)
        change = _Change(work, durable)
        self._waiting.append(change)  # pyright: ignore[reportArgumentType] # any result
        with self._pen:
            # Others may have had the pen before and written this, too.
            while not change.done:
                self._write_together(change)
        return change.outcome()

    def _write_together(self, own: _Change[T]) -> None:
        together = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
        durable = any(change.durable for change in together)
        try:
            with (self._durable if durable else self._unsynced).begin() as db:
                if len(together) == 1:
                    together[0].apply_alone(db)
                else:
                    for change in together:
                        change.apply(db)
        except Exception as error:
            for change in together:
                change.error = error
        except BaseException:
            # This thread is to end; the others' changes are theirs to write again.
            self._waiting.extendleft(each for each in reversed(together) if each is not own)
            raise
        for change in together:
            change.done = True

    @contextmanager
    def alone(self) -> Generator[sa.Connection]:
        """A transaction of its own, for one long change; none of its own amid several callers'
        work."""
        if self._own.shared is not None:
            yield self._own.shared.do(lambda db: db, durable=True)
            return
        with self._pen, self._durable.begin() as db:
            yield db

    def close(self) -> None:
        """Let go of the second engine; the first is its owner's."""
        self._unsynced.dispose()
