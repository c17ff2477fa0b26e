"""``signoff worker``: one more worker on a store."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import say
from signoff.cli.serve import ArtifactsOption

if TYPE_CHECKING:
    from signoff.errors import SignoffError


def worker(
    store: Annotated[
        str, typer.Option(metavar="PATH|URL", help="Where the projects are.", show_default=False)
    ],
    artifacts: ArtifactsOption = None,
) -> None:
    """Work on the projects of a store beside others.

    It learns and decides, imports, exports and sends webhooks. `signoff serve` has a worker of
    its own; a PostgreSQL store may have more, here and on other machines. Ctrl-C ends it; what it
    was doing is done by another.
    """
    from signoff.worker import give_way, insist, work_on

    give_way()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    threading.Thread(target=insist, args=[stop], daemon=True).start()
    work_on(
        store,
        stop,
        artifacts=artifacts,
        ready=lambda: say("Working; Ctrl-C ends it."),
        tell=_complain,
    )


def _complain(what: str, error: SignoffError) -> None:
    say(f"{what}: {error.message} {error.hint}".rstrip(), err=True)
