"""The application: routes, what every request passes, and the API's description."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from signoff.accounts.directory import Directory
from signoff.core.records import Json
from signoff.server import problems, wire
from signoff.server.access import Access
from signoff.server.api import (
    about,
    beginning,
    blobs,
    comments,
    exports,
    items,
    jobs,
    managing,
    own,
    people,
    projects,
    queue,
    streams,
    webhooks,
)
from signoff.server.api.context import Services
from signoff.server.bench import Bench, Benches
from signoff.server.desks import Desks, Projects
from signoff.server.guard import (
    MOST_BODY_BYTES,
    BodyLimit,
    Calm,
    OwnHost,
    OwnOrigin,
    SecurityHeaders,
)
from signoff.server.live import Live
from signoff.server.metrics import Metrics, Watch
from signoff.server.pages import STATIC, Pages
from signoff.server.site import PROJECT_PAGES, refusing
from signoff.server.site.context import Office
from signoff.server.site.first_run import first_page
from signoff.server.streams import StoredStreams
from signoff.server.work import StoredWork
from signoff.server.workers import WorkerProcess
from signoff.store.blobs import BlobFolder
from signoff.version import VERSION

OPEN_ROUTES = frozenset({"/healthz"})
"""Described routes that anybody may call."""


def create_app(
    projects_read: Projects,
    desks: Desks,
    *,
    access: Access,
    hosts: frozenset[str] | None,
    static: Path = STATIC,
    worker: WorkerProcess | None = None,
    work: StoredWork | None = None,
    directory: Directory | None = None,
    live_items: StoredStreams | None = None,
    office: Office | None = None,
    benches: Benches | None = None,
    pictures: BlobFolder | None = None,
) -> FastAPI:
    """The server over projects and desks.

    ``access`` says who is calling; ``hosts`` are the names (``name:port``) it answers to, None for
    every name; ``static`` is the folder of the built page; ``worker`` works on the projects;
    ``work`` orders long work of it: without one there are no such routes; ``live_items`` decides
    the items of streams; ``office`` is what the project pages work with, and without it there are
    none; ``directory`` is where accounts are kept: without one there are no routes about people;
    ``benches`` are where the short work of requests is done.
    ``pictures`` are those that items show.
    """
    app = FastAPI(
        title="signoff",
        version=VERSION,
        description=(
            "Review items, and see how a project stands. Sessions ride in a cookie: changes then"
            " need the header `X-Signoff: 1`. Programs send `Authorization: Bearer TOKEN`."
        ),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
    )
    metrics = Metrics()
    app.state.services = Services(
        projects=projects_read,
        desks=desks,
        access=access,
        live=Live(projects_read.standing),
        metrics=metrics,
        reading=Bench() if benches is None else benches.reading,
        writing=Bench() if benches is None else benches.writing,
        worker=worker,
        work=work,
        people=directory,
        streams=live_items,
        blobs=pictures,
    )
    problems.install(app)
    rooms = (about, projects, beginning, queue, comments, managing, streams, blobs)
    for router in (*(room.router for room in rooms), *access.routers):
        app.include_router(router)
    if work is not None:
        for router in (items.router, exports.router, jobs.router, webhooks.router):
            app.include_router(router)
    if live_items is not None:
        app.include_router(streams.founding)
    if directory is not None:
        for router in (people.router, own.router):
            app.include_router(router)
    if office is not None:
        app.state.office = office
        refusing.install(app)
        for router in PROJECT_PAGES:
            app.include_router(router)
    app.include_router(Pages(static, instead=None if office is None else first_page).router)
    # The last one added is the outermost.
    most_upload = MOST_BODY_BYTES if work is None else work.settings.most_upload_bytes
    app.add_middleware(BodyLimit, most_upload=most_upload)
    app.add_middleware(OwnOrigin)
    app.add_middleware(OwnHost, hosts=hosts)
    app.add_middleware(Calm)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Watch, metrics=metrics)
    app.openapi = lambda: _describe(app, access.cookie)
    return app


def _describe(app: FastAPI, cookie: str) -> Json:
    """The OpenAPI document: how callers are known, and problems where FastAPI has its own form."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        _secure(described, cookie)
        _replace_validation_errors(described)
        app.openapi_schema = described
    return app.openapi_schema


def _secure(described: Json, cookie: str) -> None:
    components = cast("dict[str, Json]", described.setdefault("components", {}))
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
        "token": {"type": "http", "scheme": "bearer"},
    }
    for path, operations in cast("dict[str, dict[str, Json]]", described["paths"]).items():
        for operation in operations.values():
            operation["security"] = [] if path in OPEN_ROUTES else [{"session": []}, {"token": []}]


def _replace_validation_errors(described: Json) -> None:
    """Malformed requests are problems with status 400 here."""
    schemas = cast("dict[str, dict[str, Json]]", described["components"])["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (wire.Problem, wire.GivenBack):
        schemas[model.__name__] = model.model_json_schema()
    for operations in cast("dict[str, dict[str, Json]]", described["paths"]).values():
        for operation in operations.values():
            responses = cast("dict[str, Json]", operation["responses"])
            if "HTTPValidationError" in str(responses.get("422", "")):
                del responses["422"]
