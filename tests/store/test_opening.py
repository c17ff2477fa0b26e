"""Opening: whatever lies there, one clear line, and nothing of it is touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from storeroom import Room, open_store

from signoff.errors import InputError, SignoffError, StoreError
from signoff.store.database import database_url, shown
from signoff.store.store import SqlStore


def refusal(where: str | Path, *, create: bool = False) -> SignoffError:
    with pytest.raises(SignoffError) as caught:
        SqlStore(str(where), artifacts=Path("nowhere"), create=create)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def closed(sqlite_room: Room) -> Room:
    """A store with something in it, that no process has open."""
    sqlite_room.add_pool()
    sqlite_room.add_reviewer("Ann")
    sqlite_room.store.checkpoint(sqlite_room.project.id)
    sqlite_room.close()
    return sqlite_room


def test_what_was_stored_is_there_when_it_is_opened_again(room: Room) -> None:
    room.add_pool()
    room.close()
    again = room.again()
    assert again.store.find_project(None) == room.project
    assert len(again.store.pools(room.project.id)) == 1
    again.close()


def test_a_missing_store_is_refused_and_not_made(tmp_path: Path) -> None:
    where = tmp_path / "none.signoff.db"
    assert refusal(where).message == f"There is no store at {where}."
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    where = tmp_path / "none" / "x.db"
    assert "folder" in refusal(where, create=True).message


@pytest.mark.parametrize("create", [True, False])
def test_a_directory_is_no_store(tmp_path: Path, create: bool) -> None:
    assert "is a directory" in refusal(tmp_path, create=create).message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not on this platform: no named pipes")
def test_a_pipe_is_no_store_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refusal(tmp_path / "pipe", create=True).message


@pytest.mark.parametrize("content", [b"id,text\n1,good\n", b"x", b"SQLite", b"\0" * 5000])
@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, create: bool
) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(content)
    assert "is not a signoff store" in refusal(path, create=create).message
    assert path.read_bytes() == content


def test_an_empty_file_becomes_a_store_only_when_one_may_be_made(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    assert "holds no signoff store" in refusal(path).message
    Room.open(str(path), tmp_path / "artifacts").close()


@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.5, 0.9, 1.0])
def test_a_truncated_store_is_refused_at_any_length(closed: Room, part: float) -> None:
    whole = closed.database.read_bytes()
    length = min(max(16, int(len(whole) * part)), len(whole) - 1)
    closed.database.write_bytes(whole[:length])
    for create in (True, False):
        error = refusal(closed.database, create=create)
        assert error.code == "damaged"
        assert closed.database.read_bytes() == whole[:length]
    closed.database.write_bytes(whole)
    closed.again().close()


def test_a_store_whose_first_page_is_overwritten_is_refused(closed: Room) -> None:
    whole = closed.database.read_bytes()
    closed.database.write_bytes(whole[:100] + b"\xff" * 3996 + whole[4096:])
    assert refusal(closed.database).code == "damaged"


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("table", ["users", "projects", "alembic"])
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, table: str, create: bool
) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute(f"CREATE TABLE {table} (id INTEGER)")
        if table == "alembic":
            other.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
            other.execute("INSERT INTO alembic_version VALUES ('abc123')")
    other.close()
    before = path.read_bytes()
    error = refusal(path, create=create)
    assert "another program's tables" in error.message
    assert table in error.message
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_refused(room: Room) -> None:
    with room.store.transaction() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer version of signoff \(schema 9999\)") as caught:
        open_store(room.where, room.folder, create=True)
    assert caught.value.code == "newer_store"
    assert "\n" not in caught.value.message


def test_two_that_make_a_store_at_once_make_one(store_url: str, tmp_path: Path) -> None:
    def make(_: int) -> list[str]:
        store = open_store(store_url, tmp_path / "artifacts", create=True)
        names = store.project_names()
        store.close()
        return names

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(make, range(3))) == [[], [], []]


def test_two_projects_of_one_name_are_refused_in_one_line(room: Room) -> None:
    with pytest.raises(StoreError) as caught:
        room.store.create_project(room.project, [])
    assert "\n" not in caught.value.message


# ---------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "where",
    [
        "postgresql://ann:S3CR3T@localhost:notaport/db",
        "postgresql://ann:S3@CR3T@localhost:1/db?connect_timeout=1",
        "postgresql://ann@localhost:1/db?password=S3CR3T&connect_timeout=1",
        "postgresql://ann:S3CR3T@127.0.0.1:1/full_locked_unique_db?connect_timeout=1",
        "postgresql://ann:S3CR3T@localhost:1/db?no_such_option=1",
        "mysql://ann:S3CR3T@localhost/db",
        "ann:S3CR3T@localhost://",
    ],
)
def test_a_password_is_never_shown(where: str) -> None:
    error = refusal(where, create=True)
    for text in (str(error), error.message, error.hint):
        assert "S3CR3T" not in text
        assert "CR3T@" not in text
    assert "disk is full" not in error.message


def test_a_wrong_password_is_refused_without_showing_it(postgres_server: str) -> None:
    url = sa.make_url(postgres_server).set(username="nobody", password="S3CR3T")
    error = refusal(url.render_as_string(hide_password=False))
    assert "S3CR3T" not in str(error)
    assert "nobody" in error.message


def test_a_database_that_is_not_there_is_named(postgres_server: str) -> None:
    url = sa.make_url(postgres_server).set(database="full_of_locked_things")
    error = refusal(url.render_as_string(hide_password=False), create=True)
    assert "does not exist" in error.message
    assert "disk" not in error.message


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:///", "sqlite:///:memory:", ":memory:"])
def test_a_store_is_a_file(where: str) -> None:
    with pytest.raises(InputError, match="names no file"):
        database_url(where)


@given(name=st.text(st.characters(codec="utf-8", exclude_characters="/\0\n"), min_size=1))
def test_a_path_is_taken_as_it_is(name: str) -> None:
    path = f"/folder/{name}x"
    if "://" not in path:
        assert shown(database_url(path)) == path


def test_an_odd_path_holds_a_store(tmp_path: Path) -> None:
    path = tmp_path / "50% of ünïcode ?x=1#y&z'.db"
    Room.open(str(path), tmp_path / "artifacts").close()
    assert path.is_file()
    open_store(str(path), tmp_path / "artifacts").close()


def test_postgresql_needs_a_folder_for_its_columns(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="no folder for its columnar files"):
        SqlStore(postgres_url)


def test_the_folder_of_columns_lies_beside_the_file(tmp_path: Path) -> None:
    store = SqlStore(str(tmp_path / "reviews.signoff.db"))
    assert store.artifacts.folder == tmp_path / "reviews.signoff.artifacts"
    store.close()


# ------------------------------------------------------------------------------ crashes

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from storeroom import Room
room = Room.open({where!r}, Path({folder!r}))
room.add_pool()
ann = room.add_reviewer("Ann")
room.ask(list(range(12)))
requests = room.lease(ann, limit=12)
for request in requests[:5]:
    room.answer(request, ann, room.project.question.parse("Positive"))
with room.store.transaction() as db:
    from signoff.store import reviews
    review = room.review(requests[5], ann, room.project.question.parse("Positive"))
    reviews.add_reviews(db, room.project, [review], room.tell)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing_it_had_stored_and_keeps_no_half(tmp_path: Path) -> None:
    where, folder = str(tmp_path / "a.db"), tmp_path / "artifacts"
    script = KILLED.format(here=str(Path(__file__).parent), where=where, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()
    store = open_store(where, folder)
    project = store.find_project(None)
    assert project is not None
    assert len(store.reviews(project, 1)) == 5
    assert store.queue_counts(project.id, 1).open == 7
    store.close()
