"""What handlers ask for: the caller, and a project as this caller may use it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from signoff.accounts.directory import Directory
from signoff.core.people import Right, Role
from signoff.core.records import Project
from signoff.errors import InputError
from signoff.server import wire
from signoff.server.access import Access, Caller
from signoff.server.bench import Bench
from signoff.server.blindness import is_blind
from signoff.server.desks import Desk, Desks, Looking, Manager, Projects, Standing
from signoff.server.live import Live
from signoff.server.metrics import Metrics
from signoff.server.problems import MEDIA_TYPE, Refusal
from signoff.server.render import progress_shown
from signoff.server.streams import StoredStreams
from signoff.server.work import StoredWork
from signoff.server.workers import WorkerProcess
from signoff.store.blobs import BlobFolder

T = TypeVar("T")


@dataclass(slots=True)
class SeenTogether:
    """Numbers of a caller that belong to a standing and change only with it.

    Where a project stands is read a few times a second; what a caller adds to it must not move at
    other times, or it would tell which items it comes from.
    """

    _kept: dict[tuple[str, str], tuple[Standing, tuple[int, int]]] = field(
        default_factory=dict[tuple[str, str], "tuple[Standing, tuple[int, int]]"]
    )

    def beside(
        self, standing: Standing, who: tuple[str, str], now: tuple[int, int]
    ) -> tuple[int, int]:
        """The numbers as they were when this standing was first seen; as they are ``now``, where
        that is now."""
        kept = self._kept.get(who)
        if kept is None or kept[0] is not standing:
            kept = (standing, now)
            self._kept[who] = kept
        return kept[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one application works with; ``worker``: None where another program does its work.

    ``reading`` and ``writing``: where what every request reads, and what happens at every key
    press, is done.

    ``blobs``: the pictures that rows name; None where there are none. ``work``: None where there is
    no long work to order. ``streams``: None where no live items are
    decided. ``people``: None without accounts.
    """

    projects: Projects
    desks: Desks
    access: Access
    live: Live
    metrics: Metrics
    seen: SeenTogether = field(default_factory=SeenTogether)
    reading: Bench = field(default_factory=Bench)
    writing: Bench = field(default_factory=Bench)
    worker: WorkerProcess | None = None
    work: StoredWork | None = None
    people: Directory | None = None
    streams: StoredStreams | None = None
    blobs: BlobFolder | None = None


def services(request: Request) -> Services:
    """The application's services."""
    return request.app.state.services


async def _served(request: Request) -> Services:
    return services(request)


def _caller(request: Request) -> Caller:
    """Who is calling; refuses strangers. Reads the store."""
    caller = services(request).access.caller(request)
    if caller is None:
        raise nobody()
    return caller


def nobody() -> Refusal:
    """Whoever calls is not known, or not any more."""
    return Refusal(
        401,
        "no_session",
        "Nobody is signed in.",
        hint="Sign in on the page, or send an API token.",
        headers={"WWW-Authenticate": "Bearer"},
    )


# What a handler asks for is found in one visit to a thread, not in one for each thing.


async def known_caller(request: Request) -> Caller:
    """Who is calling; refuses strangers."""
    return await services(request).reading(lambda: _caller(request))


async def site_admin(request: Request) -> Caller:
    """Who is calling, where the whole server is their business."""
    caller = await known_caller(request)
    if not caller.runs_the_site:
        raise Refusal(403, "not_allowed", "Only administrators may do this.", hint="Ask one.")
    return caller


Known = Annotated[Caller, Depends(known_caller)]
SiteAdmin = Annotated[Caller, Depends(site_admin)]
Served = Annotated[Services, Depends(_served)]
ProjectId = Annotated[str, Path(max_length=64, description="A project's id.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project, and this caller in it."""

    project: Project
    caller: Caller
    role: Role
    services: Services

    @property
    def desk(self) -> Desk:
        """The caller's desk; who takes it is a reviewer of the project from then on."""
        try:
            return self.services.desks(self.project, self.caller.name, self.caller.account)
        except InputError as gone:
            if gone.code != "no_account":
                raise
            # Removed since this request came in: it is too late for it.
            raise nobody() from None

    @property
    def looking(self) -> Looking:
        """What the caller sees of the queue without taking a desk."""
        return self.services.desks.looking(self.project, self.caller.name, self.caller.account)

    async def at_desk(self, work: Callable[[], T], *, durable: bool) -> T:
        """Do a short work of the caller at this desk, beside those of others who come now."""
        desks, caller = self.services.desks, self.caller
        if not desks.knows(self.project, caller.name, caller.account):
            # Who joins does so in a transaction of their own, which stands whatever the work does.
            await run_in_threadpool(lambda: self.desk)
        return await self.services.writing(work, durable=durable)

    @property
    def stays_blind(self) -> bool:
        """Whether the caller may not learn what would tell of an audit, or of known answers."""
        if not (is_blind(self.project) and self.caller.may("answer", self.project.id)):
            return False
        standing = self.services.projects.standing(self.project)
        return standing is None or standing.progress.phase != "closed"

    @property
    def manager(self) -> Manager:
        """Where managers sit."""
        return self.services.desks.manager(self.project)

    def progress(self, standing: Standing | None = None) -> wire.ProgressShown:
        """Where the project stands, now or as just read; nobody gets a desk just by looking."""
        if standing is None:
            standing = self.services.projects.standing(self.project)
        if standing is None or not self.caller.may("answer", self.project.id):
            return progress_shown(standing, self.project)
        own = self.looking.counts()
        who = (self.project.id, self.caller.name)
        seen = self.services.seen.beside(standing, who, (own.known, own.checked))
        return progress_shown(standing, self.project, mine=own.mine + own.checked, known=seen)


def _place(right: Right) -> Callable[..., Coroutine[Any, Any, Place]]:
    async def find(p: ProjectId, request: Request) -> Place:
        """The project, where this caller may know of it and has the right."""
        return await services(request).reading(lambda: _find(request, p, right))

    return find


def _find(request: Request, p: str, right: Right) -> Place:
    caller, served = _caller(request), services(request)
    project = served.projects.find(p)
    role = caller.role(p)
    if project is None or role is None:
        raise Refusal(
            404,
            "no_project",
            "There is no such project, or you have no role in it.",
            hint="Ask whoever runs it to invite you.",
        )
    if not caller.may(right, p):
        raise Refusal(
            403,
            "not_allowed",
            f"The role {role} or the token does not allow this.",
            hint="Ask a manager of the project.",
        )
    return Place(project=project, caller=caller, role=role, services=served)


Reading = Annotated[Place, Depends(_place("read"))]
Answering = Annotated[Place, Depends(_place("answer"))]
Managing = Annotated[Place, Depends(_place("manage"))]

REFUSALS: dict[int, str] = {
    400: "The request is malformed.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The role or the token does not allow this, or the request comes from elsewhere.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "The queue has moved on.",
    410: "It is not kept any more.",
    413: "The request is too large.",
    422: "The request is well formed, and the project refuses it.",
    429: "Too many tries.",
    500: "Something went wrong here.",
    503: "The store is busy.",
    507: "The disk is full.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Documentation of the problems a route may answer with."""
    common = (400, 401, 403, 404, 413, 500, 503)
    return {
        status: {
            "description": REFUSALS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*common, *statuses})
    }
