"""Projects and desks as a store keeps them: what the server shows and where reviewers sit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from signoff.bootstrap import open_store, recorder_for
from signoff.core.records import Json, Project
from signoff.desk import QueueDesk, sign_in
from signoff.loop.progress import progress_of
from signoff.loop.recorder import Recorder
from signoff.ports import Progress
from signoff.project.ownership import is_dead
from signoff.server.desks import Standing
from signoff.store.store import SqlStore

ACTOR = "page"
PATIENCE_SECONDS = 15.0
"""How long nothing may move before people are told that nobody runs signoff."""

NOBODY_WORKS = "Nobody runs signoff on this project: new items come once it runs again."
BUDGET_SPENT = "The budget of answers is spent; whoever runs the project can raise it."


@contextmanager
def open_served(
    where: str, *, create: bool = False, artifacts: Path | None = None
) -> Generator[SqlStore]:
    """A store, closed again at the end; one that exists, or ``create`` it."""
    store = open_store(where, create=create, artifacts=artifacts)
    try:
        yield store
    finally:
        store.close()


@dataclass(slots=True, kw_only=True)
class StoredProjects:
    """The projects of a store, or ``only`` one of them by id; ``budget`` as for the desks.

    ``clock`` gives seconds, to tell a pause from a machine that thinks.
    """

    store: SqlStore
    only: str | None = None
    budget: int | None = None
    clock: Callable[[], float] = time.monotonic
    _idle_since: dict[str, float] = field(default_factory=dict[str, float], init=False)

    def all(self) -> Sequence[Project]:
        """The projects there are, oldest first."""
        return [each for each in self.store.projects() if self.only in (None, each.id)]

    def find(self, id: str) -> Project | None:
        """A project by its id."""
        return None if self.only not in (None, id) else self.store.project(id)

    def standing(self, project: Project) -> Standing | None:
        """Where a project stands; None before it has rows."""
        pools = self.store.pools(project.id)
        if not pools:
            return None
        counts = self.store.queue_counts(project.id, pools[-1].number)
        left = None if self.budget is None else max(0, self.budget - counts.given)
        progress = progress_of(self.store, project, pools[-1], budget_left=left)
        certificate = self.certificate(project) if progress.phase == "closed" else None
        return Standing(
            progress=progress,
            paused=self._paused(project, progress),
            statement=None if certificate is None else str(certificate["statement"]),
        )

    def _paused(self, project: Project, progress: Progress) -> str | None:
        """Why nothing moves: the budget is spent, or no process has worked here for a while."""
        if progress.phase == "closed":
            return None
        if progress.budget_left == 0:
            return BUDGET_SPENT
        if progress.open or self._somebody_works(project):
            self._idle_since.pop(project.id, None)
            return None
        since = self._idle_since.setdefault(project.id, self.clock())
        return NOBODY_WORKS if self.clock() - since > PATIENCE_SECONDS else None

    def _somebody_works(self, project: Project) -> bool:
        owner = self.store.current_owner(project.id)
        return owner is not None and not is_dead(owner)

    def certificate(self, project: Project) -> Json | None:
        """The newest pool's certificate, once there is one."""
        pools = self.store.pools(project.id)
        audit = self.store.audit(project.id, pools[-1].number) if pools else None
        return None if audit is None else audit.certificate


@dataclass(slots=True, kw_only=True)
class StoredDesks:
    """Seats reviewers by name; who is new joins the project.

    ``budget``: how many answers a project's newest pool may get in all.
    """

    store: SqlStore
    budget: int | None = None
    _recorders: dict[str, Recorder] = field(default_factory=dict[str, Recorder], init=False)
    _reviewers: dict[tuple[str, str], str] = field(
        default_factory=dict[tuple[str, str], str], init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self, project: Project, reviewer: str) -> QueueDesk:
        """A desk of its own for each call: desks are not shared between threads."""
        with self._lock:
            recorder = self._recorder(project.id)
            id = self._reviewer(recorder, reviewer)
        return QueueDesk(
            store=self.store, project=project, recorder=recorder, reviewer=id, budget=self.budget
        )

    def _recorder(self, project: str) -> Recorder:
        if project not in self._recorders:
            self._recorders[project] = recorder_for(self.store, project, actor=ACTOR)
        return self._recorders[project]

    def _reviewer(self, recorder: Recorder, name: str) -> str:
        place = (recorder.project, name)
        if place not in self._reviewers:
            self._reviewers[place] = sign_in(self.store, recorder, name=name, kind="person")
        return self._reviewers[place]
