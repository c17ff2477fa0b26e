"""A store's database: opened once, used in transactions and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from signoff.errors import StoreBusy
from signoff.store.database import (
    database_url,
    open_database,
    open_reader,
    run_outside_transaction,
    shown,
    translated,
)
from signoff.store.writers import Writers

T = TypeVar("T")


def _failure(work: Callable[[], object]) -> Exception | None:
    """Do something; what went wrong."""
    try:
        work()
    except Exception as error:
        return error
    return None


class Database:
    """The connections of one store; ``name`` is how messages call it, without a password."""

    def __init__(self, where: str, *, create: bool) -> None:
        self._url = database_url(where)
        self.name = shown(self._url)
        self._engine = open_database(self._url, create=create)
        self._reader = open_reader(self._engine)
        self._writers = Writers(self._engine) if self._engine.dialect.name == "sqlite" else None

    @property
    def is_file(self) -> bool:
        """Whether it is SQLite: one writes at a time, and to read is no journey."""
        return self._writers is not None

    def close(self) -> None:
        """Let go of the database."""
        if self._writers is not None:
            self._writers.close()
        self._reader.dispose()
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Generator[sa.Connection]:
        """One transaction, with errors in plain words."""
        own = self._engine.begin() if self._writers is None else self._writers.alone()
        with translated(self._url), own as db:
            yield db

    def write(self, work: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """One short change among many: on SQLite it shares its transaction with those that other
        threads write now. ``durable`` False spares the wait for the disk, where a power cut may
        take the change."""
        with translated(self._url):
            if self._writers is not None:
                return self._writers.write(work, durable=durable)
            with self._engine.begin() as db:
                return work(db)

    def together(
        self, works: Sequence[Callable[[], object]], *, durable: bool
    ) -> list[Exception | None]:
        """Do short works of several callers, each of which may read and write here: on SQLite in
        one transaction with one wait for the disk, ``durable`` as above. What went wrong with each
        of them; then nothing of it was done."""
        if self._writers is None:
            return [_failure(work) for work in works]
        try:
            with translated(self._url):
                failures = self._writers.together(works, durable=durable)
        except Exception as error:
            return [error] * len(works)
        return [None if each is None else self._in_plain_words(each) for each in failures]

    def _in_plain_words(self, error: Exception) -> Exception:
        """A failure as a method of this store raises it."""
        try:
            with translated(self._url):
                raise error
        except Exception as plain:
            return plain

    @contextmanager
    def reading(self, *, frozen: bool = False) -> Generator[sa.Connection]:
        """A transaction to read in, with errors in plain words; where it is ``frozen``, all its
        statements see the same moment, as they always do in SQLite."""
        present = None if self._writers is None else self._writers.present
        if present is not None:
            with translated(self._url):
                yield present
            return
        engine = self._reader
        if frozen and engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with translated(self._url), engine.begin() as db:
            yield db

    @contextmanager
    def snapshot(self) -> Generator[sa.Connection]:
        """One snapshot over many statements, while others go on writing."""
        with self.reading(frozen=True) as db:
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
