"""A new project from an uploaded table: the first thing somebody sees who starts with nothing.

The file is sent to the API by a small script, looked into by the lookup's child, and read as a
whole by the worker, which makes the project or says in one line what is wrong.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from signoff.core.joining import MOST_OVERLAP
from signoff.errors import InputError, SignoffError, UsageError
from signoff.server.access import Caller
from signoff.server.api.context import services
from signoff.server.api.working import Working
from signoff.server.lookup import Preview
from signoff.server.site.context import Founding, PageRoute, TheOffice, framed, has_worker
from signoff.server.site.forms import Posted
from signoff.server.site.plans import CERTAINTIES, KINDS, Plan
from signoff.server.templates import page
from signoff.server.work import Order, StoredWork
from signoff.store.transfers import Upload, missing_upload

router = APIRouter(route_class=PageRoute, include_in_schema=False)

UploadId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


@router.get("/new")
def new(founder: Founding, request: Request) -> Response:
    """Ask for a file."""
    return welcome(request, founder, first=False)


def welcome(request: Request, founder: Caller, *, first: bool) -> Response:
    """The page that asks for a file; ``first``: there is no project yet."""
    return page("site/new.html", **framed(request, founder), first_visit=first)


def first_page(request: Request, caller: Caller) -> Response | None:
    """What stands in place of the review page: nothing, but where there is no project yet and the
    caller may begin one."""
    if not (caller.runs_the_site and has_worker(request)) or services(request).projects.all():
        return None
    return welcome(request, caller, first=True)


@router.get("/new/{upload}")
def describe(
    upload: UploadId, founder: Founding, work: Working, office: TheOffice, request: Request
) -> Response:
    """Show the beginning of an uploaded file and ask what to do with it."""
    about, preview = _opened(upload, founder, work, office)
    name = PurePath(about.name.removesuffix(".gz")).stem
    first, second, *_ = *preview.columns, ""
    promise = "people" if preview.pictures else "certificate"
    plan = Plan(name=name, text=preview.text or first, a=first, b=second, promise=promise)
    return _described(request, founder, about, preview, plan)


@router.post("/new/{upload}")
def begin(
    upload: UploadId,
    form: Posted,
    founder: Founding,
    work: Working,
    office: TheOffice,
    request: Request,
) -> Response:
    """Order the project, or show again what was filled in with what is wrong about it."""
    about, preview = _opened(upload, founder, work, office)
    plan = Plan.of(form)
    try:
        order = Order(by=founder.actor, key=form.text("once") or None)
        job = work.found_project(upload, plan.options(preview), order)
    except (InputError, UsageError) as error:
        return _described(request, founder, about, preview, plan, error)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _opened(
    upload: str, founder: Caller, work: StoredWork, office: TheOffice
) -> tuple[Upload, Preview]:
    found = work.transfers.upload(upload)
    if found is None or found[0].by != founder.actor:
        gone = missing_upload()
        raise InputError(gone.message, hint=gone.hint)
    about, path = found
    most = work.settings.most_upload_bytes
    return about, office.lookup.preview(path, about.name, most_bytes=most)


def _described(
    request: Request,
    founder: Caller,
    about: Upload,
    preview: Preview,
    plan: Plan,
    error: SignoffError | None = None,
) -> Response:
    return page(
        "site/new_project.html",
        200 if error is None else 422,
        **framed(request, founder),
        upload=about,
        preview=preview,
        plan=plan,
        trouble=error,
        certainties=CERTAINTIES,
        kinds=KINDS,
        most_overlap=MOST_OVERLAP,
        once=str(uuid4()),
    )
