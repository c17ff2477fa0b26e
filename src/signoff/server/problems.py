"""Refusals as ``application/problem+json`` (RFC 9457), each with a code and the next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from signoff.core.records import Json
from signoff.errors import (
    Infeasible,
    InputError,
    ItemErased,
    QueueError,
    SignoffError,
    StoreBusy,
    StoreError,
    UsageError,
)
from signoff.server.logs import note

MEDIA_TYPE = "application/problem+json"
MOST_COMPLAINTS = 5
RETRY_SECONDS = 1


class Refusal(HTTPException):
    """A request this server does not do; becomes a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        further: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.hint = hint
        self.further = further


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    further: Mapping[str, object] | None = None,
) -> JSONResponse:
    """A problem as a response; ``further`` fields stand beside the common ones."""
    body: Json = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
        **(further or {}),
    }
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def render_refusal(refusal: Refusal) -> JSONResponse:
    """A refusal as a response."""
    return problem(
        refusal.status_code,
        refusal.code,
        refusal.detail,
        hint=refusal.hint,
        headers=refusal.headers,
        further=refusal.further,
    )


def install(app: FastAPI) -> None:
    """Let an application answer every error with a problem."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(SignoffError, _on_signoff_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


def problem_of(request: Request, error: Exception) -> JSONResponse | None:
    """The problem that an error becomes; None for one that nobody foresaw."""
    match error:
        case Refusal():
            return _on_refusal(request, error)
        case SignoffError():
            return _on_signoff_error(request, error)
        case RequestValidationError():
            return _on_invalid(request, error)
        case HTTPException():
            return _on_http(request, error)
        case _:
            return None


def internal() -> JSONResponse:
    """What a caller learns of a mistake of ours: nothing."""
    return problem(
        500, "internal", "Something went wrong here.", hint="Try again; the server's log says more."
    )


def _on_refusal(_: Request, error: Exception) -> JSONResponse:
    return render_refusal(cast("Refusal", error))


def _on_signoff_error(_: Request, error: Exception) -> JSONResponse:
    known = cast("SignoffError", error)
    match known:
        case StoreBusy():
            return problem(
                503,
                known.code,
                "The store is busy.",
                hint="Try again in a moment.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        case StoreError():
            # Its words name files of this machine: those are for the log's reader only.
            note("store", level=40, code=known.code)
            return problem(
                500, known.code, "The store cannot be used.", hint="The server's log says more."
            )
        case UsageError() | InputError() | Infeasible():
            return problem(422, known.code, known.message, hint=known.hint)
        case ItemErased():
            return problem(410, known.code, known.message, hint=known.hint)
        case QueueError():
            return problem(409, known.code, known.message, hint=known.hint)
        case _:
            return problem(500, known.code, known.message, hint=known.hint)


def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    errors = cast("Sequence[Json]", cast("RequestValidationError", error).errors())
    complaints = [f"{_place(each)}: {each['msg']}" for each in errors[:MOST_COMPLAINTS]]
    return problem(
        400,
        "invalid",
        ". ".join(complaints) + ".",
        hint="Compare the request with the description of the API (/api/v1/openapi.json).",
    )


def _place(error: Json) -> str:
    """Where in a request an error is: names only, no value of the request."""
    return ".".join(str(part)[:40] for part in cast("Sequence[object]", error["loc"]))


def _on_http(request: Request, error: Exception) -> JSONResponse:
    http = cast("HTTPException", error)
    headers = dict(http.headers or {})
    if http.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers |= _allow(request)
    code = HTTPStatus(http.status_code).phrase.lower().replace(" ", "_")
    hints = {404: "Check the address.", 405: "The Allow header names what is possible here."}
    return problem(
        http.status_code,
        code,
        str(http.detail),
        hint=hints.get(http.status_code, ""),
        headers=headers,
    )


def _allow(request: Request) -> dict[str, str]:
    """Every method of an address; the router knows only those of one route."""
    path = getattr(request.scope.get("route"), "path", None)
    methods = request.app.openapi()["paths"].get(path)
    return {"Allow": ", ".join(method.upper() for method in methods)} if methods else {}
