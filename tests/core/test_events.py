"""Events: canonical bytes, commitments, batches, bodies."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.canonical import canonical_json, parse_canonical
from signoff.core.event_types import EVENT_TYPES, check_body
from signoff.core.events import batch_leaves, build_event, commit, commit_rows, instant, parse_event
from signoff.errors import InputError, SignoffError, VerificationFailed

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def skipped(**changes: Any) -> Any:
    facts = {
        "id": ID,
        "project": "p",
        "type": "answer.skipped",
        "at": 1_700_000_000_000_001,
        "actor": "ada",
        "body": {"pool": 1, "item": 7, "reviewer": "r"},
    }
    return build_event(**(facts | changes))


@given(value=JSON)
def test_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("name", ["\ufb33", "\U0001f600", "\u20ac", "a", "\x7f", "\x01"])
def test_names_are_sorted_as_rfc_8785_says(name: str) -> None:
    value: dict[str, Any] = {name: 1, "\ufb33\ufb33": 2, "\U0001f600x": [3]}
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), "\ud800", {"a": [float("inf")]}])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="no canonical JSON form"):
        canonical_json(value)


def test_an_event_is_its_canonical_json() -> None:
    event = skipped(content={"note": "ab" * 32})
    assert event.canonical == (
        '{"actor":"ada","at":"2023-11-14T22:13:20.000001Z",'
        '"body":{"item":7,"pool":1,"reviewer":"r"},"content":{"note":"' + "ab" * 32 + '"},'
        f'"id":"{ID}","project":"p","type":"answer.skipped","v":1,"version":1}}'
    )
    assert event.leaf == hashlib.sha256(b"\x00" + event.canonical.encode()).digest()
    assert parse_event(event.canonical) == event


@given(JSON)
def test_canonical_json_reads_back_as_the_same_value(value: object) -> None:
    text = canonical_json(value).decode()
    assert canonical_json(parse_canonical(text)) == text.encode()


@given(JSON)
def test_a_value_written_any_other_way_is_refused(value: object) -> None:
    canonical = canonical_json(value).decode()
    for other in (canonical + " ", "\n" + canonical, json.dumps(value, indent=1)):
        if other != canonical:
            with pytest.raises(VerificationFailed):
                parse_canonical(other)


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
@settings(max_examples=300)
def test_any_text_is_an_event_or_a_clear_refusal(text: str) -> None:
    with pytest.raises(VerificationFailed):
        parse_event(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5000, '{"a":1,"a":1}', "NaN", "\ud800"])
def test_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(VerificationFailed):
        parse_event(text)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=1))
def test_a_changed_byte_changes_the_leaf_or_is_refused(at: int, byte: bytes) -> None:
    event = skipped()
    data = bytearray(event.canonical.encode())
    data[at % len(data)] = byte[0]
    text = data.decode("utf-8", "replace")
    try:
        changed = parse_event(text)
    except VerificationFailed:
        return
    assert (changed.leaf == event.leaf) == (text == event.canonical)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2),
        ("v", True),
        ("id", "7"),
        ("at", "2023-11-14T22:13:20Z"),
        ("content", {"note": "AB" * 32}),
        ("body", []),
        ("actor", None),
        ("version", "1"),
        ("extra", 1),
    ],
)
def test_a_malformed_field_is_refused(field: str, value: object) -> None:
    changed = json.loads(skipped().canonical) | {field: value}
    with pytest.raises(VerificationFailed):
        parse_event(canonical_json(changed).decode())


def test_a_body_must_hold_what_its_type_needs() -> None:
    with pytest.raises(InputError, match="lacks the field 'item'"):
        skipped(body={"pool": 1, "reviewer": "r"})
    with pytest.raises(InputError, match=r"'item' of a answer\.skipped event cannot be '-1'"):
        skipped(body={"pool": 1, "item": -1, "reviewer": "r"})
    with pytest.raises(InputError, match="not known"):
        skipped(type="answer.eaten")


@given(st.sampled_from(sorted(EVENT_TYPES)), st.data())
@settings(max_examples=50)
def test_any_body_passes_or_gives_a_clear_refusal(type: str, data: st.DataObject) -> None:
    body = {name: data.draw(JSON | st.integers(0, 9)) for name in EVENT_TYPES[type].fields}
    with contextlib.suppress(SignoffError):
        check_body(type, body)


def test_values_without_canonical_form_are_refused() -> None:
    for value in (float("nan"), float("inf"), 2**53, {"a": b"b"}, "\ud800"):
        with pytest.raises(InputError, match="no canonical JSON"):
            canonical_json(value)


def test_instants_have_microseconds_and_no_zone_but_utc() -> None:
    assert instant(0) == "1970-01-01T00:00:00.000000Z"


@given(st.lists(st.binary(max_size=40), max_size=20), st.data())
def test_rows_are_committed_to_one_by_one(private: list[bytes], data: st.DataObject) -> None:
    size = 16 * len(private)
    salts = data.draw(st.binary(min_size=size, max_size=size))
    commitments = commit_rows(private, salts)
    for i, content in enumerate(private):
        expected = commit(salts[16 * i : 16 * i + 16], content)
        assert commitments[32 * i : 32 * i + 32].hex() == expected


@given(st.integers(1, 3), st.data())
def test_batch_leaves_follow_the_definition(width: int, data: st.DataObject) -> None:
    number = st.integers(0, 2**63 - 1)
    row = st.lists(number, min_size=width, max_size=width)
    rows = data.draw(st.lists(row, max_size=40))
    commitments = [hashlib.sha256(str(row).encode()).digest() for row in rows]
    ints = np.array(rows, dtype=np.int64).reshape(len(rows), width)
    leaves = batch_leaves(ints, b"".join(commitments))
    packed = [
        b"".join(number.to_bytes(8, "big") for number in row) + commitment
        for row, commitment in zip(rows, commitments, strict=True)
    ]
    expected = [b"\x00" + b"".join(packed[at : at + 16]) for at in range(0, len(rows), 16)]
    assert leaves == [hashlib.sha256(data).digest() for data in expected]


def test_rows_without_their_salt_or_commitment_are_refused() -> None:
    with pytest.raises(ValueError, match="salt"):
        commit_rows([b"a"], b"")
    with pytest.raises(ValueError, match="commitment"):
        batch_leaves(np.zeros((1, 2), dtype=np.int64), b"")
    with pytest.raises(ValueError, match="negative"):
        batch_leaves(np.full((1, 2), -1), bytes(32))
