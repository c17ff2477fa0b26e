"""The asynchronous client: :mod:`signoff.client.sync` with ``await``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack, cast

import httpx2

from signoff.client import calls
from signoff.client.calls import Call, ProjectCalls, new_key
from signoff.client.files import FILE_HEADERS, TRANSFER_TIMEOUT, apieces, export_format, whole
from signoff.client.founding import ProjectOptions, StreamOptions, project_wanted
from signoff.client.sync import TIMEOUT, only
from signoff.client.transport import (
    FIRST_LOOK,
    LONGEST_LOOK,
    TRIES,
    Server,
    done,
    may_repeat,
    read,
    unreachable,
    wait_before,
)
from signoff.core.questions import Answer
from signoff.core.records import Json
from signoff.server import wire
from signoff.server.wire_streams import ItemReply, StreamShown
from signoff.server.wire_work import JobShown, UploadShown

T = TypeVar("T")


class AsyncClient:
    """A signoff server as the holder of an API token sees it. Use it in an ``async with`` block.

    Raises :class:`RemoteError` where the server refuses or cannot be reached; requests that change
    nothing when they come twice are sent again for a while first.
    """

    def __init__(self, url: str, *, token: str, timeout: float = TIMEOUT) -> None:
        self._server = Server.at(url, token)
        self._http = httpx2.AsyncClient(
            base_url=self._server.url, headers=dict(self._server.headers), timeout=timeout
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a request, again where that is safe; what the server says."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                response = await self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=dict(call.params),
                    headers=dict(call.headers),
                )
            except httpx2.TransportError as error:
                if last or not may_repeat(call, None):
                    raise unreachable(self._server, error) from error
                await asyncio.sleep(wait_before(attempt))
                continue
            if last or not may_repeat(call, response):
                return read(call, response)
            await asyncio.sleep(wait_before(attempt, response))
        raise AssertionError("the last try returns or raises")

    async def upload(self, path: str | Path) -> UploadShown:
        """Send a file, to make a project of it."""
        file = Path(path)
        return await self.send_file(calls.uploaded(file.name), file)

    async def send_file(self, call: Call[T], path: Path) -> T:
        """Send a file as a request's body, piece by piece."""
        with path.open("rb") as file:
            try:
                response = await self._http.request(
                    call.method,
                    call.path,
                    content=apieces(file),
                    params=dict(call.params),
                    headers={**call.headers, **FILE_HEADERS},
                    timeout=TRANSFER_TIMEOUT,
                )
            except httpx2.TransportError as error:
                raise unreachable(self._server, error) from error
        return read(call, response)

    async def _save(self, call: Call[JobShown | None], target: Path) -> JobShown | None:
        """Write what an address gives to a file, whole or not at all; the job where the server
        is still at it."""
        request = self._http.build_request(
            call.method, call.path, params=dict(call.params), timeout=TRANSFER_TIMEOUT
        )
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code != 200:
                    await response.aread()
                    return read(call, response)
                with whole(target) as file:
                    async for piece in response.aiter_bytes():
                        file.write(piece)
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            raise unreachable(self._server, error) from error
        return None

    async def save(self, call: Call[JobShown | None], target: Path) -> None:
        """Write the file an address gives, waiting for the worker that makes it."""
        job = await self._save(call, target)
        if job is not None:
            await self.wait(job)
            await self._save(calls.job_file(job.id), target)

    async def wait(self, job: JobShown) -> JobShown:
        """Wait until long work is done; raises :class:`RemoteError` where it failed."""
        pause = FIRST_LOOK
        while job.state in ("queued", "running"):
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 1.5)
            job = await self.send(calls.job(job.id))
        return done(job)

    async def create_project(
        self, path: str | Path, *, name: str, **options: Unpack[ProjectOptions]
    ) -> AsyncRemoteProject:
        """Make a project of a file, as ``signoff run`` would; waits until its rows are in.

        ``options`` are those of :func:`signoff.run`: labels, or a question of any kind, or a form
        of several; policy, overlap, guideline and the others.
        """
        upload = await self.upload(path)
        wanted = project_wanted(name, upload.id, options)
        job = await self.wait(await self.send(calls.found_project(wanted, key=new_key())))
        return AsyncRemoteProject(client=self, calls=ProjectCalls(id=str(job.project)))

    async def create_stream(
        self, name: str, *, labels: Sequence[str], **options: Unpack[StreamOptions]
    ) -> AsyncRemoteProject:
        """Make a stream, or find the one that was made with the same settings."""
        wanted: Json = {"name": name, "labels": list(labels), **options}
        made = await self.send(calls.found_stream(wanted))
        return AsyncRemoteProject(client=self, calls=ProjectCalls(id=made.id))

    async def me(self) -> wire.Me:
        """Who the token belongs to, and the roles it has."""
        return await self.send(calls.me())

    async def projects(self) -> list[wire.ProjectBrief]:
        """The projects that the token sees."""
        return await self.send(calls.projects())

    async def project(self, name: str | None = None) -> AsyncRemoteProject:
        """A project by name or id; without one the only project there is."""
        found = [each for each in await self.projects() if name in (None, each.name, each.id)]
        return AsyncRemoteProject(client=self, calls=ProjectCalls(id=only(found, name).id))


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncRemoteProject:
    """One project of a server."""

    client: AsyncClient
    calls: ProjectCalls = field(repr=False)

    @property
    def id(self) -> str:
        """The project's id."""
        return self.calls.id

    async def describe(self) -> wire.ProjectShown:
        """What is asked, and how items are shown."""
        return await self.client.send(self.calls.describe())

    async def progress(self) -> wire.ProgressShown:
        """Where the project stands."""
        return await self.client.send(self.calls.progress())

    async def certificate(self) -> Json:
        """The newest certificate."""
        return await self.client.send(self.calls.certificate())

    # ---------------------------------------------------------------- live items

    async def decide(
        self, text: str, *, key: str | None = None, data: Json | None = None, wait: int = 0
    ) -> ItemReply:
        """Decide one live item: AUTO with an answer, or REVIEW with a request.

        ``wait``: seconds to wait for people. The same ``key`` again is answered as before.
        """
        item: Json = {"key": key or new_key(), "text": text, "data": data or {}}
        return (await self.decide_many([item], wait=wait))[0]

    async def decide_many(self, items: Sequence[Json], *, wait: int = 0) -> list[ItemReply]:
        """Decide live items, each with a ``key``, a ``text`` and perhaps ``data``."""
        return await self.client.send(self.calls.decide(items, wait))

    async def item(self, id: str, *, wait: int = 0) -> ItemReply:
        """What became of a live item."""
        return await self.client.send(self.calls.item(id, wait))

    async def stream(self) -> StreamShown:
        """Where a stream stands."""
        return await self.client.send(self.calls.stream())

    async def end_window(self, number: int) -> StreamShown:
        """End a stream's newest window early, by its number."""
        return await self.client.send(self.calls.end_window(number))

    # --------------------------------------------------------------------- files

    async def add_rows(self, path: str | Path) -> JobShown:
        """Bring the new rows of a file in; waits until they are."""
        file = Path(path)
        job = await self.client.send_file(self.calls.add_rows(file.name, key=new_key()), file)
        return await self.client.wait(job)

    async def export(self, path: str | Path, *, as_is: bool = False) -> None:
        """Write the results so far to a .csv, .jsonl or .parquet file.

        In CSV texts that a spreadsheet would run as a formula begin with an apostrophe, unless they
        are to be ``as_is``.
        """
        target = Path(path)
        call = self.calls.export(export_format(target), as_is=as_is)
        await self.client.save(call, target)

    async def log(self, path: str | Path) -> None:
        """Write the signed log to a file, for ``signoff verify``."""
        await self.client.save(self.calls.log(), Path(path))

    async def verify(self) -> Json:
        """Let the server check log, audit and certificate; the verdict."""
        job = await self.client.wait(await self.client.send(self.calls.verify()))
        return cast("Json", job.result or {})

    # ---------------------------------------------------------------- reviewing

    async def lease(self, limit: int = 10, *, holding: Sequence[str] = ()) -> wire.Leased:
        """Lease further requests, and those held for longer."""
        return await self.client.send(self.calls.lease(limit, holding))

    async def give_back(self, requests: Sequence[str]) -> None:
        """Give back requests that will not be answered."""
        await self.client.send(self.calls.give_back(requests))

    async def answer(
        self,
        request: str,
        answers: Mapping[str, Answer | Json],
        *,
        seconds: float | None = None,
        note: str | None = None,
        id: str | None = None,
    ) -> wire.ReviewStored:
        """Answer a request: question name to answer. The same ``id`` again changes nothing."""
        call = self.calls.answer(request, answers, seconds=seconds, note=note, id=id or new_key())
        return await self.client.send(call)

    async def skip(
        self, request: str, reason: str | None = None, *, for_good: bool = False
    ) -> None:
        """Put a request behind the others; ``for_good``: leave it to others."""
        await self.client.send(self.calls.skip(request, reason, for_good))

    async def flag(self, request: str, note: str) -> None:
        """Note that something is wrong with an item."""
        await self.client.send(self.calls.flag(request, note))

    async def undo(self, review: str | None = None) -> wire.UndoneShown:
        """Take back an answer by id, or the last one."""
        return await self.client.send(self.calls.undo(review))

    async def history(self, limit: int = 50) -> list[wire.ReviewShown]:
        """The caller's last answers, newest first."""
        return await self.client.send(self.calls.history(limit))
