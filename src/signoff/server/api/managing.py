"""What managers do to a queue: who answers, who is asked what, items whose answer is known."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Response
from pydantic import JsonValue

from signoff.core.records import Json
from signoff.managing import Known
from signoff.server.api.context import Managing, refusals
from signoff.server.api.queue import RequestId
from signoff.server.desks import Person
from signoff.server.render import parse_answers
from signoff.server.wire_queue import (
    AssignedTo,
    GoldGiven,
    GoldList,
    GoldPlanted,
    GoldShown,
    ReviewerList,
    ReviewerShown,
    TagsWanted,
)

router = APIRouter(prefix="/api/v1/projects/{p}", responses=refusals(), tags=["managing"])


@router.get("/reviewers")
def reviewers(place: Managing) -> ReviewerList:
    """List who answers: their skills, their answers, and how often they were right where the answer
    is known."""
    kept = place.caller.name if place.stays_blind else None
    return ReviewerList(reviewers=[_person(each, kept=kept) for each in place.manager.people()])


def _person(person: Person, *, kept: str | None) -> ReviewerShown:
    """A reviewer; ``kept``: the name of who must not tell known answers from others by a number."""
    own = person.name == kept
    return ReviewerShown(
        id=person.id,
        name=person.name,
        tags=list(person.tags),
        answers=person.answers + (person.gold_answers if own else 0),
        gold_answers=None if own else person.gold_answers,
        gold_right=None if own else person.gold_right,
    )


@router.put("/reviewers/{id}/tags", status_code=204, responses=refusals(422))
def tag(id: RequestId, wanted: TagsWanted, place: Managing) -> Response:
    """Let a reviewer have these skills and no other."""
    place.manager.tag(id, wanted.tags)
    return Response(status_code=204)


@router.post("/requests/{id}/assign", status_code=204, responses=refusals(409, 422))
def assign(id: RequestId, to: AssignedTo, place: Managing) -> Response:
    """Ask an item of people with a skill, or of some reviewers; of everybody with neither."""
    place.manager.assign(id, tag=to.tag, people=to.people)
    return Response(status_code=204)


@router.get("/gold")
def gold(place: Managing) -> GoldList:
    """List the items whose answer is known."""
    return GoldList(
        gold=[
            GoldShown(
                number=each.number,
                key=each.key,
                answers=cast("dict[str, dict[str, JsonValue]] | None", each.answers),
            )
            for each in place.manager.gold()
        ]
    )


@router.post("/gold", responses=refusals(422))
def plant(given: GoldGiven, place: Managing) -> GoldPlanted:
    """Plant items whose answer is known: people get them like any other.

    Without a text, an item shows what people saw of the answered item with the same key.
    """
    known = [
        Known(
            key=each.key,
            answers=parse_answers(each.answers, place.project),
            shown=None
            if each.text is None and each.fields is None
            else _shown(each.text, each.fields, place.project.text_column),
        )
        for each in given.items
    ]
    return GoldPlanted(numbers=place.manager.plant(known))


def _shown(text: str | None, fields: dict[str, JsonValue] | None, column: str | None) -> Json:
    data: Json = dict(fields or {})
    if column is not None and text is not None:
        data.setdefault(column, text)
    return {"text": text or "", "data": data}
