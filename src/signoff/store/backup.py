"""Backup of a store while it is used, and restoring one into an empty place.

A backup is one snapshot of the database and the artifacts it names. It holds content, password
hashes and webhook secrets; the key that signs is not in it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from signoff.core.batches import BatchName
from signoff.errors import InputError, StoreError
from signoff.store.archive import FilePart, Kind, Manifest, Reader, TablePart, Writer
from signoff.store.database import bare_engine, database_url, shown, translated
from signoff.store.durable import UNFINISHED
from signoff.store.migrate import bring_to, knows, newest
from signoff.store.schema import artifacts, metadata
from signoff.store.schema_jobs import jobs, webhooks
from signoff.store.store import SqlStore
from signoff.store.transfers import EXPORTS
from signoff.version import VERSION

ROWS_AT_ONCE = 2_000
MOST_TRIES = 3
_KINDS: Sequence[tuple[type[TypeEngine[Any]], Kind]] = (
    (sa.JSON, "json"),
    (sa.LargeBinary, "bytes"),
    (sa.Boolean, "bool"),
    (sa.Integer, "int"),
    (sa.Float, "float"),
    (sa.String, "text"),
)
_TYPES: dict[Kind, TypeEngine[Any]] = {
    "json": sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
    "bytes": sa.LargeBinary(),
    "bool": sa.Boolean(),
    "int": sa.BigInteger(),
    "float": sa.Float(),
    "text": sa.Text(),
}


class _Moved(Exception):
    """An artifact of the snapshot was replaced meanwhile: something was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a backup or a restored store holds."""

    projects: int
    rows: int
    files: int
    keys: tuple[str, ...]
    """Ids of the keys that sign; none of them is in it."""


# ------------------------------------------------------------------------------- backup


def backup(store: SqlStore, out: Path, *, created: str) -> Copied:
    """Write a store to a new file, whole or not at all; others go on working.

    Raises :class:`InputError` where the file exists, :class:`StoreError` where the store is
    damaged or the file cannot be written.
    """
    if out.exists():
        raise InputError(f"{out} exists.", hint="Pass another file; backups replace nothing.")
    temporary = out.with_name(f".{out.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        for _ in range(MOST_TRIES):
            with contextlib.suppress(_Moved), _new_file(temporary) as file:
                copied = _fill(store, file, created)
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(out)
                return copied
    except OSError as error:
        raise StoreError(
            f"{out} could not be written: {error.strerror or error}.",
            hint="Check the folder and its space; nothing was written.",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    raise StoreError("The store is being erased from.", hint="Run again in a moment.")


@contextlib.contextmanager
def _new_file(path: Path) -> Generator[BinaryIO]:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _fill(store: SqlStore, file: BinaryIO, created: str) -> Copied:
    writer = Writer(file)
    try:
        return _write(store, writer, created)
    except BaseException:
        writer.abandon()
        raise


def _write(store: SqlStore, writer: Writer, created: str) -> Copied:
    with store.snapshot() as db:
        for table in metadata.sorted_tables:
            writer.table(table.name, _columns(table), _rows(db, table))
        named = list(db.execute(sa.select(artifacts)))
        owners = metadata.tables["projects"]
        projects = list(db.execute(sa.select(owners.c.id, owners.c.key_id)))
    for row in named:
        _add_artifact(store, writer, row)
    for project in projects:
        _add_blobs(store.artifacts.folder, writer, project.id)
    manifest = writer.close(signoff=VERSION, schema=newest(), created=created)
    return _copied(manifest, {str(project.key_id) for project in projects})


def _columns(table: sa.Table) -> list[tuple[str, Kind]]:
    return [(column.name, _kind(column.type)) for column in table.columns]


def _kind(type: TypeEngine[Any]) -> Kind:
    return next(kind for known, kind in _KINDS if isinstance(type, known))


def _rows(db: sa.Connection, table: sa.Table) -> Iterator[list[object]]:
    """A table's rows in the order of its key, a few thousand in memory."""
    query = sa.select(table).order_by(*table.primary_key.columns)
    found = db.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    for row in found:
        yield [
            base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in row
        ]


def _add_artifact(store: SqlStore, writer: Writer, row: sa.Row[tuple[object, ...]]) -> None:
    name: BatchName = row.name
    path = store.artifacts.path(row.project, name, row.root, row.sha256)
    try:
        sha256 = writer.file(f"{row.project}/{path.name}", path)
    except FileNotFoundError:
        raise _missing(store, row, path) from None
    if sha256 != row.sha256:
        raise StoreError(
            f"The store's file {path} is not as it was written.",
            hint="Restore it from a backup.",
            code="damaged",
        )


def _missing(store: SqlStore, row: sa.Row[tuple[object, ...]], path: Path) -> Exception:
    """Whether a file is missing because an erasure replaced it, or because it is lost."""
    with store.reading() as db:
        still = db.execute(
            sa.select(artifacts.c.root).where(
                artifacts.c.project == row.project,
                artifacts.c.root == row.root,
                artifacts.c.name == row.name,
                artifacts.c.sha256 == row.sha256,
            )
        ).first()
    if still is None:
        return _Moved()
    return StoreError(
        f"The store's file {path} is missing.",
        hint="Restore it; the database alone is not the whole store.",
        code="missing_artifact",
    )


def _add_blobs(folder: Path, writer: Writer, project: str) -> None:
    """Files in folders of a project's folder, but exports: values too large for a row."""
    for path in sorted((folder / project).glob("*/**/*")):
        inner = path.relative_to(folder / project)
        skipped = inner.parts[0] == EXPORTS or path.name.startswith((UNFINISHED, "."))
        if path.is_file() and not path.is_symlink() and not skipped:
            with contextlib.suppress(FileNotFoundError):
                writer.file(f"{project}/{inner.as_posix()}", path)


def _copied(manifest: Manifest, keys: set[str]) -> Copied:
    rows = {table.name: table.rows for table in manifest.tables}
    return Copied(
        projects=rows.get("projects", 0),
        rows=sum(rows.values()),
        files=len(manifest.files),
        keys=tuple(sorted(keys)),
    )


# ------------------------------------------------------------------------------- restore


def restore(archive: Path, where: str, *, folder: Path) -> Copied:
    """Make a store of a backup, whole or not at all, at an empty place.

    ``folder`` is for its artifacts. Nobody works on its projects then, and webhooks are off: it
    may be a copy beside the original. Raises :class:`StoreError` where the archive is damaged or
    newer, or the place is not empty.
    """
    reader = Reader(archive)
    try:
        if not knows(reader.manifest.schema):
            raise StoreError(
                f"{archive.name} was written by a newer version of signoff"
                f" (schema {reader.manifest.schema[:20]}).",
                hint="Update signoff to restore it.",
                code="newer_store",
            )
        url = database_url(where)
        with translated(url):
            _require_empty(url)
            _require_no_files(folder, reader.manifest)
            reader.check()
            return _build(reader, url, folder)
    finally:
        reader.close()


def _require_empty(url: sa.URL) -> None:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        if path.exists() and path.stat().st_size:
            raise _not_empty(url)
        if not path.parent.is_dir():
            raise StoreError(f"The folder {path.parent} does not exist.", hint="Create it.")
        return
    engine = bare_engine(url)
    try:
        if sa.inspect(engine).get_table_names():
            raise _not_empty(url)
    finally:
        engine.dispose()


def _not_empty(url: sa.URL) -> StoreError:
    return StoreError(
        f"{shown(url)} is not empty.", hint="Restore into a new file or an empty database."
    )


def _require_no_files(folder: Path, manifest: Manifest) -> None:
    for part in manifest.files:
        if (folder / part.path).exists():
            raise StoreError(
                f"{folder} holds files of this store already.",
                hint="Pass another --artifacts folder, or move that one away.",
            )


def _build(reader: Reader, url: sa.URL, folder: Path) -> Copied:
    """Files first, then the database that names them; on any failure neither."""
    made: list[Path] = []
    engine = bare_engine(url)
    done = False
    try:
        for part in reader.manifest.files:
            _put_file(reader, part, folder, made)
        with engine.begin() as db:
            keys = _put_tables(reader, db)
        done = True
        return _copied(reader.manifest, keys)
    finally:
        engine.dispose()
        if not done:
            _undo(url, made)


def _put_file(reader: Reader, part: FilePart, folder: Path, made: list[Path]) -> None:
    path = folder / part.path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    made.append(temporary)
    with temporary.open("xb") as file:
        file.writelines(reader.chunks(part))
        file.flush()
        os.fsync(file.fileno())
    made.append(path)
    temporary.replace(path)


def _put_tables(reader: Reader, db: sa.Connection) -> set[str]:
    """Every table as it was, brought to this version's schema; ids of the keys that sign."""
    bring_to(db, reader.manifest.schema)
    for part in reader.manifest.tables:
        _put_table(reader, part, db)
    bring_to(db, "head")
    projects = metadata.tables["projects"]
    db.execute(sa.update(projects).values(owner=None, owner_until=None))
    db.execute(sa.update(webhooks).values(active=False))
    db.execute(
        sa.update(jobs)
        .where(jobs.c.state == "running")
        .values(state="queued", leased_by=None, leased_until=None)
    )
    return {str(key) for key in db.scalars(sa.select(projects.c.key_id))}


def _put_table(reader: Reader, part: TablePart, db: sa.Connection) -> None:
    names = [name for name, _ in part.columns]
    blobs = [at for at, (_, kind) in enumerate(part.columns) if kind == "bytes"]
    table = sa.table(part.name, *(sa.column(name, _TYPES[kind]) for name, kind in part.columns))
    waiting: list[dict[str, object]] = []
    for row in reader.rows(part):
        for at in blobs:
            value = row[at]
            row[at] = None if value is None else base64.b64decode(str(value))
        waiting.append(dict(zip(names, row, strict=True)))
        if len(waiting) == ROWS_AT_ONCE:
            db.execute(sa.insert(table), waiting)
            waiting = []
    if waiting:
        db.execute(sa.insert(table), waiting)
    if "n" in names and db.dialect.name == "postgresql":
        _continue_numbers(db, part.name)


def _continue_numbers(db: sa.Connection, table: str) -> None:
    """Let PostgreSQL number new rows behind the restored ones; SQLite does so by itself."""
    counter = db.scalar(sa.select(sa.func.pg_get_serial_sequence(table, "n")))
    if counter is not None:
        number = sa.column("n", sa.BigInteger())
        last = db.scalar(sa.select(sa.func.max(number)).select_from(sa.table(table, number)))
        db.execute(sa.select(sa.func.setval(counter, (last or 0) + 1, False)))


def _undo(url: sa.URL, made: Sequence[Path]) -> None:
    for path in made:
        path.unlink(missing_ok=True)
    for parent in {path.parent for path in made}:
        with contextlib.suppress(OSError):
            parent.rmdir()
    if url.get_backend_name() == "sqlite":
        database = Path(str(url.database))
        for path in (database, *database.parent.glob(database.name + "-*")):
            path.unlink(missing_ok=True)
