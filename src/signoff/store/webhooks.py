"""Webhooks and their deliveries: the log is the outbox, each webhook reads it with a cursor.

A delivery says which event goes where; what it holds is read when it is sent, so that nothing
erased is sent later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
import uuid6

from signoff.core.records import NewEvent
from signoff.errors import QueueError
from signoff.store import log
from signoff.store.connections import Database
from signoff.store.schema import events
from signoff.store.schema_jobs import deliveries, webhooks

DeliveryState = Literal["waiting", "sent", "dead"]
EVENTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of a project's events; ``secret`` signs what it is sent."""

    id: str
    project: str
    url: str
    events: tuple[str, ...]
    secret: str
    active: bool
    cursor: int
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event, or ``part`` of one, on its way to a webhook; ``status``: the last HTTP status."""

    id: str
    webhook: str
    event: str
    part: int
    type: str
    state: DeliveryState
    attempts: int
    due: int
    status: int | None
    error: str | None
    created: int
    updated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event to tell a webhook, in so many ``parts``, under the name subscribers know."""

    event: str
    type: str
    parts: int = 1


class Webhooks(Database):
    """Webhooks, and what they were and will be sent; every method is one transaction."""

    def add_webhook(self, webhook: Webhook, events: Sequence[NewEvent]) -> Webhook:
        """Store a webhook that is told of what comes after now."""
        with self.transaction() as db:
            cursor = _log_size(db, webhook.project)
            values = {name: getattr(webhook, name) for name in webhooks.c.keys()}  # noqa: SIM118
            db.execute(
                sa.insert(webhooks).values(
                    {**values, "events": list(webhook.events), "cursor": cursor}
                )
            )
            log.append(db, webhook.project, events)
            row = db.execute(sa.select(webhooks).where(webhooks.c.id == webhook.id)).one()
            return _webhook(row)

    def remove_webhook(self, project: str, id: str, events: Sequence[NewEvent]) -> bool:
        """Forget a webhook and its deliveries; False where the project has no such one."""
        with self.transaction() as db:
            mine = sa.select(webhooks.c.id).where(
                webhooks.c.id == id, webhooks.c.project == project
            )
            db.execute(sa.delete(deliveries).where(deliveries.c.webhook.in_(mine)))
            gone = db.execute(
                sa.delete(webhooks).where(webhooks.c.id == id, webhooks.c.project == project)
            )
            if gone.rowcount:
                log.append(db, project, events)
            return bool(gone.rowcount)

    def switch_webhook(self, project: str, id: str, *, active: bool) -> Webhook | None:
        """Turn a webhook on or off; what happens while it is off is not told later."""
        with self.transaction() as db:
            row = db.execute(
                sa.select(webhooks)
                .where(webhooks.c.id == id, webhooks.c.project == project)
                .with_for_update()
            ).first()
            if row is None:
                return None
            values: dict[str, object] = {"active": active}
            if active and not row.active:
                values["cursor"] = _log_size(db, project)
            db.execute(sa.update(webhooks).where(webhooks.c.id == id).values(values))
            return _webhook(db.execute(sa.select(webhooks).where(webhooks.c.id == id)).one())

    def webhooks(self, project: str | None = None, *, active: bool = False) -> list[Webhook]:
        """The webhooks of a project, or of all; ``active``: those that are on."""
        query = sa.select(webhooks).order_by(webhooks.c.id)
        if project is not None:
            query = query.where(webhooks.c.project == project)
        if active:
            query = query.where(webhooks.c.active.is_(True))
        with self.reading() as db:
            return [_webhook(row) for row in db.execute(query)]

    def webhook(self, id: str) -> Webhook | None:
        """A webhook by its id."""
        with self.reading() as db:
            row = db.execute(sa.select(webhooks).where(webhooks.c.id == id)).first()
            return None if row is None else _webhook(row)

    # ---------------------------------------------------------------- making out

    def news(self, webhook: Webhook, types: Sequence[str]) -> list[log.StoredEvent]:
        """The next events of these types that a webhook was not told of, in log order."""
        with self.reading() as db:
            return log.events_after(
                db, webhook.project, webhook.cursor, types=types, limit=EVENTS_AT_ONCE
            )

    def log_size(self, project: str) -> int:
        """How many events of a project have a number."""
        with self.reading() as db:
            return _log_size(db, project)

    def make_out(self, webhook: Webhook, told: Sequence[Told], *, cursor: int, now: int) -> bool:
        """Queue deliveries and move the webhook's cursor; False where another process just did."""
        with self.transaction() as db:
            moved = db.execute(
                sa.update(webhooks)
                .where(
                    webhooks.c.id == webhook.id,
                    webhooks.c.cursor == webhook.cursor,
                    webhooks.c.active.is_(True),
                )
                .values(cursor=cursor)
            )
            if moved.rowcount != 1:
                return False
            rows = [
                {
                    "id": str(uuid6.uuid7()),
                    "webhook": webhook.id,
                    "event": each.event,
                    "part": part,
                    "type": each.type,
                    "state": "waiting",
                    "attempts": 0,
                    "due": now,
                    "created": now,
                    "updated": now,
                }
                for each in told
                for part in range(each.parts)
            ]
            if rows:
                db.execute(sa.insert(deliveries), rows)
            return True

    # ------------------------------------------------------------------- sending

    def take_deliveries(
        self, worker: str, *, now: int, until: int, limit: int
    ) -> list[tuple[Delivery, Webhook]]:
        """Lease deliveries that are due, to webhooks that are on."""
        with self.transaction() as db:
            on = sa.select(webhooks.c.id).where(webhooks.c.active.is_(True))
            rows = db.execute(
                sa.select(deliveries)
                .where(
                    deliveries.c.state == "waiting",
                    deliveries.c.due <= now,
                    sa.or_(deliveries.c.leased_until.is_(None), deliveries.c.leased_until < now),
                    deliveries.c.webhook.in_(on),
                )
                .order_by(deliveries.c.due, deliveries.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            if not rows:
                return []
            db.execute(
                sa.update(deliveries)
                .where(deliveries.c.id.in_([row.id for row in rows]))
                .values(leased_by=worker, leased_until=until)
            )
            wanted = {row.webhook for row in rows}
            hooks = {
                row.id: _webhook(row)
                for row in db.execute(sa.select(webhooks).where(webhooks.c.id.in_(wanted)))
            }
            return [(_delivery(row), hooks[row.webhook]) for row in rows]

    def settle_delivery(
        self,
        id: str,
        worker: str,
        *,
        state: DeliveryState,
        now: int,
        due: int | None = None,
        status: int | None = None,
        error: str | None = None,
    ) -> None:
        """Note how a delivery went; one that waits is tried again when it is ``due``."""
        with self.transaction() as db:
            db.execute(
                sa.update(deliveries)
                .where(
                    deliveries.c.id == id,
                    deliveries.c.leased_by == worker,
                    deliveries.c.state == "waiting",
                )
                .values(
                    state=state,
                    attempts=deliveries.c.attempts + 1,
                    due=deliveries.c.due if due is None else due,
                    status=status,
                    error=error,
                    leased_by=None,
                    leased_until=None,
                    updated=now,
                )
            )

    def deliveries(
        self, webhook: str, limit: int = 50, *, before: str | None = None
    ) -> list[Delivery]:
        """The newest deliveries of a webhook: newest first, those older than ``before``."""
        query = (
            sa.select(deliveries)
            .where(deliveries.c.webhook == webhook)
            .order_by(deliveries.c.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(deliveries.c.id < before)
        with self.reading() as db:
            return [_delivery(row) for row in db.execute(query)]

    def redeliver(self, webhook: str, id: str, *, now: int) -> Delivery:
        """Send a delivery again, with all its attempts, whether it arrived before or not.

        Raises :class:`QueueError` where there is none, and where it waits anyway.
        """
        with self.transaction() as db:
            which = sa.and_(deliveries.c.id == id, deliveries.c.webhook == webhook)
            row = db.execute(sa.select(deliveries).where(which).with_for_update()).first()
            if row is None:
                raise QueueError(
                    f"There is no delivery {id[:40]!r}.", hint="List the deliveries there are."
                )
            if row.state == "waiting":
                raise QueueError(
                    "The delivery waits anyway.", hint="It is sent when it is due.", code="waiting"
                )
            db.execute(
                sa.update(deliveries)
                .where(which)
                .values(state="waiting", attempts=0, due=now, updated=now)
            )
            return _delivery(db.execute(sa.select(deliveries).where(which)).one())

    def forget_deliveries(self, *, before: int) -> None:
        """Forget deliveries that were over before then."""
        with self.transaction() as db:
            db.execute(
                sa.delete(deliveries).where(
                    deliveries.c.state != "waiting", deliveries.c.updated < before
                )
            )

    def numbered_event(self, id: str) -> log.StoredEvent | None:
        """An event by its id, with the content that was not erased."""
        with self.reading() as db:
            return log.event_by_id(db, id)


def _log_size(db: sa.Connection, project: str) -> int:
    return db.execute(
        sa.select(sa.func.coalesce(sa.func.max(events.c.leaf) + 1, 0)).where(
            events.c.project == project
        )
    ).scalar_one()


def _webhook(row: sa.Row[tuple[object, ...]]) -> Webhook:
    return Webhook(
        id=row.id,
        project=row.project,
        url=row.url,
        events=tuple(row.events),
        secret=row.secret,
        active=row.active,
        cursor=row.cursor,
        created=row.created,
    )


def _delivery(row: sa.Row[tuple[object, ...]]) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__dataclass_fields__})
