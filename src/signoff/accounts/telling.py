"""Events about people, in the log of every project they concern."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from signoff.bootstrap import recorder_for
from signoff.core.records import Json, NewEvent
from signoff.loop.recorder import Recorder
from signoff.store.store import SqlStore

COMMAND = "command"
"""Who did what a command line was told to do: it needs no account, only the store."""


@dataclass(slots=True, kw_only=True)
class Telling:
    """Builds the events; they hold ids and no names. May be used from several threads."""

    store: SqlStore
    _recorders: dict[str, Recorder] = field(default_factory=dict[str, Recorder], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def event(self, project: str, type: str, body: Json, *, by: str) -> NewEvent:
        """One event of one project's log; ``by``: the account that acts, or ``COMMAND``."""
        with self._lock:
            if project not in self._recorders:
                self._recorders[project] = recorder_for(self.store, project, actor=by)
            recorder = self._recorders[project]
            recorder.actor = by
            return recorder.event(type, body)

    def everywhere(
        self, projects: Iterable[str], type: str, body: Json, *, by: str
    ) -> dict[str, Sequence[NewEvent]]:
        """The same fact in several logs."""
        return {project: [self.event(project, type, body, by=by)] for project in projects}
