"""Columnar files: whole, durable, and refused where they are not as they were written."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storeroom import Room

from signoff.core.batches import Batch, seal
from signoff.core.events import SALT_BYTES, commit_rows
from signoff.core.questions import Chosen
from signoff.core.records import Pool
from signoff.errors import StoreError
from signoff.store.artifacts import PREFIX, SALT, ArtifactFolder


def entropy(n: int) -> bytes:
    return hashlib.shake_128(str(n).encode()).digest(n)


def sealed(private: list[bytes]) -> Batch:
    ints = np.array([[at, 1] for at in range(len(private))], dtype=np.int64).reshape(-1, 2)
    return seal("decisions", ints, private, entropy=entropy)


def stored(room: Room) -> tuple[Pool, Path]:
    pool = room.add_pool()
    (path,) = (room.folder / room.project.id).glob("*.parquet")
    return pool, path


@settings(max_examples=30)
@given(private=st.lists(st.binary(max_size=40), max_size=8))
def test_a_batch_comes_back_as_it_was_sealed(
    tmp_path_factory: pytest.TempPathFactory, private: list[bytes]
) -> None:
    folder = ArtifactFolder(tmp_path_factory.mktemp("artifacts"))
    batch = sealed(private)
    sha256 = folder.save("p", batch)
    back = folder.load("p", "decisions", batch.root, sha256=sha256)
    assert list(back.private) == private
    assert back.commitments == batch.commitments
    assert np.array_equal(back.ints, batch.ints)
    salts = [salt for salt in back.salts if salt is not None]
    assert b"".join(salts) == batch.salts
    assert commit_rows(private, batch.salts) == back.commitments
    assert all(len(salt) == SALT_BYTES for salt in salts)


@settings(max_examples=20)
@given(
    private=st.lists(st.binary(max_size=20), min_size=1, max_size=8),
    gone=st.sets(st.integers(0, 7)),
)
def test_blanking_takes_content_and_salt_of_those_items_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, private: list[bytes], gone: set[int]
) -> None:
    folder = ArtifactFolder(tmp_path_factory.mktemp("artifacts"))
    batch = sealed(private)
    first = folder.save("p", batch)
    second = folder.blank("p", "decisions", batch.root, sha256=first, items=sorted(gone))
    back = folder.load("p", "decisions", batch.root, sha256=second)
    for at, content in enumerate(private):
        assert back.private[at] == (None if at in gone else content)
        assert (back.salts[at] is None) == (at in gone)
    frame = folder.read("p", "decisions", batch.root, sha256=second)
    words = [name for name in frame.columns if name.startswith(SALT)]
    assert len(words) == SALT_BYTES // 8
    for name in words:
        assert frame[name].is_null().arg_true().to_list() == sorted(gone & set(range(len(private))))
    assert back.commitments == batch.commitments
    assert np.array_equal(back.ints, batch.ints)
    before = folder.load("p", "decisions", batch.root, sha256=first)
    assert list(before.private) == private or first == second


def test_rows_come_back_with_their_types(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "code": ["007", "NA", None],
            "day": [date(2024, 1, 1), None, date(1, 1, 1)],
            "price": [1.5, float("nan"), None],
            "kind": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
            "tags": [["x"], [], None],
        }
    )
    ints = np.array([[0, 0], [1, 1], [2, 2]], dtype=np.int64)
    batch = seal("rows", ints, [b"a", b"b", b"c"], entropy=entropy)
    folder = ArtifactFolder(tmp_path)
    sha256 = folder.save("p", batch, table)
    back = folder.read("p", "rows", batch.root, sha256=sha256)
    ours = [name for name in back.columns if name.startswith(PREFIX)]
    assert back.drop(ours).equals(table)
    assert back.drop(ours).schema == table.schema


def test_a_file_is_named_by_root_and_bytes_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path)
    batch = sealed([b"x"])
    sha256 = folder.save("p", batch)
    (path,) = (tmp_path / "p").iterdir()
    assert path == folder.path("p", "decisions", batch.root, sha256)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_a_missing_file_is_refused_in_one_line(room: Room) -> None:
    pool, path = stored(room)
    path.unlink()
    with pytest.raises(StoreError, match="is missing") as caught:
        room.store.rows(pool)
    assert caught.value.code == "missing_artifact"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("left", [0, 1, 4, 100, -1])
def test_a_truncated_file_is_refused(room: Room, left: int) -> None:
    pool, path = stored(room)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(StoreError, match="not as it was written") as caught:
        room.store.rows(pool)
    assert caught.value.code == "damaged"


def test_any_flipped_byte_is_refused(sqlite_room: Room) -> None:
    pool, path = stored(sqlite_room)
    good = path.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 40)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(StoreError, match="not as it was written"):
            sqlite_room.store.rows(pool)
    path.write_bytes(good)
    assert sqlite_room.store.rows(pool).height == pool.rows


def test_a_folder_in_its_place_is_refused_in_one_line(room: Room) -> None:
    pool, path = stored(room)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be used"):
        room.store.rows(pool)


def test_an_artifact_the_database_does_not_name_is_refused(room: Room) -> None:
    with pytest.raises(StoreError, match="names no artifact"):
        room.store.batch(room.project.id, "decisions", "0" * 64)


def test_the_same_batch_saved_again_after_a_crash_changes_nothing(room: Room) -> None:
    """A run that died between file and transaction saves the same rows anew, and goes on."""
    room.add_pool()
    batch = room.decisions({0: Chosen("Positive")})
    room.store.artifacts.save(room.project.id, batch)
    body: dict[str, object] = {
        "pool": 1, "question": "answer", "by": "reviewers", "batch": batch.reference(),
    }  # fmt: skip
    decided = {"answer": batch}
    for _ in range(2):
        made = room.event("decisions.made", body)
        room.store.decide(
            room.project.id, 1, decided, [made], by="reviewers", phase="closed", undone=0
        )
    back = room.store.batch(room.project.id, "decisions", batch.root)
    assert list(back.private) == list(batch.private)


def test_rows_that_are_no_frame_are_a_mistake_of_the_caller(room: Room) -> None:
    pool = room.add_pool()
    with pytest.raises(TypeError, match="polars frame"):
        room.store.add_pool(pool, sealed([b"x"]), [{"text": "x"}], [])
