"""Applications over queues in memory, listening or not, and browsers to visit them."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from queues import Memory, Queue, make_project
from starlette.testclient import TestClient

from signoff.server.access import LocalAccess
from signoff.server.app import create_app
from signoff.server.desks import Desks, Projects
from signoff.server.guard import loopback_hosts
from signoff.server.serving import Serving, listen, port_of

PAGE = {"X-Signoff": "1"}
PORT = 8765
SECONDS = 20.0


@dataclass(slots=True, kw_only=True)
class House:
    """An application over two projects in memory, and where it is reached."""

    app: FastAPI
    memory: Memory
    port: int
    serving: Serving | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def queue(self) -> Queue:
        """The queue of the first project."""
        return next(iter(self.memory.queues.values()))

    @property
    def path(self) -> str:
        """The address of the first project."""
        return f"/api/v1/projects/{self.queue.project.id}"

    def client(self, **headers: str) -> Any:
        """A browser that knows nothing yet; over the network where the server listens."""
        if self.serving is not None:
            return httpx2.Client(base_url=self.url, headers=headers, timeout=SECONDS)
        return TestClient(
            self.app,
            base_url=self.url,
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )


@dataclass(slots=True, kw_only=True)
class LocalHouse(House):
    """A server for one person at this computer."""

    access: LocalAccess

    @classmethod
    def build(cls, *, static: Path, port: int = PORT) -> LocalHouse:
        memory = Memory.of(make_project("reviews"), make_project("letters"))
        access = LocalAccess("ann", port=port)
        app = create_app(memory, memory, access=access, hosts=loopback_hosts(port), static=static)
        return cls(app=app, memory=memory, port=port, access=access)

    def browser(self) -> Any:
        """A browser that opened the link, as its page asks."""
        client = self.client(**PAGE)
        assert client.get("/", params={"token": self.access.token}).status_code == 303
        return client


def make_house(projects: Projects, desks: Desks, *, port: int = PORT) -> LocalHouse:
    """A local server over other projects than those in memory."""
    access = LocalAccess("ann", port=port)
    hosts = loopback_hosts(port)
    app = create_app(projects, desks, access=access, hosts=hosts, static=Path(__file__).parent)
    return LocalHouse(app=app, memory=Memory({}), port=port, access=access)


@contextmanager
def running(build: Callable[[int], LocalHouse]) -> Iterator[LocalHouse]:
    """A server that listens on a port of its own while the block runs."""
    listener = listen("127.0.0.1", 0)
    house = build(port_of(listener))
    with listening(house.app, listener) as house.serving:
        yield house


@contextmanager
def listening(app: FastAPI, listener: socket.socket) -> Iterator[Serving]:
    """An application that listens while the block runs."""
    ready = threading.Event()
    serving = Serving(app, on_ready=ready.set)
    thread = threading.Thread(target=serving.run, args=[[listener]])
    thread.start()
    assert ready.wait(SECONDS)
    try:
        yield serving
    finally:
        serving.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def new_id() -> str:
    return str(uuid.uuid4())
