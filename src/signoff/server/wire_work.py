"""Requests and responses of long work: imports, exports, jobs, webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from signoff.core.events import instant
from signoff.core.records import Job
from signoff.server.wire import Asking, Instant, Told, plain_text
from signoff.store.transfers import Upload
from signoff.store.webhooks import Delivery, Webhook

WebhookEvent = Literal[
    "item.decided", "item.corrected", "request.expired", "certificate.issued", "drift.alarm"
]


# -------------------------------------------------------------------------- requests


class WebhookWanted(Asking):
    """An address to tell of events."""

    url: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(plain_text)] = Field(
        examples=["https://example.org/signoff"]
    )
    events: list[WebhookEvent] = Field(min_length=1, max_length=5)


class WebhookSwitched(Asking):
    """Turn a webhook on or off."""

    active: bool


# ------------------------------------------------------------------------- responses


class UploadShown(Told):
    """A file that came in whole. It waits for a day."""

    id: str
    name: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, upload: Upload) -> UploadShown:
        """An upload as told."""
        return cls(id=upload.id, name=upload.name, bytes=upload.size, sha256=upload.sha256)


class JobError(Told):
    """Why a job was not done, and what to do."""

    code: str
    message: str
    hint: str


class JobShown(Told):
    """Long work: waiting, under way, or over. ``file``: it made one, at ``/jobs/ID/file``."""

    id: str
    kind: str
    project: str | None
    state: Literal["queued", "running", "done", "failed"]
    attempts: int
    error: JobError | None
    result: dict[str, JsonValue] | None
    file: bool
    created: Instant
    updated: Instant

    @classmethod
    def of(cls, job: Job, *, file: bool) -> JobShown:
        """A job as told."""
        return cls(
            id=job.id,
            kind=job.kind,
            project=job.project,
            state=job.state,
            attempts=job.attempts,
            error=None if job.error is None else JobError.model_validate(job.error),
            result=job.result,  # pyright: ignore[reportArgumentType] # what the store keeps is JSON
            file=file,
            created=instant(job.created),
            updated=instant(job.updated),
        )


class JobList(Told):
    """Jobs, newest first; ``next``: pass it as ``before`` for the older ones."""

    jobs: list[JobShown]
    next: str | None


class WebhookShown(Told):
    """A webhook, without its secret."""

    id: str
    url: str
    events: list[str]
    active: bool
    created: Instant

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookShown:
        """A webhook as told."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            events=list(webhook.events),
            active=webhook.active,
            created=instant(webhook.created),
        )


class WebhookMade(WebhookShown):
    """A new webhook. The secret is shown this once."""

    secret: str = Field(examples=["whsec_…"])


class WebhookList(Told):
    """The webhooks of a project."""

    webhooks: list[WebhookShown]


class DeliveryShown(Told):
    """One event on its way to a webhook. ``dead``: given up; it can be sent again."""

    id: str
    event: str
    part: int
    type: str
    state: Literal["waiting", "sent", "dead"]
    attempts: int
    due: Instant
    status: int | None
    error: str | None
    created: Instant
    updated: Instant

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryShown:
        """A delivery as told."""
        return cls(
            id=delivery.id,
            event=delivery.event,
            part=delivery.part,
            type=delivery.type,
            state=delivery.state,
            attempts=delivery.attempts,
            due=instant(delivery.due),
            status=delivery.status,
            error=delivery.error,
            created=instant(delivery.created),
            updated=instant(delivery.updated),
        )


class DeliveryList(Told):
    """Deliveries, newest first; ``next``: pass it as ``before`` for the older ones."""

    deliveries: list[DeliveryShown]
    next: str | None
