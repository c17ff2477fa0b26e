"""Rows come in: uploads, new projects, further rows. The worker reads them; see the job."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from signoff.server.api.context import Known, Managing, refusals
from signoff.server.api.working import IdempotencyKey, Working, accepted, order, require_founder
from signoff.server.receiving import BODY, receive
from signoff.server.wire_founding import ProjectWanted
from signoff.server.wire_work import JobShown, UploadShown

router = APIRouter(prefix="/api/v1", responses=refusals(), tags=["items"])
FileName = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="What messages call the file."),
]
ACCEPTED = {202: {"model": JobShown, "description": "A worker will do it; see the job."}}


@router.post(
    "/uploads",
    status_code=201,
    openapi_extra=BODY,
    responses=refusals(422, 507),
)
async def upload(
    request: Request, caller: Known, work: Working, name: FileName = None
) -> UploadShown:
    """Take a file in, to make a project of it: CSV, TSV, JSON Lines or Parquet, or a ZIP of
    pictures with a table that names them, or without one."""
    require_founder(caller)
    received = await receive(request, work.transfers, name=name, by=caller.actor)
    return UploadShown.of(received)


@router.post(
    "/projects",
    status_code=202,
    response_model=None,
    responses={**refusals(409, 422), **ACCEPTED},
)
async def found(
    wanted: ProjectWanted, caller: Known, work: Working, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make a project of an upload. The job's result says its id and how many rows it has."""
    require_founder(caller)
    job = await run_in_threadpool(
        work.found_project, wanted.upload, wanted.options(), order(caller, idempotency_key)
    )
    return await accepted(job, work)


@router.post(
    "/projects/{p}/import",
    status_code=202,
    response_model=None,
    openapi_extra=BODY,
    responses={**refusals(422, 507), **ACCEPTED},
)
async def import_rows(
    request: Request,
    place: Managing,
    work: Working,
    name: FileName = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Bring further rows into a project: those it does not have are its next pool.

    Where its model is `predictions`, rows hold `prediction` and may hold `confidence`.
    """
    received = await receive(request, work.transfers, name=name, by=place.caller.actor)
    job = await run_in_threadpool(
        work.import_rows, place.project, received, order(place.caller, idempotency_key)
    )
    return await accepted(job, work)
