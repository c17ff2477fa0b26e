"""A store, somebody who uploads and a worker: the few words the tests of this folder need."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signoff.bootstrap import clock, new_id
from signoff.core.questions import Chosen
from signoff.core.records import Job, Json, Project
from signoff.server.stored import StoredDesks
from signoff.store.store import SqlStore
from signoff.store.transfers import Upload
from signoff.storeview import StoreView
from signoff.work.kinds import import_body
from signoff.work.runner import JobRunner
from signoff.worker import Worker

PEOPLE: Json = {"kind": "people"}
LABELS = ["A", "B"]


@dataclass(slots=True, kw_only=True)
class Workshop:
    """A store and a job runner over it; ``trouble`` is what the runner told."""

    where: str
    folder: Path
    store: SqlStore
    runner: JobRunner
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, where: str, folder: Path) -> Workshop:
        store = SqlStore(where, artifacts=folder)
        trouble: list[str] = []
        runner = JobRunner(
            store=store, on_error=lambda what, error: trouble.append(f"{what}: {error.message}")
        )
        return cls(where=where, folder=folder, store=store, runner=runner, trouble=trouble)

    def upload(self, content: bytes | str, name: str = "reviews.csv") -> str:
        data = content.encode() if isinstance(content, str) else content
        id = str(uuid.uuid4())
        with self.store.transfers.receiving(id, name) as file:
            file.write(data)
        sha256 = hashlib.sha256(data).hexdigest()
        self.store.transfers.received(
            Upload(id=id, name=name, by="ann", size=len(data), sha256=sha256)
        )
        return id

    def ask(self, upload: str, *, into: Project | None = None, **options: object) -> Job:
        """Enqueue an import; without ``into`` it makes a project."""
        wanted: Mapping[str, object] = options
        if into is None:
            wanted = {"labels": LABELS, "policy": PEOPLE, **options}
        return self.store.enqueue(
            kind="import",
            body=import_body(
                upload=upload,
                by="ann",
                options=wanted,
                founding=None if into is not None else new_id(),
            ),
            project=None if into is None else into.id,
            now=clock(),
        )

    def done(self, job: Job) -> Job:
        """A job after the worker had a turn."""
        self.runner.round()
        found = self.store.job(job.id)
        assert found is not None
        return found

    def bring(self, content: bytes | str, name: str = "reviews.csv", **options: object) -> Job:
        """Import a file as a project, done."""
        return self.done(self.ask(self.upload(content, name), **options))

    def project(self, name: str | None = None) -> Project:
        found = self.store.find_project(name)
        assert found is not None
        return found

    def view(self, project: Project | None = None) -> StoreView:
        from signoff.project.views import PoolViews

        found = project or self.project()
        return StoreView(self.store, found, PoolViews(self.store, found, frozenset(), {}))

    def finish(self, project: Project | None = None, answer: str = "A") -> int:
        """People answer everything, the worker goes on, until all is decided; the answers."""
        found = project or self.project()
        worker = Worker(store=self.store)
        given = 0
        for _ in range(50):
            worker.round()
            desk = StoredDesks(store=self.store)(found, "Ada")
            while requests := desk.next_many(50):
                desk.answer_many([(request, Chosen(answer)) for request in requests])
                given += len(requests)
            if desk.progress().phase == "closed":
                return given
        raise AssertionError("the project was never closed")


def csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as CSV without anything that needs quotes."""
    listed = list(rows)
    lines = [",".join(listed[0]), *(",".join(row.values()) for row in listed)]
    return "\n".join(lines) + "\n"


def ndjson(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


REVIEWS = csv({"id": f"r{n}", "text": f"review number {n} is here"} for n in range(20))
