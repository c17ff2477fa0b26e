"""Project pages over a real store, for one visitor with a role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from queues import Memory
from servers import PORT, LocalHouse, running

from signoff.core.questions import Form
from signoff.core.records import Project
from signoff.core.routing import Policy
from signoff.core.showing import HintTime
from signoff.errors import Exit
from signoff.job import RunOptions
from signoff.sdk import execute
from signoff.server.access import LocalAccess, Role
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects, open_served
from signoff.server.work import StoredWork
from signoff.store.store import SqlStore
from signoff.testing.fakes import two_topics

LABELS = ("Positive", "Negative")
STATIC = Path(__file__).parent


def begin(
    where: Path,
    name: str = "reviews",
    *,
    rows: Sequence[dict[str, Any]] | int = 60,
    reviewer: str = "none",
    policy: Policy | None = None,
    labels: tuple[str, ...] | None = LABELS,
    form: Form | None = None,
    overlap: int | None = None,
    hints: HintTime | None = None,
) -> Exit:
    """A project, worked on as far as it goes: with ``column:label`` to its end."""
    return execute(
        RunOptions(
            data=two_topics(rows) if isinstance(rows, int) else list(rows),
            labels=labels if form is None else None,
            form=form,
            text="text",
            key="id",
            project=name,
            policy=policy,
            overlap=overlap,
            hints=hints,
            reviewer=reviewer,
            store=str(where),
            out=str(where.with_suffix(".csv")),
        )
    ).exit_code


@dataclass(slots=True, kw_only=True)
class OfficeHouse(LocalHouse):
    """A server over a store, with its project pages."""

    store: SqlStore
    opened: Any = None

    def browser(self) -> Any:
        """The visitor's browser: the link works once."""
        if self.opened is None:
            self.opened = LocalHouse.browser(self)
        return self.opened

    def project(self, name: str = "reviews") -> Project:
        found = self.store.find_project(name)
        assert found is not None
        return found

    def pages(self, name: str = "reviews") -> str:
        """The address of a project's pages."""
        return f"/projects/{self.project(name).id}"


def house_over(
    store: SqlStore, *, role: Role = "admin", port: int = PORT, has_worker: bool = True
) -> OfficeHouse:
    """A server over a store for one person with a role everywhere."""
    access = LocalAccess("ann", port=port, role=role)
    app = create_app(
        StoredProjects(store=store),
        StoredDesks(store=store),
        access=access,
        hosts=loopback_hosts(port),
        static=STATIC,
        office=Office.over(store),
        work=StoredWork(store=store) if has_worker else None,
        pictures=store.blobs,
    )
    return OfficeHouse(app=app, memory=Memory({}), port=port, access=access, store=store)


@contextmanager
def office(where: Path, *, role: Role = "admin", has_worker: bool = True) -> Iterator[OfficeHouse]:
    """The pages of a store, not listening anywhere."""
    with open_served(str(where)) as store:
        yield house_over(store, role=role, has_worker=has_worker)


@contextmanager
def listening(where: Path, *, role: Role = "admin") -> Iterator[OfficeHouse]:
    """The pages of a store, as a server that browsers reach."""
    with (
        open_served(str(where)) as store,
        running(lambda port: house_over(store, role=role, port=port)) as house,
    ):
        assert isinstance(house, OfficeHouse)
        yield house


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def words(html: str) -> str:
    """What a page says, without its marks."""
    parser = _Words()
    parser.feed(html)
    return " ".join(" ".join(parser.parts).split())


def token_of(html: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', html)
    assert found is not None
    return found[1]


def send(house: OfficeHouse, browser: Any, path: str, fields: dict[str, Any], page: str) -> Any:
    """Send a form from a page, as a browser does."""
    token = token_of(browser.get(page).text)
    return browser.post(path, data={"form_token": token, **fields}, headers={"Origin": house.url})
