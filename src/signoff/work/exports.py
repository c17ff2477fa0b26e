"""Results and logs as files for whoever asks the server, and verification for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from signoff.bootstrap import recorder_for, sign_with_its_key
from signoff.core.records import Job, JobDone, Json, NewEvent, Project
from signoff.errors import StoreError
from signoff.formats.write import write_table
from signoff.project.views import PoolViews
from signoff.store.store import SqlStore
from signoff.storeview import StoreView

ACTOR = "export"
MOST_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file to make of a project; it lies in the store's folder for a day."""

    store: SqlStore
    job: Job
    done: Callable[[Json], JobDone]

    def results(self) -> None:
        """Write the results so far, and log that. Whoever may order them may answer, too, so that
        nothing in them tells of an audit that is not over. Who opens them need not be who wrote
        them: no text in CSV is a formula, unless it is to be as it is."""

        def write(view: StoreView, path: Path) -> int:
            frame = view.results(blind=True)
            write_table(frame, path, guarded=not self.job.body.get("as_is"))
            return frame.height

        self._make("results", str(self.job.body["format"]), write)

    def log(self) -> None:
        """Write the log, and log that."""
        content = bool(self.job.body.get("content"))

        def write(view: StoreView, path: Path) -> int:
            view.export_log(str(path), content=content)
            with path.open("rb") as file:
                return sum(1 for _ in file)

        self._make("log", "jsonl", write)

    def verify(self) -> None:
        """Verify the project's log and tables; the verdict is the job's result."""
        view = self._view()
        sign_with_its_key(self.store, view.project)
        self.store.checkpoint(view.project.id)
        verdict = view.verify()
        problem = None if verdict.problem is None else str(verdict.problem)
        self._finish({**asdict(verdict), "problem": problem})

    # ------------------------------------------------------------------- helpers

    def _make(self, what: str, format: str, write: Callable[[StoreView, Path], int]) -> None:
        view = self._view()
        path = self.store.transfers.export(view.project.id, self.job.id, format)
        rows = self._written(view.project, path, lambda: write(view, path))
        sha256 = _sha256(path)
        size = path.stat().st_size
        made = self._event(
            view.project, {"what": what, "format": format, "rows": rows, "sha256": sha256}
        )
        self._finish({"format": format, "rows": rows, "bytes": size, "sha256": sha256}, made)

    def _written(self, project: Project, path: Path, write: Callable[[], int]) -> int:
        """Write the file; again where somebody was erased meanwhile: it may hold the content."""
        for _ in range(MOST_TRIES):
            erased = self._erasures(project)
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = write()
            if self._erasures(project) == erased:
                return rows
            path.unlink(missing_ok=True)
        raise StoreError("The project is being erased from.", hint="Try again later.")

    def _erasures(self, project: Project) -> int:
        return len(self.store.erased(project.id))

    def _view(self) -> StoreView:
        project = None if self.job.project is None else self.store.project(self.job.project)
        if project is None:
            raise StoreError("The job's project is not in this store.", hint="Restore it.")
        return StoreView(self.store, project, PoolViews(self.store, project, frozenset(), {}))

    def _event(self, project: Project, body: Json) -> NewEvent:
        sign_with_its_key(self.store, project)
        recorder = recorder_for(self.store, project.id, actor=ACTOR)
        return recorder.event("export.made", body, {"by": str(self.job.body["by"])})

    def _finish(self, result: Json, *events: NewEvent) -> None:
        done = self.done(result)
        self.store.finish_job(done.id, done.result, worker=done.worker, now=done.at, events=events)
        if events and self.job.project is not None:
            self.store.checkpoint(self.job.project)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
