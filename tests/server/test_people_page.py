"""Who answered: counts, pace, agreement, names that were removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from account_houses import FORM as ORIGIN
from account_houses import PORT, URL, AccountHouse
from directories import PASSWORD
from offices import STATIC, begin, office, send, token_of, words

from signoff.bootstrap import recorder_for
from signoff.core.event_types import EVENT_TYPES
from signoff.core.questions import Chosen
from signoff.core.routing import People
from signoff.desk import sign_in
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.site.context import Office
from signoff.server.site.log import WORDS
from signoff.server.site.naming import shown_name
from signoff.server.stored import StoredDesks, StoredProjects


def test_whoever_was_removed_goes_by_the_end_of_an_id() -> None:
    assert shown_name("0190-abcdefgh", None) == "removed (abcdefgh)"


def test_the_page_lists_who_answered(tmp_path: Path) -> None:
    where = tmp_path / "reviews.signoff.db"
    begin(where, reviewer="column:label", policy=People())
    with office(where, role="auditor") as house:
        page = words(house.browser().get(f"{house.pages()}/people").text)
        assert "column:label column 60 –" in page
        assert "nobody has answered the same item yet" in page


def test_every_event_has_words_on_the_log_page() -> None:
    """One without would be named by its type, and be kept from whoever may answer."""
    assert [name for name in EVENT_TYPES if name not in WORDS] == []


@pytest.fixture
def house(team: AccountHouse) -> AccountHouse:
    """A server with accounts and project pages."""
    team.app = create_app(
        StoredProjects(store=team.desk.store),
        StoredDesks(store=team.desk.store),
        access=team.access,
        hosts=loopback_hosts(PORT),
        static=STATIC,
        directory=team.desk.directory,
        office=Office.over(team.desk.store),
    )
    return team


def page_of(house: AccountHouse) -> str:
    return f"/projects/{house.desk.reviews.id}/people"


def sent(house: AccountHouse, browser: Any, path: str, **fields: str) -> Any:
    """Send a form of the page."""
    token = token_of(browser.get(page_of(house)).text)
    place = f"{page_of(house)}/{path}"
    return browser.post(place, data={"form_token": token, **fields}, headers=ORIGIN)


def test_a_manager_invites_somebody_who_joins_and_gets_another_role(house: AccountHouse) -> None:
    desk = house.desk
    cyd = desk.directory.add("Cyd", PASSWORD, given={desk.reviews.id: "manager"})
    manager = house.browser(cyd)
    made = sent(house, manager, "invite", role="reviewer").text
    link = next(word for word in words(made).split() if word.startswith(f"{URL}/join?token="))
    assert link not in words(manager.get(page_of(house)).text), "it is shown once"
    form = {"token": link.partition("=")[2], "name": "Ben", "password": PASSWORD}
    assert house.client().post("/join", data=form, headers=ORIGIN).status_code == 303
    ben = desk.directory.find("Ben")
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "reviewer"}
    assert sent(house, manager, "role", account=ben.id, role="auditor").status_code == 303
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "auditor"}
    assert sent(house, manager, "role", account=ben.id, role="none").status_code == 303
    assert desk.store.roles_of(ben.id) == {}
    again = sent(house, manager, "role", account=ben.id, role="reviewer")
    assert "They have no role here any more." in words(again.text)
    assert desk.verdict(desk.reviews).ok


def test_an_invitation_is_taken_back_on_the_page(house: AccountHouse) -> None:
    desk = house.desk
    admin = house.browser(desk.admin())
    sent(house, admin, "invite", role="manager")
    (waits,) = desk.directory.invitations(desk.reviews.id)
    assert "Take back" in admin.get(page_of(house)).text
    sent(house, admin, "take-back", invitation=waits.id)
    assert desk.directory.invitations(desk.reviews.id) == []


def test_the_page_gives_no_more_than_its_visitor_may_give(house: AccountHouse) -> None:
    desk = house.desk
    boss = desk.directory.add("Dan", PASSWORD, given={desk.reviews.id: "admin"})
    cyd = desk.directory.add("Cyd", PASSWORD, given={desk.reviews.id: "manager"})
    eve = desk.directory.add("Eve", PASSWORD, given={desk.reviews.id: "auditor"})
    manager, auditor = house.browser(cyd), house.browser(eve)
    assert sent(house, manager, "invite", role="admin").status_code == 403
    assert sent(house, manager, "role", account=boss.id, role="reviewer").status_code == 403
    assert sent(house, manager, "invite", role="owner").status_code == 422
    assert "Invite somebody" not in auditor.get(page_of(house)).text
    for path in ("invite", "role", "take-back"):
        assert auditor.post(f"{page_of(house)}/{path}", headers=ORIGIN).status_code == 403
    assert desk.store.roles_of(boss.id) == {desk.reviews.id: "admin"}
    assert desk.directory.invitations(desk.reviews.id) == []


def test_without_accounts_there_is_nobody_to_invite(tmp_path: Path) -> None:
    where = tmp_path / "reviews.signoff.db"
    begin(where, policy=People())
    with office(where) as house:
        assert "Invite somebody" not in house.browser().get(f"{house.pages()}/people").text


# -------------------------------------------------------------------------------- the log


def log_of(house: AccountHouse, browser: Any) -> str:
    return words(browser.get(f"/projects/{house.desk.reviews.id}/log").text)


def test_the_log_page_calls_people_by_name_and_says_which_ids_they_have(
    house: AccountHouse,
) -> None:
    desk = house.desk
    ann = desk.admin()
    ben = desk.directory.add("Ben", PASSWORD, given={desk.reviews.id: "reviewer"}, by=ann.id)
    desk.directory.change_role(ben, desk.reviews.id, "manager", by=ann.id)
    desk.directory.change_role(ben, desk.reviews.id, "auditor", by="command")
    recorder = recorder_for(desk.store, desk.reviews.id, actor="page")
    reviewer = sign_in(desk.store, recorder, name="Ben", kind="person")
    tagged = recorder.event("reviewer.tagged", {"reviewer": reviewer, "tags": ["medic"]})
    desk.store.set_tags(desk.reviews.id, reviewer, ["medic"], [tagged])
    said = log_of(house, house.browser(ann))
    for line in (
        "A role was changed Ben, reviewer Ann",
        "A role was changed Ben, manager, was reviewer Ann",
        "A role was changed Ben, auditor, was manager the command line",
        "A reviewer joined Ben",
        "A reviewer’s tags were changed Ben, tags medic the page",
        "Somebody signed in Ann",
        f"Ben reviewer {reviewer}",
        f"Ben account {ben.id}",
    ):
        assert line in said, line
    assert said.count(ben.id) == said.count(reviewer) == 1


def test_whoever_was_removed_has_no_name_on_the_log_page(house: AccountHouse) -> None:
    desk = house.desk
    ann, ben = desk.admin(), desk.reviewer("Benedikt")
    recorder = recorder_for(desk.store, desk.reviews.id, actor="page")
    reviewer = sign_in(desk.store, recorder, name="Benedikt", kind="person")
    assert "Benedikt" in log_of(house, house.browser(ann))
    desk.directory.remove(ben, by=ann.id)
    said = log_of(house, house.browser(ann))
    assert "Benedikt" not in said
    was, answered_as = shown_name(ben.id, None), shown_name(reviewer, None)
    assert f"Somebody was removed {was}, answered as {answered_as} Ann" in said
    assert f"A reviewer joined {answered_as}" in said


def test_an_answer_and_its_taking_back_are_of_the_person_who_gave_it(tmp_path: Path) -> None:
    where = tmp_path / "reviews.signoff.db"
    begin(where, policy=People())
    with office(where) as house:
        desk = StoredDesks(store=house.store)(house.project(), "bob")
        (request,) = desk.lease(1).requests
        desk.answer(request, Chosen("Positive"), seconds=1.0)
        desk.take_back()
        fields = {"guideline": "Be kind.", "text_direction": "auto"}
        page = f"{house.pages()}/settings"
        assert send(house, house.browser(), page, fields, page).status_code in (200, 303)
        said = words(house.browser().get(f"{house.pages()}/log").text)
        assert f"An answer was given part 1, item {request.item.number} bob" in said
        assert f"An answer was taken back part 1, item {request.item.number} bob" in said
        assert "How items are shown was changed ann" in said
        assert "Project begun signoff run" in said
