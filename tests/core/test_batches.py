"""Batches: one root stands for every row, and each row can be opened alone or blanked."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.batches import Batch, seal
from signoff.core.events import ROWS_PER_LEAF, SALT_BYTES, batch_leaves, commit
from signoff.core.merkle import inclusion_holds, inclusion_proof, merkle_root

rows = st.lists(st.tuples(st.integers(0, 2**40), st.binary(max_size=30)), max_size=40)


def entropy(n: int) -> bytes:
    return hashlib.shake_128(b"salt").digest(n)


def sealed(made: list[tuple[int, bytes]]) -> Batch:
    ints = np.array([[item, at % 3] for at, (item, _) in enumerate(made)], dtype=np.int64)
    return seal("decisions", ints.reshape(-1, 2), [text for _, text in made], entropy=entropy)


@given(made=rows)
def test_each_row_opens_its_own_commitment(made: list[tuple[int, bytes]]) -> None:
    batch = sealed(made)
    for at, (_, text) in enumerate(made):
        salt = batch.salts[SALT_BYTES * at : SALT_BYTES * (at + 1)]
        assert batch.commitments[32 * at : 32 * at + 32].hex() == commit(salt, text)


@given(made=rows.filter(bool), data=st.data())
def test_each_row_is_under_the_root(made: list[tuple[int, bytes]], data: st.DataObject) -> None:
    batch = sealed(made)
    leaves = batch_leaves(batch.ints, batch.commitments)
    at = data.draw(st.integers(0, len(made) - 1)) // ROWS_PER_LEAF
    root = bytes.fromhex(batch.root)
    assert root == merkle_root(leaves)
    assert inclusion_holds(leaves[at], at, len(leaves), inclusion_proof(leaves, at), root)


def test_a_batch_sealed_in_parts_has_the_root_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(at, b"x%d" % at) for at in range(100)]
    whole = sealed(made)
    monkeypatch.setattr("signoff.core.batches.AT_ONCE", 2 * ROWS_PER_LEAF)
    parts = sealed(made)
    assert (parts.root, parts.commitments) == (whole.root, whole.commitments)


@given(made=rows.filter(bool), data=st.data())
def test_any_other_number_content_or_order_gives_another_root(
    made: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(made) - 1))
    item, text = made[at]
    changed = [
        [*made[:at], (item + 1, text), *made[at + 1 :]],
        [*made[:at], (item, text + b"x"), *made[at + 1 :]],
        made[:-1],
        [*made, made[-1]],
    ]
    roots = {sealed(other).root for other in changed}
    assert sealed(made).root not in roots


def test_equal_content_is_not_seen_to_be_equal() -> None:
    batch = sealed([(0, b"same"), (1, b"same")])
    assert batch.commitments[:32] != batch.commitments[32:]


def test_the_reference_says_how_many_rows_stand_under_the_root() -> None:
    batch = sealed([(0, b"a"), (1, b"b")])
    assert batch.reference() == {"name": "decisions", "root": batch.root, "count": 2}


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        seal("decisions", np.array([[-1, 0]]), [b"x"], entropy=entropy)


def test_the_root_of_these_rows_never_changes() -> None:
    """Logs written by this version must verify for ever."""
    assert sealed([(7, b'["A"]'), (9, b'["B"]')]).root == (
        "7407716aa6cdde90e23df39674c5cd6a2bc4b1af018df264375c1442edceb869"
    )
