"""The server over a real store: a run asks, a person answers over HTTP, the next run goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from servers import PAGE, make_house, new_id

from signoff.bootstrap import recorder_for
from signoff.core.records import Project
from signoff.errors import Exit, StoreError
from signoff.job import RunOptions
from signoff.sdk import execute
from signoff.server.local import LocalPage
from signoff.server.stored import (
    BUDGET_SPENT,
    NOBODY_WORKS,
    PATIENCE_SECONDS,
    StoredDesks,
    StoredProjects,
    open_served,
)
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import two_topics

ROWS = 60


def work(where: Path) -> Exit:
    """Let the machine do what it can without people."""
    return execute(
        RunOptions(
            data=two_topics(ROWS),
            labels=("Positive", "Negative"),
            text="text",
            key="id",
            reviewer="none",
            store=str(where),
            out=str(where.with_suffix(".csv")),
        )
    ).exit_code


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A store whose project waits for people."""
    where = tmp_path / "reviews.signoff.db"
    assert work(where) == Exit.UNFINISHED
    return where


@pytest.fixture
def store(begun: Path) -> Iterator[SqlStore]:
    with open_served(str(begun)) as opened:
        yield opened


def the_project(store: SqlStore) -> Project:
    project = store.find_project(None)
    assert project is not None
    return project


def says(text: str) -> str:
    praise = ("love", "great", "superb", "happy", "perfect", "sturdy", "elegant", "reliable")
    return "Positive" if text.split()[0] in praise else "Negative"


def answer_all(browser: Any, path: str, label: Any = says) -> int:
    """Answer what waits; how many there were."""
    done = 0
    while requests := browser.post(f"{path}/leases", json={"limit": 10}).json()["requests"]:
        for request in requests:
            body = {
                "request": request["id"],
                "answers": {"answer": {"label": label(request["item"]["text"])}},
                "seconds": 2.0,
                "note": None,
            }
            got = browser.put(f"{path}/reviews/{new_id()}", json=body)
            assert got.json()["counted"] is True
            done += 1
    return done


def test_people_answer_over_http_until_the_certificate(begun: Path) -> None:
    with open_served(str(begun)) as store:
        project = the_project(store)
    with (
        LocalPage.start(str(begun), project.id, reviewer="ann") as page,
        httpx2.Client(base_url=page.url.partition("/?")[0], headers=PAGE, timeout=60) as browser,
    ):
        assert browser.get(page.url).status_code == 303
        (listed,) = browser.get("/api/v1/projects").json()["projects"]
        path = f"/api/v1/projects/{listed['id']}"
        assert listed["name"] == "default"
        answered = 0
        while (done := answer_all(browser, path)) or work(begun) != Exit.DONE:
            answered += done
        deadline = time.monotonic() + 30
        # What is said of a project may be a moment old.
        while (progress := browser.get(f"{path}/progress").json())["phase"] != "closed":
            assert time.monotonic() < deadline, progress
            time.sleep(0.05)
        assert progress["mine"] == progress["answered"] == answered
        assert progress["answered"] + progress["automatic"] == progress["items"]
        assert progress["statement"]
        certificate = browser.get(f"{path}/certificate").json()
        assert certificate["statement"] == progress["statement"]
        assert "closed" in _events(browser, path)
    view = StoreView.open(str(begun))
    assert view.verify().ok
    view.close()


def _events(browser: Any, path: str) -> list[str]:
    """The names of the first events, until the one that tells of the end."""
    names: list[str] = []
    with browser.stream("GET", f"{path}/events") as response:
        for line in response.iter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            if line == "event: closed":
                break
    return names


def test_an_answer_sent_twice_is_one_and_another_one_a_conflict(store: SqlStore) -> None:
    house = make_house(StoredProjects(store=store), StoredDesks(store=store))
    browser = house.browser()
    path = f"/api/v1/projects/{the_project(store).id}"
    (request,) = browser.post(f"{path}/leases", json={"limit": 1}).json()["requests"]
    id = new_id()

    def send(label: str) -> Any:
        body = {"request": request["id"], "answers": {"answer": {"label": label}}}
        return browser.put(f"{path}/reviews/{id}", json=body)

    assert [send("Positive").status_code for _ in range(3)] == [200, 200, 200]
    conflict = send("Negative")
    assert conflict.status_code == 409
    assert conflict.json()["first"] == {"answer": {"label": "Positive"}}
    assert conflict.json()["second"] == {"answer": {"label": "Negative"}}
    (review,) = browser.get(f"{path}/history").json()["reviews"]
    assert (review["id"], review["undoable"]) == (id, True)
    assert browser.post(f"{path}/undo", json={"review": id}).status_code == 200
    assert browser.get(f"{path}/progress").json()["answered"] == 0


def test_a_request_nobody_made_is_a_conflict(store: SqlStore) -> None:
    house = make_house(StoredProjects(store=store), StoredDesks(store=store))
    path = f"/api/v1/projects/{the_project(store).id}"
    body = {"request": new_id(), "answers": {"answer": {"label": "Positive"}}}
    got = house.browser().put(f"{path}/reviews/{new_id()}", json=body)
    assert (got.status_code, got.json()["code"]) == (409, "not_leased")


def test_two_people_get_different_items(store: SqlStore) -> None:
    desks, project = StoredDesks(store=store), the_project(store)
    of_ann = {each.id for each in desks(project, "ann").lease(3).requests}
    of_ben = {each.id for each in desks(project, "ben").lease(3).requests}
    assert len(of_ann) == len(of_ben) == 3
    assert not of_ann & of_ben


def test_a_reviewer_joins_once(store: SqlStore) -> None:
    project = the_project(store)
    for _ in range(2):
        StoredDesks(store=store)(project, "ann")
    assert list(store.reviewer_names(project.id).values()) == ["ann"]


def test_only_the_project_asked_for_is_served(store: SqlStore) -> None:
    project = the_project(store)
    assert StoredProjects(store=store, only=project.id).all() == [project]
    assert StoredProjects(store=store, only=new_id()).all() == []
    assert StoredProjects(store=store, only=new_id()).find(project.id) is None
    assert StoredProjects(store=store).find(new_id()) is None
    assert StoredProjects(store=store).find(project.id) == project


def test_silence_is_explained_after_a_while(store: SqlStore) -> None:
    now = [0.0]
    projects, project = StoredProjects(store=store, clock=lambda: now[0]), the_project(store)
    standing = projects.standing(project)
    assert standing is not None
    assert standing.paused is None
    desk = StoredDesks(store=store)(project, "ann")
    for request in desk.lease(1000).requests:
        desk.answer(request, project.question.parse(says(request.item.text)), seconds=1)
    now[0] = 1.0
    assert _paused(projects, project) is None
    now[0] += PATIENCE_SECONDS + 1
    assert _paused(projects, project) == NOBODY_WORKS


def _paused(projects: StoredProjects, project: Project) -> str | None:
    standing = projects.standing(project)
    assert standing is not None
    return standing.paused


def test_a_spent_budget_is_explained(store: SqlStore) -> None:
    project = the_project(store)
    projects, desks = StoredProjects(store=store, budget=1), StoredDesks(store=store, budget=1)
    (request,) = desks(project, "ann").lease(10).requests
    desks(project, "ann").answer(request, project.question.parse("Positive"), seconds=1)
    assert desks(project, "ann").lease(10).requests == []
    assert _paused(projects, project) == BUDGET_SPENT


def test_a_project_without_rows_says_so(store: SqlStore) -> None:
    empty = replace(the_project(store), id=new_id(), name="empty", created=1)
    store.create_project(empty, [])
    assert recorder_for(store, empty.id, actor="test").last == 0
    browser = make_house(StoredProjects(store=store), StoredDesks(store=store)).browser()
    got = browser.get(f"/api/v1/projects/{empty.id}/progress").json()
    assert got["paused"] == "The project has no rows yet."
    leases = browser.post(f"/api/v1/projects/{empty.id}/leases", json={})
    assert leases.json()["why"] == "The project has no rows yet."


def test_a_store_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="did not start: it ended with exit code 2"):
        LocalPage.start(str(tmp_path / "none.db"), new_id(), reviewer="ann")


def test_a_server_starts_without_the_heavy_libraries(begun: Path) -> None:
    """Neither listening nor answering loads what only learning and reading tables need."""
    script = f"""
import json, sys
from servers import make_house
from signoff.server.stored import StoredDesks, StoredProjects, open_served
with open_served({str(begun)!r}) as store:
    house = make_house(StoredProjects(store=store), StoredDesks(store=store))
    browser = house.browser()
    path = "/api/v1/projects/" + store.find_project(None).id
    (request,) = browser.post(path + "/leases", json={{"limit": 1}}).json()["requests"]
    body = {{"request": request["id"], "answers": {{"answer": {{"label": "Positive"}}}}}}
    browser.put(path + "/reviews/2b0c1c36-6a1b-4a6e-8a39-1a1c2a8a9f10", json=body)
    assert browser.get(path + "/history").json()["reviews"]
heavy = ("polars", "sklearn", "pandas", "pyarrow", "scipy.stats", "matplotlib")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        timeout=120,
        check=True,
    )
    assert json.loads(ended.stdout) == []


def test_a_desk_is_given_amid_others_work_while_somebody_waits_to_join(begun: Path) -> None:
    """Who joins waits for the pen; who has it must not wait for who joins."""
    with open_served(str(begun)) as store:
        desks, (project,) = StoredDesks(store=store), store.projects()
        desks(project, "ann")
        joins = threading.Thread(target=lambda: desks(project, "ben"), daemon=True)
        given: list[object] = []

        def amid_others() -> None:
            joins.start()
            while not desks._joining.locked():
                time.sleep(0.001)
            given.append(desks(project, "ann"))

        work = threading.Thread(
            target=lambda: store.together([amid_others], durable=True), daemon=True
        )
        work.start()
        work.join(20)
        joins.join(20)
        assert given
        assert desks.knows(project, "ben")
