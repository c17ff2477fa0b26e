"""Makes ids, instants, salts and events: the one place where clock and entropy come in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import rfc8785

from signoff.core.events import SALT_BYTES, build_event, commit
from signoff.core.records import Content, Json, NewEvent


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Builds the events of one project's log.

    ``clock`` gives microseconds since 1970 in UTC; instants never run backwards, whatever the
    clock does. ``new_id`` gives UUIDv7 strings, ``entropy`` random bytes.
    """

    project: str
    actor: str
    clock: Callable[[], int]
    new_id: Callable[[], str]
    entropy: Callable[[int], bytes]
    last: int = field(default=0)

    def now(self) -> int:
        """The present instant, not before any other this log has seen."""
        self.last = max(self.clock(), self.last)
        return self.last

    def alike(self, count: int) -> list[str]:
        """Ids of one instant: nothing in them tells which came first, nor what came between."""
        first = self.new_id()
        return [
            first[:15] + str(UUID(bytes=self.entropy(16), version=4))[15:] for _ in range(count)
        ]

    def event(
        self,
        type: str,
        body: Json,
        content: Mapping[str, object] | None = None,
        *,
        pool: int | None = None,
        item: int | None = None,
    ) -> NewEvent:
        """An event with salted commitments to its content."""
        parts = tuple(
            Content(
                name=name,
                salt=self.entropy(SALT_BYTES),
                value=rfc8785.dumps(value).decode(),  # pyright: ignore[reportArgumentType]
                pool=pool,
                item=item,
            )
            for name, value in (content or {}).items()
        )
        at = self.now()
        event = build_event(
            id=self.new_id(),
            project=self.project,
            type=type,
            at=at,
            actor=self.actor,
            body=body,
            content={part.name: commit(part.salt, part.value.encode()) for part in parts},
        )
        return NewEvent(id=event.id, type=type, at=at, canonical=event.canonical, content=parts)
