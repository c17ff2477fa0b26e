"""Proofs of one event and of one row of a batch."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_log import KEY, PROJECT, LogBuilder, certified_log, dump, stored

from signoff.audit.checkpoint import LogSigner
from signoff.audit.export import BatchLine, CheckpointLine, EventLine, Opened, read_log
from signoff.audit.keys import SigningKey
from signoff.audit.proof import DecisionProof, prove_event, prove_row, verify_proof
from signoff.core.batches import StoredBatch
from signoff.core.events import ROWS_PER_LEAF
from signoff.core.merkle import merkle_root
from signoff.errors import InputError, VerificationFailed

VKEY = KEY.public.text
READ = list(read_log(certified_log()))
EVENTS = [line for line in READ if isinstance(line, EventLine)]
LEAVES = [line.event.leaf for line in EVENTS]
NOTE = [line for line in READ if isinstance(line, CheckpointLine)][-1].note
MADE = next(at for at, line in enumerate(EVENTS) if line.event.type == "decisions.made")


def decisions() -> StoredBatch:
    body: Any = EVENTS[MADE].event.body
    root = body["batch"]["root"]
    (line,) = [line for line in READ if isinstance(line, BatchLine) and line.root == root]
    salts = [line.salts[16 * i : 16 * i + 16] for i in range(len(line.ints))]
    return StoredBatch(
        name="decisions",
        root=root,
        ints=line.ints,
        private=[None if text is None else text.encode() for text in line.private],
        salts=salts,
        commitments=line.commitments,
    )


def proof_of_decision(index: int = 4) -> DecisionProof:
    return prove_event(
        LEAVES,
        MADE,
        canonical=EVENTS[MADE].event.canonical,
        checkpoint=NOTE,
        row=prove_row(decisions(), index),
    )


def test_every_event_can_be_proved_with_its_content() -> None:
    for at, line in enumerate(EVENTS):
        proof = prove_event(
            LEAVES,
            at,
            canonical=line.event.canonical,
            checkpoint=NOTE,
            content=line.content,
        )
        assert DecisionProof.from_json(json.loads(json.dumps(proof.to_json()))) == proof
        assert verify_proof(proof, VKEY).event == line.event


def test_every_decision_of_a_batch_can_be_proved() -> None:
    batch = decisions()
    for index in range(len(batch)):
        proof = proof_of_decision(index)
        proved = verify_proof(DecisionProof.from_json(proof.to_json()), VKEY)
        assert proved.ints == tuple(batch.ints[index].tolist())
        private = batch.private[index]
        assert private is not None
        assert proved.private == private.decode()
        assert proved.checkpoint.size == len(EVENTS)


def test_an_erased_row_is_still_proved_without_its_content() -> None:
    log = LogBuilder()
    batch = stored(log.seal("decisions", [[1, 0], [2, 0], [3, 0]], [dump("a")] * 3), erased=[1])
    log.batch(
        "decisions.made",
        {"pool": 1, "question": "answer", "by": "model"},
        log.seal("decisions", [[0, 0]], [b""]),
    )
    row = prove_row(batch, 1)
    assert row.private is None
    event = log_event(batch)
    leaves = [event.leaf]
    note = LogSigner(KEY).sign(project=PROJECT, size=1, root=merkle_root(leaves))
    proof = prove_event(leaves, 0, canonical=event.canonical, checkpoint=note, row=row)
    assert verify_proof(proof, VKEY).ints == (2, 0)


def test_the_rows_beside_a_row_must_be_those_of_its_leaf() -> None:
    batch = decisions()
    assert len(batch) > ROWS_PER_LEAF
    for index in (4, len(batch) - 1):
        proof = proof_of_decision(index)
        assert proof.row is not None
        beside = proof.row.beside
        assert len(beside) > 1
        for other in ([], beside[1:], beside[::-1], [*beside, beside[0]], [proof.row.row] * 15):
            changed = replace(proof, row=replace(proof.row, beside=tuple(other)))
            with pytest.raises(VerificationFailed, match=r"the row's leaf|number \d+ of the event"):
                verify_proof(changed, VKEY)
        longer = replace(beside[0], ints=(*beside[0].ints, 0))
        changed = replace(proof, row=replace(proof.row, beside=(longer, *beside[1:])))
        with pytest.raises(VerificationFailed, match="different numbers"):
            verify_proof(changed, VKEY)


def log_event(batch: StoredBatch) -> Any:
    log = LogBuilder()
    log.event(
        "decisions.made",
        {
            "pool": 1,
            "question": "answer",
            "by": "model",
            "batch": {"name": "decisions", "root": batch.root, "count": len(batch)},
        },
    )
    (_, line) = read_log(log.lines)
    assert isinstance(line, EventLine)
    return line.event


@given(st.data())
@settings(max_examples=300)
def test_a_changed_proof_shows_nothing(data: st.DataObject) -> None:
    """Change one character of any text or one number anywhere in the proof."""
    value = json.loads(json.dumps(proof_of_decision().to_json()))
    holder, key = data.draw(st.sampled_from(places(value)))
    old = holder[key]
    if isinstance(old, str):
        at = data.draw(st.integers(0, max(0, len(old) - 1)))
        new = data.draw(st.sampled_from("0a1bz\n— "))
        holder[key] = old[:at] + new + old[at + 1 :]
    elif isinstance(old, int):
        holder[key] = data.draw(st.integers(-2, 99))
    else:
        holder[key] = data.draw(st.none() | st.text() | st.lists(st.text()))
    if holder[key] == old:
        return
    with pytest.raises((VerificationFailed, InputError)):
        verify_proof(DecisionProof.from_json(value), VKEY)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a JSON value whose leaf may be changed."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    found: list[tuple[Any, Any]] = []
    for key, inner in pairs:
        if isinstance(inner, dict | list) and inner:
            found += places(inner)
        elif not isinstance(inner, dict | list) and inner is not None:
            found.append((value, key))
    return found


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["signoff_proof", "checkpoint", "event", "index", "path", "content", "row"]), x
)))  # fmt: skip
def test_any_json_is_no_proof(value: object) -> None:
    with pytest.raises(VerificationFailed):
        DecisionProof.from_json(value)


def test_content_that_was_not_committed_to_is_refused() -> None:
    at = next(i for i, line in enumerate(EVENTS) if line.event.type == "answer.given")
    line = EVENTS[at]
    lie = {"answers": Opened(line.content["answers"].salt, '{"answer":{"label":"Other"}}')}
    proof = prove_event(LEAVES, at, canonical=line.event.canonical, checkpoint=NOTE, content=lie)
    with pytest.raises(VerificationFailed, match="its content 'answers' is not"):
        verify_proof(proof, VKEY)


def test_another_key_proves_nothing() -> None:
    with pytest.raises(VerificationFailed, match="has not signed"):
        verify_proof(proof_of_decision(), SigningKey.generate().public.text)


def test_rows_of_an_event_without_a_batch_are_refused() -> None:
    proof = prove_event(
        LEAVES,
        1,
        canonical=EVENTS[1].event.canonical,
        checkpoint=NOTE,
        row=prove_row(decisions(), 0),
    )
    with pytest.raises(VerificationFailed, match="names no batch"):
        verify_proof(proof, VKEY)
    assert np.array_equal(decisions().ints[:, 1], np.zeros(len(decisions())))
