"""A listening server over a real store, with somebody who does its jobs in another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from queues import Memory
from servers import PAGE, LocalHouse, running

from signoff.core.questions import Chosen
from signoff.core.records import Project
from signoff.server.access import Access, Caller, LocalAccess, Role
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.server.work import StoredWork
from signoff.settings import Settings
from signoff.store.store import SqlStore
from signoff.work.outbox import Outbox
from signoff.work.runner import JobRunner
from signoff.worker import Worker

SECONDS = 60.0
CSV = "id,text\n" + "".join(f"r{n},review number {n} is here\n" for n in range(20))


class KnownByName(LocalAccess):
    """Callers by a header: their name, and a role in each project or everywhere."""

    def __init__(self, *, port: int) -> None:
        super().__init__("nobody", port=port)
        self.people: dict[str, Caller] = {}

    def caller(self, connection: Any) -> Caller | None:
        return self.people.get(connection.headers.get("x-caller", ""))


@dataclass(slots=True, kw_only=True)
class Workplace:
    """The server, its store, and browsers of people with roles."""

    store: SqlStore
    access: KnownByName
    house: LocalHouse
    settings: Settings
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def browser(
        self,
        name: str = "ann",
        *,
        everywhere: Role | None = "admin",
        roles: dict[str, Role] | None = None,
        **headers: str,
    ) -> Any:
        """A browser of somebody with these roles."""
        self.access.people[name] = Caller(
            name=name, kind="account", everywhere=everywhere, roles=roles or {}
        )
        return self.house.client(**{"X-Caller": name, **PAGE, **headers})

    def works(self) -> None:
        """Begin to do jobs."""
        where = self.store.name if "/" in self.store.name else ""
        store = SqlStore(where, artifacts=self.store._folder, create=False)
        runner = JobRunner(store=store, settings=self.settings)

        def work() -> None:
            runner.work(self._stop, idle=0.02)
            store.close()

        self._threads.append(threading.Thread(target=work))
        self._threads[-1].start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def outbox(self, **settings: Any) -> Outbox:
        return Outbox(store=self.store, settings=Settings(**settings))

    def project(self, name: str = "letters") -> Project:
        found = self.store.find_project(name)
        assert found is not None
        return found

    def path(self, name: str = "letters") -> str:
        return f"/api/v1/projects/{self.project(name).id}"

    def found(self, browser: Any, content: str | bytes = CSV, **wanted: Any) -> dict[str, Any]:
        """Make a project of a file, as a page does; the job once it is over."""
        got = browser.post("/api/v1/uploads", params={"name": "reviews.csv"}, content=content)
        assert got.status_code == 201, got.text
        body = {
            "name": "letters",
            "upload": got.json()["id"],
            "labels": ["A", "B"],
            "policy": {"kind": "people"},
            **wanted,
        }
        got = browser.post("/api/v1/projects", json=body)
        assert got.status_code == 202, got.text
        return ended(browser, got.json()["id"])

    def finish(self, name: str = "letters") -> None:
        """People answer everything."""
        worker = Worker(store=self.store)
        for _ in range(50):
            worker.round()
            desk = StoredDesks(store=self.store)(self.project(name), "Ada")
            while requests := desk.next_many(50):
                desk.answer_many([(request, Chosen("A")) for request in requests])
            if desk.progress().phase == "closed":
                return
        raise AssertionError("the project was never closed")


def ended(browser: Any, id: str) -> dict[str, Any]:
    """A job once it is over."""
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(browser.get(f"/api/v1/jobs/{id}").json())
        return found["state"] in ("done", "failed")

    wait_for(over)
    return found


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.03)


@contextmanager
def workplace(folder: Path, **settings: Any) -> Iterator[Workplace]:
    """A workplace over a new SQLite store; nobody does its jobs until ``works``."""
    store = SqlStore(str(folder / "a.signoff.db"), artifacts=folder / "artifacts")
    made = Settings(**settings)
    access: list[KnownByName] = []

    def build(port: int) -> LocalHouse:
        access.append(KnownByName(port=port))
        known: Access = access[0]
        app = create_app(
            StoredProjects(store=store),
            StoredDesks(store=store),
            access=known,
            hosts=loopback_hosts(port),
            static=folder,
            work=StoredWork(store=store, settings=made),
            pictures=store.blobs,
        )
        return LocalHouse(app=app, memory=Memory({}), port=port, access=access[0])

    with running(build) as house:
        place = Workplace(store=store, access=access[0], house=house, settings=made)
        try:
            yield place
        finally:
            place.stop()
    store.close()
