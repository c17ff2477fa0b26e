"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from signoff.client import calls
from signoff.client.calls import Call, ProjectCalls, new_key
from signoff.client.transport import (
    TRIES,
    Server,
    may_repeat,
    read,
    unreachable,
    wait_before,
)
from signoff.core.questions import Answer
from signoff.core.records import Json
from signoff.errors import InputError
from signoff.server import wire

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

    def skip(self, request: str, reason: str | None = None) -> None:
        """Put a request behind the others."""
        self.client.send(self.calls.skip(request, reason))

    def flag(self, request: str, note: str) -> None:
        """Note that something is wrong with an item."""
        self.client.send(self.calls.flag(request, note))

    def undo(self, review: str | None = None) -> wire.UndoneShown:
        """Take back an answer by id, or the last one."""
        return self.client.send(self.calls.undo(review))

    def history(self, limit: int = 50) -> list[wire.ReviewShown]:
        """The caller's last answers, newest first."""
        return self.client.send(self.calls.history(limit))
