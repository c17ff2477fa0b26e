"""The exported log: written and read back; anything else is a clear refusal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_log import KEY, LogBuilder, certified_log, dump, stored

from signoff.audit.export import (
    BatchLine,
    CheckpointLine,
    EventLine,
    HeaderLine,
    batch_lines,
    header_line,
    read_log,
)
from signoff.errors import InputError, VerificationFailed

LINES = certified_log()
WITHOUT = certified_log(content=False)


def refused(lines: Iterable[bytes]) -> str:
    with pytest.raises((InputError, VerificationFailed)) as caught:
        list(read_log(lines))
    return caught.value.message


def test_what_was_written_is_read_back_in_order() -> None:
    read = list(read_log(LINES))
    assert [line.line for line in read] == list(range(1, len(LINES) + 1))
    assert isinstance(read[0], HeaderLine)
    assert read[0].public_key == KEY.public
    kinds = {type(line) for line in read}
    assert kinds == {HeaderLine, EventLine, BatchLine, CheckpointLine}
    for raw, line in zip(LINES, read, strict=True):
        if isinstance(line, EventLine):
            assert line.event.canonical == json.loads(raw)["event"]


@given(st.integers(0, 25), st.integers(1, 3), st.booleans(), st.sets(st.integers(0, 24)))
@settings(max_examples=30)
def test_batches_are_read_back_with_their_blanks(
    n: int, width: int, content: bool, erased: set[int]
) -> None:
    log = LogBuilder()
    ints = np.arange(n * width).reshape(n, width)
    batch = stored(log.seal("rows", ints, [dump(f"é{i}") for i in range(n)]), sorted(erased))
    lines = [header_line("p", KEY.public, content=content), *batch_lines(batch, content=content)]
    read = [line for line in read_log(lines) if isinstance(line, BatchLine)]
    assert b"".join(line.commitments for line in read) == batch.commitments
    if n:
        assert np.array_equal(np.concatenate([line.ints for line in read]), ints)
    private = [text for line in read for text in line.private]
    expected = [None if p is None else p.decode() for p in batch.private] if content else []
    assert private == expected
    whole = [line for line in read_log([lines[0], batch]) if isinstance(line, BatchLine)]
    assert [fields(line) for line in whole] == [fields(line) for line in read]


def fields(line: BatchLine) -> tuple[object, ...]:
    kept = (line.line, line.root, line.first, line.commitments, list(line.private), line.salts)
    return (*kept, line.ints.tolist())


def test_a_batch_that_is_no_batch_is_refused_with_its_line() -> None:
    log = LogBuilder()
    batch = stored(log.seal("rows", np.arange(6).reshape(3, 2), [dump(str(i)) for i in range(3)]))
    header = header_line("p", KEY.public, content=True)
    damaged = [
        replace(batch, ints=batch.ints - 1),
        replace(batch, ints=batch.ints + 2**53),
        replace(batch, commitments=batch.commitments[1:]),
        replace(batch, salts=[b"short", *batch.salts[1:]]),
        replace(batch, private=[b"\xff", *batch.private[1:]]),
    ]
    for each in damaged:
        with pytest.raises(VerificationFailed, match="Line 2:"):
            list(read_log([header, each]))


def test_long_batches_are_cut_into_lines() -> None:
    n = 20_001
    ints = np.zeros((n, 2), dtype=np.int64)
    batch = stored(LogBuilder().seal("rows", ints, [b"[]"] * n))
    firsts = [json.loads(line)["first"] for line in batch_lines(replace(batch))]
    assert firsts == [0, 10_000, 20_000]


@given(st.binary())
@settings(max_examples=300)
def test_any_bytes_are_a_clear_refusal(data: bytes) -> None:
    assert refused(data.splitlines(keepends=True))


@given(st.binary(), st.integers(1, len(LINES) - 1))
@settings(max_examples=300)
def test_any_bytes_for_a_line_are_a_clear_refusal(data: bytes, at: int) -> None:
    message = refused([*LINES[:at], data])
    assert message.startswith(f"Line {at + 1}: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=400)
def test_any_json_for_a_field_is_read_or_a_clear_refusal(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([LINES, WITHOUT]))
    at = data.draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[at])
    value[data.draw(st.sampled_from(sorted(value)))] = data.draw(JSON)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    changed = text.encode("utf-8", "surrogatepass") + b"\n"
    try:
        list(read_log([*lines[:at], changed, *lines[at + 1 :]]))
    except (InputError, VerificationFailed) as error:
        assert error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"checkpoint":"a"}', "ends in the middle"),
        (b'{"checkpoint": "a"}\n', "not written as signoff writes it"),
        (b'{"checkpoint":"a","checkpoint":"a"}\n', "not written as"),
        (b"[]\n", "not an object"),
        (b'{"checkpoint":1}\n', "no event, batch or checkpoint"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"checkpoint":"\\ud800"}\n', "not written as"),
        (b"\xff\n", "not JSON in UTF-8"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(line: bytes, message: str) -> None:
    assert message in refused([LINES[0], line])


def test_a_file_that_is_no_log_is_said_to_be_none() -> None:
    assert "empty" in refused([])
    assert "not an exported log" in refused([b"id,text\n", b"1,hello\n"])
    newer = LINES[0].replace(b'"signoff_log":1', b'"signoff_log":2')
    assert "format '2'" in refused([newer])


def test_content_may_not_stand_where_the_log_says_it_has_none() -> None:
    answer = next(line for line in LINES if b'"content":{"answers"' in line)
    assert "should not be there" in refused([WITHOUT[0], answer])
    batch = next(line for line in LINES if line.startswith(b'{"batch"'))
    assert "no event, batch" in refused([WITHOUT[0], batch])
