"""A worker moves projects on while people answer elsewhere."""

from __future__ import annotations

import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from signoff.bootstrap import open_store
from signoff.core.questions import Chosen
from signoff.core.routing import Certified, People, Policy
from signoff.desk import QueueDesk
from signoff.project.ownership import owning
from signoff.sdk import run
from signoff.server.stored import StoredDesks
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics
from signoff.worker import Worker

ROWS = two_topics(120)
TRUTH = {row["text"]: row["label"] for row in ROWS}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))


def queued(folder: Path, policy: Policy, *, project: str = "", model: object = None) -> SqlStore:
    """A store with a project whose first items wait for people."""
    run(
        [{"text": row["text"]} for row in ROWS],
        labels=LABELS,
        text="text",
        policy=policy,
        reviewer="none",
        store=folder / "a.db",
        model=model,
        **({"project": project} if project else {}),
    )
    return open_store(str(folder / "a.db"), create=False)


def desk_of(store: SqlStore, project: str | None = None) -> QueueDesk:
    found = store.find_project(project)
    assert found is not None
    return StoredDesks(store=store)(found, "Ada")


def answer_all(desk: QueueDesk) -> int:
    given = 0
    while requests := desk.next_many(50):
        desk.answer_many([(r, Chosen(TRUTH[r.item.text])) for r in requests])
        given += len(requests)
    return given


def test_people_and_a_worker_finish_a_project_in_turns(tmp_path: Path) -> None:
    store = queued(tmp_path, Certified(max_error=Decimal("0.3")))
    worker, desk = Worker(store=store), desk_of(store)
    given = 0
    for _ in range(100):
        given += answer_all(desk)
        if not worker.round():
            break
    assert desk.progress().phase == "closed"
    assert 0 < given < len(ROWS)
    view = StoreView.open(str(tmp_path / "a.db"))
    assert view.verify().ok
    view.close()
    store.close()


def test_it_waits_while_people_are_asked(tmp_path: Path) -> None:
    store = queued(tmp_path, People())
    assert not Worker(store=store).round()
    store.close()


def test_it_leaves_a_project_alone_that_somebody_owns(tmp_path: Path) -> None:
    store = queued(tmp_path, People())
    answer_all(desk_of(store))
    found = store.find_project(None)
    assert found is not None
    done: list[bool] = []
    with owning(store, found.id):
        other = threading.Thread(target=lambda: done.append(Worker(store=store).round()))
        other.start()
        other.join()
    assert done == [False]
    assert Worker(store=store).round()
    assert desk_of(store).progress().phase == "closed"
    store.close()


def test_a_project_that_cannot_be_worked_on_is_told_once_and_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    queued(tmp_path, People(), project="lost", model=lambda rows: ["A"] * len(rows)).close()
    store = queued(tmp_path, People(), project="fine")
    for name in ("lost", "fine"):
        answer_all(desk_of(store, name))
    told: list[str] = []
    worker = Worker(store=store, on_error=lambda name, error: told.append(name))
    assert worker.round()
    worker.round()
    assert told == ["lost"]
    assert desk_of(store, "fine").progress().phase == "closed"
    store.close()


def test_it_stops_when_told(tmp_path: Path) -> None:
    store = queued(tmp_path, People())
    stop = threading.Event()
    working = threading.Thread(target=Worker(store=store).work, args=[stop])
    working.start()
    answer_all(desk_of(store))
    for _ in range(600):
        if desk_of(store).progress().phase == "closed":
            break
        stop.wait(0.1)
    stop.set()
    working.join(10)
    assert not working.is_alive()
    assert desk_of(store).progress().phase == "closed"
    store.close()


def test_a_worker_lets_the_server_have_the_processor_first() -> None:
    program = "import os; from signoff.worker import NICENESS, give_way; before = os.nice(0);"
    program += "give_way(); assert os.nice(0) == min(19, before + NICENESS)"
    subprocess.run([sys.executable, "-c", program], check=True)
