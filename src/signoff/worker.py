"""Works on the projects of a store while people answer elsewhere: fit, predict, freeze, decide.

Everything a worker knows is in the store, so it may be killed and started again at any moment. It
owns a project's loop only while it works on it.

``python -m signoff.worker`` works on the store that ``SIGNOFF_WORKER_STORE`` names until standard
input ends: then whoever started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from signoff.automations import make_automations, stored_model
from signoff.bootstrap import (
    make_decider,
    make_engine,
    open_store,
    recorder_for,
    sign_with_its_key,
)
from signoff.core.records import Project
from signoff.core.routing import People
from signoff.desk import expire
from signoff.engine import Engine
from signoff.errors import SignoffError, StoreBusy
from signoff.models.llm.providers import is_model_name
from signoff.project.ownership import owning
from signoff.store.store import SqlStore

if TYPE_CHECKING:
    from signoff.stream.tending import Tender

ACTOR = "worker"
IDLE_SECONDS = 0.5
SIGNING_SECONDS = 5.0
"""How long a project's newest events wait for a signature where no round brings one."""

STORE = "SIGNOFF_WORKER_STORE"
SECONDS_TO_FINISH = 10.0
"""How long a worker goes on with what it is in the middle of once it was told to end."""

NICENESS = 10
"""How far a worker's process stands back where others want the processor."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """Moves every project of a store as far as it goes without people.

    ``on_error`` is told of a project that cannot be worked on, once for each reason; the others
    go on. ``clock`` gives seconds.
    """

    store: SqlStore
    on_error: Callable[[str, SignoffError], None] = field(default=lambda _name, _error: None)
    clock: Callable[[], float] = time.monotonic
    _sign_after: dict[str, float] = field(default_factory=dict[str, float], init=False)
    _engines: dict[str, Engine] = field(default_factory=dict[str, Engine], init=False)
    _tenders: dict[str, Tender] = field(default_factory=dict[str, "Tender"], init=False)
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
            if project is None:
                continue
            try:
                self._expire(project)
                if project.kind == "stream":
                    moved |= self._tend(project)
                elif self._may_move(project):
                    self._advance(project)
                    moved = True
                self._sign(project)
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

    def _tend(self, project: Project) -> bool:
        """Seal answers of a stream, and teach its model when enough came; whether anything was."""
        tender = self._tender(project)
        moved = tender.tend()
        if tender.wants_to_teach():
            with owning(self.store, project.id):
                moved |= tender.teach()
        return moved

    def _tender(self, project: Project) -> Tender:
        from signoff.stream.tending import Tender

        if project.id not in self._tenders:
            decider = make_decider(self.store, project, actor=ACTOR)
            self._tenders[project.id] = Tender(decider=decider)
        return self._tenders[project.id]

    def _expire(self, project: Project) -> None:
        """Do what the project says about requests whose time ran out."""
        if project.queue.due is not None:
            expire(self.store, project, recorder_for(self.store, project.id, actor=ACTOR))

    def _sign(self, project: Project) -> None:
        """Sign what no round will sign: who came and went after the project's end, for one."""
        now = self.clock()
        if now < self._sign_after.get(project.id, now) or not self.store.unsigned(project.id):
            return
        self._sign_after[project.id] = now + SIGNING_SECONDS
        sign_with_its_key(self.store, project)
        self.store.checkpoint(project.id)

    def _engine(self, project: Project) -> Engine:
        """The loop over a project; it keeps features and fits from one round to the next."""
        if project.id not in self._engines:
            sign_with_its_key(self.store, project)
            model = self._asked(project) or stored_model(project)
            self._engines[project.id] = make_engine(
                self.store,
                project,
                automations=make_automations(
                    project.policy, model, project.form, item_kind=project.item_kind
                ),
                hidden=frozenset(project.hidden),
                actor=ACTOR,
                budget=None,
                seed=None,
            )
        return self._engines[project.id]

    def _asked(self, project: Project) -> Mapping[str, object]:
        """The models of a provider that a project asks; texts go where somebody agreed to."""
        if isinstance(project.policy, People) or not is_model_name(project.model):
            return {}
        from signoff.project.language import agreed_bases, models_for_form, put_to_work

        models = models_for_form(
            project.model,
            project.form,
            bases=agreed_bases(self.store, project),
            guideline=project.page.guideline,
        )
        put_to_work(self.store, project, recorder_for(self.store, project.id, actor=ACTOR), models)
        return models

    def _tell(self, project: Project, error: SignoffError) -> None:
        if self._told.get(project.id) != error.message:
            self._told[project.id] = error.message
            self.on_error(project.name, error)


# ------------------------------------------------------------------ as a process of its own


def main() -> int:
    """Work on the store that the environment names until told to end; the exit code."""
    give_way()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    threading.Thread(target=_end_with_parent, args=[stop], daemon=True).start()
    threading.Thread(target=insist, args=[stop], daemon=True).start()
    try:
        work_on(os.environ.get(STORE, ""), stop, ready=lambda: _say(trouble=None), tell=_complain)
    except SignoffError as error:
        _say(trouble=error.message)
        return int(error.exit_code)
    except BrokenPipeError:
        return 0  # nobody listens any more
    return 0


def work_on(
    where: str,
    stop: threading.Event,
    *,
    artifacts: Path | None = None,
    ready: Callable[[], None],
    tell: Callable[[str, SignoffError], None],
) -> None:
    """Do all the work of a store until told to stop: projects, jobs, webhooks.

    Raises :class:`StoreError` where the store cannot be opened.
    """
    # A server names this module to start it, and must not load what reads columns.
    from signoff.work.crew import beside

    store = open_store(where, create=False, artifacts=artifacts)
    try:
        with beside(where, stop, tell, artifacts=artifacts):
            ready()
            Worker(store=store, on_error=tell).work(stop)
    finally:
        store.close()


def give_way() -> None:
    """Let the server have the processor first: people wait for it, and nobody for this process."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def _complain(project: str, error: SignoffError) -> None:
    _say(trouble=f"{project}: {error.message}")


def _say(*, trouble: str | None) -> None:
    """Tell the server how it goes: one JSON object a line."""
    print(json.dumps({"trouble": trouble}), flush=True)


def _end_with_parent(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock would still be held when this thread is left behind.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


def insist(stop: threading.Event) -> None:
    """End in the middle of things where they take too long: all that counts is in the store."""
    stop.wait()
    time.sleep(SECONDS_TO_FINISH)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
