"""A full disk, a read-only one, a locked file: one line each, and what was stored is still there.

Disks are mounted in a mount namespace of a process of their own, so nothing is left behind.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from storeroom import Room, make_project

from signoff.errors import StoreBusy, StoreError
from signoff.store import database

START = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from storeroom import Room, open_store
from signoff.errors import SignoffError
disk = Path({disk!r})
where, folder = str(disk / "a.db"), disk / "artifacts"

def refused(action):
    try:
        action()
    except SignoffError as error:
        assert chr(10) not in error.message, error.message
        return error
    raise AssertionError("was not refused")
"""


def on_a_disk(tmp_path: Path, mount: str, script: str) -> str:
    """What a script prints that runs where ``mount`` was run; skips where nobody may mount."""
    disk = tmp_path / "disk"
    disk.mkdir(exist_ok=True)
    if shutil.which("unshare") is None:
        pytest.skip("not on this platform: no unshare")
    probe = "mount -t tmpfs -o size=64k none ."
    if subprocess.run(["unshare", "-rm", "sh", "-c", probe], cwd=disk, check=False).returncode:
        pytest.skip("not on this platform: nobody may mount a disk here")
    program = tmp_path / "script.py"
    program.write_text(START.format(here=str(Path(__file__).parent), disk=str(disk)) + script)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$1" "$2"', "sh", sys.executable, program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_is_named_and_leaves_what_was_stored(tmp_path: Path) -> None:
    script = """
room = Room.open(where, folder)
room.add_pool()
stored = 1
for number in range(2, 400):
    try:
        room.add_pool(number, items=400, text=str(number))
    except SignoffError as error:
        full = error
        break
    stored += 1
else:
    raise AssertionError("the disk never filled up")
assert full.code == "disk_full", full
assert chr(10) not in full.message
assert len(room.store.pools(room.project.id)) == stored
for pool in room.store.pools(room.project.id):
    assert room.store.rows(pool).height == pool.rows
assert not list(folder.rglob(".writing-*"))
room.close()
again = open_store(where, folder)
assert len(again.pools(room.project.id)) == stored
print(stored)
"""
    out = on_a_disk(tmp_path, "mount -t tmpfs -o size=4m none disk", script)
    assert int(out) > 1


def test_a_database_on_a_full_disk_is_named_and_works_again_with_space(tmp_path: Path) -> None:
    script = """
room = Room.open(where, folder)
room.add_pool()
ann = room.add_reviewer("Ann")
room.ask(list(range(12)))
ballast = disk / "ballast"
with ballast.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
error = refused(lambda: [
    room.store.record(room.project.id, [room.event("run.started", {"signoff": "x" * 2000})])
    for _ in range(5000)
])
assert error.code == "disk_full", error
error = refused(lambda: room.add_pool(2, items=2000))
assert error.code == "disk_full", error
ballast.unlink()
room.store.record(room.project.id, [room.event("run.started", {"signoff": "x"})])
(request,) = room.lease(ann)
assert room.answer(request, ann, room.project.question.parse("Positive"))
assert len(room.store.pools(room.project.id)) == 1
print("works")
"""
    out = on_a_disk(tmp_path, "mount -t tmpfs -o size=4m none disk", script)
    assert out.strip() == "works"


def test_a_read_only_disk_is_named(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    room = Room.open(str(tmp_path / "disk" / "a.db"), tmp_path / "disk" / "artifacts")
    room.add_pool()
    room.close()
    script = """
error = refused(lambda: Room.open(str(disk / "new.db"), folder))
print(error)
def use():
    store = open_store(where, folder)
    room = Room(store=store, project=store.find_project(None), where=where, folder=folder)
    room.add_reviewer("Ann")
error = refused(use)
assert "a.db" in error.message, error
print(error)
"""
    out = on_a_disk(tmp_path, "mount --bind disk disk && mount -o remount,ro,bind disk", script)
    assert len(out.splitlines()) == 2
    assert "damaged" not in out
    again = room.again()
    assert len(again.store.pools(room.project.id)) == 1
    again.close()


def test_a_store_locked_by_another_process_is_busy_in_one_line(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    mine = sqlite_room.again()
    other = sqlite3.connect(sqlite_room.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="busy in another process") as caught:
        mine.add_reviewer("Ann")
    assert "\n" not in caught.value.message
    assert mine.store.find_project(None) == mine.project
    other.execute("ROLLBACK")
    other.close()
    mine.add_reviewer("Ann")
    mine.close()


def test_a_store_that_is_locked_for_good_cannot_be_opened_and_says_so(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_room.close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    other = sqlite3.connect(sqlite_room.database, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy, match="busy in another process"):
        sqlite_room.again()
    other.close()


def test_a_server_that_goes_away_is_named_and_the_store_works_again(
    postgres_url: str, tmp_path: Path
) -> None:
    room = Room.open(postgres_url, tmp_path / "artifacts")
    others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    second = room.again()

    def cut_off() -> None:
        with room.store.transaction() as db:
            with second.store.transaction() as other:
                other.execute(others)
            db.execute(sa.text("SELECT 1"))

    with pytest.raises(StoreError) as caught:
        cut_off()
    assert "\n" not in caught.value.message
    assert room.store.find_project(None) == room.project
    second.close()
    room.close()


def names_or_refusal(room: Room) -> list[str] | StoreError:
    try:
        again = room.again()
    except StoreError as error:
        return error
    try:
        return again.store.project_names()
    except StoreError as error:
        return error
    finally:
        again.close()


def test_any_damaged_page_is_harmless_or_refused_in_one_line(sqlite_room: Room) -> None:
    for at in range(20):
        sqlite_room.store.create_project(make_project(f"p{at}" + "x" * 300), [])
    names = sqlite_room.store.project_names()
    sqlite_room.close()
    whole = sqlite_room.database.read_bytes()
    refused: list[StoreError] = []
    for start in range(4096, len(whole), 4096):
        broken = whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :]
        sqlite_room.database.write_bytes(broken)
        found = names_or_refusal(sqlite_room)
        if isinstance(found, StoreError):
            refused.append(found)
        else:
            assert found == names
    assert refused
    assert {error.code for error in refused} == {"damaged"}
    assert not any("\n" in error.message for error in refused)
