"""A store's database: opened once, used in transactions and snapshots."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa

from signoff.errors import StoreBusy
from signoff.store.database import (
    database_url,
    open_database,
    run_outside_transaction,
    shown,
    translated,
)


class Database:
    """The connections of one store; ``name`` is how messages call it, without a password."""

    def __init__(self, where: str, *, create: bool) -> None:
        self._url = database_url(where)
        self.name = shown(self._url)
        self._engine = open_database(self._url, create=create)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Generator[sa.Connection]:
        """One transaction, with errors in plain words."""
        with translated(self._url), self._engine.begin() as db:
            yield db

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """One snapshot to read from, with errors in plain words."""
        engine = self._engine.execution_options(reading=True)
        with translated(self._url), engine.begin() as db:
            yield db

    def compact(self) -> None:
        """Fold SQLite's write-ahead log into the file, so that erased bytes are gone from disk.

        Raises :class:`StoreBusy` where another process holds on to the old bytes.
        """
        if self._engine.dialect.name != "sqlite":
            return
        with translated(self._url):
            held, *_ = run_outside_transaction(self._engine, "PRAGMA wal_checkpoint(TRUNCATE)")
        if held:
            raise StoreBusy(
                f"{self.name} is open in another process: what was erased is still in its"
                " write-ahead log.",
                hint="It goes when that process ends; nothing is left to do here.",
            )
