"""What was read a moment ago, shared by everybody who asks: counting a million rows for each of
thirty people's answers would be all a server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

LEAST_SECONDS = 0.2
"""How old a glance may be, at least: nobody reads a number more often than that."""

SHARE = 1 / 20
"""The share of one thread's time that reading may take."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Seen(Generic[T]):
    """What was read last, and until when it is good enough."""

    value: T | None = None
    until: float = float("-inf")
    reading: threading.Lock = field(default_factory=threading.Lock)
    there: bool = False


class Glance(Generic[K, T]):
    """Reads by key; a reading is given to everybody until it is ``least`` seconds old, or older
    where it took long.

    While one thread reads again the others get what there was. ``clock`` gives seconds.
    """

    def __init__(
        self,
        read: Callable[[K], T],
        *,
        least: float = LEAST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._least = least
        self._clock = clock
        self._seen: dict[K, _Seen[T]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: K) -> T:
        """What stands under a key, as of a moment ago."""
        with self._lock:
            seen = self._seen.setdefault(key, _Seen())
        if not (seen.there and self._clock() < seen.until):
            self._renew(key, seen)
        return seen.value  # pyright: ignore[reportReturnType] # it is there now

    def forget(self, key: K) -> None:
        """Read anew the next time."""
        with self._lock:
            self._seen.pop(key, None)

    def _renew(self, key: K, seen: _Seen[T]) -> None:
        """Read, unless somebody does already and there is something to go by."""
        if not seen.reading.acquire(blocking=not seen.there):
            return
        try:
            began = self._clock()
            if seen.there and began < seen.until:
                return
            value = self._read(key)
            now = self._clock()
            seen.value, seen.there = value, True
            seen.until = now + max(self._least, (now - began) / SHARE)
        finally:
            seen.reading.release()
