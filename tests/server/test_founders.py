"""Who begins a project manages it: a role of their own, told in its log."""

from __future__ import annotations

from typing import Any

import pytest
from account_houses import FORM, AccountHouse

from signoff.core.people import Account, Role, role_in
from signoff.core.records import Project
from signoff.server.access import Caller
from signoff.work.runner import JobRunner

CSV = "id,text\n" + "".join(f"r{n},letter number {n}\n" for n in range(20))


def ordered(browser: Any) -> None:
    """Order a project of a file, as the page does."""
    upload = browser.post("/api/v1/uploads", params={"name": "letters.csv"}, content=CSV).json()
    body = {
        "name": "founded",
        "upload": upload["id"],
        "labels": ["A", "B"],
        "policy": {"kind": "people"},
    }
    assert browser.post("/api/v1/projects", json=body).status_code == 202


def founded(house: AccountHouse) -> Project:
    """The project that the worker makes of it."""
    assert JobRunner(store=house.desk.store).round()
    found = house.desk.store.find_project("founded")
    assert found is not None
    return found


def signed_in_admin(house: AccountHouse) -> tuple[Account, Any]:
    ann = house.desk.admin()
    return ann, house.browser(ann)


def test_who_begins_a_project_manages_it_also_when_they_run_the_site_no_more(
    accounts: AccountHouse,
) -> None:
    desk = accounts.desk
    ann, browser = signed_in_admin(accounts)
    boss = desk.admin("Boss")
    ordered(browser)
    project = founded(accounts)
    assert desk.store.roles_of(ann.id) == {project.id: "manager"}
    assert desk.types(project)[:3] == ["project.created", "rows.added", "role.changed"]
    path = f"/api/v1/projects/{project.id}"
    assert browser.get(path).status_code == 200
    # Managing is not all: while Ann runs the site she makes admins there, too.
    ben = desk.directory.add("Ben", "four unrelated plain words")
    role = {"role": "admin"}
    assert browser.put(f"{path}/people/{ben.id}", json=role).status_code == 204
    desk.directory.change_site_role(ann, None, by=boss.id)
    assert browser.get(f"{path}/people").status_code == 200
    assert browser.put(f"{path}/people/{ben.id}", json=role).status_code == 403
    assert browser.get(f"/api/v1/projects/{desk.reviews.id}").status_code == 404
    assert browser.post("/api/v1/uploads", content=CSV).status_code == 403
    assert desk.verdict(project).ok


def test_who_was_removed_before_the_worker_came_manages_nothing(accounts: AccountHouse) -> None:
    desk = accounts.desk
    ann, browser = signed_in_admin(accounts)
    boss = desk.admin("Boss")
    ordered(browser)
    desk.directory.remove(ann, by=boss.id)
    project = founded(accounts)
    assert desk.types(project) == ["project.created", "rows.added"]
    assert [each.name for each in desk.directory.people(project.id)] == ["Boss"]
    assert desk.verdict(project).ok


@pytest.mark.parametrize(
    ("given", "everywhere", "counts"),
    [
        (None, None, None),
        ("auditor", None, "auditor"),
        (None, "admin", "admin"),
        ("manager", "admin", "admin"),
        ("admin", "auditor", "admin"),
        ("reviewer", "auditor", "reviewer"),
    ],
)
def test_of_two_roles_the_one_of_more_rights_counts(
    given: Role | None, everywhere: Role | None, counts: Role | None
) -> None:
    assert role_in(given, everywhere) == counts
    roles: dict[str, Role] = {} if given is None else {"p": given}
    caller = Caller(name="ann", kind="account", roles=roles, everywhere=everywhere)
    assert caller.role("p") == counts
    assert caller.role("another") == everywhere


def test_an_admin_who_accepts_a_lesser_invitation_stays_one(team: AccountHouse) -> None:
    desk = team.desk
    ann, browser = signed_in_admin(team)
    link = desk.directory.invite(desk.reviews.id, "auditor", by=ann.id).secret.text
    assert browser.post("/join", data={"token": link}, headers=FORM).status_code == 303
    (person,) = desk.directory.people(desk.reviews.id)
    assert (person.role, person.everywhere) == ("admin", True)
    people = f"/api/v1/projects/{desk.reviews.id}/people"
    assert browser.get(people).status_code == 200


def test_who_begins_a_stream_manages_it_and_who_asks_for_the_same_does_not(
    accounts: AccountHouse,
) -> None:
    desk = accounts.desk
    ann, browser = signed_in_admin(accounts)
    body = {"name": "live", "labels": ["A", "B"]}
    assert browser.post("/api/v1/streams", json=body).status_code == 201
    project = desk.store.find_project("live")
    assert project is not None
    assert desk.store.roles_of(ann.id) == {project.id: "manager"}
    assert desk.types(project)[:2] == ["project.created", "role.changed"]
    boss = desk.admin("Boss")
    assert accounts.browser(boss).post("/api/v1/streams", json=body).status_code == 201
    assert desk.store.roles_of(boss.id) == {}
    assert desk.verdict(project).ok
