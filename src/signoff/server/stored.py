"""Projects and desks as a store keeps them: what the server shows and where reviewers sit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from signoff.bootstrap import open_store, recorder_for
from signoff.core.records import Json, OwnCounts, Pool, Project
from signoff.desk import QueueDesk, Recent, sign_in
from signoff.loop.progress import pool_certificate, progress_of
from signoff.loop.recorder import Recorder
from signoff.managing import Manager
from signoff.ports import Progress
from signoff.project.ownership import is_dead
from signoff.server.desks import Standing
from signoff.server.glance import LEAST_SECONDS, Glance
from signoff.store.store import SqlStore

ACTOR = "page"
PATIENCE_SECONDS = 15.0
"""How long nothing may move before people are told that nobody runs signoff."""

NOBODY = "nobody"
"""Stands for a reviewer's id where there is none."""

NOBODY_WORKS = "Nobody runs signoff on this project: new items come once it runs again."
NOTHING_CAME = "Nothing waits for people now: new items come as they arrive."
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

    ``clock`` gives seconds, to tell a pause from a machine that thinks. ``stale``: how old, in
    seconds, what is said of a project may be.
    """

    store: SqlStore
    only: str | None = None
    budget: int | None = None
    clock: Callable[[], float] = time.monotonic
    stale: float = LEAST_SECONDS
    _idle_since: dict[str, float] = field(default_factory=dict[str, float], init=False)
    _standings: Glance[str, Standing | None] = field(init=False)

    def __post_init__(self) -> None:
        self._standings = Glance(self._read_standing, least=self.stale, clock=self.clock)

    def all(self) -> Sequence[Project]:
        """The projects there are, oldest first."""
        return [each for each in self.store.projects() if self.only in (None, each.id)]

    def find(self, id: str) -> Project | None:
        """A project by its id."""
        return None if self.only not in (None, id) else self.store.project(id)

    def standing(self, project: Project) -> Standing | None:
        """Where a project stood a moment ago; None before it has rows."""
        return self._standings(project.id)

    def _read_standing(self, id: str) -> Standing | None:
        project = self.store.project(id)
        pools = self.store.pools(id)
        if project is None or not pools:
            return None
        if project.kind == "stream":
            return self._stream(project, pools[-1])
        counts = self.store.queue_counts(project.id, pools[-1].number)
        left = None if self.budget is None else max(0, self.budget - counts.answers)
        progress = progress_of(self.store, project, pools[-1], budget_left=left)
        certificate = self.certificate(project) if progress.phase == "closed" else None
        return Standing(
            progress=progress,
            paused=self._paused(project, progress),
            statement=None if certificate is None else str(certificate["statement"]),
        )

    def _stream(self, project: Project, pool: Pool) -> Standing:
        """Where a stream stands, as a reviewer may know it: no count tells of a coin."""
        progress = progress_of(self.store, project, pool, budget_left=None)
        waiting = self.store.waiting(project.id)
        certificate = self.certificate(project)
        return Standing(
            progress=replace(progress, phase="learning", open=waiting, forecast=None),
            paused=None if waiting else NOTHING_CAME,
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
        if project.kind == "stream":
            return self.store.newest_window_certificate(project.id)
        pools = self.store.pools(project.id)
        return pool_certificate(self.store, pools[-1]) if pools else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """Somebody who looks at a project's queue and has not joined it: looking makes no reviewer."""

    store: SqlStore
    project: Project

    def counts(self) -> OwnCounts:
        """Nothing is theirs; how many items with a known answer there are."""
        return self.store.own_counts(self.project.id, NOBODY)

    def recent(self, limit: int, /) -> list[Recent]:
        """Their last answers."""
        return []


@dataclass(slots=True, kw_only=True)
class StoredDesks:
    """Seats reviewers by name; who is new joins the project.

    ``budget``: how many answers a project's newest pool may get in all.
    """

    store: SqlStore
    budget: int | None = None
    _recorders: dict[str, Recorder] = field(default_factory=dict[str, Recorder], init=False)
    _reviewers: dict[tuple[str, str, str | None], str] = field(
        default_factory=dict[tuple[str, str, str | None], str], init=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _joining: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self, project: Project, reviewer: str, account: str | None = None, /) -> QueueDesk:
        """A desk of its own for each call: desks are not shared between threads."""
        recorder = self._recorder(project.id)
        id = self._reviewer(recorder, reviewer, account)
        return QueueDesk(
            store=self.store, project=project, recorder=recorder, reviewer=id, budget=self.budget
        )

    def knows(self, project: Project, reviewer: str, account: str | None = None, /) -> bool:
        """Whether this reviewer had a desk here before."""
        return (project.id, reviewer, account) in self._reviewers

    def looking(
        self, project: Project, reviewer: str, account: str | None = None, /
    ) -> QueueDesk | Onlooker:
        """What somebody sees of the queue who may never have answered; nobody joins by looking."""
        place = (project.id, reviewer, account)
        id = self._reviewers.get(place) or self.store.find_reviewer(
            project.id, reviewer, account=account
        )
        if id is None:
            return Onlooker(store=self.store, project=project)
        recorder = self._recorder(project.id)
        return QueueDesk(
            store=self.store, project=project, recorder=recorder, reviewer=id, budget=self.budget
        )

    def manager(self, project: Project) -> Manager:
        """What managers do to a project's queue."""
        recorder = self._recorder(project.id)
        return Manager(store=self.store, project=project, recorder=recorder)

    # Whoever joins waits for the store's pen, and whoever has it may ask for a desk: what is known
    # is told without a lock that somebody who joins could hold.

    def _recorder(self, project: str) -> Recorder:
        known = self._recorders.get(project)
        if known is not None:
            return known
        with self._lock:
            if project not in self._recorders:
                self._recorders[project] = recorder_for(self.store, project, actor=ACTOR)
            return self._recorders[project]

    def _reviewer(self, recorder: Recorder, name: str, account: str | None) -> str:
        place = (recorder.project, name, account)
        known = self._reviewers.get(place)
        if known is not None:
            return known
        with self._joining:
            if place not in self._reviewers:
                self._reviewers[place] = sign_in(
                    self.store, recorder, name=name, kind="person", account=account
                )
            return self._reviewers[place]
