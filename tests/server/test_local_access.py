"""One person at this computer: a link that works once, and a session after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import LocalHouse


def test_the_link_gives_a_session_and_leads_to_the_page(served: LocalHouse) -> None:
    browser = served.client()
    got = browser.get("/", params={"token": served.access.token})
    assert (got.status_code, got.headers["location"]) == (303, "/")
    cookie = got.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=strict", "path=/"):
        assert attribute in cookie
    assert "domain" not in cookie
    assert browser.get("/").text == "<!doctype html><title>the page</title>"
    assert browser.get("/api/v1/me").json() == {
        "name": "ann",
        "kind": "local",
        "roles": dict.fromkeys(served.memory.queues, "reviewer"),
        "account": None,
        "runs_the_site": False,
    }


def test_the_link_works_once(house: LocalHouse) -> None:
    house.browser()
    got = house.client().get("/", params={"token": house.access.token})
    assert got.status_code == 401
    assert "set-cookie" not in got.headers
    assert "does not work any more" in got.text


def test_the_link_opened_again_in_the_same_browser_leads_to_the_page(house: LocalHouse) -> None:
    got = house.browser().get("/", params={"token": house.access.token})
    assert (got.status_code, got.headers["location"]) == (303, "/")
    assert "set-cookie" not in got.headers


@pytest.mark.parametrize("token", ["", "wrong", "ü" * 40, "a" * 10_000])
def test_a_wrong_token_gives_nothing_and_spends_nothing(house: LocalHouse, token: str) -> None:
    got = house.client().get("/", params={"token": token})
    assert got.status_code == 401
    assert "set-cookie" not in got.headers
    assert house.browser().get("/api/v1/me").status_code == 200


def test_looking_at_the_link_s_head_does_not_spend_it(house: LocalHouse) -> None:
    house.client().head("/", params={"token": house.access.token})
    assert house.browser().get("/api/v1/me").status_code == 200


def test_without_a_session_the_page_says_how_to_get_in(house: LocalHouse) -> None:
    got = house.client().get("/")
    assert got.status_code == 401
    assert "Open the link in your terminal" in got.text


def test_without_a_session_the_api_is_a_problem(house: LocalHouse) -> None:
    got = house.client().get("/api/v1/projects")
    assert (got.status_code, got.json()["code"]) == (401, "no_session")
    assert got.headers["www-authenticate"] == "Bearer"


def test_a_session_that_the_browser_brings_along_is_not_taken_over(house: LocalHouse) -> None:
    """A cookie planted before opening the link is worth nothing after it."""
    planted = house.client(Cookie=f"{house.access.cookie}=planted")
    got = planted.get("/", params={"token": house.access.token})
    assert got.status_code == 303
    assert "planted" not in got.headers["set-cookie"]
    stranger = house.client(Cookie=f"{house.access.cookie}=planted")
    assert stranger.get("/api/v1/me").status_code == 401


def test_the_session_is_not_kept_as_it_is_sent(house: LocalHouse) -> None:
    session = house.browser().cookies[house.access.cookie]
    assert session not in house.access._sessions


def test_a_bearer_token_is_nobody_here(house: LocalHouse) -> None:
    got = house.browser().get(
        "/api/v1/me", headers={"Authorization": f"Bearer {house.access.token}"}
    )
    assert got.status_code == 401


def test_two_servers_on_one_computer_keep_their_sessions_apart(
    house: LocalHouse, static: Path
) -> None:
    other = LocalHouse.build(port=house.port + 1, static=static)
    assert other.access.cookie != house.access.cookie
