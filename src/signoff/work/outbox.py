"""Sends a project's events to its webhooks: made out from the log, signed, tried again."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx2

from signoff.bootstrap import clock, sign_with_its_key
from signoff.core.records import Project
from signoff.errors import SignoffError, StoreBusy
from signoff.project.ownership import this_process
from signoff.settings import Settings
from signoff.store.store import SqlStore
from signoff.store.webhooks import Delivery, Webhook
from signoff.version import VERSION
from signoff.work.addresses import Network, Refused, Target, check, networks, parse_target
from signoff.work.payloads import Payloads, sources, told
from signoff.work.signing import signature

SECONDS_TO_ANSWER = 10.0
MOST_READ = 16_384
"""How much of an answer is read: enough to be polite."""

MOST_ATTEMPTS = 10
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 6 * 3600.0
AT_ONCE = 20
LEASE = 120_000_000
KEPT = 30 * 86_400_000_000
IDLE_SECONDS = 0.5
SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one attempt went: ``status`` of the answer, or why there was none."""

    status: int | None = None
    error: str | None = None
    hopeless: bool = False
    """Trying again would change nothing: the address may not be reached."""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def wait_after(attempts: int, luck: float) -> int:
    """Microseconds until the next attempt: ever longer, with jitter; ``luck`` from 0 to 1.

    >>> [wait_after(attempts, 1.0) // 1_000_000 for attempts in (1, 2, 3, 9)]
    [5, 20, 80, 21600]
    >>> wait_after(1, 0.0) // 100_000
    25
    """
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 4.0 ** (attempts - 1))
    return int(longest * (0.5 + luck / 2) * SECOND)


@dataclass(slots=True, kw_only=True)
class Outbox:
    """Makes out deliveries and sends what is due.

    Of its own store nobody else may use: signing keys are set on it.
    """

    store: SqlStore
    on_error: Callable[[str, SignoffError], None] = field(default=lambda _what, _error: None)
    clock: Callable[[], int] = clock
    luck: Callable[[], float] = random.random
    settings: Settings = field(default_factory=Settings)
    _payloads: Payloads = field(init=False)
    _forgot: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._payloads = Payloads(store=self.store)

    def work(self, stop: threading.Event, *, idle: float = IDLE_SECONDS) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            try:
                moved = self.round()
            except SignoffError as error:
                self.on_error("webhooks", error)
                moved = False
            if not moved:
                stop.wait(idle)

    def round(self) -> bool:
        """Make out what is new and send what is due; whether anything was."""
        self._forget()
        hooks = self.store.webhooks(active=True)
        if not hooks:
            return False
        for project in sorted({hook.project for hook in hooks}):
            self._number(project)
        made = [self._make_out(hook) for hook in hooks]
        return self._send_due() or any(made)

    # ---------------------------------------------------------------- making out

    def _number(self, project: str) -> None:
        """Give numbers to events that no round of learning will: only those are told."""
        found = self.store.project(project)
        if found is None or not self.store.unsigned(project):
            return
        try:
            sign_with_its_key(self.store, found)
            self.store.checkpoint(project)
        except StoreBusy:
            return
        except SignoffError as error:
            self.on_error(found.name, error)

    def _make_out(self, hook: Webhook) -> bool:
        size = self.store.log_size(hook.project)
        if size <= hook.cursor:
            return False
        events = self.store.news(hook, sources(hook.events))
        upto = [event.leaf for event in events if event.leaf is not None]
        # Whole pages may be left; without news everything up to here was looked at.
        cursor = upto[-1] + 1 if upto else size
        return self.store.make_out(
            hook, [told(event) for event in events], cursor=cursor, now=self.clock()
        )

    # ------------------------------------------------------------------- sending

    def _send_due(self) -> bool:
        now, worker = self.clock(), this_process()
        due = self.store.take_deliveries(worker, now=now, until=now + LEASE, limit=AT_ONCE)
        if not due:
            return False
        ready = [(each, hook, self._body(each, hook)) for each, hook in due]
        for (delivery, _, _), sent in zip(ready, asyncio.run(self._send(ready)), strict=True):
            self._settle(delivery, worker, sent)
        return True

    def _body(self, delivery: Delivery, hook: Webhook) -> bytes | Sent:
        try:
            project: Project | None = self.store.project(hook.project)
            if project is None:
                return Sent(error="its project is gone", hopeless=True)
            return self._payloads.body(delivery, project)
        except SignoffError as error:
            self.on_error("webhooks", error)
            return Sent(error="the event cannot be read")

    async def _send(self, ready: Sequence[tuple[Delivery, Webhook, bytes | Sent]]) -> list[Sent]:
        allowed = networks(self.settings.webhook_networks)

        async def one(delivery: Delivery, hook: Webhook, body: bytes | Sent) -> Sent:
            if isinstance(body, Sent):
                return body
            return await post(hook, delivery, body, allowed=allowed, timestamp=int(time.time()))

        return list(await asyncio.gather(*(one(*each) for each in ready)))

    def _settle(self, delivery: Delivery, worker: str, sent: Sent) -> None:
        now, attempts = self.clock(), delivery.attempts + 1
        waits = not sent.arrived and not sent.hopeless and attempts < MOST_ATTEMPTS
        self.store.settle_delivery(
            delivery.id,
            worker,
            state="waiting" if waits else "sent" if sent.arrived else "dead",
            now=now,
            due=now + wait_after(attempts, self.luck()) if waits else None,
            status=sent.status,
            error=sent.error,
        )

    def _forget(self) -> None:
        """Now and then forget deliveries that are long over."""
        now = self.clock()
        if now - self._forgot > 3600 * SECOND:
            self._forgot = now
            self.store.forget_deliveries(before=now - KEPT)


# ------------------------------------------------------------------------------ one request


async def post(
    hook: Webhook,
    delivery: Delivery,
    body: bytes,
    *,
    allowed: Sequence[Network],
    timestamp: int,
    seconds: float = SECONDS_TO_ANSWER,
) -> Sent:
    """Send one delivery to a checked address; never follows where the answer points."""
    try:
        async with asyncio.timeout(seconds):
            target = parse_target(hook.url)
            address = check(target, await _resolve(target), allowed)
            headers = _headers(hook, delivery, body, timestamp)
            return Sent(status=await _status(target, address, headers, body))
    except Refused as error:
        return Sent(error=error.message, hopeless=True)
    except TimeoutError:
        return Sent(error=f"no answer within {seconds:g} seconds")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        return Sent(error=f"{type(error).__name__}: {str(error)[:200]}")


def _headers(hook: Webhook, delivery: Delivery, body: bytes, timestamp: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": f"signoff/{VERSION}",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(hook.secret, id=delivery.id, timestamp=timestamp, body=body),
    }


async def _resolve(target: Target) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(
        target.host, target.port, type=socket.SOCK_STREAM
    )
    return [str(address[0]) for *_, address in found]


async def _status(target: Target, address: str, headers: dict[str, str], body: bytes) -> int:
    """The status of the answer; the connection goes to the address, the name is only said."""
    host = f"[{address}]" if ":" in address else address
    said = f"[{target.host}]" if ":" in target.host else target.host
    standard = target.port == (443 if target.scheme == "https" else 80)
    async with (
        httpx2.AsyncClient(trust_env=False, follow_redirects=False) as client,
        client.stream(
            "POST",
            f"{target.scheme}://{host}:{target.port}{target.path}",
            content=body,
            headers={**headers, "Host": said if standard else f"{said}:{target.port}"},
            # The certificate must be of the name, whatever address it has.
            extensions={"sni_hostname": target.host},
        ) as answer,
    ):
        read = 0
        async for chunk in answer.aiter_raw():
            read += len(chunk)
            if read > MOST_READ:
                break
        return answer.status_code
