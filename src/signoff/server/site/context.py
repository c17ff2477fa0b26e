"""What the project pages ask for: a store, a visitor, and what that visitor may be shown."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from signoff.core.records import Pool
from signoff.errors import SignoffError
from signoff.server.access import Caller
from signoff.server.api.context import Known, Managing, Place, Reading, services
from signoff.server.blindness import stays_blind
from signoff.server.lookup import Lookup
from signoff.server.problems import Refusal
from signoff.server.site.forms import form_token
from signoff.server.site.refusing import refused_page
from signoff.server.templates import page
from signoff.store.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the project pages work with beside what the API has: ``lookup`` looks into columnar
    files."""

    store: SqlStore
    lookup: Lookup

    @classmethod
    def over(cls, store: SqlStore) -> Office:
        """Over a store."""
        return cls(store=store, lookup=Lookup(store))

    def close(self) -> None:
        """End what was started for the pages."""
        self.lookup.close()


def office_of(request: Request) -> Office:
    """What the application's project pages work with."""
    return request.app.state.office


TheOffice = Annotated[Office, Depends(office_of)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody on a page of a project."""

    place: Place
    office: Office
    request: Request

    @property
    def id(self) -> str:
        """The project's id."""
        return self.place.project.id

    @property
    def store(self) -> SqlStore:
        """The store behind the pages."""
        return self.office.store

    @property
    def is_stream(self) -> bool:
        """Whether the project decides live traffic: its items are rows of the database alone."""
        return self.place.project.kind == "stream"

    @property
    def answers(self) -> bool:
        """Whether the visitor may answer here, and so must stay blind where that counts."""
        return self.place.caller.may("answer", self.id)

    @property
    def manages(self) -> bool:
        """Whether the visitor may change the project."""
        return self.place.caller.may("manage", self.id)

    def pools(self) -> Sequence[Pool]:
        """The project's pools, oldest first."""
        return self.store.pools(self.id)

    def blind_in(self, pool: Pool) -> bool:
        """Whether this visitor may not learn the model's answers, nor why items are asked."""
        return stays_blind(self.place.caller, self.place.project, [pool])

    @property
    def blind(self) -> bool:
        """Whether that holds for any pool of the project, or none is there yet."""
        return stays_blind(self.place.caller, self.place.project, self.pools())

    def show(self, name: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page of the project."""
        return page(
            f"site/{name}",
            status,
            **framed(self.request, self.place.caller),
            project=self.place.project,
            role=self.place.role,
            answers=self.answers,
            manages=self.manages,
            has_worker=has_worker(self.request),
            is_stream=self.is_stream,
            **values,
        )


def has_worker(request: Request) -> bool:
    """Whether jobs are taken up; beside a run at a terminal they are not."""
    return services(request).work is not None


def framed(request: Request, caller: Caller) -> dict[str, Any]:
    """What the frame of every page needs."""
    return {
        "caller": caller,
        "form_token": form_token(request),
        "runs_the_site": caller.runs_the_site and has_worker(request),
    }


def _overseer(place: Reading, office: TheOffice, request: Request) -> Visit:
    if place.role == "reviewer":
        raise Refusal(
            403,
            "not_allowed",
            "These pages are for those who run the project.",
            hint="Ask a manager of the project.",
        )
    return Visit(place=place, office=office, request=request)


def _manager(place: Managing, office: TheOffice, request: Request) -> Visit:
    return Visit(place=place, office=office, request=request)


def _founder(caller: Known, request: Request) -> Caller:
    """Somebody who may begin projects; jobs do that."""
    if not caller.runs_the_site:
        raise Refusal(
            403, "not_allowed", "Only administrators begin projects here.", hint="Ask one."
        )
    if not has_worker(request):
        raise Refusal(
            403,
            "not_allowed",
            "This page belongs to one run.",
            hint="Start signoff serve to begin projects in the browser.",
        )
    return caller


Overseeing = Annotated[Visit, Depends(_overseer)]
Changing = Annotated[Visit, Depends(_manager)]
Founding = Annotated[Caller, Depends(_founder)]


class PageRoute(APIRoute):
    """A route whose refusals are pages too; strangers are led to the way in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with refusals as pages."""
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except (HTTPException, SignoffError, RequestValidationError) as error:
                return refused_page(request, error)

        return handle_as_page
