"""A server with accounts over a real store, and the people who visit it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from directories import PASSWORD, Desk, open_desk
from fastapi import FastAPI
from starlette.testclient import TestClient

from signoff.core.people import Account
from signoff.server.accounts import AccountAccess
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.server.streams import StoredStreams
from signoff.server.work import StoredWork

PORT = 8765
URL = f"http://127.0.0.1:{PORT}"
FORM = {"Origin": URL}


@dataclass(slots=True, kw_only=True)
class AccountHouse:
    """The application, the directory behind it, and a clock for the limits on tries."""

    app: FastAPI
    desk: Desk
    access: AccountAccess
    seconds: list[float]

    @classmethod
    def build(
        cls, where: str, folder: Path, *, static: Path, secure: bool = False, port: int = PORT
    ) -> AccountHouse:
        desk, seconds = open_desk(where, folder), [0.0]
        access = AccountAccess(desk.entrance, port=port, secure=secure, clock=lambda: seconds[0])
        app = create_app(
            StoredProjects(store=desk.store),
            StoredDesks(store=desk.store),
            access=access,
            hosts=loopback_hosts(port),
            static=static,
            live_items=StoredStreams(store=desk.store),
            work=StoredWork(store=desk.store),
            directory=desk.directory,
        )
        return cls(app=app, desk=desk, access=access, seconds=seconds)

    def client(self, **headers: str) -> Any:
        """A browser that knows nothing yet, or a program with headers of its own."""
        return TestClient(
            self.app,
            base_url=URL,
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def sign_in(self, browser: Any, name: str, password: str = PASSWORD, **fields: str) -> Any:
        """What the form of a browser gets."""
        data = {"name": name, "password": password, **fields}
        return browser.post("/sign-in", data=data, headers=FORM)

    def browser(self, account: Account) -> Any:
        """A browser whose page is signed in."""
        browser = self.client(**{"X-Signoff": "1"})
        assert self.sign_in(browser, str(account.name)).status_code == 303
        return browser

    def program(self, account: Account, *scopes: Any, days: int = 90) -> Any:
        """A program with a token."""
        minted = self.desk.directory.mint(
            account, name="test", scopes=frozenset(scopes), by=account.id, days=days
        )
        return self.client(Authorization=f"Bearer {minted.secret.text}")
