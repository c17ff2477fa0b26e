"""All that ``signoff serve`` serves, over a real store: every route, and accounts to call them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from directories import CHEAP, PASSWORD
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from signoff.accounts.directory import Directory
from signoff.accounts.entrance import Entrance
from signoff.accounts.passwords import Passwords
from signoff.bootstrap import open_store
from signoff.core.people import Account, Role
from signoff.core.records import Project
from signoff.server.accounts import AccountAccess
from signoff.server.app import create_app
from signoff.server.guard import SAFE_METHODS, loopback_hosts
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.server.streams import StoredStreams
from signoff.server.work import StoredWork
from signoff.store.store import SqlStore

PORT = 8765
URL = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Something a server answers to."""

    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, known: Mapping[str, str]) -> str:
        """The address with its parameters: ``known`` maps the path up to one, and it, to a value;
        else the parameter alone; else it is made up."""
        said: list[str] = []
        for piece in self.path.split("/"):
            if piece.startswith("{"):
                whole = "/".join([*self.path.split("/")[: len(said)], piece])
                piece = known.get(whole) or known.get(piece) or str(uuid4())
            said.append(piece)
        return "/".join(said)


@dataclass(slots=True, kw_only=True)
class WholeSite:
    """The application over a store, its accounts, and browsers and programs of theirs."""

    app: FastAPI
    store: SqlStore
    folder: Path
    directory: Directory
    access: AccountAccess
    office: Office
    people: dict[str, Account] = field(default_factory=dict[str, Account])

    def routes(self) -> list[Route]:
        """Every route with every method it takes, from the application's own table."""
        found = {
            (str(method), str(each.path))
            for each in iter_route_contexts(self.app.routes)
            for method in each.methods or ()
        }
        return [Route(method=method, path=path) for method, path in sorted(found)]

    def changing(self) -> list[Route]:
        """The routes that may change something."""
        return [route for route in self.routes() if route.method not in SAFE_METHODS]

    def project(self, name: str) -> Project:
        found = self.store.find_project(name)
        assert found is not None
        return found

    def join(
        self, name: str, *, everywhere: Role | None = None, given: Mapping[str, Role] | None = None
    ) -> Account:
        """Somebody with an account and roles."""
        made = self.directory.add(name, PASSWORD, everywhere=everywhere, given=given)
        self.people[name] = made
        return made

    def session(self, account: Account) -> str:
        """The cookie of a browser that signed in just now."""
        entrance = Entrance(directory=self.directory)
        return entrance.begin(account, how="password", old=None).text

    def client(self, **headers: str) -> Any:
        """A browser that knows nothing yet, or a program with headers of its own."""
        return TestClient(
            self.app,
            base_url=URL,
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def browser(self, account: Account) -> Any:
        """A browser whose page is signed in."""
        browser = self.client(**{"X-Signoff": "1"})
        browser.cookies.set(self.access.cookie, self.session(account))
        return browser

    def state(self) -> Mapping[str, str]:
        """Digests of every table and of every file beside the database."""
        (database,) = self.folder.glob("*.db")
        found: dict[str, str] = {}
        with closing(sqlite3.connect(database)) as db:
            names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                rows = sorted(map(repr, db.execute(f"SELECT * FROM {name}")))
                found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        for path in self.folder.rglob("*"):
            if path.is_file() and not path.name.startswith(database.name):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(self.folder))] = digest
        return found


@contextmanager
def whole_site(where: Path) -> Iterator[WholeSite]:
    """Every part of a server over the store in a file, not listening anywhere."""
    store = open_store(str(where), create=True)
    directory = Directory(store=store, passwords=Passwords(CHEAP))
    access = AccountAccess(
        Entrance(directory=directory), port=PORT, secure=False, clock=lambda: 0.0
    )
    office = Office.over(store)
    app = create_app(
        # At a time that stands still everything is read anew.
        StoredProjects(store=store, stale=0, clock=lambda: 0.0),
        StoredDesks(store=store),
        access=access,
        hosts=loopback_hosts(PORT),
        static=Path(__file__).parent,
        work=StoredWork(store=store),
        directory=directory,
        live_items=StoredStreams(store=store),
        office=office,
    )
    try:
        yield WholeSite(
            app=app,
            store=store,
            folder=where.parent,
            directory=directory,
            access=access,
            office=office,
        )
    finally:
        office.close()
        store.close()
