"""The server about itself: whether it lives, its numbers, and what it offers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from signoff.server.api.context import Known, Served, refusals
from signoff.server.metrics import CONTENT_TYPE
from signoff.server.problems import Refusal

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


@router.get("/api/v1/openapi.json", include_in_schema=False)
def openapi(caller: Known, request: Request) -> JSONResponse:
    """Describe the API."""
    return JSONResponse(request.app.openapi())
