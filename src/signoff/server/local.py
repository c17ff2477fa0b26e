"""The review page of a run: a process of its own, so that learning never makes people wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, cast

from signoff.errors import StoreError

SECONDS_TO_START = 60.0
SECONDS_TO_END = 10.0


class LocalPage:
    """The page of one project for one person; started by :meth:`start`, ended by :meth:`close`.

    The process ends with the one that started it, also where that is killed: then its standard
    input ends.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str, port: int) -> None:
        self._process = process
        self.url = url
        self.port = port

    @classmethod
    def start(
        cls,
        store: str,
        project: str,
        *,
        reviewer: str,
        port: int = 0,
        budget: int | None = None,
        seconds: float = SECONDS_TO_START,
    ) -> LocalPage:
        """Start the page of a stored project, by id; port 0 takes any free one.

        Raises :class:`StoreError` where it does not come up within ``seconds``; what is wrong
        stands on standard error.
        """
        options = ["--project", project, "--reviewer", reviewer]
        options += [] if budget is None else ["--budget", str(budget)]
        command = [sys.executable, "-m", "signoff.server", *options, "--port", str(port)]
        return cls.run(command, seconds=seconds, env={"SIGNOFF_PAGE_STORE": store})

    @classmethod
    def run(
        cls,
        command: Sequence[str],
        *,
        seconds: float = SECONDS_TO_START,
        env: Mapping[str, str] | None = None,
    ) -> LocalPage:
        """Start a command that serves a page and prints its link as :meth:`start` expects it."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            # Ctrl-C is for the run, which then ends the page.
            start_new_session=True,
        )
        line = _first_line(cast("IO[bytes]", process.stdout), seconds)
        try:
            said = json.loads(line or b"")
            return cls(process, str(said["url"]), int(said["port"]))
        except (ValueError, KeyError, TypeError):
            _end(process)
            why = f"it ended with exit code {process.returncode}"
            if line is None:
                why = f"not ready after {seconds:g} seconds"
            raise StoreError(
                f"The review page did not start: {why}.",
                hint="Pass --reviewer terminal to review here, which needs no page.",
                code="page",
            ) from None

    def alive(self) -> bool:
        """Whether the page can be reached."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the page; requests under way are finished."""
        _end(self._process)

    def __enter__(self) -> LocalPage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _first_line(stream: IO[bytes], seconds: float) -> bytes | None:
    """What a process prints first, nothing where it ends before; None where it takes too long."""
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(seconds)
    return lines[0] if lines else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then insist."""
    if process.stdin is not None:
        process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(SECONDS_TO_END)
            break
        except subprocess.TimeoutExpired:
            insist()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
