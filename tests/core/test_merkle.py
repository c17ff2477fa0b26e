"""Merkle trees against the recursive definitions of RFC 9162, written down literally."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
    merkle_root,
)

LEAVES = [leaf_hash(bytes([i])) for i in range(70)]
SIZES = st.integers(1, 70)


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def reference_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    both = reference_root(leaves[:k]) + reference_root(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def reference_path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*reference_path(m, leaves[:k]), reference_root(leaves[k:])]
    return [*reference_path(m - k, leaves[k:]), reference_root(leaves[:k])]


def reference_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [reference_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*reference_subproof(m, leaves[:k], whole), reference_root(leaves[k:])]
    return [*reference_subproof(m - k, leaves[k:], False), reference_root(leaves[:k])]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle_root([]) == EMPTY_ROOT == reference_root([])


def test_known_roots_of_certificate_transparency_are_met() -> None:
    # The eight leaves of the well-known test vectors of Certificate Transparency (RFC 6962 logs).
    inputs = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]  # fmt: skip
    root = merkle_root([leaf_hash(bytes.fromhex(text)) for text in inputs])
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(SIZES)
def test_roots_follow_the_definition(size: int) -> None:
    assert merkle_root(LEAVES[:size]) == reference_root(LEAVES[:size])


@given(st.lists(st.integers(0, 20), max_size=12))
def test_a_frontier_knows_the_root_after_any_chunks(chunks: list[int]) -> None:
    tree, done = Frontier(), 0
    pool = LEAVES * 4
    for chunk in chunks:
        tree.extend(pool[done : done + chunk])
        done += chunk
        assert tree.size == done
        assert tree.root() == reference_root(pool[:done])


@given(SIZES, st.data())
def test_inclusion_proofs_follow_the_definition_and_hold(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path = inclusion_proof(leaves, index)
    assert path == reference_path(index, leaves)
    assert inclusion_holds(leaves[index], index, size, path, merkle_root(leaves))


@given(SIZES, st.data())
def test_a_changed_inclusion_proof_never_holds(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    root, path = merkle_root(leaves), inclusion_proof(leaves, index)
    wrong = leaf_hash(b"another")
    assert not inclusion_holds(wrong, index, size, path, root)
    assert not inclusion_holds(leaves[index], index, size, [*path, wrong], root)
    assert not inclusion_holds(leaves[index], size, size, path, root)
    assert not inclusion_holds(leaves[index], -1, size, path, root)
    for at in range(len(path)):
        assert not inclusion_holds(
            leaves[index], index, size, [*path[:at], wrong, *path[at + 1 :]], root
        )
        assert not inclusion_holds(leaves[index], index, size, path[:at] + path[at + 1 :], root)
    for other in range(size):
        if other != index:
            assert not inclusion_holds(leaves[index], other, size, path, root)


@given(SIZES, st.data())
def test_consistency_proofs_follow_the_definition_and_hold(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = LEAVES[:size]
    path = consistency_proof(leaves, old)
    assert path == reference_subproof(old, leaves, True)
    assert consistency_holds(old, size, merkle_root(leaves[:old]), merkle_root(leaves), path)


@given(SIZES, st.data())
def test_a_rewritten_beginning_is_never_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, old - 1))
    leaves = LEAVES[:size]
    rewritten = [*leaves[:changed], leaf_hash(b"rewritten"), *leaves[changed + 1 :]]
    old_root, new_root = merkle_root(leaves[:old]), merkle_root(rewritten)
    assert not consistency_holds(old, size, old_root, new_root, consistency_proof(rewritten, old))
    assert not consistency_holds(old, size, old_root, new_root, consistency_proof(leaves, old))


@given(SIZES, st.data())
def test_a_changed_consistency_proof_never_holds(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    leaves = LEAVES[:size]
    roots = merkle_root(leaves[:old]), merkle_root(leaves)
    path, wrong = consistency_proof(leaves, old), leaf_hash(b"another")
    assert not consistency_holds(old, size, *roots, [*path, wrong])
    for at in range(len(path)):
        assert not consistency_holds(old, size, *roots, [*path[:at], wrong, *path[at + 1 :]])
        assert not consistency_holds(old, size, *roots, path[:at] + path[at + 1 :])


def test_every_tree_extends_the_empty_one() -> None:
    assert consistency_proof(LEAVES, 0) == []
    assert consistency_holds(0, len(LEAVES), EMPTY_ROOT, merkle_root(LEAVES), [])
    assert not consistency_holds(0, len(LEAVES), LEAVES[0], merkle_root(LEAVES), [])
    assert not consistency_holds(len(LEAVES), 3, merkle_root(LEAVES), merkle_root(LEAVES[:3]), [])


def test_leaves_that_are_not_there_cannot_be_proved() -> None:
    with pytest.raises(IndexError, match="leaf 70"):
        inclusion_proof(LEAVES, 70)
    with pytest.raises(IndexError, match="71"):
        consistency_proof(LEAVES, 71)
