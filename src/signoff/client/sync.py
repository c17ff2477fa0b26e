"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, Unpack, cast

import httpx2

from signoff.client import calls
from signoff.client.calls import Call, ProjectCalls, new_key
from signoff.client.files import FILE_HEADERS, TRANSFER_TIMEOUT, export_format, pieces, whole
from signoff.client.founding import ProjectOptions, StreamOptions, project_wanted
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
from signoff.errors import InputError
from signoff.server import wire
from signoff.server.wire_streams import ItemReply, StreamShown
from signoff.server.wire_work import JobShown, UploadShown

T = TypeVar("T")
TIMEOUT = 30.0


class Client:
    """A signoff server as the holder of an API token sees it. Use it in a ``with`` block.

    Raises :class:`RemoteError` where the server refuses or cannot be reached; requests that change
    nothing when they come twice are sent again for a while first.
    """

    def __init__(self, url: str, *, token: str, timeout: float = TIMEOUT) -> None:
        self._server = Server.at(url, token)
        self._http = httpx2.Client(
            base_url=self._server.url, headers=dict(self._server.headers), timeout=timeout
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a request, again where that is safe; what the server says."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                response = self._http.request(
                    call.method,
                    call.path,
                    json=call.body,
                    params=dict(call.params),
                    headers=dict(call.headers),
                )
            except httpx2.TransportError as error:
                if last or not may_repeat(call, None):
                    raise unreachable(self._server, error) from error
                time.sleep(wait_before(attempt))
                continue
            if last or not may_repeat(call, response):
                return read(call, response)
            time.sleep(wait_before(attempt, response))
        raise AssertionError("the last try returns or raises")

    def upload(self, path: str | Path) -> UploadShown:
        """Send a file, to make a project of it."""
        file = Path(path)
        return self.send_file(calls.uploaded(file.name), file)

    def send_file(self, call: Call[T], path: Path) -> T:
        """Send a file as a request's body, piece by piece."""
        with path.open("rb") as file:
            try:
                response = self._http.request(
                    call.method,
                    call.path,
                    content=pieces(file),
                    params=dict(call.params),
                    headers={**call.headers, **FILE_HEADERS},
                    timeout=TRANSFER_TIMEOUT,
                )
            except httpx2.TransportError as error:
                raise unreachable(self._server, error) from error
        return read(call, response)

    def _save(self, call: Call[JobShown | None], target: Path) -> JobShown | None:
        """Write what an address gives to a file, whole or not at all; the job where the server
        is still at it."""
        request = self._http.build_request(
            call.method, call.path, params=dict(call.params), timeout=TRANSFER_TIMEOUT
        )
        try:
            response = self._http.send(request, stream=True)
            try:
                if response.status_code != 200:
                    response.read()
                    return read(call, response)
                with whole(target) as file:
                    for piece in response.iter_bytes():
                        file.write(piece)
            finally:
                response.close()
        except httpx2.TransportError as error:
            raise unreachable(self._server, error) from error
        return None

    def save(self, call: Call[JobShown | None], target: Path) -> None:
        """Write the file an address gives, waiting for the worker that makes it."""
        job = self._save(call, target)
        if job is not None:
            self.wait(job)
            self._save(calls.job_file(job.id), target)

    def wait(self, job: JobShown) -> JobShown:
        """Wait until long work is done; raises :class:`RemoteError` where it failed."""
        pause = FIRST_LOOK
        while job.state in ("queued", "running"):
            time.sleep(pause)
            pause = min(LONGEST_LOOK, pause * 1.5)
            job = self.send(calls.job(job.id))
        return done(job)

    def create_project(
        self, path: str | Path, *, name: str, **options: Unpack[ProjectOptions]
    ) -> RemoteProject:
        """Make a project of a file, as ``signoff run`` would; waits until its rows are in.

        ``options`` are those of :func:`signoff.run`: labels, or a question of any kind, or a form
        of several; policy, overlap, guideline and the others.
        """
        upload = self.upload(path)
        wanted = project_wanted(name, upload.id, options)
        job = self.wait(self.send(calls.found_project(wanted, key=new_key())))
        return RemoteProject(client=self, calls=ProjectCalls(id=str(job.project)))

    def create_stream(
        self, name: str, *, labels: Sequence[str], **options: Unpack[StreamOptions]
    ) -> RemoteProject:
        """Make a stream, or find the one that was made with the same settings."""
        wanted: Json = {"name": name, "labels": list(labels), **options}
        made = self.send(calls.found_stream(wanted))
        return RemoteProject(client=self, calls=ProjectCalls(id=made.id))

    def me(self) -> wire.Me:
        """Who the token belongs to, and the roles it has."""
        return self.send(calls.me())

    def projects(self) -> list[wire.ProjectBrief]:
        """The projects that the token sees."""
        return self.send(calls.projects())

    def project(self, name: str | None = None) -> RemoteProject:
        """A project by name or id; without one the only project there is."""
        found = [each for each in self.projects() if name in (None, each.name, each.id)]
        return RemoteProject(client=self, calls=ProjectCalls(id=only(found, name).id))


def only(found: Sequence[wire.ProjectBrief], name: str | None) -> wire.ProjectBrief:
    """The one project that was meant; raises :class:`InputError` where it is not one."""
    if len(found) == 1:
        return found[0]
    if name is not None:
        raise InputError(f"There is no project {name!r} here.", hint="See client.projects().")
    raise InputError(
        f"The token sees {len(found)} projects.", hint="Name one: client.project(NAME)."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteProject:
    """One project of a server."""

    client: Client
    calls: ProjectCalls = field(repr=False)

    @property
    def id(self) -> str:
        """The project's id."""
        return self.calls.id

    def describe(self) -> wire.ProjectShown:
        """What is asked, and how items are shown."""
        return self.client.send(self.calls.describe())

    def progress(self) -> wire.ProgressShown:
        """Where the project stands."""
        return self.client.send(self.calls.progress())

    def certificate(self) -> Json:
        """The newest certificate."""
        return self.client.send(self.calls.certificate())

    # ---------------------------------------------------------------- live items

    def decide(
        self, text: str, *, key: str | None = None, data: Json | None = None, wait: int = 0
    ) -> ItemReply:
        """Decide one live item: AUTO with an answer, or REVIEW with a request.

        ``wait``: seconds to wait for people. The same ``key`` again is answered as before.
        """
        item: Json = {"key": key or new_key(), "text": text, "data": data or {}}
        return self.decide_many([item], wait=wait)[0]

    def decide_many(self, items: Sequence[Json], *, wait: int = 0) -> list[ItemReply]:
        """Decide live items, each with a ``key``, a ``text`` and perhaps ``data``."""
        return self.client.send(self.calls.decide(items, wait))

    def item(self, id: str, *, wait: int = 0) -> ItemReply:
        """What became of a live item."""
        return self.client.send(self.calls.item(id, wait))

    def stream(self) -> StreamShown:
        """Where a stream stands."""
        return self.client.send(self.calls.stream())

    def end_window(self, number: int) -> StreamShown:
        """End a stream's newest window early, by its number."""
        return self.client.send(self.calls.end_window(number))

    # --------------------------------------------------------------------- files

    def add_rows(self, path: str | Path) -> JobShown:
        """Bring the new rows of a file in; waits until they are."""
        file = Path(path)
        job = self.client.send_file(self.calls.add_rows(file.name, key=new_key()), file)
        return self.client.wait(job)

    def export(self, path: str | Path, *, as_is: bool = False) -> None:
        """Write the results so far to a .csv, .jsonl or .parquet file.

        In CSV texts that a spreadsheet would run as a formula begin with an apostrophe, unless they
        are to be ``as_is``.
        """
        target = Path(path)
        call = self.calls.export(export_format(target), as_is=as_is)
        self.client.save(call, target)

    def log(self, path: str | Path) -> None:
        """Write the signed log to a file, for ``signoff verify``."""
        self.client.save(self.calls.log(), Path(path))

    def verify(self) -> Json:
        """Let the server check log, audit and certificate; the verdict."""
        job = self.client.wait(self.client.send(self.calls.verify()))
        return cast("Json", job.result or {})

    # ---------------------------------------------------------------- reviewing

    def lease(self, limit: int = 10, *, holding: Sequence[str] = ()) -> wire.Leased:
        """Lease further requests, and those held for longer."""
        return self.client.send(self.calls.lease(limit, holding))

    def give_back(self, requests: Sequence[str]) -> None:
        """Give back requests that will not be answered."""
        self.client.send(self.calls.give_back(requests))

    def answer(
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
        return self.client.send(call)

    def skip(self, request: str, reason: str | None = None, *, for_good: bool = False) -> None:
        """Put a request behind the others; ``for_good``: leave it to others."""
        self.client.send(self.calls.skip(request, reason, for_good))

    def flag(self, request: str, note: str) -> None:
        """Note that something is wrong with an item."""
        self.client.send(self.calls.flag(request, note))

    def undo(self, review: str | None = None) -> wire.UndoneShown:
        """Take back an answer by id, or the last one."""
        return self.client.send(self.calls.undo(review))

    def history(self, limit: int = 50) -> list[wire.ReviewShown]:
        """The caller's last answers, newest first."""
        return self.client.send(self.calls.history(limit))
