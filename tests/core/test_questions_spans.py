"""Spans: parts of any text, in code points here and in UTF-16 in a browser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.questions import (
    CANNOT_SAY,
    Chosen,
    Marked,
    Span,
    Spans,
    answer_text,
    from_utf16,
    to_utf16,
)
from signoff.core.questions.reading import shown
from signoff.core.questions.spans import MAX_OFFSET, MAX_SPANS
from signoff.errors import InputError

WHO = Spans.of(["Person", "Place"])
APART = Spans.of(["Person", "Place"], overlap=False)
some_spans = st.lists(
    st.builds(
        lambda start, length, label: Span(start, start + length, label),
        st.integers(0, 20),
        st.integers(1, 8),
        st.sampled_from(WHO.ids),
    ),
    max_size=5,
)


def sent(*spans: tuple[object, object, object]) -> dict[str, object]:
    return {"spans": [{"start": s, "end": e, "label": label} for s, e, label in spans]}


def counted(spans: list[Span]) -> set[tuple[object, ...]]:
    """The labelled characters and the spans, one by one."""
    characters = {(at, s.label) for s in spans for at in range(s.start, s.end)}
    return characters | {(s.start, s.end, s.label) for s in spans}


@given(a=some_spans, b=some_spans)
def test_the_distance_is_that_of_counting_characters_one_by_one(
    a: list[Span], b: list[Span]
) -> None:
    ones, others = counted(a), counted(b)
    total = len(ones) + len(others)
    expected = 1 - 2 * len(ones & others) / total if total else 0
    assert WHO.distance(Marked(tuple(a)), Marked(tuple(b))) == pytest.approx(expected)


@given(spans=some_spans, data=st.data())
def test_neither_order_nor_repetition_makes_another_answer(
    spans: list[Span], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([*spans, *spans[:1]]))
    assert WHO.same(Marked(tuple(spans)), Marked(tuple(shuffled)))
    assert WHO.distance(Marked(tuple(spans)), Marked(tuple(shuffled))) == 0


@given(spans=some_spans)
def test_spans_are_stored_in_order(spans: list[Span]) -> None:
    unique = list({(s.start, s.end, s.label) for s in spans})
    answer = WHO.from_json(sent(*unique))
    assert answer.to_json() == sent(*sorted(unique))
    assert WHO.parse(answer_text(answer)) == answer


@given(spans=some_spans)
def test_overlaps_are_refused_where_they_are_forbidden(spans: list[Span]) -> None:
    unique = list({(s.start, s.end, s.label) for s in spans})
    overlap = any(
        a[0] < b[1] and b[0] < a[1] for at, a in enumerate(unique) for b in unique[at + 1 :]
    )
    if overlap:
        with pytest.raises(InputError, match="overlaps"):
            APART.from_json(sent(*unique))
    else:
        assert APART.from_json(sent(*unique)) == WHO.from_json(sent(*unique))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (sent((0, 0, "Person")), "is empty"),
        (sent((3, 1, "Person")), "is empty"),
        (sent((-1, 1, "Person")), "is no span"),
        (sent((0, 1.0, "Person")), "is no span"),
        (sent((False, True, "Person")), "is no span"),
        (sent((0, MAX_OFFSET + 1, "Person")), "is no span"),
        (sent((0, 10**5000, "Person")), "is no span"),
        (sent((0, 1, None)), "is no span"),
        (sent((0, 1, "person")), "not one of the labels"),
        (sent((0, 1, "Person"), (0, 1, "Person")), "given twice"),
        (sent(*[(0, 1, "Person")] * (MAX_SPANS + 1)), "more than"),
        ({"spans": [{"start": 0, "end": 1}]}, "is no span"),
        ({"spans": [{"start": 0, "end": 1, "label": "Person", "text": "A"}]}, "is no span"),
        ({"spans": [[0, 1, "Person"]]}, "is no span"),
        ({"spans": {}}, "no answer"),
        ({"spans": [], "more": 1}, "no answer"),
        ({"label": "Person"}, "no answer"),
    ],
    ids=shown,
)
def test_a_stored_answer_of_another_form_is_refused(value: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        WHO.from_json(value)
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "typed",
    ["", "Ada", "[", "[" * 100_000, "{}", "null", "[1]", '["Person"]'],
    ids=shown,
)
def test_a_line_that_is_no_list_of_spans_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match=r"no list of spans|no answer|no span"):
        WHO.parse(typed)


def test_an_empty_list_marks_nothing() -> None:
    assert WHO.parse("[]") == WHO.from_json({"spans": []}) == Marked(())
    WHO.check(Marked(()), "")


def test_spans_of_the_same_characters_cut_otherwise_are_not_the_same() -> None:
    one, two = Marked((Span(0, 4, "Person"),)), Marked((Span(0, 2, "Person"), Span(2, 4, "Person")))
    assert not WHO.same(one, two)
    assert 0 < WHO.distance(one, two) < 0.5


@pytest.mark.parametrize(
    "text",
    ["Ada", "עדה", "عدة", "阿达莎", "e\u0301́a", "👩‍👩‍👧", "\u202eAda", "🦉🦉🦉", "\ud83eab"],
)
def test_a_span_may_reach_to_the_end_of_a_text_of_any_script_and_no_further(text: str) -> None:
    WHO.check(Marked((Span(0, len(text), "Person"),)), text)
    with pytest.raises(InputError, match="ends beyond the text"):
        WHO.check(Marked((Span(0, len(text) + 1, "Person"),)), text)


def test_whatever_made_an_answer_it_is_checked_like_one_that_was_sent() -> None:
    WHO.check(CANNOT_SAY, "")
    for wrong in (Marked((Span(2, 1, "Person"),)), Marked((Span(0, 1, "Dog"),)), Chosen("Person")):
        with pytest.raises(InputError):
            WHO.check(wrong, "Ada")
    with pytest.raises(InputError, match="overlaps"):
        APART.check(Marked((Span(0, 2, "Person"), Span(1, 3, "Place"))), "Ada")


# ---------------------------------------------------------------------- offsets in a browser

any_text = st.text(st.characters() | st.sampled_from("🦉👩‍👩‍👧é𝔘"))


def in_utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


@given(text=any_text, data=st.data())
def test_a_browser_cuts_the_same_text_at_its_offsets(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    first, last = to_utf16(text, [start, end])
    assert in_utf16(text)[2 * first : 2 * last] == in_utf16(text[start:end])
    assert from_utf16(text, [first, last]) == [start, end]


@given(text=any_text)
def test_every_offset_of_a_browser_is_one_of_ours_or_inside_a_character(text: str) -> None:
    ours = dict(zip(to_utf16(text, range(len(text) + 1)), range(len(text) + 1), strict=True))
    for offset in range(len(in_utf16(text)) // 2 + 1):
        if offset in ours:
            assert from_utf16(text, [offset]) == [ours[offset]]
        else:
            with pytest.raises(InputError, match="inside the character"):
                from_utf16(text, [offset])


def test_only_characters_beyond_the_basic_plane_count_twice_in_a_browser() -> None:
    assert to_utf16("\uffff\U00010000\U0010ffff", [0, 1, 2, 3]) == [0, 1, 3, 5]


@pytest.mark.parametrize("offset", [-1, 3])
def test_an_offset_outside_the_text_is_refused(offset: int) -> None:
    for convert in (to_utf16, from_utf16):
        with pytest.raises(InputError, match="outside the text, which ends at 2"):
            convert("ab", [offset])


def test_results_write_spans_as_json_that_people_can_read() -> None:
    text = answer_text(Marked((Span(0, 2, "Straße"),)))
    assert text == '[{"start":0,"end":2,"label":"Straße"}]'
    assert json.loads(text) == sent((0, 2, "Straße"))["spans"]
