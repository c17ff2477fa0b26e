"""Long work: how it stands, doing it again, giving it up, and what it made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from signoff.bootstrap import clock
from signoff.core.records import Job
from signoff.server.access import Caller
from signoff.server.api.context import Known, refusals
from signoff.server.api.working import MEDIA, Working, file_of, may_see, shown
from signoff.server.problems import Refusal
from signoff.server.wire_work import JobList, JobShown
from signoff.server.work import StoredWork

router = APIRouter(prefix="/api/v1/jobs", responses=refusals(), tags=["jobs"])
JobId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]
PAGES = 10
"""How many pages of others' jobs are passed over at most to fill one."""


@router.get("")
def jobs(
    caller: Known,
    work: Working,
    project: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64, pattern=r"^[0-9A-Za-z-]+$")] = None,
) -> JobList:
    """List the jobs the caller may see, newest first."""
    found: list[Job] = []
    for _ in range(PAGES):
        page = work.store.jobs(project, limit, before=before)
        found += [job for job in page if may_see(job, caller)]
        if len(page) < limit:
            return _listed(found[:limit], work, more=len(found) > limit)
        before = page[-1].id
        if len(found) >= limit:
            break
    return _listed(found[:limit], work, more=True, next=before)


def _listed(found: list[Job], work: StoredWork, *, more: bool, next: str | None = None) -> JobList:
    last = found[-1].id if found else next
    return JobList(jobs=[shown(job, work) for job in found], next=last if more else None)


@router.get("/{id}")
def job(id: JobId, caller: Known, work: Working) -> JobShown:
    """Say how a job stands."""
    return shown(_mine(id, caller, work), work)


@router.get(
    "/{id}/file",
    response_model=None,
    responses={
        **refusals(409, 410),
        200: {
            "description": "The file.",
            "content": {
                media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for media in MEDIA.values()
            },
        },
    },
)
def file(id: JobId, caller: Known, work: Working) -> Response:
    """Give what an export made; it is kept for a day."""
    found = _mine(id, caller, work)
    if found.state != "done":
        raise Refusal(409, "job_moved", f"The job is {found.state}.", hint="Wait until it is done.")
    return file_of(found, work, caller, found.kind)


@router.post("/{id}/retry", responses=refusals(409))
def retry(id: JobId, caller: Known, work: Working) -> JobShown:
    """Do a failed job again."""
    return _moved(id, caller, work, work.store.retry_job)


@router.post("/{id}/cancel", responses=refusals(409))
def cancel(id: JobId, caller: Known, work: Working) -> JobShown:
    """Give up a job that is not over; nothing of it is stored then."""
    return _moved(id, caller, work, work.store.cancel_job)


def _moved(id: str, caller: Caller, work: StoredWork, move: Callable[..., Job]) -> JobShown:
    found = _mine(id, caller, work)
    return shown(move(found.id, now=clock()), work)


def _mine(id: str, caller: Caller, work: StoredWork) -> Job:
    found = work.store.job(id)
    if found is None or not may_see(found, caller):
        raise Refusal(404, "no_job", "There is no such job.", hint="GET /api/v1/jobs.")
    return found
