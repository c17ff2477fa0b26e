"""Bringing a database to the schema of this version, with Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from signoff.errors import StoreError
from signoff.store.database import open_reader

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 0x5160FF  # any number, the same for every process


def config() -> Config:
    """Alembic's configuration: the migrations in this package."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return settings


def upgrade(engine: sa.Engine, *, create: bool, name: str) -> None:
    """Run the migrations that are missing; refuse a store of a newer version."""
    settings = config()
    script = ScriptDirectory.from_config(settings)
    current = _revision(engine)
    if current == script.get_current_head():
        return
    with engine.begin() as connection:
        _alone(connection)
        current = MigrationContext.configure(connection).get_current_revision()
        if current == script.get_current_head():
            return
        tables = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        if tables and (current is None or "checkpoints" not in tables):
            raise StoreError(
                f"{name} holds another program's tables ({', '.join(sorted(tables)[:3])}, ...).",
                hint="Pass another --store.",
            )
        if current is None and not create:
            raise StoreError(f"{name} holds no signoff store.", hint="Check the path.")
        if current is not None and current not in _revisions(script):
            raise StoreError(
                f"{name} was written by a newer version of signoff (schema {current}).",
                hint="Update signoff to open it.",
                code="newer_store",
            )
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def _revision(engine: sa.Engine) -> str | None:
    """The revision of a database, read beside whoever writes in it now."""
    reader = open_reader(engine)
    try:
        with reader.begin() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        reader.dispose()


def newest() -> str:
    """The revision of this version's schema."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def knows(revision: str) -> bool:
    """Whether this version can read a database of that revision."""
    return revision in _revisions(ScriptDirectory.from_config(config()))


def bring_to(connection: sa.Connection, revision: str) -> None:
    """Make or change the tables to a revision, within the connection's transaction."""
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


def _revisions(script: ScriptDirectory) -> set[str]:
    return {revision.revision for revision in script.walk_revisions()}


def _alone(connection: sa.Connection) -> None:
    """Let one process at a time create or change the tables; SQLite's write lock does that."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
