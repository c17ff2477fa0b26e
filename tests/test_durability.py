"""Killed at any moment, started twice at once: the same promise is kept and nobody asked twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from signoff.core.routing import People
from signoff.sdk import RunOptions, execute
from signoff.storeview import StoreView
from signoff.testing.fakes import two_topics

SOURCE = Path(__file__).resolve().parent.parent / "src"
PROGRAM = "import sys; from signoff.cli import main; sys.exit(main())"
RUN = ("run", "reviews.csv", "--labels", "Positive,Negative", "--max-error", "10%")
COLUMN = (*RUN, "--reviewer", "column:label", "--seed", "1")
DB = "reviews.signoff.db"
SECRET = "Zanzibar"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with data whose labels are hard enough for every phase of a run."""
    place = tmp_path / "place"
    place.mkdir()
    rows = two_topics(300, sarcasm=0.05)
    rows[3]["text"] += f" {SECRET}"
    pl.DataFrame(rows).write_csv(place / "reviews.csv")
    return place


def start(folder: Path, *args: str, waits: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the process made a file, or ended."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)


def check_finished(folder: Path, *, errors: int) -> None:
    """The promise is kept, nobody was asked twice, and the log verifies."""
    view = StoreView.open(str(folder / DB))
    try:
        verdict = view.verify()
        assert verdict.ok, str(verdict.problem)
        assert view.finished
        given = Counter(
            json.loads(event.canonical)["body"]["item"]
            for event in view.store.events(view.project.id, types=["answer.given"])
        )
        assert set(given.values()) == {1}
        certificate = view.certificate()
        assert certificate is not None
        assert certificate["errors"] == errors
        assert certificate["human"] == given.total()
        results = view.results()
    finally:
        view.close()
    assert results["signoff_answer"].null_count() == 0
    assert (results["signoff_answer"] != results["label"]).sum() <= errors
    written = pl.read_csv(folder / "reviews.signoff.csv", infer_schema=False)
    assert written["signoff_answer"].to_list() == results["signoff_answer"].to_list()


def killed_and_restarted(folder: Path, *, kills: int, seed: int) -> None:
    """Kill a run at random moments after it began to work, then let it end."""
    rng = random.Random(seed)
    for _ in range(kills):
        process = start(folder, *COLUMN)
        wait_for(folder / DB, process)
        time.sleep(rng.uniform(0.0, 2.5))
        kill(process)
    code, _, err = finish(start(folder, *COLUMN))
    assert code == 0, err
    check_finished(folder, errors=30)


def test_a_run_killed_at_three_moments_keeps_its_promise_and_asks_nothing_twice(
    folder: Path,
) -> None:
    killed_and_restarted(folder, kills=3, seed=1)


@pytest.mark.soak
def test_a_run_killed_at_twenty_moments_keeps_its_promise_and_asks_nothing_twice(
    folder: Path,
) -> None:
    killed_and_restarted(folder, kills=20, seed=2)


KILL_AT = """
import os, signal, sys
from signoff.store.store import SqlStore
target, before, count = sys.argv[1], sys.argv[2] == "before", int(sys.argv[3])
real, seen = getattr(SqlStore, target), [0]
def deadly(self, *args, **kwargs):
    seen[0] += 1
    if seen[0] == count and before:
        os.kill(os.getpid(), signal.SIGKILL)
    result = real(self, *args, **kwargs)
    if seen[0] == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(SqlStore, target, deadly)
from signoff.cli import main
sys.exit(main(sys.argv[4:]))
"""


def killed_at(folder: Path, method: str, when: str, count: int, *args: str) -> int:
    """Run until the ``count``-th call of a method of the store, and die there."""
    return subprocess.run(
        [sys.executable, "-c", KILL_AT, method, when, str(count), *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    ).returncode


STEPS = ("create_project", "add_pool", "ask", "answer", "commit_audit", "decide", "checkpoint")


def finished_after_kills_at(folder: Path, kills: list[tuple[str, str, int]]) -> None:
    for method, when, count in kills:
        assert killed_at(folder, method, when, count, *COLUMN) == -signal.SIGKILL, (method, when)
    in_this_process(folder)
    check_finished(folder, errors=30)


def in_this_process(folder: Path) -> None:
    result = execute(RunOptions(data=str(folder / "reviews.csv"), reviewer="column:label", seed=1))
    assert result.exit_code == 0


def test_a_run_killed_right_before_and_after_it_commits_to_its_audit_goes_on(
    folder: Path,
) -> None:
    finished_after_kills_at(
        folder,
        [("commit_audit", "before", 1), ("commit_audit", "after", 1), ("decide", "before", 1)],
    )


@pytest.mark.soak
@pytest.mark.parametrize("method", STEPS)
def test_a_run_killed_before_and_after_every_kind_of_step_goes_on(
    folder: Path, method: str
) -> None:
    finished_after_kills_at(folder, [(method, "before", 1), (method, "after", 1)])


def test_of_two_runs_started_at_once_one_works_and_the_other_is_refused_in_one_line(
    folder: Path,
) -> None:
    # both would wait for a person: whichever is first works until its input ends
    runs = [start(folder, *RUN, "--seed", "1", waits=True) for _ in range(2)]
    while all(run.poll() is None for run in runs):
        time.sleep(0.05)
    refused, works = sorted(runs, key=lambda run: run.poll() is None)
    code, _, err = finish(refused)
    assert code == 2, err
    said = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1, err
    assert "another" in said[0]
    assert works.poll() is None
    code, _, err = finish(works)
    assert code == 3, err
    in_this_process(folder)
    check_finished(folder, errors=30)


def store_bytes(folder: Path) -> bytes:
    """Everything the store has on disk, columnar files unpacked."""
    parts = [path.read_bytes() for path in folder.glob(f"{DB}*")]
    for path in (folder / "reviews.signoff.artifacts").rglob("*"):
        if path.is_file():
            parts.append(path.read_bytes())
            parts.append(str(pl.read_parquet(BytesIO(parts[-1])).rows()).encode())
    return b"\n".join(parts)


def erased_though_killed_at(folder: Path, method: str, when: str, count: int) -> None:
    rows = pl.read_csv(folder / "reviews.csv", infer_schema=False).head(30)
    rows.write_csv(folder / "reviews.csv")
    everything = RunOptions(
        data=str(folder / "reviews.csv"), reviewer="column:label", policy=People(), key="id"
    )
    execute(everything)
    assert SECRET.encode() in store_bytes(folder)
    arguments = ("erase", DB, "0003", "--yes")
    assert killed_at(folder, method, when, count, *arguments) == -signal.SIGKILL
    view = StoreView.open(str(folder / DB))
    if "0003" in view.store.rows(view.pools[0])["__signoff_key"].to_list():
        view.erase("0003")
    view.close()
    execute(everything)
    assert SECRET.encode() not in store_bytes(folder)
    view = StoreView.open(str(folder / DB))
    verdict = view.verify()
    view.close()
    assert verdict.ok, str(verdict.problem)
    assert verdict.blanks >= 2


def test_an_erasure_killed_before_the_old_files_are_gone_is_completed_by_the_next_run(
    folder: Path,
) -> None:
    # the first sweep is before the erasure, the second removes what it replaced
    erased_though_killed_at(folder, "sweep", "before", 2)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("method", "when", "count"),
    [
        ("erase", "before", 1),
        ("erase", "after", 1),
        ("sweep", "after", 2),
        ("checkpoint", "after", 1),
        ("compact", "before", 1),
    ],
)
def test_an_erasure_that_is_killed_is_completed_by_the_next_run(
    folder: Path, method: str, when: str, count: int
) -> None:
    erased_though_killed_at(folder, method, when, count)
