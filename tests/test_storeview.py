"""A finished store, seen from outside: verified, tampered with, exported, erased from."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signoff.audit.verify import verify_log
from signoff.core.questions import Chosen
from signoff.core.routing import Certified, People
from signoff.errors import InputError, SignoffError, StoreBusy
from signoff.ports import Desk
from signoff.project.ownership import owning
from signoff.sdk import run
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, KeywordModel, two_topics

STORE = "run.signoff.db"
SECRET = "Zanzibar"
POLICY = Certified(max_error=Decimal("0.2"))
ROWS = two_topics(120)
ROWS[7]["text"] += f" from {SECRET}"
ROWS.append({**ROWS[7], "id": "twin"})


class Fickle:
    """A person who skips, takes an answer back, and otherwise knows the labels."""

    name = "Ada Lovelace"
    kind = "person"

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self._known = {row["text"]: row["label"] for row in rows}

    def review(self, desk: Desk) -> bool:
        first = desk.next()
        if first is None:
            return True
        desk.skip(first)
        answered = 0
        while (request := desk.next()) is not None:
            desk.answer(request, Chosen(self._known[request.item.text]), seconds=1.5)
            answered += 1
            if answered == 2:
                again = desk.undo()
                assert again is not None
                assert again.item == request.item
        return True


def hidden(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: row[name] for name in row if name != "label"} for row in rows]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished project of two pools, and the key it is signed with."""
    folder = tmp_path_factory.mktemp("finished")
    before = os.environ.get("SIGNOFF_HOME")
    os.environ["SIGNOFF_HOME"] = str(folder / "home")
    later = [{**row, "id": f"b{row['id']}", "text": f"{row['text']} again"} for row in ROWS[40:100]]
    options: dict[str, Any] = {"store": folder / STORE, "seed": 5, "model": KeywordModel()}
    for rows in (ROWS, [*ROWS, *later]):
        done = run(
            hidden(rows),
            labels=LABELS,
            key="id",
            text="text",
            policy=POLICY,
            reviewer=Fickle(rows),
            **options,
        )
        assert done.finished
    assert done.counts["automatic"] > 0
    os.environ.pop("SIGNOFF_HOME")
    if before is not None:
        os.environ["SIGNOFF_HOME"] = before
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished project."""
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    monkeypatch.setenv("SIGNOFF_HOME", str(copy / "home"))
    return copy


@pytest.fixture
def view(folder: Path) -> Iterator[StoreView]:
    opened = StoreView.open(str(folder / STORE))
    yield opened
    opened.close()


def rejected(view: StoreView) -> bool:
    """Whether verification says no, in a verdict or in one line."""
    try:
        return not view.verify().ok
    except SignoffError as error:
        return "\n" not in error.message


# -------------------------------------------------------------------------- verifying


def test_a_finished_store_verifies(view: StoreView) -> None:
    verdict = view.verify()
    assert verdict.ok, str(verdict.problem)
    assert verdict.events == verdict.covered
    assert verdict.blanks == 0
    assert len(verdict.certificates) == 2
    types = {event.type for event in view.store.events(view.project.id)}
    assert types >= {
        "project.created",
        "rows.added",
        "reviewer.added",
        "requests.opened",
        "answer.given",
        "answer.skipped",
        "answer.undone",
        "audit.committed",
        "verdicts.sealed",
        "seed.revealed",
        "decisions.made",
        "certificate.issued",
        "pool.closed",
    }


def test_it_verifies_with_the_right_public_key_only(view: StoreView) -> None:
    from signoff.audit.keys import SigningKey

    key = view.verify().public_key
    assert view.verify(key).trusted
    assert not view.verify(SigningKey.generate().public.text).ok


PROTECTED = {
    "events": ("canonical", "id", "type", "at", "leaf", "project"),
    "event_content": ("event", "name", "salt", "value"),
    "reviews": (
        *("answers", "pool", "item", "reviewer", "seconds", "at", "reason", "undone", "event"),
        *("counted", "project"),
    ),
    "requests": ("key", "shown"),
    "audits": ("committed", "certificate", "seed", "seed_chosen_by", "pool", "question", "attempt"),
    "checkpoints": ("note", "size"),
    "pools": (
        *("rows", "items", "rows_root", "phase"),
        *("frozen_roots", "model_roots", "people_roots"),
    ),
    "projects": ("name", "form", "policy", "rules", "process"),
    "reviewers": ("id", "name", "kind"),
    "artifacts": ("root", "sha256", "name"),
}
Place = tuple[str, str, int]


def places(db: sqlite3.Connection) -> list[Place]:
    """Every value that verification must protect: table, column, row."""
    return [
        (table, column, rowid)
        for table, columns in PROTECTED.items()
        for column in columns
        for (rowid,) in db.execute(f"SELECT rowid FROM {table} WHERE {column} IS NOT NULL")
    ]


def changed(value: object, rng: random.Random) -> object:
    """The value with one byte changed: a letter for a letter, a bit of a number."""
    if isinstance(value, int):
        return value ^ (1 << rng.randrange(3))
    if isinstance(value, float):
        return value + 0.125
    data = bytearray(value.encode() if isinstance(value, str) else value)  # type: ignore[union-attr, arg-type]
    at = rng.randrange(len(data))
    if isinstance(value, bytes):
        data[at] ^= 1 << rng.randrange(8)
        return bytes(data)
    data[at] = rng.choice([c for c in b"0123456789abcdefXYZ" if c != data[at]])
    return data.decode(errors="replace")


def accepted_changes(folder: Path, chosen: Callable[[list[Place]], list[Place]]) -> list[Place]:
    """Change one byte at each place, one after the other; the places where nobody noticed."""
    rng = random.Random(3)
    view = StoreView.open(str(folder / STORE))
    db = sqlite3.connect(folder / STORE, isolation_level=None)
    unnoticed: list[Place] = []
    try:
        for place in chosen(places(db)):
            table, column, rowid = place
            (value,) = db.execute(
                f"SELECT {column} FROM {table} WHERE rowid = ?", (rowid,)
            ).fetchone()
            write = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
            try:
                db.execute(write, (changed(value, rng), rowid))
            except sqlite3.IntegrityError:
                continue  # the value is taken: the database itself refuses
            if not rejected(view):
                unnoticed.append(place)
            db.execute(write, (value, rowid))
        assert view.verify().ok
    finally:
        db.close()
        view.close()
    return unnoticed


def one_of_each_and_some_more(every: list[Place]) -> list[Place]:
    rng = random.Random(11)
    kinds = {(table, column): (table, column, rowid) for table, column, rowid in every}
    return [*kinds.values(), *rng.sample(every, 20)]


def test_one_changed_byte_of_an_event_or_a_decision_is_rejected(folder: Path) -> None:
    assert accepted_changes(folder, one_of_each_and_some_more) == []


@pytest.mark.soak
def test_one_changed_byte_of_any_event_or_decision_is_rejected(folder: Path) -> None:
    assert accepted_changes(folder, lambda every: every) == []


def artifact_rows(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Every row and content column of every columnar file."""
    for path in sorted((folder / "run.signoff.artifacts").rglob("*.parquet")):
        frame = pl.read_parquet(path)
        for row in range(frame.height):
            yield from ((path, row, column) for column in frame.columns)


def rewritten(frame: pl.DataFrame, row: int, column: str) -> pl.DataFrame:
    """The frame with one value changed in its first byte."""
    values: list[Any] = frame[column].to_list()
    value = values[row]
    if isinstance(value, int):
        values[row] = value + 1
    elif isinstance(value, bytes):
        values[row] = bytes([value[0] ^ 1]) + value[1:]
    else:
        values[row] = chr(ord(value[0]) ^ 1) + value[1:]
    return frame.with_columns(pl.Series(column, values, dtype=frame[column].dtype))


def forge(folder: Path, path: Path, row: int, column: str) -> Path:
    """Change a value of a columnar file, and what the database says of the file's bytes."""
    buffer = BytesIO()
    rewritten(pl.read_parquet(path), row, column).write_parquet(buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    kind, root, old = path.stem.split("-")
    new = path.with_name(f"{kind}-{root}-{digest[:16]}.parquet")
    new.write_bytes(buffer.getvalue())
    with sqlite3.connect(folder / STORE) as db:
        done = db.execute(
            "UPDATE artifacts SET sha256 = ? WHERE sha256 LIKE ?", (digest, f"{old}%")
        )
        assert done.rowcount == 1
    db.close()
    return new


def accepted_forgeries(folder: Path, places: list[tuple[Path, int, str]]) -> list[object]:
    view = StoreView.open(str(folder / STORE))
    unnoticed: list[object] = []
    for path, row, column in places:
        (before,) = _sha256_of(folder, path)
        new = forge(folder, path, row, column)
        if not rejected(view):
            unnoticed.append((path.name, row, column))
        with sqlite3.connect(folder / STORE) as db:
            db.execute(
                "UPDATE artifacts SET sha256 = ? WHERE sha256 LIKE ?",
                (before, f"{new.stem.split('-')[2]}%"),
            )
        db.close()
        new.unlink()
    assert view.verify().ok
    view.close()
    return unnoticed


def _sha256_of(folder: Path, path: Path) -> tuple[str]:
    with sqlite3.connect(folder / STORE) as db:
        found: tuple[str] = db.execute(
            "SELECT sha256 FROM artifacts WHERE sha256 LIKE ?", (f"{path.stem.split('-')[2]}%",)
        ).fetchone()
    db.close()
    return found


def test_a_changed_decision_row_or_text_is_rejected_though_its_file_is_forged_to_fit(
    folder: Path,
) -> None:
    every = list(artifact_rows(folder))
    kinds = {(path, column): (path, row, column) for path, row, column in every}
    assert accepted_forgeries(folder, list(kinds.values())) == []


@pytest.mark.soak
def test_any_changed_row_is_rejected_though_its_file_is_forged_to_fit(folder: Path) -> None:
    assert accepted_forgeries(folder, list(artifact_rows(folder))) == []


def test_a_byte_changed_in_a_columnar_file_is_noticed(folder: Path, view: StoreView) -> None:
    for path in (folder / "run.signoff.artifacts").rglob("*.parquet"):
        good = path.read_bytes()
        for at in (0, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert rejected(view)
        path.write_bytes(good)
    assert view.verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events WHERE leaf = (SELECT max(leaf) FROM events)",
        "DELETE FROM events WHERE leaf = 4",
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)",
        "UPDATE events SET leaf = NULL WHERE leaf = (SELECT max(leaf) FROM events)",
        "DELETE FROM reviews WHERE n = 5",
        "UPDATE reviews SET answers = NULL WHERE n = 5",
        "DELETE FROM audits WHERE pool = 1",
        "UPDATE audits SET certificate = NULL",
        "DELETE FROM event_content WHERE rowid = 9",
        "UPDATE pools SET model_roots = people_roots, people_roots = model_roots",
        "UPDATE pools SET phase = 'finishing' WHERE number = 1",
        "INSERT INTO pools SELECT project, 3, rows, items, phase, rows_root, forecast,"
        " undone, frozen_roots, model_roots, people_roots FROM pools WHERE number = 1",
    ],
)
def test_what_is_missing_or_added_is_noticed(folder: Path, view: StoreView, statement: str) -> None:
    with sqlite3.connect(folder / STORE) as db:
        assert db.execute(statement).rowcount > 0
    db.close()
    assert rejected(view)


# ----------------------------------------------------------------------- exported logs


@pytest.mark.parametrize("content", [False, True])
def test_an_exported_log_verifies_alone_with_the_public_key(
    folder: Path, view: StoreView, content: bool
) -> None:
    view.export_log(str(folder / "log.jsonl"), content=content)
    with (folder / "log.jsonl").open("rb") as lines:
        verdict = verify_log(lines, public_key=view.verify().public_key)
    assert verdict.ok, str(verdict.problem)
    assert verdict.trusted
    assert len(verdict.certificates) == 2
    text = (folder / "log.jsonl").read_text()
    assert (SECRET in text) is content
    assert ("Ada Lovelace" in text) is content


def test_a_changed_line_of_an_exported_log_is_rejected(folder: Path, view: StoreView) -> None:
    key = view.verify().public_key
    view.export_log(str(folder / "log.jsonl"), content=True)
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    rng = random.Random(2)
    numbers = rng.sample(range(len(lines)), 25)
    assert [at for at in numbers if _accepted(lines, at, key, rng)] == []


@pytest.mark.soak
def test_any_changed_line_of_an_exported_log_is_rejected(folder: Path, view: StoreView) -> None:
    key = view.verify().public_key
    view.export_log(str(folder / "log.jsonl"), content=True)
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    rng = random.Random(2)
    assert [at for at in range(len(lines)) if _accepted(lines, at, key, rng)] == []


def _accepted(lines: list[bytes], at: int, key: str, rng: random.Random) -> bool:
    line = bytearray(lines[at])
    place = rng.randrange(len(line))
    line[place] ^= 1 << rng.randrange(7)
    try:
        return verify_log([*lines[:at], bytes(line), *lines[at + 1 :]], public_key=key).ok
    except InputError:
        return False


# ---------------------------------------------------------------------------- erasing


def bytes_of(folder: Path) -> bytes:
    """Everything the store has on disk."""
    files = [path for path in folder.rglob("*") if path.is_file() and "home" not in path.parts]
    return b"\n".join(path.read_bytes() for path in files)


def columnar_text(folder: Path) -> str:
    """What the columnar files hold, unpacked."""
    frames = [
        pl.read_parquet(path) for path in (folder / "run.signoff.artifacts").rglob("*.parquet")
    ]
    return "\n".join(str(frame.rows()) for frame in frames)


def test_an_erased_text_is_nowhere_and_everything_still_verifies(folder: Path) -> None:
    assert SECRET in columnar_text(folder)
    view = StoreView.open(str(folder / STORE))
    certificate = view.certificate()
    assert view.erase("0007") == 2  # its twin is the same item
    verdict = view.verify()
    assert verdict.ok, str(verdict.problem)
    assert verdict.blanks >= 4  # two rows, and the item's decision or answer in two places
    after = view.certificate()
    assert certificate is not None
    assert after is not None
    assert {k: v for k, v in after.items() if k != "checkpoint"} == {
        k: v for k, v in certificate.items() if k != "checkpoint"
    }
    results = view.results()
    view.close()
    assert SECRET.encode() not in bytes_of(folder)
    assert SECRET not in columnar_text(folder)
    gone = results.filter(pl.col("id").is_null())
    assert gone.height == 2
    assert gone["signoff_answer"].to_list() == [None, None]


def test_an_erased_row_does_not_come_back_with_the_data(folder: Path) -> None:
    view = StoreView.open(str(folder / STORE))
    view.erase("0007")
    view.close()
    again = run(hidden(ROWS), reviewer="none", key="id", store=folder / STORE, model=KeywordModel())
    assert again.finished
    assert any("2 rows were erased" in message for message in again.messages)
    assert SECRET not in columnar_text(folder)


def test_a_log_exported_after_erasing_verifies_and_counts_the_blanks(
    folder: Path, view: StoreView
) -> None:
    view.erase("0007")
    view.export_log(str(folder / "log.jsonl"), content=True)
    assert SECRET not in (folder / "log.jsonl").read_text()
    with (folder / "log.jsonl").open("rb") as lines:
        verdict = verify_log(lines)
    assert verdict.ok
    assert verdict.blanks == view.verify().blanks > 0


def test_erasing_what_is_not_there_is_refused(view: StoreView) -> None:
    with pytest.raises(InputError, match="has the key 'nothing'"):
        view.erase("nothing")
    view.erase("0007")
    with pytest.raises(InputError, match="has the key '0007'"):
        view.erase("0007")


def test_erasing_waits_for_no_run_but_refuses_beside_one(view: StoreView) -> None:
    other = StoreView.open(view.store.name)
    with owning(other.store, other.project.id), pytest.raises(StoreBusy):
        # the same process and thread would be let in: ask as another one
        _in_thread(lambda: view.erase("0007"))
    other.close()


def _in_thread(action: Callable[[], object]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(action).result()


@pytest.mark.parametrize("policy", [POLICY, People()], ids=["certified", "people"])
@pytest.mark.parametrize("answers_first", [0, 10, 40, 60])
def test_erasing_in_the_middle_of_a_run_leaves_a_run_that_can_be_finished(
    tmp_path: Path, answers_first: int, policy: Certified | People
) -> None:
    store = tmp_path / STORE
    options: dict[str, Any] = {"reviewer": "column:label", "store": store, "key": "id"}
    run(ROWS, labels=LABELS, policy=policy, budget=answers_first, seed=3, **options)
    view = StoreView.open(str(store))
    for row in ROWS[:120:10]:
        view.erase(row["id"])
    view.close()
    done = run(ROWS, seed=3, **options)
    assert done.finished
    view = StoreView.open(str(store))
    verdict = view.verify()
    view.close()
    assert verdict.ok, str(verdict.problem)
    kept = done.results.filter(pl.col("id").is_not_null())
    assert kept.height == len(ROWS) - 12
    assert kept["signoff_answer"].null_count() == 0


# ----------------------------------------------------------------------------- status


def test_status_counts_add_up(view: StoreView) -> None:
    status = view.status()
    assert status["items"] == 180
    assert status["rows"] == 181
    assert status["human"] + status["automatic"] == 180  # type: ignore[operator]
    assert status["phase"] == "closed"
    assert status["waiting"] == 0


def test_a_project_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    with pytest.raises(SignoffError) as refused:
        StoreView.open(str(folder / STORE), "other")
    assert "default" in refused.value.hint


def test_results_are_the_same_however_often_they_are_exported(
    folder: Path, view: StoreView
) -> None:
    for name in ("a.csv", "b.csv"):
        view.export(str(folder / name))
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    certificate = json.loads(json.dumps(view.certificate()))
    assert certificate["pool"] == 2
