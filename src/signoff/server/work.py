"""Long work as the server hands it to the worker: uploads, jobs, webhooks. Loads nothing heavy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signoff.bootstrap import clock, new_id, recorder_for
from signoff.core.records import Job, Json, Project
from signoff.errors import InputError, UsageError
from signoff.settings import Settings
from signoff.store.store import SqlStore
from signoff.store.transfers import Transfers, Upload, missing_upload
from signoff.store.webhooks import Webhook
from signoff.work.addresses import parse_target
from signoff.work.kinds import (
    WEBHOOK_EVENTS,
    ExportFormat,
    erase_body,
    export_body,
    import_body,
    log_body,
)
from signoff.work.signing import new_secret

ACTOR = "api"
MOST_WEBHOOKS = 20


class KeyReused(UsageError):
    """An idempotency key came again with another request."""

    code = "idempotency_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for a job, and the key under which the same order is one job."""

    by: str
    key: str | None = None

    def idempotency(self, what: str) -> str | None:
        """The key of this caller and this kind of order: others' keys are others'."""
        if self.key is None:
            return None
        return hashlib.sha256(json.dumps([what, self.by, self.key]).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWork:
    """Jobs and webhooks of a store."""

    store: SqlStore
    settings: Settings = field(default_factory=Settings)

    @property
    def transfers(self) -> Transfers:
        """Where files come in and go out."""
        return self.store.transfers

    # ---------------------------------------------------------------------- imports

    def found_project(self, upload: str, options: Mapping[str, object], order: Order) -> Job:
        """Queue the making of a project from an upload of the caller's own.

        Raises :class:`InputError` where there is no such upload, :class:`KeyReused`.
        """
        known = self._known(order, "found", {"upload": upload, **options})
        if known is not None:
            return known
        name = str(options.get("project"))
        if self.store.find_project(name) is not None:
            raise InputError(
                f"There is a project {name[:80]!r} already.",
                hint="Import into it, or choose another name.",
                code="project_exists",
            )
        self._own_upload(upload, order)
        body = import_body(upload=upload, by=order.by, options=options, founding=new_id())
        return self._enqueue("import", body, order, "found", {"upload": upload, **options})

    def import_rows(self, project: Project, upload: Upload, order: Order) -> Job:
        """Queue an upload's rows for a project; an upload that came again is forgotten."""
        used = False
        try:
            what, said = f"import {project.id}", {"sha256": upload.sha256}
            body = import_body(upload=upload.id, by=order.by, options={})
            job = self._enqueue("import", body, order, what, said, project=project.id)
            used = job.body["upload"] == upload.id
            return job
        finally:
            if not used:
                self.transfers.forget_upload(upload.id)

    def _own_upload(self, id: str, order: Order) -> None:
        found = self.transfers.upload(id)
        if found is None or found[0].by != order.by:
            raise missing_upload()

    def _known(self, order: Order, what: str, said: Mapping[str, object]) -> Job | None:
        """The job the same order made before; refuses another order under its key."""
        key = order.idempotency(what)
        found = None if key is None else self.store.job_under(key)
        return None if found is None else _same(found, said)

    def _enqueue(
        self,
        kind: str,
        body: Json,
        order: Order,
        what: str,
        said: Mapping[str, object],
        *,
        project: str | None = None,
    ) -> Job:
        job = self.store.enqueue(
            kind=kind,
            body={**body, "order": _fingerprint(said)},
            project=project,
            idempotency=order.idempotency(what),
            now=clock(),
        )
        return _same(job, said)

    # ---------------------------------------------------------------------- exports

    def export(
        self, project: Project, format: ExportFormat, *, by: str, as_is: bool = False
    ) -> Job:
        """Queue a project's results as a file."""
        return self._ask("export", project, export_body(format=format, by=by, as_is=as_is))

    def log(self, project: Project, *, content: bool, by: str) -> Job:
        """Queue a project's log as a file."""
        return self._ask("log", project, log_body(content=content, by=by))

    def verify(self, project: Project, *, by: str) -> Job:
        """Queue the verification of a project."""
        return self._ask("verify", project, {"by": by})

    def erase(self, project: Project, *, pool: int, item: int, by: str) -> Job:
        """Queue the erasure of an item."""
        return self._ask("erase", project, erase_body(pool=pool, item=item, by=by))

    def _ask(self, kind: str, project: Project, body: Json) -> Job:
        return self.store.enqueue(kind=kind, body=body, project=project.id, now=clock())

    def file(self, job: Job) -> Path | None:
        """What an export made, while it is kept."""
        if job.state != "done" or job.project is None or job.result is None:
            return None
        if job.kind not in ("export", "log"):
            return None
        path = self.transfers.export(job.project, job.id, str(job.result["format"]))
        return path if path.is_file() else None

    # --------------------------------------------------------------------- webhooks

    def add_webhook(self, project: Project, url: str, events: Sequence[str], *, by: str) -> Webhook:
        """Store a webhook with a new secret; raises :class:`UsageError` where it cannot be."""
        parse_target(url)
        if len(self.store.webhooks(project.id)) >= MOST_WEBHOOKS:
            raise UsageError(
                f"The project has {MOST_WEBHOOKS} webhooks already.", hint="Remove one first."
            )
        wanted = tuple(name for name in WEBHOOK_EVENTS if name in events)
        webhook = Webhook(
            id=new_id(),
            project=project.id,
            url=url,
            events=wanted,
            secret=new_secret(),
            active=True,
            cursor=0,
            created=clock(),
        )
        recorder = recorder_for(self.store, project.id, actor=ACTOR)
        body: Json = {"webhook": webhook.id, "events": list(wanted)}
        added = recorder.event("webhook.added", body, {"url": url, "by": by})
        return self.store.add_webhook(webhook, [added])

    def remove_webhook(self, project: Project, id: str, *, by: str) -> bool:
        """Forget a webhook; False where the project has no such one."""
        recorder = recorder_for(self.store, project.id, actor=ACTOR)
        removed = recorder.event("webhook.removed", {"webhook": id}, {"by": by})
        return self.store.remove_webhook(project.id, id, [removed])


def _fingerprint(said: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(dict(said), sort_keys=True).encode()).hexdigest()


def _same(job: Job, said: Mapping[str, object]) -> Job:
    """A job, where it is of this very order."""
    if job.body.get("order") != _fingerprint(said):
        raise KeyReused(
            "This Idempotency-Key was used for another request.", hint="Send a new key."
        )
    return job
