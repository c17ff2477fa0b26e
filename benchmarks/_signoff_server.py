"""``signoff serve`` with accounts, on SQLite, on this machine: the other side of ``server.py``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _load import Address
from _measure import COMMAND, HERE, SOURCE

MANY_KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SignoffServer:
    """A running server over a store made for it."""

    store: Path
    port: int
    pid: int
    project: str
    admin: Address
    people: list[Address]

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, *, items: int, reviewers: int, stream: bool = False
    ) -> Iterator[SignoffServer]:
        """Make a fresh store and serve it; ended when the block ends. ``stream``: one whose model
        has learned from so many items, in place of rows that wait for people."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        store = folder / "a.signoff.db"
        environ = environment_of(folder)
        kind = ["stream"] if stream else []
        made = subprocess.run(
            [
                sys.executable,
                str(HERE / "_server_store.py"),
                str(store),
                str(items),
                str(reviewers),
                *kind,
            ],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise SystemExit(made.stderr[-2000:])
        told = json.loads(made.stdout.splitlines()[-1])
        command = [sys.executable, "-c", COMMAND, "serve", "--store", str(store), "--port", "0"]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log)
            try:
                port = _port(process)
                yield cls(
                    store=store,
                    port=port,
                    pid=process.pid,
                    project=told["project"],
                    admin=_address(port, told["admin"]),
                    people=[_address(port, token) for token in told["reviewers"]],
                )
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)

    @contextmanager
    def beside(self, script: str) -> Iterator[None]:
        """Run a script of this folder over the store while the block runs, from when it says that
        it has begun."""
        command = [sys.executable, str(HERE / script), str(self.store)]
        environ = environment_of(self.store.parent)
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit(f"{script} did not begin")
            yield
            if process.poll() is not None:
                raise SystemExit(f"{script} ended early")
        finally:
            process.kill()
            process.wait()

    def memory_mb(self) -> float:
        """What the server process holds now, without its worker."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found.group(1)) / MANY_KB if found else float("nan")

    def doubled(self) -> tuple[int, int]:
        """Items with more than one counted answer, and all counted answers."""
        with closing(sqlite3.connect(self.store)) as db:
            rows = db.execute(
                "SELECT count(*) FROM reviews WHERE counted AND NOT undone GROUP BY pool, item"
            ).fetchall()
        counts = [int(count) for (count,) in rows]
        return sum(count > 1 for count in counts), sum(counts)

    def wait(self, job: str) -> None:
        """Wait until the worker has done something."""
        while True:
            told = self.admin.json("GET", f"/api/v1/jobs/{job}")
            if told["state"] == "done":
                return
            if told["state"] == "failed":
                raise SystemExit(f"the worker failed: {told['error']}")
            time.sleep(0.05)


def environment_of(folder: Path) -> dict[str, str]:
    """Where signoff's code is and its key and settings are."""
    return {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "SIGNOFF_HOME": str(folder / "home"),
        "PYTHONUNBUFFERED": "1",
    }


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(rb":(\d+)", line)
        if found:
            return int(found.group(1))
    raise SystemExit("signoff serve did not start")


def _address(port: int, token: str) -> Address:
    return Address(port=port, headers={"Authorization": f"Bearer {token}"})


FEWEST_AHEAD, MOST_AHEAD, MINUTE_SECONDS = 10, 40, 60.0
"""As in ``web/src/queue.ts``."""


@dataclass(slots=True, kw_only=True)
class Reviewer:
    """One reviewer at the page: it leases ahead what a minute needs, 10 to 40 items, once less than
    half of that is left, and renews with each lease what it holds (``web/src/leases.ts``)."""

    address: Address
    project: str
    held: list[str] = field(default_factory=list[str])
    _answered: deque[float] = field(default_factory=deque[float])

    def _wanted(self) -> int:
        now = time.monotonic()
        while self._answered and now - self._answered[0] > MINUTE_SECONDS:
            self._answered.popleft()
        ahead = min(MOST_AHEAD, max(FEWEST_AHEAD, len(self._answered)))
        return ahead - len(self.held) if len(self.held) < ahead / 2 else 0

    @property
    def asks(self) -> bool:
        """Whether the page leases now."""
        return self._wanted() > 0

    def next(self) -> object | None:
        """The next item, from those held."""
        limit = self._wanted()
        if limit:
            path = f"/api/v1/projects/{self.project}/leases"
            leased = self.address.json("POST", path, {"limit": limit, "holding": self.held})
            self.held += [request["id"] for request in leased["requests"]]
        return self.held.pop(0) if self.held else None

    def submit(self, item: object) -> None:
        """Answer it."""
        body = {"request": item, "answers": {"answer": {"label": "Positive"}}, "seconds": 1.0}
        self.address.json("PUT", f"/api/v1/projects/{self.project}/reviews/{uuid.uuid4()}", body)
        self._answered.append(time.monotonic())

    def leave(self) -> None:
        """Close the page: what was not answered goes back."""
        body = {"requests": self.held}
        self.address.json("DELETE", f"/api/v1/projects/{self.project}/leases", body)
        self.held = []
