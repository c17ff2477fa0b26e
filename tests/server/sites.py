"""``signoff serve`` as a process, and what a test asks of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

SECONDS = 120.0
MODULES = """
import atexit, pathlib, sys
import signoff.cli as cli
atexit.register(lambda: pathlib.Path("modules").write_text("\\n".join(sys.modules)))
sys.exit(cli.main())
"""
"""The program; at its end it writes which modules it had loaded."""


class Site:
    """``signoff serve`` in a folder; ``options`` as typed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", MODULES, "serve", "--port", "0", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said: list[str] = []
        self.complaints: list[str] = []
        for stream, lines in (
            (self.process.stdout, self.said),
            (self.process.stderr, self.complaints),
        ):
            threading.Thread(
                target=lambda s=stream, li=lines: li.extend(s or ()), daemon=True
            ).start()
        wait_until(lambda: bool(self._links()) or self.process.poll() is not None)
        assert self._links(), "".join(self.complaints)
        self.link = self._links()[0]
        self.url = "/".join(self.link.split("/")[:3])

    def _links(self) -> list[str]:
        return re.findall(r"http://\S+:\d+\S*", "".join(self.said))

    def browser(self) -> Any:
        """A browser that knows nothing yet, but asks as the page does."""
        return httpx2.Client(base_url=self.url, headers={"X-Signoff": "1"}, timeout=30)

    def opened(self) -> Any:
        """A browser that opened the link."""
        browser = self.browser()
        assert browser.get(self.link, follow_redirects=False).status_code == 303
        return browser

    def worker_pids(self) -> list[int]:
        """The processes this server started."""
        task = Path(f"/proc/{self.process.pid}/task")
        return [
            int(pid)
            for thread in task.iterdir()
            for pid in (thread / "children").read_text().split()
        ]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(SECONDS)

    def modules(self) -> set[str]:
        """What the process had loaded when it ended."""
        return set((self.folder / "modules").read_text().split())


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Site]:
    """A site that ends with the block."""
    site = Site(folder, *options)
    try:
        yield site
    finally:
        site.end()


def wait_until(done: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Look until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
