"""Webhooks of a project: where its events go, and what became of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from signoff.bootstrap import clock
from signoff.server.api.context import Managing, Place, refusals
from signoff.server.api.working import Working
from signoff.server.problems import Refusal
from signoff.server.wire_work import (
    DeliveryList,
    DeliveryShown,
    WebhookList,
    WebhookMade,
    WebhookShown,
    WebhookSwitched,
    WebhookWanted,
)
from signoff.server.work import StoredWork
from signoff.store.webhooks import Webhook

router = APIRouter(prefix="/api/v1/projects/{p}/webhooks", responses=refusals(), tags=["webhooks"])
WebhookId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]
DeliveryId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


@router.get("")
def webhooks(place: Managing, work: Working) -> WebhookList:
    """List the webhooks."""
    found = work.store.webhooks(place.project.id)
    return WebhookList(webhooks=[WebhookShown.of(webhook) for webhook in found])


@router.post("", status_code=201, responses=refusals(422))
def add(wanted: WebhookWanted, place: Managing, work: Working) -> WebhookMade:
    """Tell an address of what happens from now on. The secret is shown this once."""
    made = work.add_webhook(place.project, wanted.url, wanted.events, by=place.caller.actor)
    return WebhookMade(**WebhookShown.of(made).model_dump(), secret=made.secret)


@router.patch("/{id}")
def switch(id: WebhookId, wanted: WebhookSwitched, place: Managing, work: Working) -> WebhookShown:
    """Turn a webhook on or off; what happens while it is off is not told later."""
    found = work.store.switch_webhook(place.project.id, id, active=wanted.active)
    if found is None:
        raise _none()
    return WebhookShown.of(found)


@router.delete("/{id}", status_code=204)
def remove(id: WebhookId, place: Managing, work: Working) -> Response:
    """Forget a webhook and its deliveries."""
    if not work.remove_webhook(place.project, id, by=place.caller.actor):
        raise _none()
    return Response(status_code=204)


@router.get("/{id}/deliveries")
def deliveries(
    id: WebhookId,
    place: Managing,
    work: Working,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=64, pattern=r"^[0-9A-Za-z-]+$")] = None,
) -> DeliveryList:
    """List what a webhook was sent and will be, newest first; kept for thirty days."""
    webhook = _mine(id, place, work)
    found = work.store.deliveries(webhook.id, limit, before=before)
    return DeliveryList(
        deliveries=[DeliveryShown.of(delivery) for delivery in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.post("/{id}/deliveries/{delivery}/redeliver", responses=refusals(409))
def redeliver(id: WebhookId, delivery: DeliveryId, place: Managing, work: Working) -> DeliveryShown:
    """Send a delivery again."""
    webhook = _mine(id, place, work)
    return DeliveryShown.of(work.store.redeliver(webhook.id, delivery, now=clock()))


def _mine(id: str, place: Place, work: StoredWork) -> Webhook:
    found = work.store.webhook(id)
    if found is None or found.project != place.project.id:
        raise _none()
    return found


def _none() -> Refusal:
    return Refusal(404, "no_webhook", "The project has no such webhook.", hint="List those it has.")
