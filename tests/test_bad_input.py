"""Bad data, bad stores, bad disks: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signoff import bootstrap
from signoff.core.routing import People
from signoff.errors import Exit, InputError, SignoffError, StoreError, UsageError
from signoff.sdk import RunOptions, RunResult, execute
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

DB = "data.signoff.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return place


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(rows: int = 12) -> str:
    return pl.DataFrame(two_topics(rows)).write_csv()


def label(path: Path, **options: Any) -> RunResult:
    """Let the column answer everything."""
    given = RunOptions(data=str(path), labels=LABELS, policy=People(), reviewer="column:label")
    return execute(replace(given, **options))


def refused(path: Path, **options: Any) -> SignoffError:
    """The error of a run that cannot be, after checking that it is one line and left nothing."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(SignoffError) as error:
        label(path, **options)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == Exit.USAGE
    assert sorted(path.parent.rglob("*")) == before
    return error.value


# -------------------------------------------------------------------------------- data


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("id,text,label\n", "row"),
        ("id,text,label\n1,a\n", "2"),
        ("id,text,label\n1,a,Positive,more\n", "4"),
        ("id,text,text\n1,a,Positive\n", "twice"),
        (b"\x00\x01\x02\x03\xff\xfe\x00" * 40, ""),
        (b"PK\x03\x04" + b"\x00" * 200, ""),
        ('id,text,label\n1,"open quote,Positive\n', ""),
    ],
    ids=[
        "empty",
        "header only",
        "short row",
        "long row",
        "column twice",
        "binary",
        "zip",
        "open quote",
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(
    folder: Path, content: str | bytes, said: str
) -> None:
    error = refused(write(folder, content))
    assert isinstance(error, InputError)
    assert said in str(error)


def test_a_file_that_is_not_there_and_a_folder_are_refused(folder: Path) -> None:
    assert "nowhere.csv" in str(refused(folder / "nowhere.csv"))
    (folder / "data.csv").mkdir()
    assert "data.csv" in str(refused(folder / "data.csv"))


def test_a_compressed_file_is_read_by_its_content(folder: Path) -> None:
    path = write(folder, gzip.compress(table().encode()), "data.csv.gz")
    assert label(path).exit_code == Exit.DONE
    assert (folder / "data.signoff.csv").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_come_through_or_are_named(folder: Path, encoding: str) -> None:
    rows = [{**row, "text": f"{row['text']} café “naïve” déjà"} for row in two_topics(30)]
    path = write(folder, pl.DataFrame(rows).write_csv().encode(encoding))
    assert label(path).exit_code == Exit.DONE
    written = pl.read_csv(folder / "data.signoff.csv", infer_schema=False)
    assert written["text"].to_list() == [row["text"] for row in rows]


def test_a_cell_of_ten_megabytes_is_answered_like_any_other(folder: Path) -> None:
    rows = two_topics(12)
    rows[4]["text"] = "great " * 1_700_000
    path = folder / "data.csv"
    pl.DataFrame(rows).write_csv(path)
    assert label(path).counts["human"] == 12
    written = pl.read_csv(folder / "data.signoff.csv", infer_schema=False)
    assert written["text"][4] == rows[4]["text"]


def test_keys_that_stand_for_two_contents_are_refused(folder: Path) -> None:
    assert "'1'" in str(
        refused(write(folder, "id,text,label\n1,a,Positive\n1,b,Negative\n"), key="id")
    )


def test_a_stored_key_with_other_content_is_refused_and_the_store_keeps_the_old(
    folder: Path,
) -> None:
    path = write(folder, table())
    label(path, key="id")
    write(folder, table().replace("number 3", "number three"))
    with pytest.raises(StoreError, match="'0003' is in the store with other content"):
        label(path, key="id")
    view = StoreView.open(str(folder / DB))
    assert view.verify().ok
    assert view.results()["text"][3].endswith("number 3")
    view.close()


def test_empty_and_missing_texts_are_answered_by_people(folder: Path) -> None:
    path = write(
        folder, 'id,text,label\n1,,Positive\n2,"",Negative\n3,NaN,Negative\n4,a,Positive\n'
    )
    result = label(path)
    assert result.counts["items"] == 4
    assert result.counts["human"] == 4


# ------------------------------------------------------------------------------- stores


@pytest.fixture
def stored(folder: Path) -> Path:
    """A folder with a project that is half done; its data's path."""
    path = write(folder, table(40))
    assert label(path, budget=15).exit_code == Exit.UNFINISHED
    return path


def finishes(path: Path) -> None:
    assert label(path).exit_code == Exit.DONE
    view = StoreView.open(str(path.parent / DB))
    verdict = view.verify()
    view.close()
    assert verdict.ok, str(verdict.problem)


def damaged(path: Path, said: str) -> None:
    """The run is refused in one line that names the store or its part."""
    with pytest.raises(StoreError) as error:
        label(path)
    assert "\n" not in str(error.value)
    assert said in str(error.value)


def test_a_store_of_a_newer_version_is_refused(stored: Path) -> None:
    store = stored.parent / DB
    with sqlite3.connect(store) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    damaged(stored, DB)


@pytest.mark.parametrize("keep", [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_store_is_refused_or_still_whole(stored: Path, keep: float) -> None:
    store = stored.parent / DB
    data = store.read_bytes()
    store.write_bytes(data[: int(len(data) * keep)])
    if keep == 0.0:
        # an empty file is what SQLite makes before it writes: a store to begin
        assert label(stored).exit_code == Exit.DONE
        return
    with pytest.raises(StoreError) as error:
        label(stored)
    assert "\n" not in str(error.value)
    store.write_bytes(data)
    finishes(stored)


def test_a_file_that_is_no_store_is_refused_and_left_alone(folder: Path) -> None:
    path = write(folder, table())
    write(folder, "not a database, but somebody's notes " * 100, DB)
    before = (folder / DB).read_bytes()
    damaged(path, DB)
    assert (folder / DB).read_bytes() == before


def test_a_missing_columnar_file_is_named(stored: Path) -> None:
    artifacts = stored.parent / "data.signoff.artifacts"
    shutil.move(artifacts, stored.parent / "elsewhere")
    damaged(stored, "data.signoff.artifacts")
    shutil.move(stored.parent / "elsewhere", artifacts)
    finishes(stored)


def test_a_changed_columnar_file_is_named(stored: Path) -> None:
    (path,) = (stored.parent / "data.signoff.artifacts").rglob("rows-*.parquet")
    data = path.read_bytes()
    path.write_bytes(data[:50] + b"?" + data[51:])
    damaged(stored, path.name)
    path.write_bytes(data)
    finishes(stored)


def test_a_missing_signing_key_is_named_and_the_project_can_still_be_read(
    stored: Path, signoff_home: Path
) -> None:
    (key,) = (signoff_home / "keys").glob("*.pem")
    data = key.read_bytes()
    key.unlink()
    damaged(stored, key.stem)
    view = StoreView.open(str(stored.parent / DB))
    assert view.verify().ok
    assert view.status()["human"] == 15
    view.close()
    key.write_bytes(data)
    finishes(stored)


def test_a_changed_event_is_found_by_verifying(stored: Path) -> None:
    with sqlite3.connect(stored.parent / DB) as db:
        db.execute(
            "UPDATE events SET canonical = replace(canonical, 'item', 'itex') WHERE leaf = 5"
        )
    db.close()
    view = StoreView.open(str(stored.parent / DB))
    verdict = view.verify()
    view.close()
    assert not verdict.ok
    assert verdict.problem is not None


# -------------------------------------------------------------------------------- disks


def mounted(folder: Path, options: str) -> None:
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("not on this platform: mounting a disk of our own takes root")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("not on this platform: no disk of our own can be mounted")


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(handle, b"\0" * 4096):
            pass
    os.close(handle)


Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts a disk with options at a folder."""
    place = tmp_path / "disk"
    place.mkdir()
    used: list[Path] = []

    def mount(options: str) -> Path:
        mounted(place, options)
        used.append(place)
        return place

    yield mount
    for folder in used:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_on_a_full_disk_nothing_is_lost_and_the_run_goes_on_with_more_space(disk: Disk) -> None:
    folder = disk("size=2m")
    path = write(folder, table(40))
    assert label(path, budget=15).exit_code == Exit.UNFINISHED
    before = (folder / "data.signoff.csv").read_bytes()
    fill(folder / "filler")
    with pytest.raises(SignoffError) as error:
        label(path)
    assert "\n" not in str(error.value)
    assert (folder / "data.signoff.csv").read_bytes() == before
    (folder / "filler").unlink()
    finishes(path)
    view = StoreView.open(str(folder / DB))
    assert view.counts()["human"] == 40
    view.close()


def test_a_read_only_disk_is_refused_in_one_line(disk: Disk) -> None:
    folder = disk("size=2m")
    path = write(folder, table())
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    error = refused(path)
    assert "signoff.db" in str(error)


def test_results_go_elsewhere_when_the_folder_of_the_data_cannot_be_written(
    disk: Disk, tmp_path: Path
) -> None:
    folder = disk("size=2m")
    path = write(folder, table())
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    for name in ("out.csv", "report.html"):
        assert not (tmp_path / name).exists()
    result = label(
        path,
        store=str(tmp_path / "s.signoff.db"),
        out=str(tmp_path / "out.csv"),
        report=str(tmp_path / "report.html"),
    )
    assert result.exit_code == Exit.DONE
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("out", ["nowhere/out.csv", "out.xlsx"])
def test_an_output_that_cannot_be_written_is_refused_before_anything_is_asked(
    folder: Path, out: str
) -> None:
    path = write(folder, table())
    with pytest.raises((InputError, UsageError)) as error:
        label(path, out=str(folder / out))
    assert "\n" not in str(error.value)
    assert out.rpartition("/")[2] in str(error.value) or "nowhere" in str(error.value)
    assert not (folder / DB).exists()


# -------------------------------------------------------------------------------- clocks


def test_a_clock_set_back_never_makes_the_log_run_backwards(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder, table(40))
    label(path, budget=15)
    real = bootstrap.clock
    monkeypatch.setattr(bootstrap, "clock", lambda: real() - 10 * 365 * 86_400 * 1_000_000)
    finishes(path)
    view = StoreView.open(str(folder / DB))
    instants = [event.at for event in view.store.events(view.project.id)]
    view.close()
    assert instants == sorted(instants)


# -------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_texts_that_a_spreadsheet_would_run_survive_a_run(folder: Path, text: str) -> None:
    rows = [{**row, "text": f"{text} {row['text']}"} for row in two_topics(12)]
    path = folder / "data.csv"
    pl.DataFrame(rows).write_csv(path)
    assert label(path).exit_code == Exit.DONE
    assert label(path).messages == []
