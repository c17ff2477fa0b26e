"""What is not there is a page for people and a problem for programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from offices import OfficeHouse, begin, office, words

from signoff.core.routing import People

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeHouse]:
    where = tmp_path_factory.mktemp("refusing") / "reviews.signoff.db"
    begin(where, rows=20, policy=People())
    with office(where) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/projects/nowhere", 404, "There is no such project."),
        ("/projects/nowhere/items", 404, "There is no such project."),
        ("/projects/nowhere/log?before=3", 404, "There is no such project."),
        ("{p}/nothing", 404, "There is no such page."),
        ("/nothing", 404, "There is no such page."),
        ("/projects/nowhere/items/1/2/3/4", 404, "There is no such page."),
        ("/jobs/0190a2b4-0000-7000-8000-000000000001", 404, "There is no such job."),
        ("{p}/items/1/999", 404, "There is no such item."),
        ("{p}/items/1/-1", 400, "This address cannot be read."),
        ("{p}/log?before=x", 400, "This address cannot be read."),
    ],
)
def test_people_get_a_page_that_says_what_they_can_do(
    house: OfficeHouse, path: str, status: int, said: str
) -> None:
    got = house.browser().get(path.replace("{p}", house.pages()), headers=BROWSER)
    assert got.status_code == status
    assert got.headers["content-type"].startswith("text/html")
    told = words(got.text)
    assert said in told
    assert "Go to the projects" in told
    assert [each for each in ("/api/", "GET ", "openapi", "None") if each in told] == []


@pytest.mark.parametrize("path", ["/api/v1/projects/nowhere", "/api/v1/nothing"])
def test_programs_get_a_problem_whatever_they_accept(house: OfficeHouse, path: str) -> None:
    got = house.browser().get(path, headers=BROWSER)
    assert got.status_code == 404
    assert got.headers["content-type"] == "application/problem+json"
    assert house.browser().get("/nothing").headers["content-type"] == "application/problem+json"


def test_strangers_are_led_to_the_way_in(house: OfficeHouse) -> None:
    got = house.client().get("/projects/nowhere", headers=BROWSER)
    assert (got.status_code, got.headers["location"]) == (303, "/")
