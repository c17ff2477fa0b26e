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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
    def running(cls, folder: Path, *, items: int, reviewers: int) -> Iterator[SignoffServer]:
        """Make a fresh store and serve it; ended when the block ends."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        store = folder / "a.signoff.db"
        environ = {
            **os.environ, "PYTHONPATH": str(SOURCE), "SIGNOFF_HOME": str(folder / "home"),
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        made = subprocess.run(
            [
                sys.executable,
                str(HERE / "_server_store.py"),
                str(store),
                str(items),
                str(reviewers),
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


def _port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(rb":(\d+)", line)
        if found:
            return int(found.group(1))
    raise SystemExit("signoff serve did not start")


def _address(port: int, token: str) -> Address:
    return Address(port=port, headers={"Authorization": f"Bearer {token}"})


@dataclass(slots=True, kw_only=True)
class Reviewer:
    """One reviewer who leases an item at a time."""

    address: Address
    project: str

    def next(self) -> object | None:
        """The next item."""
        leased = self.address.json(
            "POST", f"/api/v1/projects/{self.project}/leases", {"limit": 1, "holding": []}
        )
        return leased["requests"][0]["id"] if leased["requests"] else None

    def submit(self, item: object) -> None:
        """Answer it."""
        body = {"request": item, "answers": {"answer": {"label": "Positive"}}, "seconds": 1.0}
        self.address.json("PUT", f"/api/v1/projects/{self.project}/reviews/{uuid.uuid4()}", body)
