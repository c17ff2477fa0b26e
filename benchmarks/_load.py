"""A load generator for labelling servers: reviewers who answer as fast as they are served.

Every request opens a connection of its own, on both sides: a kept-alive one costs Label Studio's
development server some 40 ms more.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

TIMEOUT = 900.0
"""Seconds; an export of 100,000 tasks takes Label Studio minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens, and how it knows the caller."""

    port: int
    headers: dict[str, str]

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One request on a connection of its own; status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = dict(self.headers)
        payload: bytes | None = None
        if body is not None:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer; fails on any refusal."""
        status, said = self.call(method, path, body)
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {said[:300]!r}")
        return json.loads(said) if said else None


class Seat(Protocol):
    """One reviewer at one server."""

    def next(self) -> object | None:
        """The next item; None where there is none now."""
        ...

    def submit(self, item: object) -> None:
        """Answer it."""
        ...


@dataclass(slots=True)
class Times:
    """Seconds of each request that was answered."""

    next: list[float] = field(default_factory=list[float])
    submit: list[float] = field(default_factory=list[float])
    seconds: float = 0.0
    failures: int = 0

    @property
    def answers_per_second(self) -> float:
        return len(self.submit) / self.seconds


def quantile(times: Sequence[float], share: float) -> float:
    """The time that so many of the requests stayed below, in milliseconds."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def answer_all(
    seats: Sequence[Seat], *, seconds: float, most: int | None = None, meanwhile: Callable[[], None]
) -> Times:
    """Let every reviewer answer for so many seconds, or ``most`` answers in all, side by side."""
    times = Times()
    lock = threading.Lock()
    start = time.perf_counter()

    def done() -> bool:
        return time.perf_counter() - start > seconds or (
            most is not None and len(times.submit) >= most
        )

    def work(seat: Seat) -> None:
        while not done():
            try:
                before = time.perf_counter()
                item = seat.next()
                got = time.perf_counter()
                if item is None:
                    time.sleep(0.05)
                    continue
                seat.submit(item)
                after = time.perf_counter()
            except (OSError, RuntimeError, http.client.HTTPException):
                with lock:
                    times.failures += 1
                continue
            with lock:
                times.next.append(got - before)
                times.submit.append(after - got)

    threads = [threading.Thread(target=work, args=[seat]) for seat in seats]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    times.seconds = time.perf_counter() - start
    return times
