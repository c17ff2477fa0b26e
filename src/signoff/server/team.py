"""``signoff serve``: every project of a store on one page, with a worker beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signoff.accounts.directory import Directory
from signoff.accounts.entrance import Entrance
from signoff.errors import UsageError
from signoff.server import logs
from signoff.server.access import LocalAccess
from signoff.server.accounts import AccountAccess
from signoff.server.app import create_app
from signoff.server.bench import Benches
from signoff.server.guard import is_loopback, loopback_hosts
from signoff.server.serving import listen, port_of, serve
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects, open_served
from signoff.server.streams import StoredStreams
from signoff.server.work import StoredWork
from signoff.server.workers import WorkerProcess, worker_command, worker_environment
from signoff.store.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is served where. ``reviewer``: who answers where there are no accounts.

    ``behind_proxy``: a program in front speaks TLS. ``names``: hosts the server goes by.
    """

    store: str
    host: str
    port: int
    reviewer: str
    artifacts: Path | None = None
    behind_proxy: bool = False
    names: Sequence[str] = field(default_factory=tuple[str, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where the page is once it works; ``local``: the link lets one person in, once."""

    link: str
    local: bool


def serve_site(site: Site, *, tell: Callable[[Served], None]) -> None:
    """Serve until a signal ends it; ``tell`` hears where once it works.

    With accounts people sign in; without any, whoever opens the link at this computer may do all.

    Raises :class:`UsageError` where the address cannot be used.
    """
    with open_served(site.store, create=True, artifacts=site.artifacts) as store:
        logs.to_stderr(logging.WARNING)
        _serve(site, store, tell)


def _serve(site: Site, store: SqlStore, tell: Callable[[Served], None]) -> None:
    accounts = store.count_accounts()
    if not is_loopback(site.host):
        _refuse_without_admin(site, store)
    listener = listen(site.host, site.port)
    port = port_of(listener)
    access: LocalAccess | AccountAccess
    directory = Directory(store=store) if accounts else None
    if directory is not None:
        entrance = Entrance(directory=directory)
        access = AccountAccess(entrance, port=port, secure=site.behind_proxy)
        served = Served(link=address(site.host, port), local=False)
    else:
        access = LocalAccess(site.reviewer, port=port, role="admin")
        served = Served(link=f"{address(site.host, port)}/?token={access.token}", local=True)
    artifacts = None if site.artifacts is None else str(site.artifacts)
    worker = WorkerProcess(worker_command(), worker_environment(site.store, artifacts))
    app = create_app(
        StoredProjects(store=store),
        StoredDesks(store=store),
        access=access,
        hosts=allowed_hosts(site, port),
        worker=worker,
        office=Office.over(store),
        work=StoredWork(store=store),
        directory=directory,
        live_items=StoredStreams(store=store),
        benches=Benches.over(store),
        pictures=store.blobs,
    )
    worker.start()
    try:
        serve(app, listener, on_ready=lambda: tell(served), behind_proxy=site.behind_proxy)
    finally:
        worker.stop()


def _refuse_without_admin(site: Site, store: SqlStore) -> None:
    if store.count_accounts(everywhere="admin"):
        return
    raise UsageError(
        f"{site.host} can be reached from other computers, and nobody runs the site yet.",
        hint=f"Make an administrator first: signoff user add NAME --admin --store {store.name}",
        code="no_admin",
    )


def address(host: str, port: int) -> str:
    """What a browser on this computer calls a server."""
    shown = f"[{host}]" if ":" in host.strip("[]") and not host.startswith("[") else host
    return f"http://{shown}:{port}"


def allowed_hosts(site: Site, port: int) -> frozenset[str] | None:
    """The ``Host`` headers to answer to; None for all: a server for others that was told none."""
    named = {name.lower() for name in site.names}
    named |= {f"{name}:{port}" for name in named if ":" not in name}
    if is_loopback(site.host):
        return loopback_hosts(port) | named
    return frozenset(named) | loopback_hosts(port) if named else None
