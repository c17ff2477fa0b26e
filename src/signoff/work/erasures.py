"""An item's content is removed for ever, as a job: its file is written again without it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from signoff.core.records import Job, JobDone, Json
from signoff.errors import StoreBusy, StoreError
from signoff.project.views import PoolViews
from signoff.store.store import SqlStore
from signoff.storeview import StoreView


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One item to erase. The job names it by numbers: a key may be somebody's name."""

    store: SqlStore
    job: Job
    done: Callable[[Json], JobDone]

    def run(self) -> None:
        """Erase the item; done again it finds nothing left to do."""
        project = None if self.job.project is None else self.store.project(self.job.project)
        if project is None:
            raise StoreError("The job's project is not in this store.", hint="Restore it.")
        view = StoreView(self.store, project, PoolViews(self.store, project, frozenset(), {}))
        pool, item = cast("int", self.job.body["pool"]), cast("int", self.job.body["item"])
        rows = view.erase_item(pool, item)
        done = self.done({"pool": pool, "item": item, "rows": rows})
        self.store.finish_job(done.id, done.result, worker=done.worker, now=done.at)
        with suppress(StoreBusy):
            self.store.compact()
