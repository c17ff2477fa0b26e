"""Benches: where the short work of many requests is done, several at a time and in few threads.

A thread for each of thirty people would have them wait for each other at every statement: for
Python's lock and for the database's. Here one takes what waits, does it, and wakes all of them
together.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from signoff.store.store import SqlStore

T = TypeVar("T")

MOST_TOGETHER = 20
"""Works at one time: nobody waits for more than so many others."""
THREADS = 8
"""Where the database is elsewhere."""
READERS = 4
IDLE_SECONDS = 10.0
"""How long a thread waits for work before it ends."""


class Together(Protocol):
    """Does several works at once; what went wrong with each of them."""

    def __call__(
        self, works: Sequence[Callable[[], object]], /, *, durable: bool
    ) -> Sequence[Exception | None]: ...


def one_by_one(
    works: Sequence[Callable[[], object]], *, durable: bool = True
) -> list[Exception | None]:
    """Each by itself."""
    failures: list[Exception | None] = []
    for work in works:
        try:
            work()
            failures.append(None)
        except Exception as error:
            failures.append(error)
    return failures


@dataclass(slots=True, eq=False)
class _Wanted:
    """Something to do, and who waits for it."""

    work: Callable[[], object]
    durable: bool
    waiter: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: object = None

    def do(self) -> None:
        """Do it and keep what it gave."""
        self.result = self.work()

    def tell(self, failure: Exception | None) -> None:
        """Let the waiter go on, unless it is gone; in its loop."""
        if self.waiter.done():
            return
        if failure is None:
            self.waiter.set_result(self.result)
        else:
            self.waiter.set_exception(failure)


@dataclass(slots=True, kw_only=True, eq=False)
class Bench:
    """Does work in up to ``threads`` threads, which come and go with it."""

    do_together: Together = one_by_one
    threads: int = 1
    _waiting: deque[_Wanted] = field(default_factory=deque[_Wanted], init=False)
    _came: threading.Condition = field(default_factory=threading.Condition, init=False)
    _idle: int = field(default=0, init=False)
    _running: int = field(default=0, init=False)

    async def __call__(self, work: Callable[[], T], *, durable: bool = False) -> T:
        """What a work gives; raises what it raises.

        ``durable``: only once what it wrote would survive a power cut.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Any] = loop.create_future()
        with self._came:
            self._waiting.append(_Wanted(work, durable, waiter, loop))
            if self._idle:
                self._came.notify()
            elif self._running < self.threads:
                self._running += 1
                threading.Thread(target=self._serve, name="bench", daemon=True).start()
        return cast("T", await waiter)

    def _serve(self) -> None:
        while some := self._take():
            _tell(list(zip(some, self._failures(some), strict=True)))

    def _failures(self, some: Sequence[_Wanted]) -> Sequence[Exception | None]:
        """Do some works; what went wrong with each of them."""
        durable = any(each.durable for each in some)
        try:
            return self.do_together([each.do for each in some], durable=durable)
        except Exception as error:
            return [error] * len(some)

    def _take(self) -> list[_Wanted]:
        """What waits, a few at a time; nothing when nothing comes for a while."""
        with self._came:
            while not self._waiting:
                self._idle += 1
                came = self._came.wait(IDLE_SECONDS)
                self._idle -= 1
                if not (came or self._waiting):
                    self._running -= 1
                    return []
            count = min(MOST_TOGETHER, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Benches:
    """Where requests read, and where they read and write."""

    reading: Bench
    writing: Bench

    @classmethod
    def over(cls, store: SqlStore) -> Benches:
        """Over a store: beside a file one thread writes, for more would only wait for each other;
        several where each statement is a journey.

        Even beside a file a few read: once a minute a token's use is noted, and the one who does
        that may wait for another process.
        """
        return cls(
            reading=Bench(threads=READERS if store.is_file else THREADS),
            writing=Bench(do_together=store.together, threads=1 if store.is_file else THREADS),
        )


def _tell(outcomes: Sequence[tuple[_Wanted, Exception | None]]) -> None:
    """Wake everybody, each loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Wanted, Exception | None]]] = {}
    for wanted, failure in outcomes:
        by_loop.setdefault(wanted.loop, []).append((wanted, failure))
    for loop, theirs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_tell_all, theirs)


def _tell_all(outcomes: Sequence[tuple[_Wanted, Exception | None]]) -> None:
    for wanted, failure in outcomes:
        wanted.tell(failure)
