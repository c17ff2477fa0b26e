"""Numbers for whoever runs the server, in Prometheus' text format, and one log line a request."""

from __future__ import annotations

import logging
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signoff.server.guard import route_of
from signoff.server.logs import note

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class Metrics:
    """One server's numbers: requests and answers, no names and no projects."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "signoff_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "signoff_request_seconds",
            "Time until a response began.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.answers = Counter(
            "signoff_answers", "Answers stored.", ("counted",), registry=self._registry
        )
        self.listeners = Gauge(
            "signoff_listeners", "Pages that listen for progress.", registry=self._registry
        )

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class Watch:
    """Counts and logs each request by its route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began = time.perf_counter()

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._seen(scope, int(message["status"]), time.perf_counter() - began)
            await send(message)

        return await self.app(scope, receive, watching)

    def _seen(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        route = route_of(scope)
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        level = logging.WARNING if status >= 500 else logging.INFO
        note(
            "request",
            level=level,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )
