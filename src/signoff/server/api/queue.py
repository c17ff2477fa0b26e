"""A reviewer's work: lease items, answer them, change one's mind."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from signoff.core.events import instant
from signoff.errors import OtherAnswer
from signoff.server import wire
from signoff.server.api.context import Answering, Place, refusals
from signoff.server.desks import Desk
from signoff.server.problems import Refusal
from signoff.server.render import (
    hint_shown,
    parse_answers,
    request_shown,
    review_shown,
    undone_shown,
)

router = APIRouter(prefix="/api/v1/projects/{p}", responses=refusals(), tags=["reviewing"])
RequestId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
RETRY_SECONDS = 2.0


@router.post("/leases")
async def lease(wanted: wire.LeaseWanted, place: Answering) -> wire.Leased:
    """Lease further requests to the caller, and renew the leases of those held."""
    # A power cut may take a lease. What became of requests whose time ran out it must not take.
    durable = place.project.queue.due is not None
    return await place.at_desk(partial(lease_now, wanted, place), durable=durable)


def lease_now(wanted: wire.LeaseWanted, place: Place) -> wire.Leased:
    """What :func:`lease` does, in this thread."""
    leased = place.desk.lease(wanted.limit, holding=wanted.holding)
    progress = place.progress()
    nothing = wanted.limit > 0 and not leased.requests
    why, until = _why_nothing(progress, place.desk) if nothing else (None, None)
    return wire.Leased(
        requests=[request_shown(request, place.project) for request in leased.requests],
        lost=list(leased.lost),
        why=why,
        until=None if until is None else instant(until),
        retry_seconds=RETRY_SECONDS if nothing and progress.phase != "closed" else None,
        progress=progress,
    )


def _why_nothing(progress: wire.ProgressShown, desk: Desk) -> tuple[str, int | None]:
    """Why there is nothing to answer now, in sentences that tell nothing of any item; and when the
    first lease of somebody else ends, where that is what is waited for."""
    if progress.phase == "closed":
        return "Every item is decided.", None
    if progress.paused is not None:
        return progress.paused, None
    waiting = desk.waiting()
    said: list[str] = []
    if waiting.held_until is not None:
        said.append("Others are answering items that wait; what they leave comes to you.")
    if waiting.second:
        said.append("You answered all that is yours: the rest waits for a further person.")
    if waiting.assigned:
        said.append("Items wait for people with another skill.")
    if said:
        return " ".join(said), waiting.held_until
    if waiting.with_you:
        return "What waits is with you already; further items may follow.", None
    return "The machine is working on your answers; further items follow in a moment.", None


@router.delete("/leases", status_code=204)
def give_back(returned: wire.GivenBack, place: Answering) -> Response:
    """Give back requests that the caller will not answer."""
    place.desk.give_back(returned.requests)
    return Response(status_code=204)


async def _beacon(request: Request) -> wire.GivenBack:
    """The body of a closing tab's beacon: JSON, whatever type the browser calls it."""
    try:
        return wire.GivenBack.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None


@router.post(
    "/leases/return",
    status_code=204,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                media: {"schema": {"$ref": "#/components/schemas/GivenBack"}}
                for media in ("application/json", "text/plain")
            },
        }
    },
)
def return_leases(
    returned: Annotated[wire.GivenBack, Depends(_beacon)], place: Answering
) -> Response:
    """Give back requests when a tab closes: as DELETE, with a body that a beacon can send."""
    place.desk.give_back(returned.requests)
    return Response(status_code=204)


@router.put("/reviews/{id}", responses=refusals(409, 422))
async def answer(
    id: Annotated[UUID, Path(description="Made by the caller; names this answer for ever.")],
    given: wire.ReviewGiven,
    place: Answering,
) -> wire.ReviewStored:
    """Store an answer. The same request again changes nothing and is answered as before."""
    return await place.at_desk(partial(_answer, id, given, place), durable=True)


def _answer(id: UUID, given: wire.ReviewGiven, place: Place) -> wire.ReviewStored:
    parsed = parse_answers(given.answers, place.project)
    try:
        receipt = place.desk.answer(
            given.request, parsed, seconds=given.seconds, id=str(id), note=given.note
        )
    except OtherAnswer as refused:
        raise _with_both(refused) from None
    place.services.metrics.answers.labels(str(receipt.counted).lower()).inc()
    return wire.ReviewStored(
        id=receipt.id,
        request=receipt.request,
        counted=receipt.counted,
        hint=hint_shown(receipt.hint, place.project),
        progress=place.progress(),
    )


def _with_both(refused: OtherAnswer) -> Refusal:
    """The conflict with the answers that stand and those refused, as a page sends answers."""
    return Refusal(
        409,
        refused.code,
        refused.message,
        hint=refused.hint,
        further={"first": refused.first, "second": refused.second},
    )


@router.get("/requests/{id}/hint", responses=refusals(409))
def hint(id: RequestId, place: Answering) -> wire.Hinted:
    """Say what the machine says of an item, and which decided items are like it, where the caller
    may see that now; in a blind project not before the certificate."""
    found = place.desk.hint(id)
    return wire.Hinted(hint=hint_shown(found.hint, place.project), why=found.why or None)


@router.post("/requests/{id}/skip", status_code=204, responses=refusals(409))
def skip(id: RequestId, skipped: wire.Skipped, place: Answering) -> Response:
    """Put a request behind the others."""
    place.desk.skip(id, skipped.reason, for_good=skipped.for_good)
    return Response(status_code=204)


@router.post("/requests/{id}/flag", status_code=204, responses=refusals(409))
def flag(id: RequestId, flagged: wire.Flagged, place: Answering) -> Response:
    """Note that something is wrong with an item; it goes on waiting."""
    place.desk.flag(id, flagged.note)
    return Response(status_code=204)


@router.post("/undo", responses=refusals(409))
def undo(wanted: wire.UndoWanted, place: Answering) -> wire.UndoneShown:
    """Take back an answer while nothing was built on it."""
    return undone_shown(place.desk.take_back(wanted.review), place.project)


@router.get("/history")
def history(place: Answering, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> wire.History:
    """List the caller's last answers, newest first."""
    return wire.History(
        reviews=[review_shown(recent, place.project) for recent in place.looking.recent(limit)]
    )
