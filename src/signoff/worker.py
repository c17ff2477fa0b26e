"""Works on the projects of a store while people answer elsewhere: fit, predict, freeze, decide.

Everything a worker knows is in the store, so it may be killed and started again at any moment. It
owns a project's loop only while it works on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from signoff.bootstrap import make_automations, make_engine, sign_with_its_key, stored_model
from signoff.core.records import Project
from signoff.engine import Engine
from signoff.errors import SignoffError, StoreBusy
from signoff.project.ownership import owning
from signoff.store.store import SqlStore

ACTOR = "worker"
IDLE_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Worker:
    """Moves every project of a store as far as it goes without people.

    ``on_error`` is told of a project that cannot be worked on, once for each reason; the others
    go on.
    """

    store: SqlStore
    on_error: Callable[[str, SignoffError], None] = field(default=lambda _name, _error: None)
    _engines: dict[str, Engine] = field(default_factory=dict[str, Engine], init=False)
    _told: dict[str, str] = field(default_factory=dict[str, str], init=False)

    def work(self, stop: threading.Event, *, idle: float = IDLE_SECONDS) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            if not self.round():
                stop.wait(idle)

    def round(self) -> bool:
        """Look at every project once; whether any of them moved."""
        moved = False
        for name in self.store.project_names():
            project = self.store.find_project(name)
            if project is None or not self._may_move(project):
                continue
            try:
                self._advance(project)
                moved = True
                self._told.pop(project.id, None)
            except StoreBusy:
                continue  # a run at a terminal has it; it comes round again
            except SignoffError as error:
                self._tell(project, error)
        return moved

    def _may_move(self, project: Project) -> bool:
        """Whether the newest pool is open and nobody is asked anything."""
        pools = self.store.pools(project.id)
        if not pools or pools[-1].phase == "closed":
            return False
        return self.store.queue_counts(project.id, pools[-1].number).open == 0

    def _advance(self, project: Project) -> None:
        with owning(self.store, project.id):
            self._engine(project).advance()

    def _engine(self, project: Project) -> Engine:
        """The loop over a project; it keeps features and fits from one round to the next."""
        if project.id not in self._engines:
            sign_with_its_key(self.store, project)
            model = stored_model(project)
            self._engines[project.id] = make_engine(
                self.store,
                project,
                automations=make_automations(project.policy, model, project.form),
                hidden=frozenset(project.hidden),
                actor=ACTOR,
                budget=None,
                seed=None,
            )
        return self._engines[project.id]

    def _tell(self, project: Project, error: SignoffError) -> None:
        if self._told.get(project.id) != error.message:
            self._told[project.id] = error.message
            self.on_error(project.name, error)
