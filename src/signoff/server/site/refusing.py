"""Refusals as pages, in words for whoever reads them: a hint for programs helps nobody there."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from signoff.server import problems
from signoff.server.templates import page

WORDS: Mapping[str, tuple[str, str]] = {
    "no_project": (
        "There is no such project.",
        "Its address may be mistyped, or you have no role in it: then ask whoever runs it.",
    ),
    "not_found": ("There is no such page.", "Its address may be mistyped, or it has moved."),
    "no_accounts": (
        "This server has no accounts.",
        "Whoever runs it makes the first one with signoff user add.",
    ),
}
"""What pages say in place of a problem's own words and hint, by its code."""
UNREADABLE = ("This address cannot be read.", "It may be mistyped, or cut off.")


def install(app: FastAPI) -> None:
    """Let browsers that ask for a page where there is none get one that says so."""
    app.add_exception_handler(problems.Refusal, _on_refusal)
    app.add_exception_handler(HTTPException, _on_refusal)


async def _on_refusal(request: Request, error: Exception) -> Response:
    if _wants_page(request):
        return refused_page(request, error)
    told = problems.problem_of(request, error)
    if told is None:
        raise error
    return told


def _wants_page(request: Request) -> bool:
    reads = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return reads and not request.url.path.startswith("/api/")


def refused_page(request: Request, error: Exception) -> Response:
    """A refusal as a page; strangers are led to the way in."""
    problem = problems.problem_of(request, error)
    if problem is None:
        raise error
    if problem.status_code == 401 and "authorization" not in request.headers:
        return RedirectResponse("/", 303)
    told = json.loads(bytes(problem.body))
    said, hint = WORDS.get(told["code"], (told["detail"], told["hint"]))
    if isinstance(error, RequestValidationError):
        said, hint = UNREADABLE
    shown = page(
        "site/refused.html",
        problem.status_code,
        caller=None,
        form_token=None,
        runs_the_site=False,
        said=said,
        hint=hint,
    )
    for name, value in problem.headers.items():
        if name.lower() not in ("content-length", "content-type"):
            shown.headers[name] = value
    return shown
