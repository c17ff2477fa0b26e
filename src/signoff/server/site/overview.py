"""How a project stands: progress, certificate, forecast; and the list of projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from signoff.core.records import Json, Project
from signoff.core.routing import Certified
from signoff.server.api.context import Known, Served
from signoff.server.desks import Panel, Standing
from signoff.server.render import progress_shown
from signoff.server.site.context import Overseeing, PageRoute, Visit, framed
from signoff.server.site.streams import stream_panels
from signoff.server.templates import page
from signoff.server.wire import ProgressShown

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A project in the list. ``progress``: None for reviewers, whose own page counts known answers
    like any other; numbers without them would tell which they are."""

    project: Project
    role: str
    progress: ProgressShown | None

    @property
    def overseen(self) -> bool:
        """Whether its pages are open to this caller."""
        return self.role != "reviewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the progress bar, in per cent of the whole."""

    name: str
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that a pool of the project has, for one question."""

    pool: int
    question: str
    certificate: Json


@router.get("/projects")
def projects(caller: Known, served: Served, request: Request) -> Response:
    """List the projects the caller has a role in."""
    listed = [
        Listed(
            project=each,
            role=role,
            progress=_seen(each, served) if role != "reviewer" else None,
        )
        for each in served.projects.all()
        if (role := caller.role(each.id)) is not None
    ]
    return page("site/projects.html", **framed(request, caller), listed=listed)


def _seen(project: Project, served: Served) -> ProgressShown:
    return progress_shown(served.projects.standing(project), project, mine=0)


@router.get("/projects/{p}")
def overview(visit: Overseeing) -> Response:
    """Show how the project stands."""
    project = visit.place.project
    standing = visit.place.services.projects.standing(project)
    progress = progress_shown(standing, project, mine=0)
    issued = _issued(visit)
    newest, closed = len(visit.pools()), progress.phase == "closed"
    return visit.show(
        "overview.html",
        here="overview",
        progress=progress,
        bar=_parts(progress),
        state=_state(progress),
        current=[each for each in issued if each.pool == newest and closed],
        earlier=[each for each in issued if each.pool != newest or not closed],
        certified=isinstance(project.policy, Certified),
        panels=[*_panels(standing), *stream_panels(visit)],
        pools=newest,
        blind=visit.blind,
    )


def _parts(progress: ProgressShown) -> Sequence[Part]:
    """Who decided how much of the whole; what is left is the bar's ground."""
    if not progress.items:
        return []
    people = 100 * progress.answered / progress.items
    model = min(100 - people, 100 * progress.automatic / progress.items)
    return [
        Part(name="people", start=0, width=people),
        Part(name="model", start=people, width=model),
    ]


def _state(progress: ProgressShown) -> tuple[str, str]:
    """What happens now, as a tone and a sentence."""
    if progress.phase == "closed":
        return "done", "Every item is decided."
    if progress.paused is not None:
        return "care", progress.paused
    if progress.open:
        return "calm", "People are asked."
    return "calm", "The machine is working on the answers."


def _issued(visit: Visit) -> Sequence[Issued]:
    """The project's certificates, those of its newest part first; one for each question."""
    return [
        Issued(pool=pool.number, question=name, certificate=audit.certificate)
        for pool in reversed(visit.pools())
        for name, audit in visit.store.audits(visit.id, pool.number).items()
        if audit.certificate is not None
    ]


def _panels(standing: Standing | None) -> Sequence[Panel]:
    """What a project of its kind shows besides."""
    return () if standing is None else standing.panels
