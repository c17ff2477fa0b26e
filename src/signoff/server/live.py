"""Progress as it happens: one poller per project, shared by every page that listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from signoff.core.records import Project
from signoff.errors import SignoffError
from signoff.server.desks import Standing
from signoff.server.logs import note

PERIOD_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Channel:
    """What the listeners of one project share; ``version`` counts the changes."""

    project: Project
    standing: Standing | None = None
    version: int = 0
    listeners: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    poller: asyncio.Task[None] | None = None


class Live:
    """Reads a project's standing at most every ``period`` seconds, and only while anybody listens.

    ``read`` is called in a thread. Listeners that are slower than the changes miss some, never the
    newest one.
    """

    def __init__(
        self, read: Callable[[Project], Standing | None], *, period: float = PERIOD_SECONDS
    ) -> None:
        self._read = read
        self._period = period
        self._channels: dict[str, _Channel] = {}
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(channel.listeners for channel in self._channels.values())

    async def watch(self, project: Project) -> AsyncGenerator[Standing]:
        """The standing now and after each change, until the server ends."""
        channel = self._join(project)
        seen = 0
        try:
            while not self._closed:
                async with channel.changed:
                    while channel.version == seen and not self._closed:
                        await channel.changed.wait()
                    seen, standing = channel.version, channel.standing
                if standing is not None and not self._closed:
                    yield standing
        finally:
            self._leave(channel)

    async def close(self) -> None:
        """Let every listener go."""
        self._closed = True
        for channel in list(self._channels.values()):
            async with channel.changed:
                channel.changed.notify_all()

    def _join(self, project: Project) -> _Channel:
        channel = self._channels.setdefault(project.id, _Channel(project))
        channel.listeners += 1
        if channel.poller is None:
            channel.poller = asyncio.create_task(self._poll(channel))
        return channel

    def _leave(self, channel: _Channel) -> None:
        channel.listeners -= 1
        if channel.listeners == 0:
            del self._channels[channel.project.id]
            if channel.poller is not None:
                channel.poller.cancel()

    async def _poll(self, channel: _Channel) -> None:
        while True:
            standing = await self._try_to_read(channel)
            if standing is not None and standing != channel.standing:
                async with channel.changed:
                    channel.standing = standing
                    channel.version += 1
                    channel.changed.notify_all()
            await asyncio.sleep(self._period)

    async def _try_to_read(self, channel: _Channel) -> Standing | None:
        """A store that is busy now is read the next time."""
        try:
            return await run_in_threadpool(self._read, channel.project)
        except SignoffError as error:
            note("progress not read", level=logging.WARNING, code=error.code)
            return None
