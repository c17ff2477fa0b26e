"""The HTTP server of the toy: one thread with its own event loop, few instructions a request."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import h11

from signoff.testing.llm_servers.toy import Toy
from signoff.testing.llm_servers.wires import Answered, Asked, asked, read, respond

KEEP = 10_000
"""Requests that are remembered."""


@dataclass(slots=True, eq=False)
class LlmServer:
    """A running server. ``toy`` may be exchanged while it runs."""

    toy: Toy
    url: str = ""
    calls: int = 0
    """Requests that came in, whatever became of them."""
    most_at_once: int = 0
    seen: list[Asked] = field(default_factory=list[Asked])
    """The newest requests."""
    _at_once: int = 0

    def take(self, request: Asked) -> int:
        """Count a request; its number."""
        number = self.calls
        self.calls += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self.seen.append(request)
        if len(self.seen) > KEEP:
            del self.seen[: KEEP // 2]
        return number

    def leave(self) -> None:
        """A request is over."""
        self._at_once -= 1


@contextmanager
def llm_server(toy: Toy | None = None, *, port: int = 0) -> Generator[LlmServer]:
    """Serve a toy on loopback while the block runs."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    server = LlmServer(toy or Toy(), url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(_serve(server, listener, stop)), daemon=True
    )
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(server: LlmServer, listener: socket.socket, stop: asyncio.Event) -> None:
    loop, open_ones = asyncio.get_running_loop(), set[_Connection]()
    made = await loop.create_server(lambda: _Connection(server, open_ones), sock=listener)
    await stop.wait()
    made.close()
    for connection in list(open_ones):
        connection.abort()
    await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One client's connection: requests one after the other."""

    def __init__(self, server: LlmServer, open_ones: set[_Connection]) -> None:
        self._server = server
        self._open = open_ones
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._go_on()

    def _go_on(self) -> None:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self.abort()
                return
            match event:
                case h11.Request():
                    self._head, self._body = event, []
                case h11.Data(data=data):
                    self._body.append(bytes(data))
                case h11.EndOfMessage():
                    self._task = asyncio.get_running_loop().create_task(self._answer())
                    return
                case _:
                    return

    async def _answer(self) -> None:
        head, server = self._head, self._server
        assert head is not None
        path = head.target.decode("latin-1").partition("?")[0]
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        request = asked(path, read(b"".join(self._body)), headers)
        if request is None:
            self._send(Answered(status=404, body={"error": {"message": "no such path"}}))
            return
        number = server.take(request)
        try:
            await self._reply(server.toy, request, number)
        finally:
            server.leave()

    async def _reply(self, toy: Toy, request: Asked, number: int) -> None:
        fault = toy.fault(number, request.prompt)
        kind = None if fault is None else fault.kind
        if kind == "hang":
            await asyncio.get_running_loop().create_future()
        if toy.latency:
            await asyncio.sleep(toy.latency)
        if kind == "drop":
            self.abort()
            return
        self._send(respond(toy, request, fault), garbage=kind == "garbage")

    def _send(self, answer: Answered, *, garbage: bool = False) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        body = json.dumps(answer.body).encode()
        if garbage:
            body = body[: len(body) // 2]
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        response = h11.Response(
            status_code=answer.status, headers=[*headers, *answer.headers.items()]
        )
        parts = [self._http.send(response), self._http.send(h11.Data(data=body))]
        parts.append(self._http.send(h11.EndOfMessage()))
        self._transport.write(b"".join(part for part in parts if part))
        if self._http.our_state is h11.MUST_CLOSE:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._go_on()
