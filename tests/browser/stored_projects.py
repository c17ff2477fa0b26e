"""A project in a real store with its review page in a process of its own, for browsers to visit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from signoff.bootstrap import open_store
from signoff.core.routing import People
from signoff.sdk import run
from signoff.server.local import LocalPage
from signoff.testing.fakes import LABELS, two_topics


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProject:
    """Where the store is, the texts in it, and the link to its page."""

    store: Path
    texts: tuple[str, ...]
    link: str

    @classmethod
    @contextmanager
    def open(cls, store: Path, *, rows: int) -> Iterator[StoredProject]:
        """Make the project and serve it while the block runs."""
        texts = tuple(row["text"] for row in two_topics(rows))
        run(
            [{"text": text} for text in texts],
            labels=LABELS,
            text="text",
            policy=People(),
            reviewer="none",
            store=store,
        )
        with cls.serve(store) as link:
            yield cls(store=store, texts=texts, link=link)

    @staticmethod
    @contextmanager
    def serve(store: Path) -> Iterator[str]:
        """Serve the only project of a store while the block runs; the link to its page."""
        opened = open_store(str(store), create=False)
        found = opened.find_project(None)
        opened.close()
        assert found is not None
        with LocalPage.start(str(store), found.id, reviewer="ann") as page:
            yield page.url

    def answers(self) -> list[tuple[str, str]]:
        """Every answer that counts and stands, in order: the item's text and the label."""
        query = (
            "SELECT json_extract(q.shown, '$.text'), json_extract(r.answers, '$.answer.label')"
            " FROM reviews r JOIN requests q ON q.id = r.request"
            " WHERE NOT r.undone AND r.counted ORDER BY r.n"
        )
        with closing(sqlite3.connect(self.store)) as db:
            return [(str(text), str(label)) for text, label in db.execute(query)]
