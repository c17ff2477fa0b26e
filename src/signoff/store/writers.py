"""Group commit: threads that write at once share one transaction and one wait for the disk.

SQLite has one writer at a time and waits for the disk at each commit. Whoever gets the pen first
writes for everybody who waits by then: twenty answers cost one fsync. No thread of its own, no
timer: alone, a change is written at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
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


class Writers:
    """The pen of one SQLite file in this process; other processes wait at the file's lock."""

    def __init__(self, engine: sa.Engine) -> None:
        self._durable = engine
        self._unsynced = open_unsynced(engine)
        self._pen = threading.Lock()
        self._waiting: deque[_Change[object]] = deque()

    def write(self, work: Callable[[sa.Connection], T], *, durable: bool) -> T:
        """Do ``work`` in a transaction shared with others; returns once it is committed, and with
        ``durable`` once it would survive a power cut.

        What ``work`` raises is raised here, and undoes this work alone. ``work`` may run in another
        caller's thread.
        """
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
        """A transaction of its own, for one long change."""
        with self._pen, self._durable.begin() as db:
            yield db

    def close(self) -> None:
        """Let go of the second engine; the first is its owner's."""
        self._unsynced.dispose()
