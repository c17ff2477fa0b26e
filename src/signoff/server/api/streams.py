"""Live items: decide them, wait for the people who do, see how the stream stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool

from signoff.core.streams import StreamItem
from signoff.server.api.context import Known, Managing, Place, Reading, Served, Services, refusals
from signoff.server.api.working import require_founder
from signoff.server.problems import Refusal
from signoff.server.streams import StoredStreams, shown
from signoff.server.wire_founding import StreamWanted
from signoff.server.wire_streams import (
    MOST_WAIT_SECONDS,
    ItemReplies,
    ItemReply,
    ItemsGiven,
    StreamMade,
    StreamShown,
)

founding = APIRouter(prefix="/api/v1", responses=refusals(), tags=["streams"])
router = APIRouter(prefix="/api/v1/projects/{p}", responses=refusals(), tags=["streams"])

MOST_WINDOWS = 2**31 - 1
LOOK_SECONDS = 0.2
"""How often a caller who waits is looked after."""

Wait = Annotated[
    int,
    Query(
        ge=0,
        le=MOST_WAIT_SECONDS,
        description="Seconds to wait for people; the reply comes as soon as they decided.",
    ),
]
WindowNumber = Annotated[int, Path(ge=1, le=MOST_WINDOWS, description="A window, from 1.")]
ItemId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]


@founding.post("/streams", status_code=201, responses=refusals(409, 422))
def create(wanted: StreamWanted, caller: Known, served: Served) -> StreamMade:
    """Make a stream: all of it is in its log before the first item comes.

    The same again is answered with the stream there is.
    """
    require_founder(caller)
    streams = _served(served)
    made = streams.create(wanted, founder=caller.account)
    return StreamMade(id=made.id, name=made.name, stream=streams.shown(made))


@router.post("/windows/{number}/end", responses=refusals(409))
def end_window(number: WindowNumber, place: Managing) -> StreamShown:
    """End the newest window early; the next one begins with the next item.

    Its audits are awaited. Its certificate is of as many errors as it began with, among the items
    it has. The same again changes nothing.
    """
    streams = _streams(place)
    streams.end_window(place.project, number, by=place.caller.actor)
    return streams.shown(place.project)


@router.post("/items", responses=refusals(409, 422))
async def decide(given: ItemsGiven, place: Managing, wait: Wait = 0) -> ItemReplies:
    """Decide items: AUTO with an answer to use, or REVIEW with a request that a person answers.

    Sent again under the same keys, they are answered from what is stored.
    """
    streams = _streams(place)
    found = await run_in_threadpool(streams.decide, place.project, given.items)
    found = await _waited(streams, place, found, wait)
    return ItemReplies(items=[shown(item) for item in found])


@router.get("/items/{id}", responses=refusals(409))
async def item(id: ItemId, place: Managing, wait: Wait = 0) -> ItemReply:
    """Say what became of an item."""
    streams = _streams(place)
    found = await run_in_threadpool(streams.find, place.project, id)
    if found is None:
        raise Refusal(404, "no_item", "There is no such item.", hint="Use the id of its reply.")
    (found,) = await _waited(streams, place, [found], wait)
    return shown(found)


@router.get("/stream", responses=refusals(409))
def stream(place: Reading) -> StreamShown:
    """Say where a stream stands: its window, what audits found, why it is automatic or not."""
    caller, id = place.caller, place.project.id
    if caller.may("answer", id) and not caller.may("manage", id):
        raise Refusal(
            403,
            "not_allowed",
            "Who reviews must not know which answers are audits.",
            hint="Ask a manager of the project.",
        )
    return _streams(place).shown(place.project)


def _streams(place: Place) -> StoredStreams:
    return _served(place.services)


def _served(services: Services) -> StoredStreams:
    found = services.streams
    if found is None:
        raise Refusal(
            409, "no_stream", "This server decides no live items.", hint="Start signoff serve."
        )
    return found


async def _waited(
    streams: StoredStreams, place: Place, found: Sequence[StreamItem], wait: int
) -> Sequence[StreamItem]:
    """The items once people decided those that wait for them, or when the time is over."""
    until = time.monotonic() + wait
    while any(_waits(item) for item in found) and time.monotonic() < until:
        await asyncio.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
        found = await run_in_threadpool(streams.look, place.project, found)
    return found


def _waits(item: StreamItem) -> bool:
    return item.route == "REVIEW" and item.state != "decided"
