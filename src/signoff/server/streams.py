"""The streams of a store: what decides their items, loaded when the first one comes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from signoff.core.records import Project
from signoff.core.streams import StreamItem, reply_of
from signoff.errors import InputError
from signoff.server.problems import Refusal
from signoff.server.wire_founding import StreamWanted
from signoff.server.wire_streams import ItemGiven, ItemReply, StreamShown
from signoff.store.store import SqlStore

if TYPE_CHECKING:
    from signoff.stream.decider import Decider

ACTOR = "stream"


@dataclass(slots=True, kw_only=True)
class StoredStreams:
    """Decides live items; threads share one decider per stream."""

    store: SqlStore
    _deciders: dict[str, Decider] = field(default_factory=dict[str, "Decider"], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def create(self, wanted: StreamWanted, *, founder: str | None) -> Project:
        """A new stream, which the account ``founder`` manages; the one there is where the same was
        wanted before.

        Raises :class:`InputError` where the name is taken, :class:`Infeasible`,
        :class:`UsageError`.
        """
        from signoff.automations import DEFAULT_MODEL
        from signoff.bootstrap import create_stream, stream_project

        spec = stream_project(
            wanted.name,
            labels=wanted.labels,
            question=wanted.question,
            policy=wanted.promise(),
            model=DEFAULT_MODEL,
        )
        windows = wanted.windows()
        with self._lock:
            found = self.store.find_project(wanted.name)
            if found is None:
                return create_stream(
                    self.store, spec, windows, actor=ACTOR, founder=founder, seed=wanted.seed
                )
        same = found.kind == "stream" and (found.form, found.policy) == (spec.form, spec.policy)
        if not same or self.store.stream(found.id).spec != windows:
            raise InputError(
                f"There is a project {wanted.name[:80]!r} already.",
                hint="Choose another name.",
                code="project_exists",
            )
        return found

    def end_window(self, project: Project, number: int, *, by: str) -> None:
        """End a window early; raises :class:`WindowOver`."""
        self._decider(project).end_window(number, by=by)

    def decide(self, project: Project, given: Sequence[ItemGiven]) -> list[StreamItem]:
        """What became of these items, in order; raises :class:`OtherContent`."""
        from signoff.stream.decider import NewItem

        wanted = [NewItem(key=each.key, text=each.text, data=dict(each.data)) for each in given]
        return self._decider(project).decide(wanted)

    def look(self, project: Project, found: Sequence[StreamItem]) -> list[StreamItem]:
        """The same items as they stand now."""
        return self._decider(project).look_again(found)

    def find(self, project: Project, id: str) -> StreamItem | None:
        """An item by its id."""
        return self._decider(project).look(id)

    def shown(self, project: Project) -> StreamShown:
        """Where a stream stands."""
        self._decider(project)
        from signoff.stream.status import status_of

        status = status_of(self.store, project)
        if status is None:
            raise Refusal(404, "no_window", "No window has begun.", hint="Send the first item.")
        return StreamShown(**asdict(status))

    def _decider(self, project: Project) -> Decider:
        if project.kind != "stream":
            raise Refusal(
                409,
                "no_stream",
                "This project is no stream: its items come as rows.",
                hint="Make a stream: signoff stream create.",
            )
        with self._lock:
            if project.id not in self._deciders:
                from signoff.bootstrap import make_decider

                self._deciders[project.id] = make_decider(self.store, project, actor=ACTOR)
            return self._deciders[project.id]


def shown(item: StreamItem) -> ItemReply:
    """What a caller is told of an item."""
    return ItemReply(**asdict(reply_of(item)))
