"""A new project from an uploaded table: the first thing somebody sees who starts with nothing.

The file is sent to the API by a small script, looked into by the lookup's child, and read as a
whole by the worker, which makes the project or says in one line what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from signoff.core.questions import Choice
from signoff.core.routing import Certified, People, Policy
from signoff.errors import InputError, SignoffError, UsageError
from signoff.server.access import Caller
from signoff.server.api.context import services
from signoff.server.api.working import Working
from signoff.server.lookup import Preview
from signoff.server.site.context import Founding, PageRoute, TheOffice, framed, has_worker
from signoff.server.site.forms import Form, Posted
from signoff.server.templates import page
from signoff.server.work import Order, StoredWork
from signoff.store.transfers import Upload, missing_upload

router = APIRouter(route_class=PageRoute, include_in_schema=False)

CERTAINTIES = ("0.9", "0.95", "0.99")
DEFAULT_QUESTION = "Which label fits?"
MOST_NAME = 200
LEAST_LABELS, MOST_LABELS = 2, 100
UploadId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What somebody filled in, as they wrote it."""

    name: str
    text: str
    key: str = ""
    labels: str = ""
    question: str = DEFAULT_QUESTION
    promise: str = "certificate"
    max_error: str = "5"
    certainty: str = "0.95"

    @classmethod
    def of(cls, form: Form) -> Plan:
        """From the form."""
        return cls(
            name=form.text("name"),
            text=form.text("text"),
            key=form.text("key"),
            labels=form.text("labels"),
            question=form.text("question"),
            promise=form.text("promise"),
            max_error=form.text("max_error"),
            certainty=form.text("certainty"),
        )

    def options(self, preview: Preview) -> Mapping[str, object]:
        """As a run's options; raises :class:`InputError` or :class:`UsageError` for what cannot
        be."""
        if not self.name:
            raise InputError("The project has no name.", hint="Give it a short one.")
        if len(self.name) > MOST_NAME:
            raise InputError(
                f"The name has {len(self.name)} characters; {MOST_NAME} are the most.",
                hint="Give it a short one.",
            )
        for column in filter(None, (self.text, self.key)):
            if column not in preview.columns:
                raise InputError(f"There is no column {column[:40]!r}.", hint="Choose one of them.")
        if not self.text:
            raise InputError("No text column was chosen.", hint="Choose what people are to read.")
        labels = [line.strip() for line in self.labels.splitlines() if line.strip()]
        if not LEAST_LABELS <= len(labels) <= MOST_LABELS:
            raise InputError(
                f"A choice needs {LEAST_LABELS} to {MOST_LABELS} possible answers;"
                f" got {len(labels)}.",
                hint="Write each on a line of its own.",
            )
        Choice.of(labels)
        return {
            "project": self.name,
            "text": self.text,
            "key": self.key or None,
            "labels": labels,
            "question": self.question or DEFAULT_QUESTION,
            "policy": self._policy().to_json(),
        }

    def _policy(self) -> Policy:
        if self.promise == "people":
            return People()
        if self.certainty not in CERTAINTIES:
            raise InputError("The certainty is none of the list.", hint="Choose one of the list.")
        return Certified(max_error=share_of(self.max_error), certainty=Decimal(self.certainty))


def share_of(percent: str) -> Decimal:
    """A share from what somebody wrote as per cent.

    >>> share_of("5"), share_of("2,5 %")
    (Decimal('0.05'), Decimal('0.025'))
    """
    try:
        share = Decimal(percent.replace("%", "").replace(",", ".").strip()) / 100
    except ArithmeticError:
        share = Decimal(0)
    if not (share.is_finite() and 0 < share < 1):
        raise InputError(
            f"{percent[:20]!r} is no share of errors.", hint="Write a number above 0, below 100."
        )
    return share.normalize()


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
    promise = "people" if preview.pictures else "certificate"
    plan = Plan(name=name, text=preview.text or preview.columns[0], promise=promise)
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
    return about, office.lookup.preview(path, about.name)


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
        once=str(uuid4()),
    )
