"""How long a connection may take: whoever sends a byte a minute must not keep others out.

uvicorn closes connections that are idle between requests, and waits for ever for the rest of a
request that began.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long the lines before a body may take, from the first moment that they could come."""

BODY_BYTES_PER_SECOND = 500.0
"""The least pace of a body; slower than any modem that a person would wait for."""

LOOK_SECONDS = 2.0
MOST_CONNECTIONS = 1000
"""Connections at one time; more are told to come back (503)."""


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, with an end to its patience."""

    _began: float | None = None
    """Since when the next request could have come; None while one is under way."""
    _got = 0
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began = self.loop.time()
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_at_it)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _look_at_it(self) -> None:
        if self._too_slow():
            # Nothing is answered: nobody who is this slow reads it.
            self.transport.abort()
            return
        self._got = 0
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_at_it)

    def _too_slow(self) -> bool:
        state = self.conn.their_state
        if state is not h11.IDLE:
            self._began = None
            # A body that this server is slow to take is not the sender's fault.
            sending = state is h11.SEND_BODY and not self.flow.read_paused
            return sending and self._got < BODY_BYTES_PER_SECOND * LOOK_SECONDS
        now = self.loop.time()
        if self._began is None:
            self._began = now
        return now - self._began >= HEAD_SECONDS
