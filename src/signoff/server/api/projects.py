"""Who is asking, which projects there are, and how they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import JsonValue
from starlette.concurrency import run_in_threadpool

from signoff.core.people import Role
from signoff.server import wire
from signoff.server.api.context import Known, Reading, Served, refusals
from signoff.server.problems import Refusal
from signoff.server.render import project_shown

router = APIRouter(prefix="/api/v1", responses=refusals(), tags=["projects"])


@router.get("/me")
def me(caller: Known, served: Served) -> wire.Me:
    """Say who is asking."""
    roles: dict[str, Role] = {
        project.id: role
        for project in served.projects.all()
        if (role := caller.role(project.id)) is not None
    }
    return wire.Me(
        name=caller.name,
        kind=caller.kind,
        roles=roles,
        account=caller.account,
        runs_the_site=caller.runs_the_site,
    )


@router.get("/projects")
def projects(caller: Known, served: Served) -> wire.ProjectList:
    """List the projects the caller has a role in."""
    return wire.ProjectList(
        projects=[
            wire.ProjectBrief(id=project.id, name=project.name, role=role)
            for project in served.projects.all()
            if (role := caller.role(project.id)) is not None
        ]
    )


@router.get("/projects/{p}")
def project(place: Reading) -> wire.ProjectShown:
    """Describe a project: what is asked, and how items are shown."""
    return project_shown(place.project)


@router.get("/projects/{p}/progress")
def progress(place: Reading) -> wire.ProgressShown:
    """Say where a project stands."""
    return place.progress()


@router.get("/projects/{p}/certificate")
def certificate(place: Reading) -> dict[str, JsonValue]:
    """Give the certificate, once there is one."""
    issued = place.services.projects.certificate(place.project)
    if issued is None:
        raise Refusal(
            404, "no_certificate", "There is no certificate yet.", hint="Ask again when it is done."
        )
    return issued  # pyright: ignore[reportReturnType] # what the store keeps is JSON


@router.get(
    "/projects/{p}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "`progress` after each change, `closed` at the end."}},
)
async def events(place: Reading, request: Request) -> AsyncIterator[ServerSentEvent]:
    """Send progress as it happens, at most twice a second.

    ``progress`` holds a ProgressShown; ``closed`` comes when every item is decided.
    """
    metrics, access = place.services.metrics, place.services.access
    was_closed = False
    with metrics.listeners.track_inprogress():
        async for standing in place.services.live.watch(place.project):
            if await run_in_threadpool(access.caller, request) is None:
                return  # signed out, expired or removed while listening
            shown = await run_in_threadpool(place.progress, standing)
            yield ServerSentEvent(event="progress", data=shown)
            closed = shown.phase == "closed"
            if closed and not was_closed:
                yield ServerSentEvent(event="closed", data={})
            was_closed = closed
