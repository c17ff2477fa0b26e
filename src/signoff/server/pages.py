"""What a browser loads: the review page, its assets, and the pages around signing in."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from signoff.server.access import Caller
from signoff.server.api.context import services
from signoff.server.guard import LASTING
from signoff.server.problems import Refusal
from signoff.server.templates import file_bytes, page

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
ASSETS = "assets/"
"""The folder whose files have their content's hash in their names."""

Instead = Callable[[Request, Caller], Response | None]


class Pages:
    """The built page in a folder; ``instead`` may give another one to a caller at its address.

    Its files are listed once: an address either names one of them or nothing, so that no address
    leads out of the folder.
    """

    def __init__(self, folder: Path = STATIC, *, instead: Instead | None = None) -> None:
        self._instead = instead
        self._files: Mapping[str, Path] = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
        }
        self.router = APIRouter(include_in_schema=False)
        for path, handler in (
            ("/page.css", _style),
            ("/", self._index),
            ("/{name}", self._file),
            (f"/{ASSETS}{{name:path}}", self._asset),
        ):
            self.router.add_api_route(path, handler, methods=["GET", "HEAD"])

    async def _index(self, request: Request) -> Response:
        access = services(request).access
        caller = await run_in_threadpool(access.caller, request)
        if caller is None:
            return await run_in_threadpool(access.welcome, request)
        if request.url.query:
            # A link opened again must not leave its token in the address bar.
            return RedirectResponse("/", 303)
        if self._instead is not None:
            other = await run_in_threadpool(self._instead, request, caller)
            if other is not None:
                return other
        return self._page()

    def _page(self) -> Response:
        if INDEX not in self._files:
            return page("not_built.html", 503)
        return FileResponse(self._files[INDEX])

    async def _file(self, name: str, request: Request) -> Response:
        if await run_in_threadpool(services(request).access.caller, request) is None:
            raise Refusal(401, "no_session", "Nobody is signed in.", hint="Open the page first.")
        path = self._files.get(name)
        if path is None or name == INDEX:
            raise Refusal(404, "not_found", "There is no such page.", hint="Go to /.")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return FileResponse(path, media_type=kind)

    async def _asset(self, name: str, request: Request) -> Response:
        response = await self._file(ASSETS + name, request)
        response.headers["Cache-Control"] = LASTING
        return response


def _style() -> Response:
    """The style of the pages around signing in; everybody may have it."""
    return Response(file_bytes("page.css"), media_type="text/css")
