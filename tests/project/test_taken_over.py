"""A run that slept too long was taken over by another: it stops in one line and writes nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from signoff.bootstrap import add_rows, make_engine
from signoff.core.routing import Certified
from signoff.engine import Engine
from signoff.errors import Unfinished
from signoff.job import Job, RunOptions, new_rows, prepare
from signoff.project.ownership import owning
from signoff.sdk import run
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, KeywordModel, two_topics

ROWS = two_topics(200)
AT_TEN = Certified(max_error=Decimal("0.1"))


def engine_of(job: Job) -> Engine:
    return make_engine(
        job.store,
        job.project,
        automations=job.automations,
        hidden=job.hidden,
        actor="run",
        budget=None,
        seed=1,
    )


@pytest.fixture
def job(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(tmp_path / "artifacts"))
    job = prepare(
        RunOptions(
            data=ROWS,
            text="text",
            labels=LABELS,
            policy=AT_TEN,
            model=KeywordModel(),
            reviewer="column:label",
            store=store_url,
        )
    )
    yield job
    job.store.close()


def count(store: SqlStore, project: str) -> int:
    return sum(1 for _ in store.events(project, unsigned=True))


def leave_and_return(store: SqlStore, project: str) -> None:
    """Another run that came, saw the lease run out, and went again."""
    taken = store.take_ownership(project, "far-away/1/0/0", dead=None, now=2**62, until=2**62)
    assert taken is None
    store.release_ownership(project, "far-away/1/0/0")


def stay(store: SqlStore, project: str) -> None:
    """Another run that came and is still there."""
    taken = store.take_ownership(project, "far-away/1/0/0", dead=None, now=2**62, until=2**63 - 1)
    assert taken is None


@pytest.mark.parametrize("other", [stay, leave_and_return])
def test_no_step_of_the_loop_writes_after_another_run_took_over(
    job: Job, other: Callable[[SqlStore, str], None]
) -> None:
    store, project = job.store, job.project.id
    rows, _ = new_rows(job)
    assert rows is not None
    engine = engine_of(job)
    with owning(store, project):
        add_rows(engine, rows)
    with owning(store, project):
        other(store, project)
        before = count(store, project)
        pool = engine.pool()
        steps: list[Callable[[], Any]] = [
            engine.advance,
            lambda: add_rows(engine, rows),
            lambda: engine._close(pool),
        ]
        for step in steps:
            with pytest.raises(Unfinished, match="took over") as stopped:
                step()
            assert stopped.value.exit_code == 3
            assert "\n" not in str(stopped.value)
        assert count(store, project) == before
        assert len(store.pools(project)) == 1
        assert engine.pool().phase == "learning"


def test_a_lease_that_ran_out_while_nobody_came_is_still_its_owners(job: Job) -> None:
    store, project = job.store, job.project.id
    rows, _ = new_rows(job)
    assert rows is not None
    with owning(store, project, clock=lambda: 1):
        engine = engine_of(job)
        add_rows(engine, rows)
        assert engine.advance().open > 0


SLEEPER = """
import sys
from decimal import Decimal
from signoff.cli import main
from signoff import sdk
from signoff.core.routing import Certified
from signoff.errors import SignoffError
from signoff.testing.fakes import LABELS, two_topics
rows = two_topics(200)
truth = {row["text"]: row["label"] for row in rows}
asked = 0
def answer(item):
    global asked
    asked += 1
    if asked == 11:
        print("asleep", flush=True)
        sys.stdin.readline()
    return truth[item.text]
try:
    done = sdk.run(rows, labels=LABELS, policy=Certified(max_error=Decimal("0.1")), text="text",
                   reviewer=answer, store=sys.argv[1], seed=1)
    print("finished", done.finished)
except SignoffError as error:
    print(int(error.exit_code), error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: no SIGSTOP")
def test_a_run_that_wakes_up_after_another_went_on_stops_and_nothing_is_written_twice(
    tmp_path: Path,
) -> None:
    store = tmp_path / "run.signoff.db"
    sleeper = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "asleep\n"
    os.kill(sleeper.pid, signal.SIGSTOP)
    with sqlite3.connect(store) as db:  # a minute passes
        db.execute("UPDATE projects SET owner_until = 0")
    db.close()
    truth = {row["text"]: row["label"] for row in ROWS}
    other = run(ROWS, reviewer=lambda item: truth[item.text], store=store, budget=40, seed=1)
    assert not other.finished
    os.kill(sleeper.pid, signal.SIGCONT)
    said, _ = sleeper.communicate("\n", timeout=120)
    assert said.startswith("3 Another run took over")
    assert len(said.splitlines()) == 1
    done = run(ROWS, reviewer=lambda item: truth[item.text], store=store, seed=1)
    assert done.finished
    view = StoreView.open(str(store))
    verdict = view.verify()
    standing = [review.item for review in view.store.reviews(view.project, 1)]
    view.close()
    assert verdict.ok, str(verdict.problem)
    assert len(standing) == len(set(standing))
