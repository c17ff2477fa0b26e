"""The server about itself: whether it lives, its numbers, and what it offers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from signoff.core.events import instant
from signoff.server import wire
from signoff.server.api.context import Known, Served, SiteAdmin, refusals
from signoff.server.metrics import CONTENT_TYPE
from signoff.server.problems import Refusal
from signoff.server.workers import WorkerProcess
from signoff.version import VERSION

router = APIRouter(tags=["server"])


@router.get("/healthz", response_class=PlainTextResponse)
def healthz() -> str:
    """Say that the server answers; anybody may ask."""
    return "ok\n"


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={**refusals(), 200: {"description": "Prometheus' text format."}},
)
def metrics(caller: Known, served: Served) -> Response:
    """Give the server's numbers to whoever runs it."""
    if caller.kind == "account" and not caller.runs_the_site:
        raise Refusal(
            403, "not_allowed", "Only administrators read the server's numbers.", hint="Ask one."
        )
    return Response(served.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/api/v1/health", responses=refusals())
def health(_: SiteAdmin, served: Served) -> wire.Health:
    """Say how the server and its worker are, to whoever runs them."""
    worker = served.worker
    return wire.Health(version=VERSION, worker=None if worker is None else _shown(worker))


def _shown(worker: WorkerProcess) -> wire.WorkerShown:
    state = worker.state
    return wire.WorkerShown(
        state=state.state,
        since=instant(state.since),
        restarts=state.restarts,
        trouble=state.trouble,
    )


@router.post("/api/v1/worker/restart", status_code=204, responses=refusals(409))
def restart_worker(_: SiteAdmin, served: Served) -> Response:
    """End the worker and start it again; what it was doing is done again."""
    if served.worker is None:
        raise Refusal(
            409, "no_worker", "This server has no worker.", hint="signoff serve starts one."
        )
    served.worker.restart()
    return Response(status_code=204)


@router.get("/api/v1/openapi.json", include_in_schema=False)
def openapi(caller: Known, request: Request) -> JSONResponse:
    """Describe the API."""
    return JSONResponse(request.app.openapi())
