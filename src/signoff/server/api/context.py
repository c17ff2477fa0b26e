"""What handlers ask for: the caller, and a project as this caller may use it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from signoff.core.records import Project
from signoff.server import wire
from signoff.server.access import Access, Caller, Right, Role
from signoff.server.desks import Desk, Desks, Projects, Standing
from signoff.server.live import Live
from signoff.server.metrics import Metrics
from signoff.server.problems import MEDIA_TYPE, Refusal
from signoff.server.render import progress_shown
from signoff.server.workers import WorkerProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one application works with; ``worker``: None where another program does its work."""

    projects: Projects
    desks: Desks
    access: Access
    live: Live
    metrics: Metrics
    worker: WorkerProcess | None = None


def services(request: Request) -> Services:
    """The application's services."""
    return request.app.state.services


def known_caller(request: Request) -> Caller:
    """Who is calling; refuses strangers."""
    caller = services(request).access.caller(request)
    if caller is None:
        raise Refusal(
            401,
            "no_session",
            "Nobody is signed in.",
            hint="Sign in on the page, or send an API token.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return caller


def site_admin(request: Request) -> Caller:
    """Who is calling, where the whole server is their business."""
    caller = known_caller(request)
    if not caller.runs_the_site:
        raise Refusal(403, "not_allowed", "Only administrators may do this.", hint="Ask one.")
    return caller


Known = Annotated[Caller, Depends(known_caller)]
SiteAdmin = Annotated[Caller, Depends(site_admin)]
Served = Annotated[Services, Depends(services)]
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
        """The caller's desk."""
        return self.services.desks(self.project, self.caller.name)

    @property
    def mine(self) -> int:
        """How many answers the caller gave; nobody gets a desk just by looking."""
        return self.desk.mine() if self.caller.may("answer", self.project.id) else 0

    def progress(self, standing: Standing | None = None) -> wire.ProgressShown:
        """Where the project stands, now or as just read."""
        if standing is None:
            standing = self.services.projects.standing(self.project)
        mine = 0 if standing is None else self.mine
        return progress_shown(standing, self.project, mine=mine)


def _place(right: Right) -> Callable[..., Place]:
    def find(p: ProjectId, caller: Known, served: Served) -> Place:
        """The project, where this caller may know of it and has the right."""
        project = served.projects.find(p)
        role = caller.role(p)
        if project is None or role is None:
            raise Refusal(
                404, "no_project", "There is no such project.", hint="GET /api/v1/projects."
            )
        if not caller.may(right, p):
            raise Refusal(
                403,
                "not_allowed",
                f"The role {role} or the token does not allow this.",
                hint="Ask a manager of the project.",
            )
        return Place(project=project, caller=caller, role=role, services=served)

    return find


Reading = Annotated[Place, Depends(_place("read"))]
Answering = Annotated[Place, Depends(_place("answer"))]
Managing = Annotated[Place, Depends(_place("manage"))]

REFUSALS: dict[int, str] = {
    400: "The request is malformed.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The role or the token does not allow this, or the request comes from elsewhere.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "The queue has moved on.",
    413: "The request is too large.",
    422: "The request is well formed, and the project refuses it.",
    429: "Too many tries.",
    500: "Something went wrong here.",
    503: "The store is busy.",
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
