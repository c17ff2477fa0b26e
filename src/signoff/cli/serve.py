"""``signoff serve``: the review page and its API, with a worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from signoff.cli.options import user_name
from signoff.cli.output import say

STORE_FILE = "projects.signoff.db"
HIGHEST_PORT = 65535

StoreOption = Annotated[
    str, typer.Option(metavar="PATH|URL", help="Where the projects are; a file is made if new.")
]
ArtifactsOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Columnar files. [default: beside a SQLite store]"),
]


def serve(
    store: StoreOption = STORE_FILE,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Which address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=HIGHEST_PORT, help="0 takes any free one.")
    ] = 8000,
    artifacts: ArtifactsOption = None,
    behind_proxy: Annotated[
        bool,
        typer.Option("--behind-proxy", help="A program in front speaks TLS and says who calls."),
    ] = False,
    host_name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name the server goes by. Repeatable."),
    ] = None,
    as_name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Your name, without accounts. [default: yours]"),
    ] = None,
) -> None:
    """Serve the review page.

    Every project of the store, with a worker beside it. Where the store has accounts people sign
    in; without any it serves this computer alone, and prints a link that works once. Ctrl-C ends
    it; nothing is lost.
    """
    from signoff.server.guard import is_loopback
    from signoff.server.team import Served, Site, serve_site

    def tell(served: Served) -> None:
        say(f"Open {served.link}")
        if not (behind_proxy or is_loopback(host)):
            say(
                "Passwords travel in the clear: put TLS in front, and pass --behind-proxy.",
                err=True,
            )
        say(f"(process {os.getpid()}; Ctrl-C ends it)")

    serve_site(
        Site(
            store=store,
            host=host,
            port=port,
            reviewer=as_name or user_name(),
            artifacts=artifacts,
            behind_proxy=behind_proxy,
            names=tuple(host_name or ()),
        ),
        tell=tell,
    )
