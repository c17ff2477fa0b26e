"""Everything a review page begins with, in one answer."""

from __future__ import annotations

from fastapi import APIRouter

from signoff.server import wire
from signoff.server.access import Caller
from signoff.server.api import projects, queue
from signoff.server.api.context import Known, Place, Served, Services, refusals
from signoff.server.render import project_shown

router = APIRouter(prefix="/api/v1", responses=refusals(), tags=["reviewing"])


@router.post("/begin")
def begin(wanted: wire.Begin, caller: Known, served: Served) -> wire.Begun:
    """Say who is asking and what there is, and lease the first requests of the only project there
    is, or of the one that is named."""
    me = projects.me(caller, served)
    listed = projects.projects(caller, served).projects
    place = _chosen(wanted.project, me, caller, served)
    answers = place is not None and caller.may("answer", place.project.id)
    leases = wire.LeaseWanted(limit=wanted.limit)
    return wire.Begun(
        me=me,
        projects=listed,
        project=None if place is None else project_shown(place.project),
        leased=queue.lease_now(leases, place) if place and answers and wanted.limit else None,
        history=queue.history(place) if place and answers else None,
    )


def _chosen(named: str | None, me: wire.Me, caller: Caller, served: Services) -> Place | None:
    """The project to open: the one named, else the only one; None where neither is there."""
    id = named if named in me.roles else next(iter(me.roles)) if len(me.roles) == 1 else None
    project = None if id is None else served.projects.find(id)
    if id is None or project is None:
        return None
    return Place(project=project, caller=caller, role=me.roles[id], services=served)
