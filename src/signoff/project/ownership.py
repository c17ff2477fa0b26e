"""One live run per project: a lease with a heartbeat, given up at once when its process is gone."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from signoff.errors import SignoffError, StoreBusy
from signoff.store.store import SqlStore

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 15


def this_process() -> str:
    """host/pid/start: names this process, and no later one with the same pid."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_started(pid)}/{threading.get_ident()}"


def is_dead(owner: str) -> bool:
    """Whether an owner on this machine no longer runs; False for other machines' owners."""
    parts = owner.split("/")
    if len(parts) != 4 or parts[0] != socket.gethostname() or not parts[1].isdigit():
        return False
    try:
        os.kill(int(parts[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _started(int(parts[1])) != parts[2]


def _started(pid: int) -> str:
    """When a process started, where the system tells (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def _now() -> int:
    return time.time_ns() // 1000


@contextmanager
def owning(store: SqlStore, project: str, *, clock: Callable[[], int] = _now) -> Generator[None]:
    """Own a project's loop while the block runs; raises :class:`StoreBusy` where another does.

    A run that slept longer than its lease may be taken for dead. Once another has taken over, it
    writes nothing more: its next step raises :class:`Unfinished`.
    """
    owner = this_process()

    def take() -> None:
        now = clock()
        current = store.current_owner(project)
        dead = current if current is not None and is_dead(current) else None
        until = now + LEASE_SECONDS * 1_000_000
        other = store.take_ownership(project, owner, dead=dead, now=now, until=until)
        if other is not None:
            raise StoreBusy(
                f"{store.name} is in use by another run (process {other.split('/')[1]}"
                f" on {other.split('/')[0]}).",
                hint="Wait for it to end, or stop it; reviewing and reading need no waiting.",
            )

    def renew() -> None:
        until = clock() + LEASE_SECONDS * 1_000_000
        store.renew_ownership(project, owner, until=until)

    take()
    store.write_as(project, owner)
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(stop, renew), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        store.write_as(project, None)
        with suppress(SignoffError):
            store.release_ownership(project, owner)


def _heartbeat(stop: threading.Event, renew: Callable[[], None]) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        with suppress(SignoffError):
            renew()
