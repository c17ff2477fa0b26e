"""``signoff review``: the terminal reviewer at a server's queue."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import say
from signoff.errors import Exit, UsageError

if TYPE_CHECKING:
    from signoff.client.desk import RemoteDesk
    from signoff.ports import Reviewer

TOKEN = "SIGNOFF_TOKEN"


def review(
    url: Annotated[str, typer.Argument(metavar="URL", help="A server: signoff serve prints it.")],
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="[default: the only one there is]")
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Wait where others or the machine are at it, or end there.")
    ] = True,
) -> None:
    """Answer a server's items in the terminal.

    SIGNOFF_TOKEN holds an API token (signoff user token makes one); without it a terminal is asked.
    """
    from signoff.client import Client
    from signoff.client.desk import RemoteDesk
    from signoff.terminal import TerminalReviewer

    with Client(url, token=_token()) as client:
        desk = RemoteDesk.at(client.project(project))
        reviewer = TerminalReviewer(name=client.me().name)
        raise typer.Exit(int(_review(reviewer, desk, wait=wait)))


def _review(reviewer: Reviewer, desk: RemoteDesk, *, wait: bool) -> Exit:
    """Answer until every item is decided, or somebody stops."""
    told = ""
    while reviewer.review(desk):
        if desk.retry_seconds is None:
            say(desk.why or "Every item is decided.")
            return Exit.DONE
        if desk.why != told:
            told = desk.why
            say(told)
        if not wait:
            return Exit.UNFINISHED
        time.sleep(desk.retry_seconds)
    return Exit.UNFINISHED


def _token() -> str:
    """The token from the environment, else from whoever sits there; never an argument, which
    everybody on the machine could read."""
    found = os.environ.get(TOKEN)
    if found:
        return found
    if not sys.stdin.isatty():
        raise UsageError("There is no token.", hint=f"Set {TOKEN} to an API token.")
    return str(typer.prompt("API token", hide_input=True))
