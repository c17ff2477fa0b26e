"""Backup while the store is used, restored here and there: whole, checked, or refused."""

from __future__ import annotations

import base64
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from signoff.audit.keys import default_key
from signoff.bootstrap import open_store, sign_with_its_key
from signoff.core.questions import Chosen
from signoff.core.routing import Certified, People
from signoff.errors import InputError, StoreError
from signoff.sdk import run
from signoff.server.stored import StoredDesks
from signoff.store.archive import MANIFEST
from signoff.store.backup import backup, restore
from signoff.store.schema import artifacts, metadata
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics
from signoff.worker import Worker

ROWS = two_topics(150)
TRUTH = {row["text"]: row["label"] for row in ROWS}
NOW = "2026-01-31T12:00:00+00:00"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The artifact folder of the store in use."""
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path / "artifacts"


@pytest.fixture
def store(store_url: str, folder: Path) -> Iterator[SqlStore]:
    """A store with a project half done and one that is finished, with its certificate."""
    for name, policy, reviewer in (
        ("half", People(), "none"),
        ("whole", Certified(max_error=Decimal("0.3")), "column:label"),
    ):
        run(ROWS, labels=LABELS, text="text", policy=policy, reviewer=reviewer, store=store_url,
            project=name)  # fmt: skip
    opened = open_store(store_url, create=False)
    yield opened
    opened.close()


def answer(store: SqlStore, limit: int) -> int:
    project = store.find_project("half")
    assert project is not None
    desk = StoredDesks(store=store)(project, "Ada")
    requests = desk.next_many(limit)
    desk.answer_many([(each, Chosen(TRUTH[each.item.text])) for each in requests])
    return len(requests)


def everything(store: SqlStore) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with store.reading() as db:
        return {
            table.name: sorted((tuple(row) for row in db.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def problems(where: str) -> list[str]:
    """What `verify` finds wrong, after signing what was said last."""
    found: list[str] = []
    for name in ("half", "whole"):
        view = StoreView.open(where, name)
        sign_with_its_key(view.store, view.project)
        view.store.checkpoint(view.project.id)
        verdict = view.verify()
        found += [] if verdict.ok else [f"{name}: {verdict.problem} {verdict.notes}"]
        view.close()
    return found


def restored(archive: Path, where: str, folder: Path) -> SqlStore:
    restore(archive, where, folder=folder)
    return SqlStore(where, artifacts=folder, create=False)


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_a_backup_of_any_database_is_restored_into_any(
    store: SqlStore,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    to: str,
) -> None:
    answer(store, 7)
    archive = tmp_path / "a.zip"
    copied = backup(store, archive, created=NOW)
    before = everything(store)
    assert (copied.projects, copied.files) == (2, len(before["artifacts"]))
    if to == "sqlite":
        where = str(tmp_path / "again.signoff.db")
    else:
        where = request.getfixturevalue("other_postgres_url")
    other = restored(archive, where, tmp_path / "again")
    after = everything(other)
    for name in before:
        if name != "projects":  # whose owner is gone
            assert after[name] == before[name], name
    assert len(after["projects"]) == 2
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(tmp_path / "again"))
    assert problems(where) == []
    # It is no museum: people and the machine go on, on numbers of its own.
    while answer(other, 50):
        pass
    assert Worker(store=other).round()
    project = other.find_project("half")
    assert project is not None
    assert other.pools(project.id)[-1].phase == "closed"
    assert problems(where) == []
    other.close()


@pytest.fixture
def other_postgres_url(postgres_server: str) -> Iterator[str]:
    """A second empty database."""
    import uuid

    import psycopg

    name = f"other_{uuid.uuid4().hex}"
    server = sa.make_url(postgres_server)
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_backup_taken_while_people_answer_is_one_moment(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every table is of the same instant: as many answers as events that tell of them."""
    stop = threading.Event()
    given: list[int] = []

    def answering() -> None:
        while not stop.is_set() and answer(store, 1):
            given.append(1)

    thread = threading.Thread(target=answering)
    thread.start()
    archives = [tmp_path / f"{n}.zip" for n in range(3)]
    for archive in archives:
        backup(store, archive, created=NOW)
    stop.set()
    thread.join()
    counts: list[int] = []
    for at, archive in enumerate(archives):
        where, folder = str(tmp_path / f"{at}.db"), tmp_path / f"{at}.artifacts"
        other = restored(archive, where, folder)
        tables = everything(other)
        told = sum(row[4] == "answer.given" for row in tables["events"])
        assert told == len(tables["reviews"])
        counts.append(told)
        other.close()
        monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(folder))
        if at == 0:
            assert problems(where) == []
    assert counts == sorted(counts)
    assert given


def test_the_signing_key_is_not_in_it(store: SqlStore, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    copied = backup(store, archive, created=NOW)
    assert len(copied.keys) == 1
    raw = default_key().private.private_bytes_raw()
    with zipfile.ZipFile(archive) as packed:
        content = b"".join(packed.read(name) for name in packed.namelist())
    for secret in (raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        assert secret.rstrip(b"=") not in content
    assert (archive.stat().st_mode & 0o077) == 0


def test_a_backup_replaces_nothing(store: SqlStore, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_text("mine")
    with pytest.raises(InputError, match="exists"):
        backup(store, archive, created=NOW)
    assert archive.read_text() == "mine"


def test_a_missing_or_damaged_artifact_makes_no_backup(
    store: SqlStore, tmp_path: Path, folder: Path
) -> None:
    path = next(folder.glob("*/rows-*.parquet"))
    kept = path.read_bytes()
    path.write_bytes(kept[:-1] + b"x")
    with pytest.raises(StoreError, match="not as it was written"):
        backup(store, tmp_path / "a.zip", created=NOW)
    path.unlink()
    with pytest.raises(StoreError, match="is missing"):
        backup(store, tmp_path / "a.zip", created=NOW)
    assert [each.name for each in tmp_path.iterdir() if each.suffix in (".zip", ".tmp")] == []


def test_an_erasure_in_the_middle_of_a_backup_is_not_undone_by_it(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An artifact that was replaced meanwhile: the backup begins again, without the content."""
    view = StoreView.open(store.name if "@" not in store.name else str(
        store._url.render_as_string(hide_password=False)), "whole")  # fmt: skip
    secret = ROWS[3]["text"]
    key = view.store.rows(view.pools[0])["__signoff_key"][3]
    real = type(store).snapshot
    done: list[int] = []

    from contextlib import contextmanager

    @contextmanager
    def erased_after(self: SqlStore) -> Iterator[sa.Connection]:
        with real(self) as db:
            yield db
        if not done:
            done.append(1)
            view.erase(key)

    monkeypatch.setattr(type(store), "snapshot", erased_after)
    archive = tmp_path / "a.zip"
    backup(store, archive, created=NOW)
    view.close()
    other = restored(archive, str(tmp_path / "b.db"), tmp_path / "b")
    project = other.find_project("whole")
    assert project is not None
    (pool,) = other.pools(project.id)
    assert secret not in other.rows(pool)["text"].to_list()
    other.close()


# ------------------------------------------------------------------------------- refusals


def tampered(archive: Path, out: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """An archive with other content under some names; None leaves an entry out."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return out


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of a small SQLite store."""
    run(ROWS[:20], labels=LABELS, text="text", policy=People(), reviewer="none",
        store=tmp_path / "small.db")  # fmt: skip
    store = open_store(str(tmp_path / "small.db"), create=False)
    backup(store, tmp_path / "small.zip", created=NOW)
    store.close()
    return tmp_path / "small.zip"


def refused(archive: Path, tmp_path: Path, code: str, says: str) -> None:
    """It is refused, and nothing is left where it was to be."""
    where, folder = tmp_path / "new" / "a.db", tmp_path / "new" / "a.artifacts"
    where.parent.mkdir(exist_ok=True)
    with pytest.raises(StoreError) as caught:
        restore(archive, str(where), folder=folder)
    assert (caught.value.code, says in caught.value.message) == (code, True), caught.value
    assert list(where.parent.rglob("*")) == []


def test_an_archive_that_was_changed_is_refused(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "bad.zip"
    changes: list[tuple[Callable[[str, bytes], bytes | None], str]] = [
        (lambda n, d: d.replace(b"text", b"tEXT", 1) if n.endswith("events.jsonl") else d,
         "checksum"),
        (lambda n, d: d + b"x" if n.startswith("artifacts/") else d, "checksum"),
        (lambda n, d: d[:-9] if n.startswith("artifacts/") else d, "checksum"),
        (lambda n, d: None if n.startswith("artifacts/") else d, "exactly what it lists"),
        (lambda n, d: None if n == MANIFEST else d, "no backup of signoff"),
        (lambda n, d: d[:-5] if n == MANIFEST else d, "list of contents"),
        (lambda n, d: b"[1]" if n == MANIFEST else d, "list of contents"),
    ]  # fmt: skip
    for change, says in changes:
        tampered(archive, out, change)
        code = "store" if "no backup" in says else "damaged"
        refused(out, tmp_path, code, says)
        out.unlink()


def test_an_archive_that_lost_bytes_is_refused(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    out = tmp_path / "short.zip"
    for kept in (0, 100, len(data) // 2, len(data) - 1):
        out.write_bytes(data[:kept])
        refused(out, tmp_path, "damaged", "is damaged")
    for at in range(60, len(data), len(data) // 40):
        out.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        where = tmp_path / f"flip{at}.db"
        refusal = ""
        try:
            restore(out, str(where), folder=tmp_path / f"flip{at}")
        except StoreError as error:
            refusal = error.code
        # A byte may say nothing: a time of an entry, for one.
        assert refusal in ("", "damaged", "newer_store", "store")
        assert where.exists() is (refusal == "")


def test_a_list_of_files_that_asks_for_a_later_zip_is_refused(
    archive: Path, tmp_path: Path
) -> None:
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 210  # the version needed for the first entry
    out = tmp_path / "later.zip"
    out.write_bytes(data)
    refused(out, tmp_path, "damaged", "is damaged")


def test_names_that_lead_elsewhere_are_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        manifest = json.loads(packed.read(MANIFEST))
    victim = manifest["files"][0]["path"]
    for name in (
        "../evil.parquet", "../../evil", "/etc/evil", "a/../../evil", "a/..", "C:\\evil", "a\\b",
        "a//b", "a/./b", ".ssh/keys", "a/" + "b/" * 9 + "c", "a/\u202eb", "a",
    ):  # fmt: skip
        out = tmp_path / "slip.zip"
        with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w") as new:
            for entry in old.namelist():
                data = old.read(entry)
                if entry == MANIFEST:
                    data = json.dumps(manifest).replace(victim, json.dumps(name)[1:-1]).encode()
                new.writestr(entry.replace(victim, name), data)
        refused(out, tmp_path, "damaged", "leads elsewhere")
        out.unlink()


def test_a_file_that_unpacks_too_far_is_refused(archive: Path, tmp_path: Path) -> None:
    """An entry may not become larger than the manifest says."""

    def swell(name: str, data: bytes) -> bytes:
        return b"[]\n" * 50_000_000 if name == "tables/events.jsonl" else data

    out = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, swell(name, old.read(name)))
    assert out.stat().st_size < 10_000_000
    refused(out, tmp_path, "damaged", "checksum")


def test_what_a_newer_version_wrote_is_refused(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "newer.zip"
    for field, value in (("signoff_backup", 2), ("schema", "9999")):

        def newer(name: str, data: bytes, field: str = field, value: object = value) -> bytes:
            if name != MANIFEST:
                return data
            return json.dumps({**json.loads(data), field: value}).encode()

        tampered(archive, out, newer)
        refused(out, tmp_path, "newer_store", "newer version")
        out.unlink()


def test_a_place_that_is_not_empty_is_refused(
    archive: Path, tmp_path: Path, store_url: str
) -> None:
    open_store(store_url, create=True).close() if "sqlite" in store_url else SqlStore(
        store_url, artifacts=tmp_path / "x"
    ).close()
    with pytest.raises(StoreError, match="not empty"):
        restore(archive, store_url, folder=tmp_path / "other")
    with pytest.raises(StoreError, match="holds files of this store already"):
        restore(archive, str(tmp_path / "new.db"), folder=tmp_path / "small.artifacts")
    assert not (tmp_path / "new.db").exists()


def test_webhooks_of_a_restored_store_are_off_and_running_jobs_wait(tmp_path: Path) -> None:
    from signoff.store.webhooks import Webhook

    run(ROWS[:20], labels=LABELS, text="text", policy=People(), reviewer="none",
        store=tmp_path / "a.db")  # fmt: skip
    store = open_store(str(tmp_path / "a.db"), create=False)
    project = store.find_project(None)
    assert project is not None
    store.add_webhook(
        Webhook(id="w", project=project.id, url="https://example.org/", secret="whsec_", cursor=0,
                events=("item.decided",), active=True, created=1), [],
    )  # fmt: skip
    job = store.enqueue(kind="export", body={}, project=project.id, now=1)
    store.take_job("somebody", now=1, until=10**18)
    backup(store, tmp_path / "a.zip", created=NOW)
    store.close()
    other = restored(tmp_path / "a.zip", str(tmp_path / "b.db"), tmp_path / "b")
    (hook,) = other.webhooks()
    assert not hook.active
    found = other.job(job.id)
    assert found is not None
    assert (found.state, found.leased_by) == ("queued", None)
    with other.reading() as db:
        assert len(db.execute(sa.select(artifacts)).all()) >= 1
    other.close()
