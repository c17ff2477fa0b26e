"""The list of projects and their overview: progress, certificate, forecast, who may see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from offices import begin, office, words

from signoff.core.routing import Threshold
from signoff.errors import Exit
from signoff.server.access import Role
from signoff.server.templates import FOLDER
from signoff.server.templates import words as speech


@pytest.fixture
def done(tmp_path: Path) -> Path:
    where = tmp_path / "reviews.signoff.db"
    assert begin(where, rows=400, reviewer="column:label") == Exit.DONE
    return where


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    where = tmp_path / "begun.signoff.db"
    assert begin(where) == Exit.UNFINISHED
    return where


def test_the_overview_shows_the_certificate_with_its_numbers(done: Path) -> None:
    with office(done) as house:
        browser = house.browser()
        said = words(browser.get(house.pages()).text)
        (issued,) = house.store.audits(house.project().id, 1).values()
        assert issued.certificate is not None
        assert str(issued.certificate["statement"]) in said
        assert f"Labels audited {speech.count(int(str(issued.certificate['audited'])))}" in said
        assert "100 % decided, 400 of 400 items" in said
        assert "Every item is decided." in said


def test_an_open_project_shows_its_goal_and_what_waits(begun: Path) -> None:
    with office(begun) as house:
        said = words(house.browser().get(house.pages()).text)
        assert "The goal: at most 5 % of the labels differ" in said
        assert "16 items wait for an answer" in said
        assert "nobody nudged" in said


def test_a_project_that_promises_nothing_says_so(tmp_path: Path) -> None:
    where = tmp_path / "threshold.signoff.db"
    begin(where, policy=Threshold(confidence=0.9), reviewer="column:label")
    with office(where) as house:
        said = words(house.browser().get(house.pages()).text)
        assert "This project gives no certificate" in said


def test_the_list_shows_every_project_and_how_far_it_is(done: Path) -> None:
    begin(done, "letters")
    with office(done) as house:
        said = words(house.browser().get("/projects").text)
        assert "reviews admin 400 of 400 items decided" in said
        assert "letters admin 0 of 60 items decided" in said


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 200), ("manager", 200), ("auditor", 200), ("reviewer", 403)]
)
def test_who_may_see_the_project_pages(begun: Path, role: Role, status: int) -> None:
    with office(begun, role=role) as house:
        got = house.browser().get(house.pages())
        assert got.status_code == status
        assert got.headers["content-type"].startswith("text/html")


def test_strangers_are_led_to_the_way_in(begun: Path) -> None:
    with office(begun) as house:
        got = house.client().get(house.pages())
        assert (got.status_code, got.headers["location"]) == (303, "/")


def test_a_project_that_is_not_there_is_a_page(begun: Path) -> None:
    with office(begun) as house:
        got = house.browser().get("/projects/2b0c1c36-6a1b-4a6e-8a39-1a1c2a8a9f10")
        assert got.status_code == 404
        assert "There is no such project." in words(got.text)


def test_files_lie_under_the_address_of_their_content_alone(begun: Path) -> None:
    with office(begun) as house:
        page = house.browser().get(house.pages()).text
        address = page.partition('href="/site/')[2].partition('"')[0]
        got = house.client().get(f"/site/{address}")
        assert (got.status_code, got.headers["cache-control"][-9:]) == (200, "immutable")
        assert house.client().get("/site/000000000000/site.css").status_code == 404


def test_the_pages_have_the_colours_of_the_review_page(repository: Path) -> None:
    tokens = repository / "web" / "src" / "styles" / "tokens.css"
    assert (FOLDER / "tokens.css").read_text() == tokens.read_text()
