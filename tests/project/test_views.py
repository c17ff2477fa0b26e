"""From rows to items: what is one item, what only people may decide, which rows are new."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.questions import Choice, Form
from signoff.core.records import Project
from signoff.core.routing import AskAlways, Certified, People
from signoff.ports import PoolView
from signoff.project.incoming import Grouping, IncomingRows
from signoff.project.views import Columns, pool_view

PROJECT = Project(
    id="01890a5d-ac96-774b-bcce-b302099a8057", name="reviews", form=Form((Choice.of(["A", "B"]),)),
    policy=People(), rules=(), process={}, model="text", group=True, text_column="text",
    key_column=None, hidden=(), key_id="k", created=0,
)  # fmt: skip

texts = st.lists(st.none() | st.sampled_from(["", " ", "a", "b", "c", "NaN", "nan"]), min_size=1)


def grouped(frame: pl.DataFrame, project: Project = PROJECT) -> IncomingRows:
    return IncomingRows.of(frame, grouping=Grouping.of(project))


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


def test_a_column_of_labels_is_not_shown_to_people_and_models_still_have_it() -> None:
    table = frame(["a", "b"], guess=["A", " b"], kind=["A", "other"], note=[None, None])
    view = viewed(table)
    assert view.for_people(0).shown() == {
        "text": "a",
        "data": {"text": "a", "kind": "A", "note": None},
    }
    assert view.item(0).data["guess"] == "A"


def test_the_text_itself_is_shown_though_it_reads_like_a_label() -> None:
    assert viewed(frame(["A", "B"])).for_people(1).text == "B"


def test_columns_are_made_when_asked_for() -> None:
    columns = Columns(pl.DataFrame({"a": [1], "b": ["x"]}))
    assert list(columns) == ["a", "b"]
    assert len(columns) == 2
    assert columns["b"] == ["x"]
    assert columns["b"] is columns["b"]
    with pytest.raises(KeyError):
        _ = columns["c"]
