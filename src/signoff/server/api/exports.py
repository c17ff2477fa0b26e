"""Results, log and verification of a project: made by the worker, sent from disk."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.concurrency import run_in_threadpool

from signoff.server.api.context import Managing, refusals
from signoff.server.api.working import (
    MEDIA,
    Auditing,
    Wait,
    Working,
    accepted,
    awaited,
    failed,
    file_or_job,
    keep_log,
    keep_results,
    shown,
)
from signoff.server.problems import Refusal
from signoff.server.wire_work import JobShown

router = APIRouter(prefix="/api/v1/projects/{p}", responses=refusals(), tags=["results"])
Format = Annotated[
    Literal["csv", "jsonl", "parquet"],
    Query(description="In CSV no text begins like a formula: such ones get an apostrophe."),
]

AsIs = Annotated[
    bool, Query(description="Leave the data's own texts as they are: for programs that read CSV.")
]


def _file(*media: str) -> dict[int | str, dict[str, object]]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {
            "description": "The file.",
            "content": {each.partition(";")[0]: binary for each in media},
        },
        202: {"model": JobShown, "description": "It takes longer: see the job, then its file."},
    }


@router.get(
    "/export", response_model=None, responses={**refusals(409, 422), **_file(*MEDIA.values())}
)
async def export(
    place: Managing,
    work: Working,
    format: Format = "csv",
    as_is: AsIs = False,
    wait: Wait = 60.0,
) -> Response:
    """Give the results so far, row by row. Every export is in the log.

    Not to who may answer in a certified project before its certificate: a column says what is
    audited, and the data may hold what the model says.
    """
    await run_in_threadpool(keep_results, work, place.project, place.caller)
    by = place.caller.actor
    job = await run_in_threadpool(work.export, place.project, format, by=by, as_is=as_is)
    return await file_or_job(job, work, place.caller, seconds=wait, name=place.project.name)


@router.get("/log", response_model=None, responses={**refusals(409, 422), **_file(MEDIA["jsonl"])})
async def log(
    place: Auditing,
    work: Working,
    content: Annotated[bool, Query(description="With answers, names and texts.")] = False,
    wait: Wait = 60.0,
) -> Response:
    """Give the signed log as JSON lines; `signoff verify` needs nothing else.

    Not to who may answer in a certified project before its certificate: it says what is audited.
    """
    if content and not place.caller.may("manage", place.project.id):
        raise Refusal(
            403,
            "not_allowed",
            f"The role {place.role} or the token does not allow the log's content.",
            hint="Ask for the log without it.",
        )
    await run_in_threadpool(keep_log, work, place.project, place.caller)
    by = place.caller.actor
    job = await run_in_threadpool(work.log, place.project, content=content, by=by)
    return await file_or_job(
        job, work, place.caller, seconds=wait, name=f"{place.project.name}.log"
    )


@router.post(
    "/verify",
    response_model=None,
    responses={
        **refusals(422),
        200: {"model": JobShown, "description": "The job; its result is the verdict."},
        202: {"model": JobShown, "description": "It takes longer: see the job."},
    },
)
async def verify(place: Auditing, work: Working, wait: Wait = 0.0) -> JobShown | Response:
    """Check log, audit, certificate and tables; the job's result is the verdict."""
    job = await run_in_threadpool(work.verify, place.project, by=place.caller.actor)
    job = await awaited(job, work, wait)
    if job.state == "failed":
        return failed(job)
    if job.state != "done":
        return await accepted(job, work)
    return shown(job, work)
