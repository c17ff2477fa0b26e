"""Listening, serving, and ending calmly."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI

from signoff.errors import UsageError
from signoff.server.api.context import Services
from signoff.server.patience import MOST_CONNECTIONS, PatientProtocol

SECONDS_TO_FINISH = 5
"""How long requests under way may take once the server ends."""


def listen(host: str, port: int) -> socket.socket:
    """A socket to listen on; port 0 takes any free one.

    Raises :class:`UsageError` where the address cannot be used.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # Named as TCP, or asyncio leaves small writes waiting for the client's acknowledgement:
        # 40 ms for each answer on a connection that is kept.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _unusable(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _unusable(host, port, error) from None
    return listener


def _unusable(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"The server cannot listen on {host} port {port}: {error.strerror or error}.",
        hint="Pass another --port; 0 takes any free one.",
        code="port",
    )


def port_of(listener: socket.socket) -> int:
    """The port a socket listens on."""
    return int(listener.getsockname()[1])


class Serving(uvicorn.Server):
    """A server that says when it is ready, and ends without a trace of the signal that ended it."""

    def __init__(
        self, app: FastAPI, *, on_ready: Callable[[], None], behind_proxy: bool = False
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level=logging.CRITICAL,
                access_log=False,
                server_header=False,
                proxy_headers=behind_proxy,
                lifespan="off",
                ws="none",
                http=PatientProtocol,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=SECONDS_TO_FINISH,
            )
        )
        self._services = cast("Services", app.state.services)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the pages that listen go, then finish what is under way."""
        await self._services.live.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at the first signal; at the second one at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        self.should_exit = True


def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    behind_proxy: bool = False,
) -> None:
    """Serve until a signal ends it."""
    Serving(app, on_ready=on_ready, behind_proxy=behind_proxy).run([listener])
