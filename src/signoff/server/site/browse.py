"""The items of a project: search, filter, sort, look at one, answer several at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlencode
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from signoff.core.items import IMAGE, Item
from signoff.core.records import Json, Pool
from signoff.errors import InputError, QueueError, SignoffError
from signoff.server.problems import Refusal
from signoff.server.render import image_address
from signoff.server.site.context import Overseeing, PageRoute, Visit
from signoff.server.site.forms import Posted
from signoff.server.site.listing import (
    REASONS,
    Listed,
    Listing,
    Wish,
    spoken,
    wish_of,
)
from signoff.server.site.log import WORDS
from signoff.server.site.options import choosings, chosen, label_options
from signoff.store.browsing import AskedItem, ToldEvent

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_AT_ONCE = 50
FILTERS = ("q", "state", "label", "reviewer", "reason", "sort", "part")

PoolNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]
ItemNumber = Annotated[int, Path(ge=0, le=2**53)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something in an item's history."""

    at: int
    words: str
    who: str
    said: str = ""
    note: str = ""


@router.get("/projects/{p}/items")
def items(
    visit: Overseeing,
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> Response:
    """List items of one part of the data."""
    fields = {name: value for name, value in request.query_params.items() if name in FILTERS}
    pool = _pool(visit, fields.get("part", ""))
    form = visit.place.project.form
    if pool is None:
        return visit.show("items.html", here="browse", pool=None)
    listing = Listing.of(visit, pool)
    wish = wish_of(fields, blind=listing.blind, form=form)
    trouble: SignoffError | None = None
    try:
        listed = listing.page(wish, after)
    except SignoffError as error:
        if not isinstance(error, InputError | QueueError):
            raise
        listed, trouble = Listed(rows=[], next=None), error
    return visit.show(
        "items.html",
        here="browse",
        pool=pool,
        pools=visit.pools(),
        wish=wish,
        listed=listed,
        trouble=trouble,
        blind=listing.blind,
        closed_to_exports=visit.blind and not visit.is_stream,
        reasons=REASONS,
        reviewers=listing.names,
        first=after is None,
        here_again=_address(visit, fields),
        next=None if listed.next is None else _address(visit, {**fields, "after": listed.next}),
        options=label_options(form),
        bulk=choosings(form) if any(row.request for row in listed.rows) else [],
        once=str(uuid4()),
        done=request.query_params.get("done", ""),
        filtered=wish != Wish(),
    )


@router.get("/projects/{p}/items/{part}/{number}")
def item(visit: Overseeing, part: PoolNumber, number: ItemNumber) -> Response:
    """Show one item with its history."""
    pool = _pool(visit, str(part))
    if pool is None or pool.number != part or (number >= pool.items and not visit.is_stream):
        raise _no_item()
    listing = Listing.of(visit, pool)
    asked = visit.store.asked_item(visit.id, pool.number, number)
    found = None
    if not visit.is_stream:
        fields_too = asked is None and not listing.blind
        found = visit.office.lookup.item(visit.place.project, pool, number, fields=fields_too)
    elif asked is None:
        raise _no_item()
    erased = found is None and (asked is None or asked.shown is None)
    if asked is not None:
        shown = Item.from_shown(number, asked.key, asked.shown)
        key, text, fields = asked.key, shown.text, dict(shown.data)
    elif found is not None:
        key, text, fields = found.key, found.text, dict(found.fields)
    else:
        key, text, fields = "", "", {}
    covered = asked is not None and asked.waiting and visit.answers
    model = found if found is not None and found.said else None
    return visit.show(
        "item.html",
        here="browse",
        pool=pool,
        pools=visit.pools(),
        number=number,
        key=key,
        text=text,
        image=image_address(visit.place.project, fields.pop(IMAGE, None)),
        blurred=visit.place.project.page.blur,
        fields={name: value for name, value in fields.items() if value not in (None, "", text)},
        erased=erased,
        asked=asked,
        covered=covered,
        said=[] if asked is None or covered else listing.answers(asked),
        model=None if model is None or listing.blind or (asked and asked.given) else model,
        model_said="" if model is None or listing.blind else listing.said_by_model(model.said),
        reason=None if asked is None or listing.blind else REASONS.get(asked.reason, asked.reason),
        history=[] if asked is None or covered else _history(visit, listing, asked),
        blind=listing.blind,
    )


@router.get("/projects/{p}/find")
def find(visit: Overseeing, key: Annotated[str, Query(max_length=2_000)] = "") -> Response:
    """Go to the item that has a key."""
    for pool in () if visit.is_stream else reversed(visit.pools()):
        number = visit.office.lookup.find(visit.place.project, pool, key.strip())
        if number is not None:
            return RedirectResponse(f"/projects/{visit.id}/items/{pool.number}/{number}", 303)
    raise _no_item()


@router.post("/projects/{p}/items/answer")
def answer(visit: Overseeing, form: Posted) -> Response:
    """Give one answer to several items that wait, as the reviewer that the visitor is.

    Each passes the desk like any other answer: where somebody else was first it is kept beside
    theirs. The same form sent twice is stored once.
    """
    if not visit.answers:
        raise Refusal(403, "not_allowed", "You do not answer items here.", hint="Ask a manager.")
    asked = form.many("request")
    if not asked:
        raise InputError("No item was chosen.", hint="Go back and tick the items to answer.")
    if len(asked) > MOST_AT_ONCE:
        raise InputError(f"More than {MOST_AT_ONCE} items were chosen.", hint="Choose fewer.")
    once = _once(form.text("once"))
    questions = visit.place.project.form
    given = chosen(questions, {each.field: form.text(each.field) for each in choosings(questions)})
    desk = visit.place.desk
    counted = late = 0
    for request in asked:
        try:
            receipt = desk.answer(
                request, given, seconds=None, id=str(uuid5(once, request)), note=None
            )
        except QueueError:
            late += 1
            continue
        counted += receipt.counted
        late += not receipt.counted
    visit.place.services.metrics.answers.labels("true").inc(counted)
    return RedirectResponse(
        _address(visit, {**_back(form.text("back")), "done": f"{counted}-{late}"}), 303
    )


def _once(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        return uuid5(NAMESPACE_URL, given)


def _back(query: str) -> Mapping[str, str]:
    """The filters of the page a form was on, from its own hidden field."""
    return {name: value for name, value in parse_qsl(query[:2_000]) if name in FILTERS}


def _address(visit: Visit, fields: Mapping[str, object]) -> str:
    query = urlencode({name: value for name, value in fields.items() if value not in ("", None)})
    return f"/projects/{visit.id}/items" + (f"?{query}" if query else "")


def _pool(visit: Visit, part: str) -> Pool | None:
    """The part of the data that was asked for; the newest where none was."""
    pools: Sequence[Pool] = visit.pools()
    if not pools:
        return None
    return next((pool for pool in pools if str(pool.number) == part), pools[-1])


def _no_item() -> Refusal:
    return Refusal(404, "no_item", "There is no such item.", hint="Search for it.")


# ------------------------------------------------------------------------------ history


def _history(visit: Visit, listing: Listing, asked: AskedItem) -> Sequence[Happened]:
    """What happened to an item, oldest first; answers that do not stand are marked."""
    stands = {given.event for given in asked.given}
    events = visit.store.item_history(visit.id, asked.pool, asked.item)
    mine = any(given.reviewer == listing.own for given in asked.given)
    return [
        _happened(listing, event, stands)
        for event in events
        if event.type in WORDS and not (mine and _by_another(event, listing.own))
    ]


def _by_another(event: ToldEvent, own: str | None) -> bool:
    """Whether somebody else did this, who may have said what is to be answered."""
    return json.loads(event.canonical)["body"].get("reviewer", own) != own


def _happened(listing: Listing, event: ToldEvent, stands: set[str]) -> Happened:
    body: Json = json.loads(event.canonical)["body"]
    words = WORDS[event.type]
    if event.type == "answer.given" and event.id not in stands:
        words = "An answer was given, and taken back"
    given = event.content.get("answers")
    return Happened(
        at=event.at,
        words=words,
        who=listing.names.get(str(body.get("reviewer", "")), ""),
        said="" if given is None else spoken(listing.form, json.loads(given)),
        note=_written(event),
    )


def _written(event: ToldEvent) -> str:
    """What somebody wrote there: a note with an answer, a flag, a comment."""
    name = "text" if event.type == "comment.added" else "note"
    return str(json.loads(event.content[name])) if name in event.content else ""
