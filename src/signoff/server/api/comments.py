"""What people say of items, where everybody may see it who answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from signoff.core.events import instant
from signoff.server.api.context import Answering, Place, refusals
from signoff.server.api.queue import RequestId
from signoff.server.problems import Refusal
from signoff.server.wire_queue import CommentGiven, CommentShown, Thread

router = APIRouter(prefix="/api/v1/projects/{p}", responses=refusals(), tags=["reviewing"])


@router.get("/requests/{id}/comments", responses=refusals(409))
def thread(
    id: RequestId,
    place: Answering,
    all: Annotated[
        bool, Query(description="Everything, for managers: they are not asked about it after that.")
    ] = False,
) -> Thread:
    """Give what was said of an item, oldest first.

    In a blind project one's own words alone, until one's own answer is stored; whoever then sees
    what others said cannot take that answer back.
    """
    if all:
        _require_manager(place)
    return Thread(
        comments=[
            CommentShown(
                id=said.id,
                author=said.author,
                mine=said.mine,
                kind=said.kind,
                text=said.text,
                at=instant(said.at),
            )
            for said in place.desk.thread(id, everything=all)
        ]
    )


@router.post("/requests/{id}/comments", status_code=204, responses=refusals(409))
def comment(id: RequestId, given: CommentGiven, place: Answering) -> Response:
    """Say something of an item. The same request again changes nothing."""
    place.desk.comment(id, given.text, id=str(given.id))
    return Response(status_code=204)


def _require_manager(place: Place) -> None:
    if not place.caller.may("manage", place.project.id):
        raise Refusal(
            403,
            "not_allowed",
            f"The role {place.role} does not read threads before answering.",
            hint="Leave ?all= out.",
        )
