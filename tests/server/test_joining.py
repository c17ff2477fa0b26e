"""Who takes a desk is a reviewer, who looks on is none; whoever was removed never comes back."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest
from account_houses import AccountHouse
from directories import Desk
from offices import STATIC

from signoff.core.people import Account
from signoff.core.questions import Chosen
from signoff.core.records import Project
from signoff.errors import InputError, StoreBusy
from signoff.managing import Known
from signoff.server.accounts import as_caller
from signoff.server.api.context import Place
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.testing.stores import Bench

PORT = 8765
ITEMS = 8


@pytest.fixture
def house(accounts: AccountHouse) -> AccountHouse:
    """A project where items wait and some answers are known, with project pages, on both stores."""
    desk = accounts.desk
    bench = Bench(store=desk.store, project=desk.reviews)
    bench.add_pool(items=ITEMS)
    bench.ask(list(range(ITEMS)))
    StoredDesks(store=desk.store).manager(desk.reviews).plant(
        [Known(key="k", answers={"answer": Chosen("Positive")}, shown={"text": "t", "data": {}})]
    )
    accounts.app = create_app(
        StoredProjects(store=desk.store),
        StoredDesks(store=desk.store),
        access=accounts.access,
        hosts=loopback_hosts(PORT),
        static=STATIC,
        directory=desk.directory,
        office=Office.over(desk.store),
    )
    return accounts


def names(desk: Desk, project: Project | None = None) -> set[str]:
    """What the reviewers of a project are called; ids where a name was removed."""
    return set(desk.store.reviewer_names((project or desk.reviews).id).values())


def first_of_stream(house: AccountHouse, account: Account) -> Any:
    """What the event stream tells first."""
    session = house.desk.entrance.begin(account, how="password", old=None).text
    identity = house.desk.entrance.of_session(session)
    assert identity is not None
    services = house.app.state.services

    async def first() -> Any:
        watching = services.live.watch(house.desk.reviews)
        standing = await anext(watching)
        await watching.aclose()
        place = Place(
            project=house.desk.reviews,
            caller=as_caller(identity),
            role="manager",
            services=services,
        )
        return await asyncio.to_thread(place.progress, standing)

    return asyncio.run(first())


def test_looking_at_a_project_makes_nobody_a_reviewer(house: AccountHouse) -> None:
    desk = house.desk
    eve = desk.directory.add(
        "Eve", "four unrelated plain words", given={desk.reviews.id: "manager"}
    )
    browser, api = house.browser(eve), f"/api/v1/projects/{desk.reviews.id}"
    for path in (api, f"{api}/progress", f"{api}/history", f"{api}/reviewers", "/api/v1/me"):
        assert browser.get(path).status_code == 200, path
    for page in ("", "/people", "/settings", "/log", "/items?state=waiting"):
        assert browser.get(f"/projects/{desk.reviews.id}{page}").status_code == 200, page
    told = first_of_stream(house, eve)
    assert told == first_of_stream(house, eve)
    assert names(desk) == set()
    assert "reviewer.added" not in desk.types(desk.reviews)
    before = browser.get(f"{api}/progress").json()
    assert before["mine"] == 0
    assert before["open"] == ITEMS + 1
    assert browser.post(f"{api}/leases", json={"limit": 0}).status_code == 200
    assert names(desk) == {"Eve"}
    assert browser.get(f"{api}/progress").json() == before


def test_a_reviewer_who_looks_on_sees_their_own_numbers(house: AccountHouse) -> None:
    desk = house.desk
    ben = desk.reviewer()
    browser, api = house.browser(ben), f"/api/v1/projects/{desk.reviews.id}"
    (request,) = browser.post(f"{api}/leases", json={"limit": 1}).json()["requests"]
    review = {"request": request["id"], "answers": {"answer": {"label": "Positive"}}}
    id = "0190a2b4-0000-7000-8000-00000000000a"
    assert browser.put(f"{api}/reviews/{id}", json=review).status_code == 200
    house.app.state.services.desks._reviewers.clear()  # as in a server that just started
    assert browser.get(f"{api}/progress").json()["mine"] == 1
    assert first_of_stream(house, ben).mine == 1
    assert [each["id"] for each in browser.get(f"{api}/history").json()["reviews"]] == [id]


# -------------------------------------------------------------------------- in flight


def test_a_request_that_came_in_before_its_person_was_removed_does_not_bring_the_name_back(
    house: AccountHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is recognised, then the person goes, then it takes a desk."""
    desk = house.desk
    ann, ben = desk.admin(), desk.reviewer("Benedikt")
    browser = house.browser(ben)
    known = house.access.entrance.of_session(browser.cookies[house.access.cookie])
    assert known is not None
    monkeypatch.setattr(house.access, "caller", lambda _: as_caller(known))
    desk.directory.remove(ben, by=ann.id)
    got = browser.post(f"/api/v1/projects/{desk.reviews.id}/leases", json={"limit": 1})
    assert (got.status_code, got.json()["code"]) == (401, "no_session")
    assert names(desk) == set()
    assert browser.get(f"/api/v1/projects/{desk.reviews.id}/progress").status_code == 200
    assert names(desk) == set()
    # Somebody else takes the name: the old request is not theirs.
    other = desk.reviewer("Benedikt")
    theirs = StoredDesks(store=desk.store)(desk.reviews, "Benedikt", other.id).reviewer
    with pytest.raises(InputError, match="no such account"):
        StoredDesks(store=desk.store)(desk.reviews, "Benedikt", ben.id)
    looking = StoredDesks(store=desk.store).looking(desk.reviews, "Benedikt", ben.id)
    assert looking.counts().mine == 0
    assert set(desk.store.reviewer_names(desk.reviews.id)) == {theirs}


def test_a_desk_taken_before_the_removal_answers_under_an_id(house: AccountHouse) -> None:
    desk = house.desk
    ann, ben = desk.admin(), desk.reviewer("Benedikt")
    desks = StoredDesks(store=desk.store)
    (request,) = desks(desk.reviews, "Benedikt", ben.id).lease(1).requests
    desk.directory.remove(ben, by=ann.id)
    desks(desk.reviews, "Benedikt", ben.id).answer(request, Chosen("Positive"), seconds=1.0)
    (review,) = desk.store.reviews(desk.reviews, 1)
    assert desk.store.reviewer_names(desk.reviews.id) == {review.reviewer: review.reviewer}
    assert "Benedikt" not in str(desk.store.reviewers_work(desk.reviews.id))


def test_whoever_is_removed_while_many_of_their_requests_come_in_stays_removed(
    house: AccountHouse,
) -> None:
    """Whichever comes first: a name that joined is taken away, and one that was taken away cannot
    join."""
    desk = house.desk
    ann = desk.admin()
    for at in range(4):
        person = desk.reviewer(f"Person {at}")
        start = threading.Barrier(5)

        def join(person: Account = person, start: threading.Barrier = start) -> None:
            start.wait()
            with suppress(InputError, StoreBusy):
                StoredDesks(store=desk.store)(desk.letters, str(person.name), person.id)

        threads = [threading.Thread(target=join) for _ in range(4)]
        for thread in threads:
            thread.start()
        start.wait()
        desk.directory.remove(person, by=ann.id)
        for thread in threads:
            thread.join()
        assert not [name for name in names(desk, desk.letters) if name.startswith("Person")]
    assert desk.verdict(desk.letters).ok
