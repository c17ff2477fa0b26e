"""The migrations make exactly the tables of ``schema.py``, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from storeroom import Room

from signoff.core.questions import CANNOT_SAY
from signoff.errors import StoreBusy
from signoff.store.migrate import config
from signoff.store.schema import metadata, reviews
from signoff.store.schema_jobs import jobs


def test_migrations_and_schema_agree(room: Room) -> None:
    with room.store.reading() as db:
        context = MigrationContext.configure(
            db, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_every_index_and_its_condition_is_there(room: Room) -> None:
    """Alembic does not compare the conditions of partial indexes."""
    assert jobs.name in metadata.tables
    wanted = {index.name for table in metadata.tables.values() for index in table.indexes}
    with room.store.reading() as db:
        inspector = sa.inspect(db)
        made = {
            str(index["name"]): index
            for table in metadata.tables
            for index in inspector.get_indexes(table)
        }
    assert wanted <= set(made)
    assert made["ix_reviews_standing"]["unique"]
    key = "sqlite_where" if room.where.startswith("sqlite") else "postgresql_where"
    for name in ("ix_reviews_standing", "ix_requests_queue"):
        options = made[name].get("dialect_options", {})
        assert str(options.get(key, "")) != ""


def test_one_item_has_one_standing_answer_whatever_a_program_does(room: Room) -> None:
    """The database itself refuses a second one; answers taken back do not count."""
    room.add_pool()
    ann = room.add_reviewer("Ann")
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, CANNOT_SAY)
    with room.store.reading() as db:
        row = dict(db.execute(sa.select(reviews)).one()._mapping)
    del row["n"]
    with room.store.transaction() as db:
        db.execute(sa.insert(reviews).values({**row, "id": "taken back", "undone": True}))
    with pytest.raises(StoreBusy, match="same moment"), room.store.transaction() as db:
        db.execute(sa.insert(reviews).values({**row, "id": "second"}))


def test_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_sqlite_keeps_what_it_promises(sqlite_room: Room) -> None:
    """Durable, deleting for real, readers beside the writer, references that hold."""
    with sqlite_room.store.reading() as db:
        found = {
            name: db.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
    }
