"""Hints over the API and on the pages: what a server tells of the machine, to whom and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from offices import OfficeHouse, begin, office, send, words
from servers import new_id
from test_blind import TELLING, names

from signoff.core.routing import Certified, Threshold
from signoff.errors import Exit
from signoff.server.access import Role
from signoff.testing.fakes import two_topics

ROWS = two_topics(240, seed=3, sarcasm=0.1)
TRUTH = {row["text"]: row["label"] for row in ROWS}
HIDDEN = [{"id": row["id"], "text": row["text"]} for row in ROWS]
LOOSE = Certified(max_error=Decimal("0.25"), certainty=Decimal("0.9"))


def api(house: OfficeHouse) -> str:
    return f"/api/v1/projects/{house.project().id}"


def answer_all(house: OfficeHouse) -> list[Any]:
    """Answer what waits, as a page does, and look at all a reviewer can; every response."""
    browser, path, said = house.browser(), api(house), []
    while requests := (leased := browser.post(f"{path}/leases", json={"limit": 50})).json()[
        "requests"
    ]:
        said.append(leased)
        for each in requests:
            said.append(browser.get(f"{path}/requests/{each['id']}/hint"))
            body = {
                "request": each["id"],
                "answers": {"answer": {"label": TRUTH[each["item"]["text"]]}},
            }
            said.append(browser.put(f"{path}/reviews/{new_id()}", json=body))
            said.append(browser.get(f"{path}/requests/{each['id']}/hint"))
        said += [browser.get(f"{path}/history"), browser.get(path), browser.get("/")]
        said += [browser.post(f"{path}/undo", json={})] if len(said) < 100 else []
        said += [browser.get(house.pages()), browser.get(f"{house.pages()}/browse")]
        if said[-1].status_code == 200:
            said += [browser.get(f"{house.pages()}/browse/1/{at}") for at in range(2)]
    return said


def hints_in(response: Any) -> list[object]:
    """Every hint in a response, told or not."""
    found: list[object] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.extend(each for name, each in value.items() if name == "hint")
        for each in value.values() if isinstance(value, dict) else value:
            if isinstance(each, dict | list):
                look(each)

    look(response.json())
    return found


def test_no_response_or_page_of_an_open_certified_project_tells_of_the_machine(
    tmp_path: Path,
) -> None:
    """To a manager, who answers and sees more than reviewers do."""
    role: Role = "manager"
    where = tmp_path / "a.db"
    rounds = 0
    while begin(where, rows=HIDDEN, policy=LOOSE, hints="after") is Exit.UNFINISHED:
        rounds += 1
        with office(where, role=role) as house:
            for got in answer_all(house):
                if not got.headers["content-type"].startswith("application/json"):
                    assert "achine said" not in got.text
                    continue
                assert not TELLING & names(got.json()), got.text
                assert all(each is None for each in hints_in(got)), got.text
    assert rounds >= 2
    with office(where, role=role) as house:
        asked = house.store.requests(house.project().id, 1)
        audited = next(each for each in asked if each.reason == "audit")
        told = house.browser().get(f"{api(house)}/requests/{audited.id}/hint").json()
        assert told["hint"]["machine"]["answer"]["answer"]["label"] in ("Positive", "Negative")
        stranger = next(each for each in asked if each.reason == "audit").id
        assert house.browser().get(f"{api(house)}/requests/{stranger}x/hint").status_code == 409


@pytest.fixture(scope="module")
def nudging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that promises nothing, two rounds on, and shows hints before an answer."""
    home = pytest.MonkeyPatch()
    home.setenv("SIGNOFF_HOME", str(tmp_path_factory.mktemp("home")))
    where = tmp_path_factory.mktemp("nudging") / "a.db"
    for _ in range(2):
        begin(where, rows=HIDDEN, policy=Threshold(confidence=0.99), hints="before")
        with office(where) as house:
            answer_all(house)
    begin(where, rows=HIDDEN, policy=Threshold(confidence=0.99), hints="before")
    yield where
    home.undo()


def test_an_open_project_tells_before_or_after_as_its_manager_sets_it(nudging: Path) -> None:
    with office(nudging) as house:
        browser, path = house.browser(), api(house)
        (asked,) = browser.post(f"{path}/leases", json={"limit": 1}).json()["requests"]
        hint = asked["hint"]
        said = hint["machine"]["answer"]
        assert said["answer"]["label"] in ("Positive", "Negative")
        assert {each["word"] for each in said["words"]} <= set(asked["item"]["text"].split())
        for each in hint["alike"]:
            assert each["answers"]["answer"]["label"] == TRUTH[each["item"]["text"]]
        page = f"{house.pages()}/settings"
        assert send(house, browser, page, {"hints": "after"}, page).status_code == 303
        assert browser.get(path).json()["hints"] == "after"
        again = browser.post(f"{path}/leases", json={"limit": 1}).json()["requests"]
        assert [each["hint"] for each in again] == [None]
        told = browser.get(f"{path}/requests/{asked['id']}/hint").json()
        assert (told["hint"], told["why"]) == (
            None,
            "What the machine says shows once you have answered.",
        )
        body = {"request": asked["id"], "answers": {"answer": {"label": "Positive"}}}
        stored = browser.put(f"{path}/reviews/{new_id()}", json=body).json()
        assert stored["hint"]["machine"] == hint["machine"]
        assert browser.get(f"{path}/requests/{asked['id']}/hint").json()["hint"] is not None
        events = house.store.newest_events(
            house.project().id, types=["page.changed"], before=None, limit=1
        )
        assert json.loads(events[0].canonical)["body"]["hints"] == "after"


def test_settings_say_what_a_certificate_allows(tmp_path: Path, nudging: Path) -> None:
    where = tmp_path / "a.db"
    begin(where, rows=HIDDEN, policy=LOOSE)
    with office(where) as house:
        page = f"{house.pages()}/settings"
        shown = words(house.browser().get(page).text)
        assert "Shown once the certificate is issued" in shown
        assert "Shown before an answer" not in shown
        for wanted, status in (("before", 422), ("sometimes", 422), ("after", 303)):
            got = send(house, house.browser(), page, {"hints": wanted}, page)
            assert got.status_code == status
        assert house.project().page.hints == "after"
    with office(nudging) as house:
        assert "Shown before an answer" in words(
            house.browser().get(f"{house.pages()}/settings").text
        )
