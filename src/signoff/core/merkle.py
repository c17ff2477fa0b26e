"""Merkle trees as RFC 9162 defines them: roots, inclusion proofs, consistency proofs.

A leaf hash is ``SHA-256(0x00 || data)``, a node is ``SHA-256(0x01 || left || right)``; a tree of n
leaves splits at the largest power of two below n. Pairing level by level and carrying an odd last
node up gives the same tree, which is what :class:`Frontier` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_NODE = b"\x01"
_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf (32 bytes)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (32 bytes)."""
    return _sha256(_NODE + left + right).digest()


class Frontier:
    """A tree that grows: keeps O(log n) hashes and knows its root at the size it has now.

    >>> tree = Frontier()
    >>> tree.extend([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    >>> tree.size, tree.root().hex()[:8]
    (3, '36642e73')
    """

    __slots__ = ("_pending", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pending: list[bytes | None] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add many leaf hashes; about 1 µs each."""
        nodes = list(leaves)
        self.size += len(nodes)
        level = 0
        while nodes:
            if level == len(self._pending):
                self._pending.append(None)
            waiting = self._pending[level]
            if waiting is not None:
                nodes.insert(0, waiting)
            self._pending[level] = nodes.pop() if len(nodes) % 2 else None
            nodes = _pair(nodes)
            level += 1

    def root(self) -> bytes:
        """The root over all leaves so far (32 bytes)."""
        root: bytes | None = None
        for node in self._pending:
            if node is not None:
                root = node if root is None else node_hash(node, root)
        return EMPTY_ROOT if root is None else root


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes (32 bytes)."""
    tree = Frontier()
    tree.extend(leaves)
    return tree.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf ``index`` to the root of these leaf hashes (RFC 9162 2.1.3).

    Raises :class:`IndexError` when there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} is not in a tree of {len(leaves)}")
    path: list[bytes] = []
    level, at = list(leaves), index
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, at = _level_above(level), at // 2
    return path


def inclusion_holds(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that ``leaf`` is number ``index`` of the ``size`` leaves under
    ``root`` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            node = node_hash(step, node)
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, step)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show that the tree of these leaf hashes extends the tree of its first
    ``old_size`` (RFC 9162 2.1.4).

    Empty for sizes 0 and n. Raises :class:`IndexError` when ``old_size`` is larger than the tree.
    """
    if not 0 <= old_size <= len(leaves):
        raise IndexError(f"no tree of {old_size} leaves within {len(leaves)}")
    if old_size in (0, len(leaves)):
        return []
    path: list[bytes] = []
    start, end, old, whole = 0, len(leaves), old_size, True
    tail: list[bytes] = []
    while old != end - start:
        split = start + _split(end - start)
        if old <= split - start:
            tail.append(merkle_root(leaves[split:end]))
            end = split
        else:
            tail.append(merkle_root(leaves[start:split]))
            old -= split - start
            start, whole = split, False
    if not whole:
        path.append(merkle_root(leaves[start:end]))
    return path + tail[::-1]


def consistency_holds(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether ``path`` proves that the tree of ``new_size`` leaves under ``new_root`` begins with
    the ``old_size`` leaves under ``old_root`` (RFC 9162 2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    if old_size == new_size:
        return not path and old_root == new_root
    steps = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not steps:
        return False
    at, last = old_size - 1, new_size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _split(size: int) -> int:
    """The largest power of two below ``size`` (size > 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def _pair(nodes: Sequence[bytes]) -> list[bytes]:
    """The nodes above an even number of nodes."""
    pairs = iter(nodes)
    return [
        _sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=True)
    ]


def _level_above(nodes: Sequence[bytes]) -> list[bytes]:
    """The level above these nodes; an odd last one is carried up."""
    if len(nodes) % 2:
        return [*_pair(nodes[:-1]), nodes[-1]]
    return _pair(nodes)
