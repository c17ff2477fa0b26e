"""Takes jobs and does them, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from signoff.bootstrap import clock
from signoff.core.records import Job, JobDone, Json
from signoff.errors import JobMoved, SignoffError, StoreBusy, StoreChanged, StoreError
from signoff.project.ownership import is_dead, this_process
from signoff.settings import Settings
from signoff.store.jobs import MOST_ATTEMPTS, wait_after
from signoff.store.store import SqlStore
from signoff.work.erasures import Erasure
from signoff.work.exports import Export
from signoff.work.imports import Import

LEASE = 60_000_000
RENEWAL_SECONDS = 15.0
BUSY_WAIT = 3_000_000
"""How long a job waits whose project another process works on."""

IDLE_SECONDS = 0.25
CLEANING = 600_000_000


@dataclass(slots=True, kw_only=True)
class JobRunner:
    """Does the jobs of a store. ``on_error`` is told what failed, in words for whoever runs this.

    Of its own store nobody else may use: signing keys are set on it.
    """

    store: SqlStore
    on_error: Callable[[str, SignoffError], None] = field(default=lambda _job, _error: None)
    clock: Callable[[], int] = clock
    settings: Settings = field(default_factory=Settings)
    _cleaned: int = field(default=0, init=False)

    def work(self, stop: threading.Event, *, idle: float = IDLE_SECONDS) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            try:
                moved = self.round()
            except SignoffError as error:
                self.on_error("jobs", error)
                moved = False
            if not moved:
                stop.wait(idle)

    def round(self) -> bool:
        """Do one job, if there is one to do."""
        self._clean()
        self._free_what_dead_workers_hold()
        worker = this_process()
        now = self.clock()
        job = self.store.take_job(worker, now=now, until=now + LEASE)
        if job is None:
            return False
        with self._renewing(job, worker):
            self._try(job, worker)
        return True

    # -------------------------------------------------------------------- one job

    def _try(self, job: Job, worker: str) -> None:
        def done(result: Json) -> JobDone:
            return JobDone(id=job.id, worker=worker, result=result, at=self.clock())

        try:
            self._do(job, done)
        except JobMoved:
            return  # it was cancelled, or another worker has it: nothing was stored
        except StoreBusy:
            now = self.clock()
            with suppress(JobMoved):
                self.store.hand_back_job(job.id, worker, now=now, due=now + BUSY_WAIT)
        except SignoffError as error:
            self._failed(job, worker, error)
        except Exception as error:
            unforeseen = SignoffError(
                f"Internal error: {type(error).__name__}.", hint="The worker's output says more."
            )
            self._failed(job, worker, unforeseen)
            self.on_error(job.kind, SignoffError(f"{type(error).__name__}: {error}"))

    def _do(self, job: Job, done: Callable[[Json], JobDone]) -> None:
        match job.kind:
            case "import":
                most = self.settings.most_upload_bytes
                Import(store=self.store, job=job, done=done, most_bytes=most).run()
            case "export":
                Export(store=self.store, job=job, done=done).results()
            case "log":
                Export(store=self.store, job=job, done=done).log()
            case "verify":
                Export(store=self.store, job=job, done=done).verify()
            case "erase":
                Erasure(store=self.store, job=job, done=done).run()
            case kind:
                raise SignoffError(
                    f"This worker does not know jobs of kind {kind[:40]!r}.", hint="Update signoff."
                )

    def _failed(self, job: Job, worker: str, error: SignoffError) -> None:
        """Trouble of the store may pass; what is wrong with a file stays wrong."""
        now = self.clock()
        passing = isinstance(error, StoreError) and not isinstance(error, StoreChanged)
        again = now + wait_after(job.attempts) if passing and job.attempts < MOST_ATTEMPTS else None
        with suppress(JobMoved):
            self.store.fail_job(job.id, shown(error), worker=worker, now=now, again=again)
        if passing:
            self.on_error(job.kind, error)

    @contextmanager
    def _renewing(self, job: Job, worker: str) -> Generator[None]:
        """Keep the lease while the block runs."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(RENEWAL_SECONDS):
                with suppress(SignoffError):
                    self.store.renew_job(job.id, worker, until=self.clock() + LEASE)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    # ------------------------------------------------------------------ upkeep

    def _free_what_dead_workers_hold(self) -> None:
        for holder in self.store.job_holders():
            if is_dead(holder):
                self.store.free_jobs(holder, now=self.clock())

    def _clean(self) -> None:
        """Now and then remove uploads nobody needs, and old exports."""
        now = self.clock()
        if now - self._cleaned < CLEANING:
            return
        self._cleaned = now
        waiting = self.store.waiting_jobs("import")
        self.store.transfers.sweep(frozenset(str(job.body["upload"]) for job in waiting))


def shown(error: SignoffError) -> Json:
    """An error as a job keeps it. The store's own words name files of this machine: those are for
    whoever runs the worker."""
    if isinstance(error, StoreError) and not isinstance(error, StoreChanged):
        message, hint = "The store cannot be used.", "The worker's output says more."
        return {"code": error.code, "message": message, "hint": hint}
    return {"code": error.code, "message": error.message, "hint": error.hint}
