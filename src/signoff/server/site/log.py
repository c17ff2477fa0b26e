"""The project's log: its newest events, its signature, and whether it verifies.

Here are no contents: texts, answers and notes are not shown. While a visitor must stay blind, only
events are shown that tell nothing of the audit, nor of why items are asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Query, Response

from signoff.core.records import Json
from signoff.server.site.context import Overseeing, PageRoute, Visit
from signoff.server.site.jobs import recent
from signoff.server.site.naming import Names, about_people, accounts_in, doer
from signoff.store.browsing import SeenEvent

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE = 50
WORDS: Mapping[str, str] = {
    "project.created": "Project begun",
    "reviewer.added": "A reviewer joined",
    "rows.added": "Rows came in",
    "provider.agreed": "Somebody agreed that texts go to a provider of language models",
    "prompt.fixed": "A language model’s prompt was fixed",
    "version.answered": "A version of a language model answered for the first time",
    "texts.sent": "Texts were sent to a language model",
    "requests.opened": "Items were asked",
    "answer.given": "An answer was given",
    "answer.carried": "An answer of an earlier pool counts for an equal item",
    "answer.extra": "A second answer was kept beside the first",
    "answer.undone": "An answer was taken back",
    "answer.skipped": "An item was skipped",
    "item.flagged": "An item was flagged",
    "model.fitted": "The model learnt",
    "model.silent": "The model had no answer to some items",
    "audit.committed": "Labels were frozen, and the audit committed to",
    "verdicts.sealed": "The audit’s verdicts were sealed",
    "seed.revealed": "The audit’s seed was revealed",
    "decisions.made": "Decisions were made",
    "certificate.issued": "A certificate was issued",
    "item.erased": "An item was erased",
    "pool.closed": "A part of the data was closed",
    "run.started": "A run began",
    "run.ended": "A run ended",
    "export.made": "An export was made",
    "page.changed": "How items are shown was changed",
    "webhook.added": "A webhook was added",
    "webhook.removed": "A webhook was removed",
    "role.changed": "A role was changed",
    "session.begun": "Somebody signed in",
    "session.ended": "Somebody signed out",
    "session.refused": "A sign-in was refused",
    "password.changed": "A password was changed",
    "token.made": "An API token was made",
    "token.revoked": "An API token was revoked",
    "invitation.made": "Somebody was invited",
    "invitation.revoked": "An invitation was taken back",
    "person.removed": "Somebody was removed",
    "reviewer.tagged": "A reviewer’s tags were changed",
    "request.assigned": "An item was assigned",
    "request.expired": "An item’s time ran out",
    "comment.added": "A comment was added",
    "gold.planted": "Items with known answers were added",
    "gold.answered": "An item with a known answer was answered",
    "gold.undone": "An answer to an item with a known answer was taken back",
    "gold.skipped": "An item with a known answer was skipped",
    "gold.said": "Something was said of an item with a known answer",
    "gold.erased": "An item with a known answer was erased",
    "window.started": "A window began",
    "window.ended": "A window was ended early",
    "items.arrived": "Items arrived",
    "coins.drawn": "Coins were drawn",
    "item.decided": "An item was decided",
    "item.corrected": "An item was corrected",
    "drift.alarm": "The model was seen to go wrong",
}
TELLING: frozenset[str] = frozenset(
    {
        "requests.opened",
        "model.fitted",
        "model.silent",
        "audit.committed",
        "verdicts.sealed",
        "seed.revealed",
        "decisions.made",
        "gold.planted",
        "gold.answered",
        "gold.undone",
        "gold.skipped",
        "gold.said",
        "gold.erased",
        "items.arrived",
        "coins.drawn",
        "item.decided",
        "item.corrected",
        "drift.alarm",
    }
)
"""Types that tell which phase the project is in, which items are audited or known, or why some are
asked. A type that has no words here is kept from whoever must stay blind, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An event in the list. ``who`` did it, by name."""

    event: SeenEvent
    words: str
    who: str
    about: str


@router.get("/projects/{p}/log")
def log(visit: Overseeing, before: Annotated[int | None, Query(ge=0)] = None) -> Response:
    """Show the newest events and the last signature."""
    types = SAFE if visit.blind else None
    events = visit.store.newest_events(visit.id, types=types, before=before, limit=PAGE + 1)
    note = visit.store.newest_checkpoint(visit.id)
    lines, names = _lines(visit, events[:PAGE])
    return visit.show(
        "log.html",
        here="log",
        lines=lines,
        known=names.all(),
        older=events[PAGE - 1].n if len(events) > PAGE else None,
        first=before is None,
        checkpoint=note,
        signed=_signed(note),
        blind=visit.blind,
        verified=recent(visit, "verify"),
    )


SAFE: Sequence[str] = tuple(name for name in WORDS if name not in TELLING)


def _signed(note: str | None) -> tuple[int, str] | None:
    """How many events a checkpoint covers, and its tree's hash; its lines are those of the format
    C2SP tlog-checkpoint."""
    if note is None:
        return None
    _, size, root, *_ = note.splitlines()
    return int(size), root


def _lines(visit: Visit, events: Sequence[SeenEvent]) -> tuple[Sequence[Line], Names]:
    """The events in words, and the people they speak of."""
    values: list[Json] = [json.loads(event.canonical) for event in events]
    by = visit.store.doers_of([event.id for event in events])
    by |= _who_took_back(visit, values)
    concerned = {id for value in values for id in accounts_in(value)} | set(by.values())
    names = Names.of(visit, concerned)
    lines = [
        Line(
            event=event,
            words=WORDS.get(event.type, event.type),
            who=doer(names, value, event.type, by.get(event.id)),
            about=", ".join([*about_people(names, value, event.type), *_about(value["body"])]),
        )
        for event, value in zip(events, values, strict=True)
    ]
    return lines, names


def _who_took_back(visit: Visit, values: Sequence[Json]) -> dict[str, str]:
    """Whose answers were taken back, by the event that tells of it: nobody else can."""
    undone = {
        str(value["id"]): str(cast("Json", value["body"])["answer"])
        for value in values
        if value["type"] in ("answer.undone", "gold.undone")
    }
    givers = visit.store.givers_of(set(undone.values())) if undone else {}
    return {event: givers[answer] for event, answer in undone.items() if answer in givers}


def _about(body: object) -> list[str]:
    """Which part of the data an event speaks of, and which item; no reasons and no answers."""
    if not isinstance(body, dict):
        return []
    said: list[str] = []
    for name, word in (("pool", "part"), ("item", "item"), ("rows", "rows"), ("count", "count")):
        value: object = body.get(name)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        if isinstance(value, int) and not isinstance(value, bool):
            said.append(f"{value:,} {word}" if name == "rows" else f"{word} {value:,}")
    return said
