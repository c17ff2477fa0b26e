"""Who is asking, which projects there are, how they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from queues import Memory, make_project
from servers import LocalHouse

from signoff.core.routing import People
from signoff.server.access import LocalAccess
from signoff.server.app import create_app


def test_projects_are_listed_with_the_caller_s_role(house: LocalHouse) -> None:
    got = house.browser().get("/api/v1/projects").json()["projects"]
    assert [(each["name"], each["role"]) for each in got] == [
        ("reviews", "reviewer"),
        ("letters", "reviewer"),
    ]


def test_a_project_says_what_is_asked(house: LocalHouse) -> None:
    got = house.browser().get(house.path).json()
    (question,) = got["questions"]
    assert question["kind"] == "choice"
    assert [label["id"] for label in question["labels"]] == ["Positive", "Negative"]
    assert question["guideline"] == ""
    assert got["blind"] is True
    assert got["policy"] == "certified, max error 0.05, certainty 0.95"


def test_a_project_that_promises_nothing_shows_its_phase(static: Path) -> None:
    memory = Memory.of(make_project(policy=People()))
    access = LocalAccess("ann", port=1)
    house = LocalHouse(
        app=create_app(memory, memory, access=access, hosts=None, static=static),
        memory=memory,
        port=1,
        access=access,
    )
    browser = house.browser()
    assert browser.get(f"{house.path}/progress").json()["phase"] == "auditing"
    assert browser.get(house.path).json()["blind"] is False


def test_progress_counts_everybody_and_oneself(house: LocalHouse) -> None:
    queue = house.queue
    question = queue.project.question
    ids = list(queue.waiting)
    house.memory(queue.project, "ann").answer(
        ids[0], {"answer": question.parse("Positive")}, seconds=1
    )
    house.memory(queue.project, "ben").answer(
        ids[1], {"answer": question.parse("Positive")}, seconds=1
    )
    got = house.browser().get(f"{house.path}/progress").json()
    assert (got["items"], got["answered"], got["mine"], got["open"]) == (6, 2, 1, 4)
    assert (got["remaining"], got["minutes"]) == (4, 0.4)


def test_there_is_no_certificate_before_the_end(house: LocalHouse) -> None:
    browser = house.browser()
    got = browser.get(f"{house.path}/certificate")
    assert (got.status_code, got.json()["code"]) == (404, "no_certificate")
    house.queue.certificate = {"statement": "At most 5 % are wrong."}
    got = browser.get(f"{house.path}/certificate")
    assert got.json() == {"statement": "At most 5 % are wrong."}


@pytest.mark.parametrize("path", ["", "/progress", "/certificate", "/history", "/events"])
def test_a_project_that_is_not_there_is_not_found(house: LocalHouse, path: str) -> None:
    got = house.browser().get(f"/api/v1/projects/nothing{path}")
    assert (got.status_code, got.json()["code"]) == (404, "no_project")


def test_anybody_may_ask_whether_the_server_lives(house: LocalHouse) -> None:
    got = house.client().get("/healthz")
    assert (got.status_code, got.text) == (200, "ok\n")


def test_the_numbers_count_requests_by_route(house: LocalHouse) -> None:
    browser = house.browser()
    browser.get(f"{house.path}/progress")
    text = browser.get("/metrics").text
    labels = 'method="GET",route="/api/v1/projects/{p}/progress",status="200"'
    assert f"signoff_requests_total{{{labels}}} 1.0" in text.splitlines()
    assert house.queue.project.id not in text


def test_strangers_get_no_numbers(house: LocalHouse) -> None:
    assert house.client().get("/metrics").status_code == 401
