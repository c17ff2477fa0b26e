"""Workers that are killed: nothing half, nothing twice, and the next one goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workshop import REVIEWS, Workshop, ndjson

from signoff.core.records import Job

SECONDS = 90.0
SIGNOFF = [sys.executable, "-c", "import sys; from signoff.cli import main; sys.exit(main())"]
MANY = ndjson({"text": f"text number {n} with words of its own"} for n in range(30_000))


def start(shop: Workshop) -> subprocess.Popen[bytes]:
    """A worker process as a server starts it."""
    told = {"SIGNOFF_WORKER_STORE": shop.where, "SIGNOFF_ARTIFACTS": str(shop.folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "signoff.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **told},
    )


def kill(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
    process.send_signal(how)
    process.wait(SECONDS)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def state_of(shop: Workshop, job: Job) -> Job:
    found = shop.store.job(job.id)
    assert found is not None
    return found


def wait_for(shop: Workshop, job: Job, *states: str) -> Job:
    deadline = time.monotonic() + SECONDS
    while (found := state_of(shop, job)).state not in states:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found


def test_a_worker_killed_in_an_import_leaves_no_half_project(shop: Workshop) -> None:
    """It is killed at moments of the import that chance chooses; the next worker finishes it."""
    job = shop.ask(shop.upload(MANY, "many.ndjson"), policy={"kind": "people"})
    luck = random.Random(7)
    for _ in range(3):
        process = start(shop)
        found = wait_for(shop, job, "running", "done")
        time.sleep(luck.random() * 1.2)
        kill(process)
        projects, found = shop.store.projects(), state_of(shop, job)
        assert len(projects) == (1 if found.state == "done" else 0)
        if found.state == "done":
            break
    process = start(shop)
    found = wait_for(shop, job, "done", "failed")
    assert (found.state, found.error) == ("done", None)
    (project,) = shop.store.projects()
    while shop.store.newest_checkpoint(project.id) is None:
        time.sleep(0.02)  # it signs right after
    kill(process, signal.SIGTERM)
    (pool,) = shop.store.pools(project.id)
    assert pool.rows == 30_000
    assert shop.view(project).verify().ok
    assert len([e for e in shop.store.events(project.id) if e.type == "rows.added"]) == 1
    assert len(list((shop.folder / project.id).glob("rows-*.parquet"))) >= 1


@pytest.mark.parametrize("how", ["sigterm", "stdin"])
def test_a_worker_ends_when_told_and_when_its_parent_is_gone(shop: Workshop, how: str) -> None:
    job = shop.ask(shop.upload(REVIEWS))
    process = start(shop)
    assert wait_for(shop, job, "done", "failed").state == "done"
    if how == "sigterm":
        process.send_signal(signal.SIGTERM)
    else:
        assert process.stdin is not None
        process.stdin.close()
    assert process.wait(SECONDS) == 0
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_further_workers_join_from_the_command_line(shop: Workshop) -> None:
    command = ["worker", "--store", shop.where, "--artifacts", str(shop.folder)]
    workers = [
        subprocess.Popen(
            [*SIGNOFF, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in workers:
        assert process.stdout is not None
        assert b"Working" in process.stdout.readline()
    jobs = [shop.ask(shop.upload(REVIEWS), project=f"p{n}") for n in range(6)]
    assert {wait_for(shop, job, "done", "failed").state for job in jobs} == {"done"}
    for process in workers:
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS) == (b"", b"")
        assert process.returncode == 0
    assert sorted(project.name for project in shop.store.projects()) == [f"p{n}" for n in range(6)]
    assert {state_of(shop, job).attempts for job in jobs} == {1}


def test_a_worker_without_a_store_says_so(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*SIGNOFF, "worker", "--store", str(tmp_path / "no.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "There is no store" in ended.stderr
