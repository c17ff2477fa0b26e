"""One answer from several: the most given one, never a made-up one."""

from __future__ import annotations

from collections import Counter
from operator import eq

from hypothesis import given
from hypothesis import strategies as st

from signoff.core.joining import joined, wanted

answers = st.lists(st.sampled_from("abc"), max_size=9)


@given(said=answers, least=st.integers(1, 5))
def test_the_joined_answer_has_more_people_behind_it_than_any_other(
    said: list[str], least: int
) -> None:
    found = joined(said, least, eq)
    if found is None:
        most = Counter(said).most_common(2)
        assert len(said) < least or most[0][1] == most[1][1]
    else:
        assert len(said) >= least
        assert all(said.count(found) > said.count(other) for other in set(said) - {found})


@given(said=answers, least=st.integers(1, 5))
def test_an_item_wants_more_answers_exactly_while_none_is_joined(
    said: list[str], least: int
) -> None:
    more = wanted(said, least, eq) - len(said)
    assert (more == 0) == (joined(said, least, eq) is not None)
    assert more >= 0
    assert more <= max(1, least - len(said))


@given(said=st.lists(st.sampled_from("abc"), min_size=1, max_size=9), data=st.data())
def test_the_order_of_the_answers_does_not_matter(said: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(said))
    assert joined(said, 1, eq) == joined(shuffled, 1, eq)


def test_answers_that_are_the_same_count_together() -> None:
    def same(a: str, b: str) -> bool:
        return a.casefold() == b.casefold()

    assert joined(["Yes", "no", "YES"], 3, same) == "Yes"
