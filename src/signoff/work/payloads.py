"""What a delivery holds, read when it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from signoff.core.batches import StoredBatch
from signoff.core.events import instant
from signoff.core.records import Json, Project
from signoff.errors import StoreError
from signoff.project.views import ITEM, KEY
from signoff.store.log import StoredEvent
from signoff.store.store import SqlStore
from signoff.store.webhooks import Delivery, Told
from signoff.work.kinds import WEBHOOK_EVENTS

SOURCES: Mapping[str, str] = {
    "decisions.made": "item.decided",
    **{name: name for name in WEBHOOK_EVENTS},
}
"""Types of events in the log, and the name under which a webhook is told of them."""

PART = 500
"""Decisions in one delivery."""

UNTOLD = frozenset({"note", "by", "name"})
"""Private values of events that leave no project."""


def sources(events: tuple[str, ...]) -> list[str]:
    """The types in the log that a webhook for these events is told of."""
    return [source for source, name in SOURCES.items() if name in events]


def told(event: StoredEvent) -> Told:
    """How an event of the log is told: many decisions in several parts."""
    body: Json = json.loads(event.canonical)["body"]
    count = body["batch"]["count"] if event.type == "decisions.made" else 1  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    parts = max(1, -(-int(count) // PART))  # pyright: ignore[reportUnknownArgumentType]
    return Told(event=event.id, type=SOURCES[event.type], parts=parts)


@dataclass(frozen=True, slots=True)
class _Decided:
    """A batch of decisions, with the keys of the rows that each item stands for."""

    batch: StoredBatch
    keys: Mapping[int, list[str]]


@dataclass(slots=True, kw_only=True)
class Payloads:
    """Makes bodies of deliveries; keeps the last batch, since its parts come one after another."""

    store: SqlStore
    _last: tuple[tuple[str, str, int], _Decided] | None = field(default=None, init=False)

    def body(self, delivery: Delivery, project: Project) -> bytes:
        """The JSON that is sent. Erased values are null: they are read now, not when it happened.

        Raises :class:`StoreError` where the event or its batch cannot be read.
        """
        event = self.store.numbered_event(delivery.event)
        if event is None:
            raise StoreError("A delivery's event is not in the log.", hint="Restore the store.")
        said: Json = json.loads(event.canonical)["body"]
        if event.type == "decisions.made":
            data = self._decisions(project, said, delivery.part)
        else:
            data = {**said, **_opened(event)}
        return json.dumps(
            {
                "type": delivery.type,
                "timestamp": instant(event.at),
                "project": {"id": project.id, "name": project.name},
                "event": event.id,
                "data": data,
            },
            ensure_ascii=False,
        ).encode()

    def _decisions(self, project: Project, said: Json, part: int) -> Json:
        reference: Json = said["batch"]  # pyright: ignore[reportAssignmentType]
        decided = self._decided(project, int(str(said["pool"])), str(reference["root"]))
        first = part * PART
        numbers = decided.batch.ints[first : first + PART, 0].tolist()
        private = decided.batch.private[first : first + PART]
        return {
            "pool": said["pool"],
            "question": said.get("question"),
            "by": said["by"],
            "part": part,
            "parts": max(1, -(-len(decided.batch.ints) // PART)),
            "items": [
                {"item": number, "keys": decided.keys.get(number, []), **_decision(row)}
                for number, row in zip(numbers, private, strict=True)
            ],
        }

    def _decided(self, project: Project, number: int, root: str) -> _Decided:
        name = (project.id, root, len(self.store.erased(project.id)))
        if self._last is None or self._last[0] != name:
            pool = self.store.pools(project.id)[number - 1]
            rows = self.store.rows(pool).select(ITEM, KEY).drop_nulls()
            keys: dict[int, list[str]] = {}
            for item, key in rows.iter_rows():
                keys.setdefault(item, []).append(key)
            batch = self.store.batch(project.id, "decisions", root)
            self._last = (name, _Decided(batch, keys))
        return self._last[1]


def _decision(private: bytes | None) -> Json:
    if private is None:
        return {"answer": None, "confidence": None, "reason": None}
    answer, confidence, reason, *_ = json.loads(private)
    return {
        "answer": answer,
        "confidence": None if confidence is None else float(confidence),
        "reason": reason,
    }


def _opened(event: StoredEvent) -> Json:
    """An event's private values, but for names and notes; those erased are null."""
    names = set(json.loads(event.canonical)["content"]) - UNTOLD
    known = {part.name: json.loads(part.value) for part in event.content}
    return {name: known.get(name) for name in sorted(names)}
