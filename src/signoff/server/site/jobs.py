"""Long work that somebody ordered on a page: waiting for it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast, get_args

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from signoff.core.records import Job
from signoff.errors import InputError
from signoff.server.api.context import Known
from signoff.server.api.working import Working, file_of, keep_log, keep_results, may_see
from signoff.server.problems import Refusal
from signoff.server.site.context import Changing, Overseeing, PageRoute, TheOffice, Visit, framed
from signoff.server.site.forms import Posted
from signoff.server.templates import page
from signoff.server.work import StoredWork
from signoff.work.kinds import ExportFormat

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SHOWN = 5
WORDS = {
    "import": "Reading your file",
    "export": "Writing the results",
    "log": "Writing the log",
    "verify": "Verifying the log",
    "erase": "Erasing the item",
}
JobId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


@router.get("/jobs/{id}")
def job(id: JobId, caller: Known, work: Working, office: TheOffice, request: Request) -> Response:
    """Wait for a job, then show what came of it; a new project's review page opens by itself."""
    found = _seen(id, caller, work)
    if found.kind == "import" and found.state == "done" and found.project is not None:
        return RedirectResponse(f"/#/{found.project}", 303)
    return page(
        "site/job.html",
        **framed(request, caller),
        job=found,
        doing=WORDS.get(found.kind, "Working"),
        waits=found.state in ("queued", "running"),
        file=work.file(found) is not None,
        upload=str(found.body.get("upload", "")),
        refresh=found.state in ("queued", "running"),
    )


@router.get("/jobs/{id}/file")
def file(id: JobId, caller: Known, work: Working) -> Response:
    """Give the file that an export made."""
    found = _seen(id, caller, work)
    project = None if found.project is None else work.store.project(found.project)
    if project is None:
        raise Refusal(404, "no_file", "This job makes no file.", hint="Go to the project.")
    return file_of(found, work, caller, f"{project.name}.{found.kind}")


def _seen(id: str, caller: Known, work: StoredWork) -> Job:
    found = work.store.job(id)
    if found is None or not may_see(found, caller):
        raise Refusal(404, "no_job", "There is no such job.", hint="Go to the projects.")
    return found


# ------------------------------------------------------------------------------- orders


@router.post("/projects/{p}/export")
def export(visit: Changing, work: Working, form: Posted) -> Response:
    """Order the results as a file; not for who must stay blind."""
    keep_results(work, visit.place.project, visit.place.caller)
    format = form.text("format", "csv")
    if format not in get_args(ExportFormat):
        raise InputError(f"{format[:20]!r} is no format.", hint="Choose one of the list.")
    known = cast("ExportFormat", format)
    ordered = work.export(visit.place.project, known, by=visit.place.caller.actor)
    return RedirectResponse(f"/jobs/{ordered.id}", 303)


@router.post("/projects/{p}/log/export")
def export_log(visit: Overseeing, work: Working, form: Posted) -> Response:
    """Order the log as a file; not for who must stay blind: it says which items are audited."""
    keep_log(work, visit.place.project, visit.place.caller)
    content = form.ticked("content")
    if content and not visit.manages:
        raise Refusal(
            403, "not_allowed", "Contents are for managers.", hint="Leave the contents out."
        )
    ordered = work.log(visit.place.project, content=content, by=visit.place.caller.actor)
    return RedirectResponse(f"/jobs/{ordered.id}", 303)


@router.post("/projects/{p}/log/verify")
def verify(visit: Overseeing, work: Working, form: Posted) -> Response:
    """Order the verification of log and tables."""
    ordered = work.verify(visit.place.project, by=visit.place.caller.actor)
    return RedirectResponse(f"/jobs/{ordered.id}", 303)


def recent(visit: Visit, kind: str) -> Sequence[Job]:
    """The newest jobs of a kind of this project, newest first."""
    jobs = visit.store.jobs(visit.id, limit=10 * SHOWN)
    return [job for job in jobs if job.kind == kind][:SHOWN]
