"""What the handlers of long work share: the service, who may see a job, waiting for one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from signoff.core.records import Job, Project
from signoff.server.access import RIGHTS, Caller
from signoff.server.api.context import Place, Reading, services
from signoff.server.blindness import stays_blind
from signoff.server.problems import Refusal, problem
from signoff.server.wire_work import JobShown
from signoff.server.work import Order, StoredWork
from signoff.store.transfers import safe_name

FIRST_LOOK_SECONDS = 0.05
LONGEST_LOOK_SECONDS = 0.5
MOST_WAIT = 120.0
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

Wait = Annotated[
    float,
    Query(ge=0, le=MOST_WAIT, description="Seconds to wait for the worker, before 202 and a job."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key again is the same request: it is done once.",
    ),
]


def _work(request: Request) -> StoredWork:
    found = services(request).work
    if found is None:
        raise Refusal(404, "no_worker", "This server does no long work.", hint="signoff serve.")
    return found


Working = Annotated[StoredWork, Depends(_work)]


def _auditing(place: Reading) -> Place:
    """Who may see the log: it says which items are audited, and reviewers must not know."""
    if place.role == "reviewer":
        raise Refusal(
            403,
            "not_allowed",
            "The role reviewer does not allow this.",
            hint="Ask a manager of the project.",
        )
    return place


Auditing = Annotated[Place, Depends(_auditing)]


def order(caller: Caller, key: str | None = None) -> Order:
    """Who orders a job."""
    return Order(by=caller.actor, key=key)


def may_found(caller: Caller) -> bool:
    """Whether a caller may make projects: a manager of everything may."""
    everywhere = caller.everywhere
    return everywhere is not None and "manage" in RIGHTS[everywhere] & caller.scopes


def require_founder(caller: Caller) -> None:
    """Refuse whoever may not make projects."""
    if not may_found(caller):
        raise Refusal(
            403, "not_allowed", "Only managers of every project make new ones.", hint="Ask one."
        )


def may_see(job: Job, caller: Caller) -> bool:
    """Whether a job is this caller's business: asked for by them, or of what they manage."""
    if may_found(caller):
        return True
    if job.project is not None and caller.may("manage", job.project):
        return True
    reads = job.project is None or caller.may("read", job.project)
    return reads and job.body.get("by") == caller.actor


def shown(job: Job, work: StoredWork) -> JobShown:
    """A job as told."""
    return JobShown.of(job, file=work.file(job) is not None)


async def accepted(job: Job, work: StoredWork) -> Response:
    """A job that somebody may wait for."""
    told = await run_in_threadpool(shown, job, work)
    return JSONResponse(
        told.model_dump(mode="json"), 202, headers={"Location": f"/api/v1/jobs/{job.id}"}
    )


async def awaited(job: Job, work: StoredWork, seconds: float) -> Job:
    """A job once it is over, or as it is after so long."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, FIRST_LOOK_SECONDS
    while job.state in ("queued", "running") and loop.time() < deadline:
        await asyncio.sleep(min(pause, max(0.0, deadline - loop.time())))
        pause = min(LONGEST_LOOK_SECONDS, pause * 1.5)
        job = await run_in_threadpool(work.store.job, job.id) or job
    return job


async def file_or_job(
    job: Job, work: StoredWork, caller: Caller, *, seconds: float, name: str
) -> Response:
    """What a job made, from disk piece by piece; the job where it takes longer."""
    job = await awaited(job, work, seconds)
    if job.state == "failed":
        return failed(job)
    if job.state != "done":
        return await accepted(job, work)
    return await run_in_threadpool(file_of, job, work, caller, name)


def keep_log(work: StoredWork, project: Project, caller: Caller) -> None:
    """Refuse the log to who must stay blind: it says which items are audited."""
    if stays_blind(caller, project, work.store.pools(project.id)):
        raise Refusal(
            409,
            "blind",
            "The log says why items are asked, and you may answer them.",
            hint="It can be downloaded once the certificate is issued, or by an auditor now.",
        )


def keep_results(work: StoredWork, project: Project, caller: Caller) -> None:
    """Refuse the results of rows to who must stay blind: columns say why items were asked, and
    those of the data may say what the model says. A stream's caller has them already."""
    if project.kind == "stream":
        return
    if stays_blind(caller, project, work.store.pools(project.id)):
        raise Refusal(
            409,
            "blind",
            "The results say why items were asked, and you may answer them.",
            hint="Export once the certificate is issued, or now with a token that may not answer.",
        )


def file_of(job: Job, work: StoredWork, caller: Caller, name: str) -> Response:
    """The file of a job that is done, whoever ordered it, where the caller may read it now."""
    project = None if job.project is None else work.store.project(job.project)
    if job.kind == "log" and project is not None:
        keep_log(work, project, caller)
    if job.kind == "export" and project is not None:
        keep_results(work, project, caller)
    path = work.file(job)
    if path is None:
        raise Refusal(410, "file_gone", "The file is not kept any more.", hint="Ask for a new one.")
    format = path.suffix.removeprefix(".")
    return FileResponse(path, media_type=MEDIA[format], filename=safe_name(f"{name}.{format}"))


def failed(job: Job) -> Response:
    """Why a job was not done, as a problem."""
    error = job.error or {}
    return problem(
        422,
        str(error.get("code", "failed")),
        str(error.get("message", "The job failed.")),
        hint=str(error.get("hint", "")),
        further={"job": job.id},
    )
