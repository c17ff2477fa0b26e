"""The worker of a server: a process beside it that is started again when it dies."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Literal, cast

from signoff.server.logs import note
from signoff.worker import STORE

SECONDS_TO_END = 10.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 60.0
"""A worker that lived this long was no failure: the next pause is the first one again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """How the worker is: ``since`` when (microseconds), ``trouble``: what it said went wrong.

    "waiting": it ended by itself and is started again after a pause.
    """

    state: Literal["starting", "working", "waiting", "stopped"]
    since: int
    restarts: int = 0
    trouble: str | None = None


def worker_command() -> list[str]:
    """What starts a worker of this installation."""
    return [sys.executable, "-m", "signoff.worker"]


def worker_environment(store: str, artifacts: str | None) -> dict[str, str]:
    """What tells a worker its store: an address may hold a password, and arguments are public."""
    told = {STORE: store}
    return told if artifacts is None else {**told, "SIGNOFF_ARTIFACTS": artifacts}


class WorkerProcess:
    """Keeps one worker process alive from :meth:`start` to :meth:`stop`.

    The process ends with the one that started it, also where that is killed: then its standard
    input ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._command = list(command)
        self._env = {**os.environ, "PYTHONUNBUFFERED": "1", **env}
        self._first_pause = first_pause
        self._ending = threading.Event()
        self._again = threading.Event()
        self._lock = threading.Lock()
        self._state = WorkerState(state="stopped", since=_now())
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep, name="worker", daemon=True)

    @property
    def state(self) -> WorkerState:
        """How the worker is now."""
        return self._state

    def start(self) -> None:
        """Start the worker, and whoever starts it again."""
        self._keeper.start()

    def restart(self) -> None:
        """End the worker and start it again at once; what it was doing is done again."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()
        self._again.set()

    def stop(self) -> None:
        """End the worker for good; what it is in the middle of is finished or given up."""
        self._ending.set()
        self._again.set()
        with self._lock:
            process = self._process
        if process is not None:
            _end(process)
        if self._keeper.is_alive():
            self._keeper.join()
        self._tell(state="stopped")

    # ------------------------------------------------------------------ keeping

    def _keep(self) -> None:
        pause = self._first_pause
        while not self._ending.is_set():
            self._again.clear()
            began = time.monotonic()
            code = self._run_once()
            if self._ending.is_set():
                return
            if time.monotonic() - began > HEALTHY_SECONDS:
                pause = self._first_pause
            self._note_end(code, pause)
            self._again.wait(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _run_once(self) -> int:
        """Start the worker and listen to it until it ends; its exit code."""
        self._tell(state="starting")
        with self._lock:
            if self._ending.is_set():
                return 0
            process = self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._env,
                # Ctrl-C is for the server, which then ends the worker.
                start_new_session=True,
            )
        for line in cast("IO[bytes]", process.stdout):
            self._hear(line)
        code = process.wait()
        with self._lock:
            self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def _hear(self, line: bytes) -> None:
        """Take what the worker says: one JSON object a line."""
        try:
            said = json.loads(line)
            trouble = said["trouble"]
        except (ValueError, KeyError, TypeError):
            return
        if trouble is None:
            self._tell(state="working", trouble=None)
        else:
            self._tell(state="working", trouble=str(trouble))

    def _note_end(self, code: int, pause: float) -> None:
        note("worker ended", level=logging.WARNING, code=code, pause=pause)
        restarts = self._state.restarts + 1
        trouble = self._state.trouble or f"It ended with exit code {code}."
        self._tell(state="waiting", restarts=restarts, trouble=trouble)

    def _tell(self, **changes: object) -> None:
        self._state = replace(self._state, since=_now(), **changes)  # pyright: ignore[reportArgumentType]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then insist."""
    if process.stdin is not None:
        process.stdin.close()
    for insist in (process.terminate, process.kill):
        try:
            process.wait(SECONDS_TO_END)
            return
        except subprocess.TimeoutExpired:
            insist()
    process.wait()


def _now() -> int:
    return time.time_ns() // 1000
