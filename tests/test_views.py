"""From rows to items: what is one item, what only people may decide, which rows are new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.batches import seal
from signoff.core.questions import Choice
from signoff.core.records import Pool, Project
from signoff.core.routing import AskAlways, Certified, People
from signoff.errors import StoreChanged
from signoff.ports import PoolView
from signoff.recorder import Recorder
from signoff.store.store import SqlStore
from signoff.testing.stores import new_id
from signoff.views import Columns, NewRows, PoolViews, group, key_digest, pool_view, rows_not_stored

PROJECT = Project(
    id="01890a5d-ac96-774b-bcce-b302099a8057", name="reviews", question=Choice.of(["A", "B"]),
    policy=People(), rules=(), process={}, model="text", group=True, text_column="text",
    key_column=None, hidden=(), key_id="k", created=0,
)  # fmt: skip

texts = st.lists(st.none() | st.sampled_from(["", " ", "a", "b", "c", "NaN", "nan"]), min_size=1)


def grouped(frame: pl.DataFrame, project: Project = PROJECT) -> NewRows:
    return group(frame, [f"k{at}" for at in range(frame.height)], project)


def viewed(frame: pl.DataFrame, project: Project = PROJECT, *hidden: str) -> PoolView:
    """The view of a pool of these rows, as the store gives them back."""
    rows = grouped(frame, project)
    ours = {"__signoff_row": rows.ints[:, 0], "__signoff_item": rows.ints[:, 1]}
    stored = rows.stored().with_columns(**{name: pl.Series(v) for name, v in ours.items()})
    return pool_view(stored, project, hidden=frozenset(hidden))


def frame(values: list[str | None], **more: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"text": pl.Series(values, dtype=pl.String), **more})


@given(values=texts)
def test_equal_texts_are_one_item_and_blank_ones_share_nothing(values: list[str | None]) -> None:
    rows = grouped(frame(values))
    item_of = rows.item_of_row.tolist()
    for a, text in enumerate(values):
        for b in range(a):
            blank = text is None or not text.strip()
            assert (item_of[a] == item_of[b]) == (not blank and text == values[b])
    assert rows.items == len(set(item_of))
    assert sorted(set(item_of)) == list(range(rows.items))
    first = [item_of.index(item) for item in range(rows.items)]
    assert first == sorted(first)


@given(values=texts)
def test_the_rows_of_all_items_are_all_rows(values: list[str | None]) -> None:
    view = viewed(frame(values))
    assert view.rows.sum() == len(values)
    assert (view.rows >= 1).all()
    assert len(view.items) == len(view.keys) == len(view)


@given(values=texts)
def test_nothing_to_read_is_for_people_only(values: list[str | None]) -> None:
    view = viewed(frame(values))
    for text, blank in zip(view.items.texts, view.blank.tolist(), strict=True):
        assert blank == (not text.strip() or text.lower() == "nan")


def test_without_grouping_each_row_is_an_item() -> None:
    rows = grouped(frame(["a", "a", "b"]), replace(PROJECT, group=False))
    assert rows.item_of_row.tolist() == [0, 1, 2]


def test_equal_texts_of_two_slices_are_two_items() -> None:
    project = replace(PROJECT, policy=Certified(slice="kind"))
    view = viewed(frame(["a", "a", "a"], kind=["x", "y", "x"]), project)
    assert view.slice_names == ("x", "y")
    assert view.slices.tolist() == [0, 1]
    assert view.rows.tolist() == [2, 1]


def test_a_rule_sends_its_rows_to_people_and_not_their_equals() -> None:
    project = replace(PROJECT, rules=(AskAlways(column="country", value="FR"),))
    view = viewed(frame(["a", "a", "b"], country=["FR", "DE", None]), project)
    assert view.ruled.tolist() == [True, False, False]


def test_a_rule_reads_numbers_as_they_are_written() -> None:
    project = replace(PROJECT, rules=(AskAlways(column="stars", value="5"),))
    view = viewed(frame(["a", "b"], stars=[5, 4]), project)
    assert view.ruled.tolist() == [True, False]


def test_hidden_columns_never_reach_a_model_or_a_person() -> None:
    project = replace(PROJECT, hidden=("gold",))
    view = viewed(frame(["a"], gold=["A"], label=["A"], kind=["x"]), project, "label")
    assert view.items.names == ["text", "kind"]
    assert set(view.item(0).data) == {"text", "kind"}
    with pytest.raises(KeyError):
        view.items.column("gold")


def test_only_hidden_columns_leave_items_without_data() -> None:
    project = replace(PROJECT, text_column=None, hidden=("gold",))
    view = viewed(pl.DataFrame({"gold": ["A", "B"]}), project)
    assert len(view.items) == 2


def test_columns_are_made_when_asked_for() -> None:
    columns = Columns(pl.DataFrame({"a": [1], "b": ["x"]}))
    assert list(columns) == ["a", "b"]
    assert len(columns) == 2
    assert columns["b"] == ["x"]
    assert columns["b"] is columns["b"]
    with pytest.raises(KeyError):
        _ = columns["c"]


# -------------------------------------------------------------------------- rows that are new


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(str(tmp_path / "a.db"))
    yield opened
    opened.close()


def keep(store: SqlStore, project: Project, table: pl.DataFrame, keys: list[str]) -> Pool:
    rows = group(table, keys, project)
    batch = seal("rows", rows.ints, rows.private(), entropy=bytes)
    number = len(store.pools(project.id)) + 1
    pool = Pool(
        project=project.id, number=number, rows=len(keys), items=rows.items, phase="learning",
        rows_root=batch.root,
    )  # fmt: skip
    store.add_pool(pool, batch, rows.stored(), [])
    return pool


@pytest.fixture
def keyed(store: SqlStore) -> Project:
    project = replace(PROJECT, id=new_id(), key_column="id")
    store.create_project(project, [])
    keep(store, project, pl.DataFrame({"id": ["1", "2"], "text": ["a", "b"]}), ["1", "2"])
    return project


def new_of(store: SqlStore, project: Project, **columns: list[str]) -> list[str]:
    table = pl.DataFrame(columns)
    return rows_not_stored(table, columns["id"], store, project)[1]


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
    table = pl.DataFrame({"id": ["1", "2", "3"], "text": ["a", "b", "c"]})
    left, keys, gone = rows_not_stored(table, ["1", "2", "3"], store, keyed)
    assert (left["id"].to_list(), keys, gone) == (["3"], ["3"], 1)
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
    assert np.array_equal(views(pool).rows, [1, 1])
