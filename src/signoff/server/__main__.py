"""``python -m signoff.server``: one project's page, as a child process of a run.

Prints one JSON line with the link, and nothing else. Ends when standard input does: the run that
started it is gone then, however it ended.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Sequence

from signoff.errors import SignoffError
from signoff.server import logs
from signoff.server.access import LocalAccess
from signoff.server.app import create_app
from signoff.server.bench import Benches
from signoff.server.desks import Desks, Projects
from signoff.server.guard import loopback_hosts
from signoff.server.serving import Serving, listen, port_of
from signoff.server.site.context import Office
from signoff.store.blobs import BlobFolder

LOOPBACK = "127.0.0.1"
STORE = "SIGNOFF_PAGE_STORE"
"""Names the store where arguments would show its password to everybody on the machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one project of a store until the parent process is gone; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m signoff.server", description=__doc__)
    parser.add_argument("--store", help=f"path or URL of the store; else {STORE} names it")
    parser.add_argument("--project", required=True, help="the project's id")
    parser.add_argument("--reviewer", required=True, help="whose answers they are")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--budget", type=int, help="answers the newest pool may get in all")
    wanted = parser.parse_args(arguments)
    try:
        from signoff.server.stored import StoredDesks, StoredProjects, open_served

        with open_served(wanted.store or os.environ.get(STORE, "")) as store:
            projects = StoredProjects(store=store, only=wanted.project, budget=wanted.budget)
            desks = StoredDesks(store=store, budget=wanted.budget)
            # The run that started this page does the work; it takes up no jobs.
            office = Office.over(store)
            serve_child(
                projects,
                desks,
                reviewer=wanted.reviewer,
                port=wanted.port,
                office=office,
                benches=Benches.over(store),
                pictures=store.blobs,
            )
    except SignoffError as error:
        print(error.message, error.hint, file=sys.stderr)
        return int(error.exit_code)
    return 0


def serve_child(
    projects: Projects,
    desks: Desks,
    *,
    reviewer: str,
    port: int,
    office: Office | None = None,
    benches: Benches | None = None,
    pictures: BlobFolder | None = None,
) -> None:
    """Serve one person, who runs what there is, until standard input or a signal ends it."""
    logs.to_stderr(logging.WARNING)
    listener = listen(LOOPBACK, port)
    port = port_of(listener)
    access = LocalAccess(reviewer, port=port, role="admin")
    app = create_app(
        projects,
        desks,
        access=access,
        hosts=loopback_hosts(port),
        office=office,
        benches=benches,
        pictures=pictures,
    )
    url = f"http://{LOOPBACK}:{port}/?token={access.token}"

    def tell() -> None:
        print(json.dumps({"url": url, "port": port}), flush=True)

    serving = Serving(app, on_ready=tell)
    threading.Thread(target=_end_with_parent, args=[serving], daemon=True).start()
    serving.run([listener])


def _end_with_parent(serving: Serving) -> None:
    # Not through sys.stdin: its lock would still be held when this thread is left behind.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    serving.stop()


if __name__ == "__main__":
    sys.exit(main())
