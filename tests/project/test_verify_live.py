"""``signoff verify`` beside a run that is alive or was killed: what is signed is verified."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signoff.audit.verify import Verdict
from signoff.core.routing import Certified, People
from signoff.sdk import run
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

AT_TEN = Certified(max_error=Decimal("0.1"))
PROGRAM = [sys.executable, "-c", "import sys; from signoff.cli import main; sys.exit(main())"]


def command(data: Path) -> list[str]:
    options = ["--labels", ",".join(LABELS), "--policy", "people", "--text", "text"]
    return [*PROGRAM, "run", str(data), *options, "--reviewer", "terminal"]


@contextmanager
def live_run(data: Path, home: Path) -> Generator[subprocess.Popen[bytes]]:
    """A run in which somebody has answered twelve items and now thinks."""
    pl.DataFrame(two_topics(60)).drop("label").write_csv(data)
    process = subprocess.Popen(
        command(data),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SIGNOFF_HOME": str(home)},
    )
    try:
        assert process.stdin is not None
        process.stdin.write(b"1\n" * 12)
        process.stdin.flush()
        while answers(data.with_name("reviews.signoff.db")) < 12:
            assert process.poll() is None
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a killed run left."""
    folder = tmp_path_factory.mktemp("killed")
    with live_run(folder / "reviews.csv", tmp_path_factory.mktemp("home")):
        pass
    return folder


@pytest.fixture
def killed(left: Path, tmp_path: Path) -> Path:
    """A killed run's store of this test's own."""
    shutil.copytree(left, tmp_path / "killed")
    return tmp_path / "killed" / "reviews.signoff.db"


def answers(store: Path) -> int:
    if not store.exists():
        return 0
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return int(db.execute("SELECT count(*) FROM reviews").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # the tables are being made
    finally:
        db.close()


def verify(store: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "verify", str(store)], capture_output=True, text=True, check=False
    )


def verdict_on(store: Path) -> Verdict:
    view = StoreView.open(str(store))
    try:
        return view.verify()
    finally:
        view.close()


def test_beside_a_live_run_and_after_kill_9_what_is_signed_is_verified(
    tmp_path: Path, signoff_home: Path
) -> None:
    data, store = tmp_path / "reviews.csv", tmp_path / "reviews.signoff.db"
    with live_run(data, signoff_home) as run:
        for state in ("live", "killed"):
            if state == "killed":
                run.kill()
                run.wait()
            seen = verify(store)
            assert seen.returncode == 0, (state, seen.stdout)
            first, second, *rest = seen.stdout.splitlines()
            # The reviewer who joined, and twelve answers.
            assert first == "Verified, but for the newest 13 events."
            assert second.startswith("3 of 16 events under signed checkpoints")
            assert any("nothing proves them" in line and "goes on" in line for line in rest)
    done = subprocess.run(command(data), input=b"q\n", capture_output=True, check=False)
    assert done.returncode == 3
    assert verify(store).stdout.startswith("Verified.\n")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET canonical = replace(canonical, '\"item\":3', '\"item\":33')"
        " WHERE leaf IS NULL",
        'UPDATE reviews SET answers = \'{"answer":{"label":"Negative"}}\' WHERE n = 12',
        'UPDATE event_content SET value = \'{"answer":{"label":"Negative"}}\''
        " WHERE name = 'answers'",
        "DELETE FROM events WHERE leaf IS NULL",
        "DELETE FROM events WHERE n = (SELECT max(n) FROM events)",
        "UPDATE pools SET phase = 'closed'",
        "DELETE FROM checkpoints",
        "DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)",
        "UPDATE events SET leaf = NULL WHERE leaf = (SELECT max(leaf) FROM events)",
        "UPDATE events SET leaf = (SELECT max(leaf) + 1 FROM events) WHERE n = "
        "(SELECT min(n) FROM events WHERE leaf IS NULL)",
    ],
)
def test_what_is_not_signed_yet_must_agree_with_itself_and_with_the_tables(
    killed: Path, statement: str
) -> None:
    with sqlite3.connect(killed) as db:
        assert db.execute(statement).rowcount > 0
    db.close()
    assert not verdict_on(killed).ok


def test_dropped_checkpoints_show_in_how_far_the_log_is_signed(
    tmp_path: Path, signoff_home: Path
) -> None:
    store = tmp_path / "run.signoff.db"
    options: dict[str, Any] = {"labels": LABELS, "policy": AT_TEN, "store": store, "seed": 1}
    run(two_topics(200), reviewer="column:label", budget=30, **options)
    whole = verdict_on(store)
    assert whole.ok
    assert whole.covered == whole.events
    with sqlite3.connect(store) as db:
        sizes = [row[0] for row in db.execute("SELECT size FROM checkpoints ORDER BY size")]
        db.execute("DELETE FROM checkpoints WHERE size > ?", (sizes[0],))
        db.execute("UPDATE events SET leaf = NULL WHERE leaf >= ?", (sizes[0],))
    db.close()
    assert len(sizes) > 1
    seen = verify(store)
    assert seen.stdout.startswith(
        f"Verified, but for the newest {whole.events - sizes[0]} events.\n"
        f"{sizes[0]} of {whole.events} events under signed checkpoints"
    )


def test_a_finished_project_with_unsigned_events_is_not_verified(tmp_path: Path) -> None:
    store = tmp_path / "run.signoff.db"
    options: dict[str, Any] = {"labels": LABELS, "policy": People(), "store": store}
    rows = two_topics(10)
    run(rows, reviewer="column:label", **options)
    with sqlite3.connect(store) as db:
        newest = db.execute("SELECT max(size) FROM checkpoints").fetchone()[0]
        db.execute("DELETE FROM checkpoints WHERE size = ?", (newest,))
        before = db.execute("SELECT max(size) FROM checkpoints").fetchone()[0]
        db.execute("UPDATE events SET leaf = NULL WHERE leaf >= ?", (before,))
    db.close()
    verdict = verdict_on(store)
    assert not verdict.ok
    assert "is finished, but no checkpoint covers" in str(verdict.problem)
    run(rows, reviewer="column:label", **options)
    assert verdict_on(store).ok


def test_a_project_of_which_nothing_is_signed_yet_is_told_as_that(tmp_path: Path) -> None:
    """Whoever began it may have been stopped before it signed anything."""
    store = tmp_path / "run.signoff.db"
    options: dict[str, Any] = {"labels": LABELS, "policy": People(), "store": store}
    run(two_topics(10), reviewer="none", **options)
    with sqlite3.connect(store) as db:
        db.execute("DELETE FROM checkpoints")
        db.execute("UPDATE events SET leaf = NULL")
    db.close()
    verdict = verdict_on(store)
    assert not verdict.ok
    assert "nothing is signed yet" in str(verdict.problem)
    run(two_topics(10), reviewer="none", **options)
    assert verdict_on(store).ok


def test_a_store_that_is_written_all_the_time_is_verified(tmp_path: Path) -> None:
    """Whatever moment the looks fall on: no disagreement is made up."""
    pl.DataFrame(two_topics(400)).write_csv(tmp_path / "reviews.csv")
    slow = (
        "import sys, time\n"
        "from signoff.sdk import run\n"
        "from signoff.core.routing import People\n"
        "import polars as pl\n"
        "rows = pl.read_csv(sys.argv[1], schema_overrides={'id': pl.String})\n"
        "def answer(item):\n"
        "    time.sleep(0.005)\n"
        "    return 'Positive'\n"
        "run(rows.drop('label'), labels=('Positive', 'Negative'), policy=People(), text='text',\n"
        "    reviewer=answer, store=sys.argv[2])\n"
    )
    store = tmp_path / "run.signoff.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", slow, str(tmp_path / "reviews.csv"), str(store)]
    )
    looks = 0
    while answers(store) < 5:
        assert writer.poll() is None
        time.sleep(0.05)
    while writer.poll() is None and looks < 12:
        verdict = verdict_on(store)
        assert verdict.ok, str(verdict.problem)
        looks += 1
    assert writer.wait(120) == 0
    assert looks > 0
