"""A load generator for labelling servers: reviewers who answer as fast as they are served.

Every request opens a connection of its own, on both sides: a kept-alive one costs Label Studio's
development server some 40 ms more. Requests are bytes written to a socket, made ready where they
can be, so that the generator takes little of the two processors it shares with the server.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

TIMEOUT = 900.0
"""Seconds; an export of 100,000 tasks takes Label Studio minutes."""
CHUNK = 1 << 16


class BadReply(Exception):
    """What came back is no whole HTTP response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens, and how it knows the caller."""

    port: int
    headers: dict[str, str]

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """One request on a connection of its own; status and body."""
        if body is None:
            return self.send(self.head(method, path), None)
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(self.head(method, path), payload)

    def head(self, method: str, path: str) -> bytes:
        """The lines of a request, but for the length of its body."""
        headers = {"Content-Type": "application/json", **self.headers}
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode()

    def send(self, head: bytes, payload: bytes | None) -> tuple[int, bytes]:
        """Send a request; status and body of what comes back."""
        length = b"" if payload is None else b"\r\nContent-Length: %d" % len(payload)
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(head + length + b"\r\n\r\n" + (payload or b""))
            return _reply(connection)

    def json(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer; fails on any refusal."""
        return _read(f"{method} {path}", *self.call(method, path, body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that is sent many times, with another body each time."""

    address: Address
    head: bytes

    def json(self, payload: bytes) -> Any:
        """The JSON of an answer; fails on any refusal."""
        return _read("a request", *self.address.send(self.head, payload))


def _read(what: str, status: int, said: bytes) -> Any:
    if status >= 400:
        raise RuntimeError(f"{what}: {status} {said[:300]!r}")
    return json.loads(said) if said else None


def _reply(connection: socket.socket) -> tuple[int, bytes]:
    """A response: as long as it says, or until the connection ends."""
    got = connection.recv(CHUNK)
    while b"\r\n\r\n" not in got:
        more = connection.recv(CHUNK)
        if not more:
            raise BadReply(got[:200])
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    length = None if at < 0 else int(lowered[at + 17 :].partition(b"\r\n")[0])
    parts, size = [body], len(body)
    while length is None or size < length:
        more = connection.recv(CHUNK)
        if not more:
            break
        parts.append(more)
        size += len(more)
    if length is not None and size < length:
        raise BadReply(f"{size} of {length} bytes")
    body = b"".join(parts)
    if b"\r\ntransfer-encoding: chunked" in lowered:
        body = _joined(body)
    return int(head[9:12]), body


def _joined(chunked: bytes) -> bytes:
    """A body that was sent in chunks."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = chunked.index(b"\r\n", at)
        size = int(chunked[at:end].partition(b";")[0], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(chunked[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


class Seat(Protocol):
    """One reviewer at one server."""

    @property
    def asks(self) -> bool:
        """Whether :meth:`next` sends a request; not where the page holds items already."""
        ...

    def next(self) -> object | None:
        """The next item; None where there is none now."""
        ...

    def submit(self, item: object) -> None:
        """Answer it."""
        ...


@dataclass(slots=True)
class Times:
    """Seconds of each request that was answered: those for items, those with an answer.

    ``own_cpu``: processor seconds of this process.
    """

    next: list[float] = field(default_factory=list[float])
    submit: list[float] = field(default_factory=list[float])
    seconds: float = 0.0
    failures: int = 0
    own_cpu: float = 0.0

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
    cpu = time.process_time()

    def done() -> bool:
        return time.perf_counter() - start > seconds or (
            most is not None and len(times.submit) >= most
        )

    def work(seat: Seat) -> None:
        while not done():
            try:
                asked = seat.asks
                before = time.perf_counter()
                item = seat.next()
                got = time.perf_counter()
                if item is None:
                    time.sleep(0.05)
                    continue
                seat.submit(item)
                after = time.perf_counter()
            except (OSError, RuntimeError, BadReply):
                with lock:
                    times.failures += 1
                continue
            with lock:
                if asked:
                    times.next.append(got - before)
                times.submit.append(after - got)

    threads = [threading.Thread(target=work, args=[seat]) for seat in seats]
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    times.seconds = time.perf_counter() - start
    times.own_cpu = time.process_time() - cpu
    return times
