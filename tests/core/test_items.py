"""Items: a view of a view shows what its positions say, and remembers its pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.items import Answers, Items, Predictions

columns = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.none() | st.text(max_size=4), min_size=n, max_size=n),
        st.lists(st.integers(), min_size=n, max_size=n),
    )
)


def make(texts: list[str | None], numbers: list[int]) -> Items:
    return Items({"text": texts, "number": numbers}, text_column="text")


@given(data=st.data(), made=columns)
def test_a_view_of_a_view_shows_what_its_positions_say(
    data: st.DataObject, made: tuple[list[str | None], list[int]]
) -> None:
    items = make(*made)
    view, shown = items, list(range(len(items)))
    for _ in range(3):
        last = len(shown) - 1
        places = st.lists(st.integers(0, last)) if shown else st.just([])
        positions = data.draw(places)
        view, shown = view.take(positions), [shown[at] for at in positions]
    assert len(view) == len(shown)
    assert view.column("number") == [made[1][at] for at in shown]
    assert view.texts == [made[0][at] or "" for at in shown]
    assert view.index.tolist() == shown
    assert view.base is items
    assert view.names == ["text", "number"]


def test_a_pool_is_its_own_base() -> None:
    items = make(["a"], [1])
    assert items.base is items


def test_a_view_does_not_copy_its_columns() -> None:
    """A column may be made when first asked for; taking a part must not ask for it."""

    class Lazy(dict[str, list[int]]):
        def __getitem__(self, name: str) -> list[int]:
            raise AssertionError(f"column {name} was read")

    items = Items(Lazy(a=[1, 2]), index=np.arange(2))
    assert len(items.take([1])) == 1


def test_items_without_a_text_column_say_so() -> None:
    items = Items({"number": [1]})
    with pytest.raises(KeyError, match="no text column"):
        _ = items.texts


def test_a_missing_text_is_empty_and_a_number_is_read_as_text() -> None:
    assert Items({"t": [None, 7, ""]}, text_column="t").texts == ["", "7", ""]


def test_no_columns_are_no_items() -> None:
    assert len(Items({})) == 0


@given(codes=st.lists(st.integers(0, 4)))
def test_classes_are_the_codes_that_occur(codes: list[int]) -> None:
    answers = Answers(labels=tuple("abcde"), codes=np.array(codes, dtype=np.int64))
    assert answers.classes.tolist() == sorted(set(codes))
    assert len(answers) == len(codes)


@given(n=st.integers(1, 8), data=st.data(), full=st.booleans())
def test_predictions_are_taken_column_by_column(n: int, data: st.DataObject, full: bool) -> None:
    rng = np.random.default_rng(n)
    predictions = Predictions(
        answer=rng.integers(-1, 3, n),
        raw_score=rng.random(n),
        probabilities=rng.random((n, 3)).astype(np.float32) if full else None,
        why=[f"why {at}" for at in range(n)] if full else None,
    )
    positions = np.array(data.draw(st.lists(st.integers(0, n - 1))), dtype=np.int64)
    part = predictions.take(positions)
    assert len(part) == len(positions)
    assert part.answer.tolist() == [int(predictions.answer[at]) for at in positions]
    assert part.raw_score.tolist() == [float(predictions.raw_score[at]) for at in positions]
    assert (part.probabilities is None, part.why is None) == (not full, not full)
    if part.why is not None:
        assert list(part.why) == [f"why {at}" for at in positions]
