"""The socket that everything is served on."""

from __future__ import annotations

import asyncio
import socket

from signoff.server.serving import listen, port_of


def test_no_answer_waits_until_the_client_has_acknowledged_its_beginning() -> None:
    """Browsers keep connections: each answer on one would wait 40 ms."""
    delays: list[int] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        delays.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def visit() -> None:
        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(answer, sock=listener):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(listener))
            await reader.read()
            writer.close()

    asyncio.run(visit())
    assert delays == [1]
