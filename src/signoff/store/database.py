"""Opening SQLite and PostgreSQL databases: pragmas, migrations, and errors in plain words."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy import event, exc

from signoff.errors import InputError, StoreBusy, StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 20
RETRY_SECONDS = 0.02
PEN_SECONDS = 0.002
"""How often who waits to write looks again. SQLite's own waiting is up to a tenth of a second
longer than the write it waits for, and whoever writes much would have begun the next one."""
SQLITE_MAGIC = b"SQLite format 3\x00"
SQLITE_HEADER_BYTES = 100


def database_url(where: str) -> sa.URL:
    """The URL of a store named by a file path, ``sqlite:///path`` or ``postgresql://...``."""
    if "://" not in where:
        return _file_url(where)
    try:
        url = sa.make_url(where)
    except (exc.ArgumentError, ValueError):
        raise InputError(
            f"{where.rpartition('@')[2]!r} is no store address.",
            hint="Pass a file path, sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
        ) from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        return _file_url(url.database or "")
    if url.get_backend_name() != "postgresql":
        raise InputError(
            f"{url.drivername!r} is no database signoff knows.",
            hint="Use SQLite (a file path) or PostgreSQL.",
        )
    if "@" in (url.host or ""):
        raise InputError(
            "A store address has a second '@' before its host.",
            hint="Write an '@' of the password as %40.",
        )
    return url


def _file_url(path: str) -> sa.URL:
    if path in ("", ":memory:"):
        raise InputError(f"{path!r} names no file to keep a store in.", hint="Pass a file path.")
    return sa.URL.create("sqlite", database=str(Path(path)))


def shown(url: sa.URL) -> str:
    """The store as messages name it: never with a password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    public = {name: value for name, value in url.query.items() if "pass" not in name.lower()}
    return url.set(query=public).render_as_string(hide_password=True)


def open_database(url: sa.URL, *, create: bool) -> sa.Engine:
    """An engine on an up-to-date schema.

    Raises :class:`StoreError` where the store is missing (and ``create`` is False), damaged,
    written by a newer version, or cannot be reached.
    """
    if url.get_backend_name() == "sqlite":
        _check_file(Path(str(url.database)), create=create)
    engine = _engine(url)
    try:
        with translated(url):
            from signoff.store.migrate import upgrade

            upgrade(engine, create=create, name=shown(url))
            _write_ahead(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def bare_engine(url: sa.URL) -> sa.Engine:
    """An engine on a database as it is, whatever its schema; nothing is made or changed."""
    return _engine(url)


def _write_ahead(engine: sa.Engine) -> None:
    """Let readers and a writer work side by side; only once the file is known to be ours, since
    SQLite notes the mode in the file."""
    if engine.dialect.name != "sqlite":
        return
    if run_outside_transaction(engine, "PRAGMA journal_mode") == ("wal",):
        return
    # Changing the mode does not wait for another connection as everything else does.
    last = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            run_outside_transaction(engine, "PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
        time.sleep(RETRY_SECONDS)


def run_outside_transaction(engine: sa.Engine, pragma: str) -> tuple[object, ...]:
    """The first row of a statement that SQLite refuses inside a transaction."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(pragma)
        return tuple(cursor.fetchone() or ())
    finally:
        connection.close()


def _check_file(path: Path, *, create: bool) -> None:
    """Refuse what cannot be a store before SQLite touches it."""
    with translated(sa.URL.create("sqlite", database=str(path))):
        if path.is_dir():
            raise StoreError(f"{path} is a directory, not a store.", hint="Name the .db file.")
        if not path.exists():
            return _check_place(path, create=create)
        if not path.is_file():
            raise StoreError(f"{path} is not a file.", hint="Name the .db file of a store.")
        head = _head(path)
        size = path.stat().st_size
    if head and not head.startswith(SQLITE_MAGIC):
        raise StoreError(
            f"{path} is not a signoff store (it does not begin like an SQLite file).",
            hint="Restore it from a backup, or pass another --store.",
        )
    missing = _missing_bytes(path, head, size)
    if missing:
        raise StoreError(
            f"{path} is damaged: its last {missing} bytes are missing.",
            hint="Restore it from a backup.",
            code="damaged",
        )
    return None


def _check_place(path: Path, *, create: bool) -> None:
    if not create:
        raise StoreError(f"There is no store at {path}.", hint="Check the path.")
    if not path.parent.is_dir():
        raise StoreError(
            f"The folder {path.parent} does not exist.", hint="Create it, or pass --store."
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SQLITE_HEADER_BYTES)


def _missing_bytes(path: Path, head: bytes, size: int) -> int:
    """How much a file is shorter than its header says; SQLite tells only when it reads there.

    The header counts once it was folded in: not while a write-ahead log waits beside the file.
    Source: the SQLite file format, sections 1.3.2 and 1.3.8.
    """
    log = path.with_name(path.name + "-wal")
    if not head or (log.exists() and log.stat().st_size):
        return 0
    if len(head) < SQLITE_HEADER_BYTES:
        return SQLITE_HEADER_BYTES - len(head)
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    if head[24:28] != head[92:96]:
        return 0
    return max(0, pages * (65536 if page == 1 else page) - size)


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        try:
            return sa.create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise StoreError(
                "PostgreSQL needs the psycopg package.", hint='Run: pip install "signoff[postgres]"'
            ) from None
    return _sqlite(url, synchronous="FULL")


def open_unsynced(engine: sa.Engine) -> sa.Engine:
    """A second engine on an open SQLite file, whose commits do not wait for the disk.

    A power cut may take its last commits, and never harms the file; a commit of the first engine
    makes everything before it durable. Source: SQLite's documentation of PRAGMA synchronous.
    """
    return _sqlite(engine.url, synchronous="NORMAL")


def open_reader(engine: sa.Engine) -> sa.Engine:
    """An engine on an open database for transactions that only read: in SQLite they wait for nobody
    and nobody waits for them."""
    if engine.dialect.name != "sqlite":
        return engine.execution_options(reading=True)
    return _sqlite(engine.url, synchronous="FULL", begin=_begin_reading)


def _begin_reading(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")


def _begin_writing(connection: sqlite3.Connection) -> None:
    """Take the write lock at once, since a transaction that reads first could not be upgraded.

    Raises sqlite3's error where somebody else has it for :data:`BUSY_SECONDS`.
    """
    connection.execute("PRAGMA busy_timeout=0")
    try:
        last = time.monotonic() + BUSY_SECONDS
        while not _has_pen(connection, final=time.monotonic() > last):
            time.sleep(PEN_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _has_pen(connection: sqlite3.Connection, *, final: bool) -> bool:
    """Try to take the write lock; ``final``: raises where somebody else has it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if final or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _sqlite(
    url: sa.URL,
    *,
    synchronous: Literal["FULL", "NORMAL"],
    begin: Callable[[sqlite3.Connection], None] = _begin_writing,
) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", partial(_on_connect, synchronous))
    # No listener, since one that hears of transactions slows every statement down.
    setattr(engine.dialect, "do_begin", begin)  # noqa: B010
    return engine


def _on_connect(
    synchronous: str, connection: DBAPIConnection, _record: ConnectionPoolEntry
) -> None:
    """Durable (an acknowledged answer survives a power cut), and really deleting what is erased."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"synchronous={synchronous}",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def translated(url: sa.URL) -> Generator[None]:
    """Database and disk errors as one clear line each."""
    name = shown(url)
    try:
        yield
    except exc.DBAPIError as error:
        raise _plain(error.orig or error, name) from error
    except sqlite3.Error as error:
        raise _plain(error, name) from error
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{name} is damaged (a column holds no JSON: {error}).",
            hint="Restore it from a backup.",
            code="damaged",
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(name) from error
        raise StoreError(
            f"{name} cannot be used: {error.strerror or error}.",
            hint="Check the disk and its permissions; nothing stored before is lost.",
        ) from error


Trouble = Literal["full", "readonly", "busy", "raced", "damaged", "disk"]

SQLITE_TROUBLES: Mapping[int, Trouble] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_CONSTRAINT: "raced",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_IOERR: "disk",
}
POSTGRESQL_TROUBLES: Mapping[str, Trouble] = {
    "53100": "full",
    "25006": "readonly",
    "40P01": "busy",
    "40001": "busy",
    "55P03": "busy",
    "23505": "raced",
    "XX001": "damaged",
    "XX002": "damaged",
}


def _trouble(error: BaseException) -> Trouble | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        return SQLITE_TROUBLES.get(code & 0xFF)
    return POSTGRESQL_TROUBLES.get(str(getattr(error, "sqlstate", None)))


def _disk_full(name: str) -> StoreError:
    return StoreError(
        f"The disk is full while writing {name}.",
        hint="Free some space and run again; everything acknowledged is kept.",
        code="disk_full",
    )


def _plain(error: BaseException, name: str) -> StoreError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    match _trouble(error):
        case "full":
            return _disk_full(name)
        case "readonly":
            return StoreError(f"{name} cannot be written.", hint="Check permissions and the disk.")
        case "busy":
            return StoreBusy(f"{name} is busy in another process.", hint="Try again in a moment.")
        case "raced":
            return StoreBusy(
                f"{name} was changed by another process at the same moment.", hint="Run again."
            )
        case "damaged":
            return StoreError(
                f"{name} is damaged ({reason}).", hint="Restore it from a backup.", code="damaged"
            )
        case "disk":
            return StoreError(
                f"{name} cannot be read or written ({reason}).",
                hint="Check the disk, its space and its permissions.",
            )
        case None:
            return StoreError(f"{name}: {reason}.", hint="Can the database be reached?")


def integrity_problem(connection: sa.Connection) -> str | None:
    """What SQLite's own check finds wrong with the file, if anything."""
    if connection.dialect.name != "sqlite":
        return None
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    return None if found == "ok" else found
