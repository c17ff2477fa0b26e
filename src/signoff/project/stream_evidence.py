"""That the decision on an item of a stream is in the signed log.

What a person decided is one event. A label of the model is two: the one that admitted it, and the
one in which its coin fell and it left. An answer taken over from an equal text is two as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from signoff.audit.proof import DecisionProof
from signoff.core.records import Json, Project
from signoff.core.streams import StreamItem
from signoff.project.evidence import prove_events
from signoff.store.log import StoredEvent
from signoff.store.store import SqlStore

OF_ITEMS = (
    "items.arrived",
    "coins.drawn",
    "verdicts.sealed",
    "item.decided",
    "item.corrected",
)


@dataclass(slots=True, kw_only=True)
class _Trail:
    """The events that speak of an item, by type."""

    item: StreamItem
    found: dict[str, str]

    def proving(self, earlier: str | None) -> dict[str, Collection[str] | None]:
        """The events that prove what the item ended with, the first one first, each with the
        content to open (None: all). ``earlier``: the event that decided the text before."""
        number, found = self.item.item, self.found
        for type in ("item.corrected", "item.decided"):
            if type in found:
                return {found[type]: None}
        arrived: dict[str, Collection[str] | None] = {
            found["items.arrived"]: (f"item:{number}", f"label:{number}")
        }
        if self.item.repeats is not None:
            return arrived if earlier is None else {**arrived, earlier: None}
        left = found["coins.drawn"] if self.item.left else found["verdicts.sealed"]
        return {**arrived, left: ()}


def stream_proof(store: SqlStore, project: Project, item: StreamItem) -> DecisionProof | None:
    """The proof of an item's decision; None where it is not decided, or not signed yet."""
    if item.state != "decided":
        return None
    earlier = None
    if item.repeats is not None:
        given = store.reviews(project, item.window)
        earlier = next((each.event for each in given if each.item == item.repeats), None)
    trail = _Trail(item=item, found=_events_about(store, project, item))
    return prove_events(store, project, trail.proving(earlier))


def _events_about(store: SqlStore, project: Project, item: StreamItem) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in store.events(project.id, types=list(OF_ITEMS)):
        if _speaks_of(event, item):
            found[event.type] = event.id
    return found


def _speaks_of(event: StoredEvent, item: StreamItem) -> bool:
    body: Json = json.loads(event.canonical)["body"]
    if body["pool"] != item.window:
        return False
    match event.type:
        case "items.arrived":
            return _counts(body, "first", item.item)
        case "coins.drawn":
            return item.number is not None and _counts(body, "number", item.number)
        case "verdicts.sealed":
            return any(of == item.item for of, _ in body["verdicts"])  # type: ignore[attr-defined]
        case _:
            return body["item"] == item.item


def _counts(body: Mapping[str, object], first: str, number: int) -> bool:
    """Whether an event is about this number, among those it counts from ``first``."""
    start, count = int(str(body[first])), int(str(body["count"]))
    return start <= number < start + count
