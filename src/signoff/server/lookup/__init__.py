"""Looks into columnar files for a server that does not load what reads them.

Item data and a model's decisions are Parquet files, and reading those takes polars, which would
double the server's memory and hold its lock. So a child process reads: started by the first
question, asked over its standard input and output one line of JSON at a time, ended when nobody
has asked for a while. It is told which files to read and has no access to the database.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, cast

from signoff.core.records import Json, Pool, Project
from signoff.errors import InputError, StoreBusy, StoreError
from signoff.store.store import SqlStore

IDLE_SECONDS = 180.0
SECONDS_TO_ANSWER = 30.0

By = Literal["any", "model", "others"]
Order = Literal["item", "doubt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An item of a pool: ``text`` shortened; ``said`` (answers as text by question) and
    ``confidence``, the least of them, where the model decided.

    ``cursor``: where the next page of its list begins.
    """

    item: int
    key: str
    text: str
    said: Mapping[str, str]
    confidence: float | None
    cursor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Items in a row. ``more``: whether there may be others behind them."""

    items: Sequence[Found]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One item with its whole text; its other columns where they were asked for."""

    item: int
    key: str
    text: str
    fields: Json
    said: Mapping[str, str]
    confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The beginning of an uploaded table: column names, rows of text, the likely text column;
    ``pictures``: whether it came with pictures, which that column names."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: str | None
    pictures: bool = False


class Lookup:
    """Answers questions about the files of a store; safe to use from several threads."""

    def __init__(self, store: SqlStore, *, idle: float = IDLE_SECONDS) -> None:
        self._store = store
        self._idle = idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._sleeper: threading.Timer | None = None

    # ------------------------------------------------------------------ questions

    def items(
        self,
        project: Project,
        pool: Pool,
        *,
        after: int | None,
        limit: int,
        search: str = "",
        by: By = "any",
        label: tuple[str, str] | None = None,
        order: Order = "item",
    ) -> Page:
        """The items of a pool behind a cursor: those holding ``search``, decided ``by``, under a
        ``label`` of the model (question and label). In order "doubt" the least sure of the model's
        come first."""
        answer = self._ask(
            "items",
            {
                **self._files(project, pool),
                "after": after,
                "limit": limit,
                "search": search,
                "by": by,
                "label": label,
                "order": order,
            },
        )
        rows = cast("Sequence[Json]", answer["items"])
        return Page(
            items=[Found(**row) for row in rows],  # pyright: ignore[reportArgumentType]
            more=bool(answer["more"]),
        )

    def item(self, project: Project, pool: Pool, number: int, *, fields: bool) -> Whole | None:
        """One item of a pool; None where there is none, or it was erased."""
        answer = self._ask(
            "item", {**self._files(project, pool), "number": number, "fields": fields}
        )
        found = cast("Json | None", answer["item"])
        return None if found is None else Whole(**found)  # pyright: ignore[reportArgumentType]

    def find(self, project: Project, pool: Pool, key: str) -> int | None:
        """The number of the item that a row with this key belongs to."""
        answer = self._ask("find", {**self._files(project, pool), "key": key})
        return cast("int | None", answer["number"])

    def preview(self, path: Path, name: str, *, most_bytes: int) -> Preview:
        """The beginning of a table; raises :class:`InputError` where it cannot be read as one, or
        says that it becomes larger than ``most_bytes``."""
        answer = self._ask("preview", {"path": str(path), "name": name, "most_bytes": most_bytes})
        return Preview(**answer)  # pyright: ignore[reportArgumentType]

    def _files(self, project: Project, pool: Pool) -> Json:
        """Where a pool's rows and the model's decisions lie, and how to read them."""
        return {
            "folder": str(self._store.folder),
            "project": project.id,
            "rows": self._file(project, "rows", pool.rows_root),
            "questions": [
                {
                    "definition": question.to_json(),
                    "decisions": self._decisions(project, pool, name),
                }
                for name, question in zip(project.form.names, project.form.questions, strict=True)
            ],
            "text_column": project.text_column,
            "hidden": list(project.hidden),
        }

    def _decisions(self, project: Project, pool: Pool, question: str) -> Json | None:
        root = pool.model_roots.get(question)
        return None if root is None else self._file(project, "decisions", root)

    def _file(self, project: Project, name: str, root: str) -> Json:
        return {"root": root, "sha256": self._store.artifact_digest(project.id, name, root)}

    # -------------------------------------------------------------------- process

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _ask(self, what: str, about: Json) -> Json:
        line = json.dumps({"what": what, **about}).encode() + b"\n"
        with self._lock:
            said = self._exchange(line)
            self._sleep_later()
        if said is None:
            raise StoreBusy("Looking into the data took too long.", hint="Search more narrowly.")
        answer = cast("Json", json.loads(said))
        trouble = cast("dict[str, str] | None", answer.get("trouble"))
        if trouble is None:
            return answer
        kind = InputError if trouble["kind"] == "input" else StoreError
        raise kind(trouble["message"], hint=trouble["hint"])

    def _exchange(self, line: bytes) -> bytes | None:
        """Send a question; the answer, or None where the child died over it or took too long."""
        process = self._running()
        patience = threading.Timer(SECONDS_TO_ANSWER, process.kill)
        patience.start()
        try:
            into, out = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
            into.write(line)
            into.flush()
            return out.readline() or None
        except BrokenPipeError:
            return None
        finally:
            patience.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "signoff.server.lookup"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C is for the server; the child ends with its standard input.
                start_new_session=True,
            )
        return self._process

    def _sleep_later(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._sleeper = threading.Timer(self._idle, self.close)
        self._sleeper.daemon = True
        self._sleeper.start()

    def _end(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
            self._sleeper = None
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.kill()
        self._process.wait()
        self._process = None


def as_json(value: Found | Whole | Preview) -> Json:
    """What the child sends of a result."""
    return asdict(value)
