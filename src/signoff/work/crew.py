"""Everything a worker process does, each in a thread of its own and over a store of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from signoff.bootstrap import open_store
from signoff.errors import SignoffError
from signoff.store.store import SqlStore
from signoff.work.outbox import Outbox
from signoff.work.runner import JobRunner

SECONDS_TO_END = 8.0
Tell = Callable[[str, SignoffError], None]


@contextmanager
def beside(
    where: str, stop: threading.Event, on_error: Tell, *, artifacts: Path | None = None
) -> Generator[None]:
    """Do jobs and send webhooks while the block runs; sets ``stop`` where that cannot go on.

    A job that takes longer to end than a few seconds is left: another worker takes it over.
    """
    threads = [
        threading.Thread(target=_work, args=[where, artifacts, make, stop, on_error], daemon=True)
        for make in (_jobs, _webhooks)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS_TO_END)


def _jobs(store: SqlStore, stop: threading.Event, on_error: Tell) -> None:
    JobRunner(store=store, on_error=on_error).work(stop)


def _webhooks(store: SqlStore, stop: threading.Event, on_error: Tell) -> None:
    Outbox(store=store, on_error=on_error).work(stop)


def _work(
    where: str,
    artifacts: Path | None,
    work: Callable[[SqlStore, threading.Event, Tell], None],
    stop: threading.Event,
    on_error: Tell,
) -> None:
    try:
        store = open_store(where, create=False, artifacts=artifacts)
        try:
            work(store, stop, on_error)
        finally:
            store.close()
    except SignoffError as error:
        on_error("worker", error)
        stop.set()
    except Exception as error:
        on_error("worker", SignoffError(f"Internal error: {type(error).__name__}: {error}."))
        stop.set()
