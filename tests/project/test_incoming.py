"""Rows that come in: their keys, what is one item, which of them are new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from signoff.core.batches import seal
from signoff.core.questions import Choice, Form
from signoff.core.records import Pool, Project
from signoff.core.routing import People
from signoff.errors import StoreChanged
from signoff.loop.recorder import Recorder
from signoff.project.incoming import Grouping, IncomingRows, key_digest
from signoff.project.views import PoolViews
from signoff.store.store import SqlStore
from signoff.testing.stores import new_id

PROJECT = Project(
    id="01890a5d-ac96-774b-bcce-b302099a8057", name="reviews", form=Form((Choice.of(["A", "B"]),)),
    policy=People(), rules=(), process={}, model="text", group=True, text_column="text",
    key_column="id", hidden=(), key_id="k", created=0,
)  # fmt: skip


def incoming(project: Project, **columns: list[str]) -> IncomingRows:
    return IncomingRows.of(
        pl.DataFrame(columns), grouping=Grouping.of(project), key_column=project.key_column
    )


def test_the_same_key_with_the_same_content_is_one_row() -> None:
    rows = incoming(PROJECT, id=["1", "2", "1"], text=["a", "b", "a"])
    assert rows.table.rows() == [("1", "a"), ("2", "b")]
    assert rows.keys.to_list() == ["1", "2"]
    assert [row.decode() for row in rows.private()] == ['["1",["1","a"]]', '["2",["2","b"]]']


def test_rows_without_a_key_column_get_the_hash_of_their_content() -> None:
    keyless = replace(PROJECT, key_column=None)
    rows = incoming(keyless, text=["a", "b", "a"])
    again = incoming(keyless, text=["b", "a"])
    assert len(set(rows.keys)) == len(rows) == 3
    assert rows.keys.to_list()[:2] == again.keys.to_list()[::-1]
    assert rows.items == 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(str(tmp_path / "a.db"))
    yield opened
    opened.close()


def keep(store: SqlStore, project: Project, table: pl.DataFrame) -> Pool:
    rows = IncomingRows.of(table, grouping=Grouping.of(project), key_column=project.key_column)
    batch = seal("rows", rows.ints, rows.private(), entropy=bytes)
    number = len(store.pools(project.id)) + 1
    pool = Pool(
        project=project.id, number=number, rows=len(rows), items=rows.items, phase="learning",
        rows_root=batch.root,
    )  # fmt: skip
    store.add_pool(pool, batch, rows.stored(), [])
    return pool


@pytest.fixture
def keyed(store: SqlStore) -> Project:
    project = replace(PROJECT, id=new_id())
    store.create_project(project, [])
    keep(store, project, pl.DataFrame({"id": ["1", "2"], "text": ["a", "b"]}))
    return project


def new_of(store: SqlStore, project: Project, **columns: list[str]) -> list[str]:
    return incoming(project, **columns).not_stored(store, project)[0].keys.to_list()


def test_stored_rows_are_not_new_in_whatever_order(store: SqlStore, keyed: Project) -> None:
    assert new_of(store, keyed, id=["2", "1"], text=["b", "a"]) == []
    assert new_of(store, keyed, id=["2", "3", "1"], text=["b", "c", "a"]) == ["3"]


def test_a_stored_key_with_other_content_is_refused(store: SqlStore, keyed: Project) -> None:
    with pytest.raises(StoreChanged, match="Key '2' is in the store with other content"):
        new_of(store, keyed, id=["1", "2"], text=["a", "changed"])


def test_erased_rows_do_not_come_in_again(store: SqlStore, keyed: Project) -> None:
    recorder = Recorder(project=keyed.id, actor="t", clock=lambda: 1, new_id=new_id, entropy=bytes)
    event = recorder.event("item.erased", {"pool": 1, "item": 0, "rows": [0]})
    store.erase(keyed.id, 1, 0, [key_digest(keyed.id, "1")], event)
    rows = incoming(keyed, id=["1", "2", "3"], text=["a", "b", "c"])
    left, gone = rows.not_stored(store, keyed)
    assert (left.table["id"].to_list(), left.keys.to_list(), gone) == (["3"], ["3"], 1)
    (pool,) = store.pools(keyed.id)
    view = PoolViews(store, keyed, frozenset(), {})(pool)
    assert view.blank.tolist() == [True, False]
    assert view.items.texts == ["", "b"]


def test_digests_of_erased_keys_differ_between_projects() -> None:
    assert key_digest("a", "k") != key_digest("b", "k")


def test_a_pool_is_read_once(store: SqlStore, keyed: Project) -> None:
    (pool,) = store.pools(keyed.id)
    views = PoolViews(store, keyed, frozenset(), {})
    assert views(pool) is views(pool)
    assert views(pool).rows.tolist() == [1, 1]
