"""Rows: the text column, keys, canonical bytes, groups of equal texts."""

from __future__ import annotations

import unicodedata

import numpy as np
import polars as pl
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.errors import InputError
from signoff.formats import as_text, group_rows, guess_text_column, private_rows, row_keys
from signoff.formats.rows import row_contents

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=8)
maybe = st.one_of(st.none(), texts)
frames = st.lists(st.tuples(maybe, maybe), min_size=1, max_size=8).map(
    lambda rows: pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
)


# ---------------------------------------------------------------------- the text column


def test_the_only_column_of_text_is_the_text() -> None:
    frame = pl.DataFrame({"id": ["1", "2"], "what": ["good", "bad"], "n": [1, 2]})
    assert guess_text_column(frame) == "what"


def test_columns_with_answers_are_no_candidates() -> None:
    frame = pl.DataFrame({"what": ["good", "bad"], "label": ["Positive", "Negative"]})
    assert guess_text_column(frame, ["label"]) == "what"


def test_a_usual_name_wins() -> None:
    frame = pl.DataFrame({"title": ["a long title", "x"], "Review": ["good", "bad"]})
    assert guess_text_column(frame) == "Review"


def test_clearly_longer_texts_win() -> None:
    frame = pl.DataFrame({"who": ["ann", "bob"], "said": ["a b c d e f g", "h i j k l m"]})
    assert guess_text_column(frame) == "said"


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"subject": ["some words", "b"], "said": ["other words", "d"]}),
        pl.DataFrame({"n": [1, 2]}),
        pl.DataFrame({"a": ["", None]}),
    ],
)
def test_a_doubtful_text_column_is_asked_for(frame: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="Pass --text") as caught:
        guess_text_column(frame)
    assert all(name in caught.value.message for name in frame.columns)


# ------------------------------------------------------------------------------- keys


@settings(deadline=None)
@given(frame=frames, seed=st.integers(0, 99))
def test_keys_do_not_depend_on_the_order_of_rows(frame: pl.DataFrame, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(frame.height)
    assert sorted(row_keys(frame[order])) == sorted(row_keys(frame))


@settings(deadline=None)
@given(frame=frames, more=frames)
def test_appended_rows_get_new_keys_and_leave_the_old_ones(
    frame: pl.DataFrame, more: pl.DataFrame
) -> None:
    before, after = row_keys(frame).to_list(), row_keys(pl.concat([frame, more])).to_list()
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)


def test_a_missing_value_is_not_an_empty_one() -> None:
    keys = row_keys(pl.DataFrame({"a": [None, ""], "b": ["x", "x"]}))
    assert keys[0].split("-")[0] != keys[1].split("-")[0]


def test_equal_rows_are_counted_in_the_order_they_come() -> None:
    once, other = row_keys(pl.DataFrame({"a": ["x", "y"]})).to_list()
    keys = row_keys(pl.DataFrame({"a": ["x", "y", "x", "x"]})).to_list()
    assert keys == [once, other, f"{once}-2", f"{once}-3"]


def test_the_users_keys_are_kept() -> None:
    assert row_keys(pl.DataFrame({"id": [7, 8], "t": ["a", "a"]}), "id").to_list() == ["7", "8"]


def test_the_same_key_with_other_content_is_refused_by_name_and_row() -> None:
    frame = pl.DataFrame({"id": ["1", "2", "1"], "t": ["a", "b", "c"]})
    with pytest.raises(InputError, match=r"'1'.*rows 1 and 3"):
        row_keys(frame, "id")


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_row_without_a_key_is_refused(empty: str | None) -> None:
    with pytest.raises(InputError, match="Row 2"):
        row_keys(pl.DataFrame({"id": ["1", empty]}), "id")


# --------------------------------------------------------------------- canonical bytes


@settings(deadline=None)
@given(frame=frames)
def test_private_rows_are_canonical_json(frame: pl.DataFrame) -> None:
    keys = [f'k"{i}\n' for i in range(frame.height)]
    expected = [
        rfc8785.dumps([key, list(row)]) for key, row in zip(keys, frame.rows(), strict=True)
    ]
    private = private_rows(row_contents(frame), pl.Series(keys, dtype=pl.String))
    assert list(private) == expected


def test_values_of_other_types_have_one_text() -> None:
    import datetime as dt
    from decimal import Decimal

    frame = pl.DataFrame(
        {
            "i": [1],
            "f": [0.1],
            "b": [True],
            "d": [dt.date(2024, 2, 3)],
            "t": [dt.datetime(2024, 2, 3, 4, 5, 6, tzinfo=dt.UTC)],
            "l": [["x", None]],
            "s": [{"k": 1, "a": 2.0}],
            "y": [b"\xff"],
            "c": [Decimal("1.50")],
        }
    )
    written = [as_text(column)[0] for column in frame.get_columns()]
    assert written[:4] == ["1", "0.1", "true", "2024-02-03"]
    assert written[4].startswith("2024-02-03T04:05:06")
    assert written[5:] == ['["x",null]', '{"a":2.0,"k":1}', "ff", "1.50"]


# -------------------------------------------------------------------------------- groups


def by_hand(values: list[str | None]) -> tuple[list[int], list[int]]:
    seen: dict[str, int] = {}
    first: list[int] = []
    items: list[int] = []
    for row, value in enumerate(values):
        key = unicodedata.normalize("NFC", value or "").strip()
        if key not in seen:
            seen[key] = len(first)
            first.append(row)
        items.append(seen[key])
    return items, first


@settings(deadline=None)
@given(
    values=st.lists(st.sampled_from([None, "", " a", "a ", "A", "é", "e\u0301", "b", "\u2003b"]))
)
def test_equal_texts_are_one_item_in_first_seen_order(values: list[str | None]) -> None:
    items, first = by_hand(values)
    groups = group_rows(values)
    assert groups.item_of_row.tolist() == items
    assert groups.first_row.tolist() == first
    assert groups.item_of_row.dtype == np.int64


def test_other_columns_can_split_a_group() -> None:
    groups = group_rows(["a", "a", "a"], pl.Series(["x", None, "x"]))
    assert groups.item_of_row.tolist() == [0, 1, 0]
