"""What every request passes and every response carries, whatever the route: hosts, origins, sizes,
headers, and a calm answer to mistakes of ours. Plain ASGI, outermost first in ``app.py``.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections import deque
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signoff.server.logs import note_failure
from signoff.server.problems import Refusal, internal, render_refusal

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers then send forms with "Origin: null", which could be anybody's.
    # Without one, browsers would not even tell this server which of its own pages a form is on.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LASTING = "private, max-age=31536000, immutable"
"""Caching of what has its hash in its name; everything else is not stored."""
KEPT_A_DAY = "private, max-age=86400, immutable"
"""Caching of what has its hash in its name and may be erased: no longer than it is worked on."""

INERT = "default-src 'none'; sandbox"
"""For what somebody sent in: opened by itself it runs nothing and belongs to no site."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MOST_BODY_BYTES = 1 << 20
FILE_PATH = re.compile(r"/api/v1/(uploads|projects/[^/]+/import)")
"""Where files are sent to."""
PAGE_HEADER = "x-signoff"
"""Pages of other origins cannot set it without asking first, and nobody here says yes."""

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
"""What a form without script sends. No route of the API takes them."""

BEACON_SUFFIX = "/leases/return"
API_PREFIX = "/api/"
OTHER_SITES = frozenset({"cross-site", "same-site"})
"""What browsers say of requests that neither a page of this server nor a person made; another port
of this computer is the same site."""


class SecurityHeaders:
    """Adds the headers that keep browsers strict."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                inert = headers.get("Content-Security-Policy") == INERT
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                if inert:
                    headers["Content-Security-Policy"] = INERT
                if headers.get("Cache-Control") not in (LASTING, KEPT_A_DAY):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return await self.app(scope, receive, send_with_headers)


class Calm:
    """Answers an unforeseen error with a problem that tells nothing, and logs where it was."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Refusal as refusal:
            if not started:
                await render_refusal(refusal)(scope, receive, send)
        except Exception as error:
            note_failure(error, route=route_of(scope))
            if not started:
                await internal()(scope, receive, send)


def route_of(scope: Scope) -> str:
    """The route's pattern, never the address itself: that may hold a token."""
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path is not None else "(none)"


class OwnHost:
    """Refuses requests for other hosts: a foreign name that was pointed here is an attack.

    ``hosts`` are ``name:port`` in lower case; None lets every host in.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.hosts is not None:
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or given[0].lower() not in self.hosts:
                raise Refusal(
                    400,
                    "wrong_host",
                    "This server does not go by that name.",
                    hint="Open the link that signoff printed.",
                )
        await self.app(scope, receive, send)


def loopback_hosts(port: int) -> frozenset[str]:
    """What a server on this computer alone is called."""
    names = ("127.0.0.1", "localhost", "[::1]")
    bare = frozenset(names) if port == 80 else frozenset[str]()
    return bare | {f"{name}:{port}" for name in names}


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this computer only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class OwnOrigin:
    """Refuses changes that another site's page may have asked a signed-in browser for, and reading
    the API from such a page: some of what is read there is made first, and noted in the log.

    A call of the API with a token is not a browser's doing. Forms and the beacon of a closing tab
    cannot set headers: they must say where they come from.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers, path = Headers(scope=scope), str(scope["path"])
            if scope["method"] not in SAFE_METHODS:
                _check_origin(headers, path)
            elif path.startswith(API_PREFIX) and headers.get("sec-fetch-site") in OTHER_SITES:
                raise _foreign("The request comes from a page of another site.")
        await self.app(scope, receive, send)


def _check_origin(headers: Headers, path: str) -> None:
    origin = headers.get("origin")
    own = headers.get("host", "").lower()
    ours = origin is not None and origin.lower() in (f"http://{own}", f"https://{own}")
    if origin is not None and not ours:
        raise _foreign("The request comes from a page of another site.")
    if "authorization" in headers and path.startswith(API_PREFIX):
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORM_TYPES or path.endswith(BEACON_SUFFIX):
        if not ours:
            raise _foreign("The request does not say which page it comes from.")
    elif headers.get(PAGE_HEADER) != "1":
        raise _foreign("The request lacks the header X-Signoff: 1.")


def _foreign(detail: str) -> Refusal:
    return Refusal(
        403, "foreign_origin", detail, hint="Reload the page; programs use an API token."
    )


class BodyLimit:
    """Refuses bodies that no page of ours sends, however they arrive; files may be larger."""

    def __init__(
        self, app: ASGIApp, most: int = MOST_BODY_BYTES, most_upload: int = MOST_BODY_BYTES
    ) -> None:
        self.app = app
        self.most = most
        self.most_upload = most_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        said = Headers(scope=scope).get("content-length", "0")
        is_file = scope["method"] == "POST" and FILE_PATH.fullmatch(str(scope["path"])) is not None
        most = self.most_upload if is_file else self.most
        if not (said.isascii() and said.isdigit()) or int(said[:20]) > most:
            raise _too_large(most)
        got = 0

        async def counting() -> Message:
            nonlocal got
            message = await receive()
            if message["type"] == "http.request":
                got += len(message.get("body", b""))
                if got > most:
                    raise _too_large(most)
            return message

        return await self.app(scope, counting, send)


def _too_large(most: int) -> Refusal:
    return Refusal(
        413,
        "too_large",
        f"The request is larger than {most} bytes.",
        hint="Send less at a time.",
    )


class RateLimit:
    """At most so many tries of one key in a sliding window; counts only what it lets through."""

    def __init__(
        self,
        most: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys: int = 10_000,
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._keys = keys
        self._tries: dict[str, deque[float]] = {}

    def check(self, key: str) -> None:
        """Count a try; raises a :class:`Refusal` with the seconds to wait where it is one too
        many."""
        now = self._clock()
        tries = self._tries.setdefault(key, deque())
        while tries and tries[0] <= now - self._seconds:
            tries.popleft()
        if len(tries) >= self._most:
            wait = max(1, round(tries[0] + self._seconds - now))
            raise Refusal(
                429,
                "too_many_tries",
                "Too many tries.",
                hint=f"Wait {wait} seconds, then try again.",
                headers={"Retry-After": str(wait)},
            )
        tries.append(now)
        self._forget(now)

    def clear(self, key: str) -> None:
        """Forget a key: its last try was right."""
        self._tries.pop(key, None)

    def _forget(self, now: float) -> None:
        """Keep memory bounded, whoever tries."""
        if len(self._tries) <= self._keys:
            return
        old = [key for key, tries in self._tries.items() if tries[-1] <= now - self._seconds]
        for key in old or list(self._tries)[: self._keys // 2]:
            del self._tries[key]
