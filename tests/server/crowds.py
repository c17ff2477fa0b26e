"""Many reviewers at servers over one store, and what must be true of the store afterwards."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "accounts")]

from directories import PASSWORD  # noqa: E402

from signoff.accounts.directory import Directory  # noqa: E402
from signoff.client import Client, RemoteProject  # noqa: E402
from signoff.client.calls import new_key  # noqa: E402
from signoff.core.questions import Chosen  # noqa: E402
from signoff.core.routing import People  # noqa: E402
from signoff.errors import RemoteError  # noqa: E402
from signoff.sdk import run  # noqa: E402
from signoff.store.schema import reviews  # noqa: E402
from signoff.store.store import SqlStore  # noqa: E402
from signoff.storeview import StoreView  # noqa: E402
from signoff.testing.fakes import LABELS, two_topics  # noqa: E402

SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Crowd:
    """A project that people answer, and so many of them with a token each."""

    where: str
    artifacts: Path
    items: int
    overlap: int
    tokens: list[str]
    truth: dict[str, str]
    acknowledged: dict[str, bool] = field(default_factory=dict[str, bool])
    """Reviews that a server said are stored: whether they count."""
    complaints: list[BaseException] = field(default_factory=list[BaseException])

    @classmethod
    def gather(cls, where: str, artifacts: Path, *, people: int, items: int, overlap: int) -> Crowd:
        """Make the store, the project and the accounts."""
        rows = two_topics(items, sarcasm=0)
        run(
            [{"text": row["text"]} for row in rows],
            labels=LABELS,
            text="text",
            policy=People(),
            reviewer="none",
            overlap=overlap,
            store=where,
        )
        store = SqlStore(where, artifacts=artifacts, create=False)
        (project,) = store.projects()
        directory = Directory(store=store)
        admin = directory.add("admin", PASSWORD, everywhere="admin")
        tokens: list[str] = []
        for number in range(people):
            account = directory.add(f"reviewer {number}", PASSWORD)
            directory.change_role(account, project.id, "reviewer", by=admin.id)
            minted = directory.mint(
                account, name="test", scopes=frozenset({"read", "answer"}), by=admin.id
            )
            tokens.append(minted.secret.text)
        store.close()
        truth = {row["text"]: row["label"] for row in rows}
        return cls(
            where=where,
            artifacts=artifacts,
            items=items,
            overlap=overlap,
            tokens=tokens,
            truth=truth,
        )

    def answer_all(self, urls: Sequence[str]) -> list[threading.Thread]:
        """Let everybody answer, spread over the servers, until nothing is left for them."""
        threads = [
            threading.Thread(target=self._work, args=[urls[at % len(urls)], token], daemon=True)
            for at, token in enumerate(self.tokens)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, url: str, token: str) -> None:
        try:
            with Client(url, token=token, timeout=60) as client:
                self._answer(patiently(client.project))
        except BaseException as error:
            self.complaints.append(error)

    def _answer(self, project: RemoteProject) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            leased = patiently(lambda: project.lease(10))
            for asked in leased.requests:
                answer = {"answer": Chosen(self.truth[asked.item.text])}
                id = new_key()
                stored = patiently(
                    lambda asked=asked, answer=answer, id=id: project.answer(
                        asked.id, answer, seconds=1.0, id=id
                    )
                )
                self.acknowledged[id] = stored.counted
            if leased.progress.phase == "closed":
                return
            if not leased.requests:
                time.sleep(0.05)
        raise AssertionError("there was no end")

    def check(self) -> None:
        """Every acknowledged answer is there, each item has exactly as many as it needs, each of
        somebody else, and the log verifies."""
        assert not self.complaints, self.complaints[0]
        store = SqlStore(self.where, artifacts=self.artifacts, create=False)
        with store.reading() as db:
            rows = db.execute(sa.select(reviews)).all()
        (project,) = store.projects()
        store.close()
        stored = {row.id: bool(row.counted) for row in rows}
        lost = self.acknowledged.keys() - stored.keys()
        assert not lost, f"{len(lost)} acknowledged answers are gone"
        assert {id: stored[id] for id in self.acknowledged} == self.acknowledged
        counted = Counter(row.item for row in rows if row.counted and not row.undone)
        assert set(counted) == set(range(self.items))
        assert set(counted.values()) == {self.overlap}
        by = Counter((row.item, row.reviewer) for row in rows)
        assert set(by.values()) == {1}
        view = StoreView.open(self.where, project.name)
        try:
            assert view.verify().ok
        finally:
            view.close()


T = TypeVar("T")


def patiently(ask: Callable[[], T]) -> T:
    """Ask again while no server answers: it may be starting again."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            return ask()
        except RemoteError as error:
            away = error.code == "unreachable" or error.status in (502, 503)
            if not away or time.monotonic() > until:
                raise
            time.sleep(0.1)
