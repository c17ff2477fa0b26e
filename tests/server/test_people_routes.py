"""Managing people over the API: lists, roles, invitations, tokens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest
from account_houses import FORM, AccountHouse
from directories import PASSWORD
from queues import Queue
from starlette.requests import Request

from signoff.core.records import Project
from signoff.server.api.context import Place
from signoff.server.api.projects import events
from signoff.server.desks import Standing
from signoff.server.live import Live


def people(house: AccountHouse) -> str:
    return f"/api/v1/projects/{house.desk.reviews.id}/people"


def test_a_manager_lists_changes_and_removes_people_of_a_project(accounts: AccountHouse) -> None:
    desk = accounts.desk
    ann, ben = desk.admin(), desk.reviewer()
    cyd = desk.directory.add("Cyd", PASSWORD, given={desk.reviews.id: "manager"})
    manager = accounts.browser(cyd)
    assert manager.get(people(accounts)).json() == {
        "people": [
            {"account": ann.id, "name": "Ann", "role": "admin"},
            {"account": ben.id, "name": "Ben", "role": "reviewer"},
            {"account": cyd.id, "name": "Cyd", "role": "manager"},
        ]
    }
    place = f"{people(accounts)}/{ben.id}"
    assert manager.put(place, json={"role": "auditor"}).status_code == 204
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "auditor"}
    assert manager.delete(place).status_code == 204
    assert manager.delete(place).json()["code"] == "no_person"
    assert desk.store.roles_of(ben.id) == {}
    assert cyd.id in desk.texts(desk.reviews)
    assert desk.verdict(desk.reviews).ok


def test_only_admins_make_change_and_remove_admins(team: AccountHouse) -> None:
    desk = team.desk
    boss = desk.directory.add("Dan", PASSWORD, given={desk.reviews.id: "admin"})
    cyd = desk.directory.add("Cyd", PASSWORD, given={desk.reviews.id: "manager"})
    ben = desk.reviewer()
    manager, admin = team.browser(cyd), team.browser(boss)
    make, change = f"{people(team)}/{ben.id}", f"{people(team)}/{boss.id}"
    invite = f"/api/v1/projects/{desk.reviews.id}/invitations"
    for answer in (
        manager.put(make, json={"role": "admin"}),
        manager.put(f"{people(team)}/{cyd.id}", json={"role": "admin"}),
        manager.put(change, json={"role": "reviewer"}),
        manager.delete(change),
        manager.post(invite, json={"role": "admin"}),
    ):
        assert answer.status_code == 403
    assert admin.put(make, json={"role": "admin"}).status_code == 204
    assert admin.post(invite, json={"role": "admin"}).status_code == 201


def test_an_invitation_made_over_the_api_lets_somebody_in(accounts: AccountHouse) -> None:
    desk = accounts.desk
    cyd = desk.directory.add("Cyd", PASSWORD, given={desk.reviews.id: "manager"})
    manager = accounts.browser(cyd)
    path = f"/api/v1/projects/{desk.reviews.id}/invitations"
    made = manager.post(path, json={"role": "reviewer", "days": 3}).json()
    (listed,) = manager.get(path).json()["invitations"]
    assert listed == {name: made[name] for name in ("id", "role", "created", "expires")}
    form = {"token": made["path"].partition("=")[2], "name": "Ben", "password": PASSWORD}
    joined = accounts.client().post("/join", data=form, headers=FORM)
    assert joined.status_code == 303
    assert manager.get(path).json() == {"invitations": []}
    again = manager.post(path, json={}).json()
    assert manager.delete(f"{path}/{again['id']}").status_code == 204
    assert manager.delete(f"{path}/{again['id']}").json()["code"] == "no_invitation"


def test_who_runs_the_site_lists_promotes_and_removes_accounts(accounts: AccountHouse) -> None:
    desk = accounts.desk
    ann, ben = desk.admin(), desk.reviewer()
    admin = accounts.browser(ann)
    first = admin.get("/api/v1/accounts", params={"limit": 1}).json()
    assert [each["name"] for each in first["accounts"]] == ["Ann"]
    then = admin.get("/api/v1/accounts", params={"limit": 1, "after": first["next"]}).json()
    assert [each["name"] for each in then["accounts"]] == ["Ben"]
    assert admin.put(f"/api/v1/accounts/{ben.id}/role", json={"role": "admin"}).status_code == 204
    assert accounts.browser(ben).get("/api/v1/me").json()["runs_the_site"] is True
    assert admin.delete(f"/api/v1/accounts/{ben.id}").status_code == 204
    assert admin.delete(f"/api/v1/accounts/{ben.id}").json()["code"] == "no_account"
    last = admin.delete(f"/api/v1/accounts/{ann.id}")
    assert (last.status_code, last.json()["code"]) == (422, "last_admin")
    assert admin.post("/api/v1/invitations", json={}).json()["role"] == "admin"
    assert desk.verdict(desk.letters).ok


def test_somebody_makes_a_token_uses_it_and_revokes_it(accounts: AccountHouse) -> None:
    browser = accounts.browser(accounts.desk.reviewer())
    wanted = {"name": "script", "scopes": ["read"], "days": 30}
    made = browser.post("/api/v1/tokens", json=wanted).json()
    program = accounts.client(Authorization=f"Bearer {made.pop('secret')}")
    assert program.get("/api/v1/me").json()["name"] == "Ben"
    (listed,) = browser.get("/api/v1/tokens").json()["tokens"]
    assert listed.pop("last_used") is not None
    assert listed == {name: value for name, value in made.items() if name != "last_used"}
    assert program.get("/api/v1/tokens").status_code == 403
    assert browser.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert browser.delete(f"/api/v1/tokens/{made['id']}").json()["code"] == "no_token"
    assert program.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["read"]},
        {"name": "a\x00b", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "days": 0},
        {"name": "x", "scopes": ["read"], "days": 367},
        {"name": "x", "scopes": ["read"], "owner": "ann"},
    ],
)
def test_a_token_that_cannot_be_is_refused(team: AccountHouse, wanted: dict[str, object]) -> None:
    browser = team.browser(team.desk.reviewer())
    assert browser.post("/api/v1/tokens", json=wanted).status_code == 400
    assert browser.get("/api/v1/tokens").json() == {"tokens": []}


def test_a_stream_ends_when_its_listener_is_removed(team: AccountHouse) -> None:
    """What happens afterwards is not told them any more."""
    desk = team.desk
    desk.admin()
    ben = desk.reviewer()
    session = desk.entrance.begin(ben, how="password", old=None)
    cookie = f"{team.access.cookie}={session.text}".encode()
    request = Request({"type": "http", "headers": [(b"cookie", cookie)]})

    standing = Queue.of(desk.reviews).standing()

    class Changes(Live):
        async def watch(self, project: Project) -> AsyncGenerator[Standing]:
            assert project.id == desk.reviews.id
            yield standing
            desk.directory.remove(ben, by="command")
            yield standing

    caller = team.access.caller(request)
    assert caller is not None
    services = replace(team.app.state.services, live=Changes(lambda _: None))
    place = Place(project=desk.reviews, caller=caller, role="reviewer", services=services)

    async def listen() -> list[str | None]:
        return [each.event async for each in events(place, request)]

    assert anyio.run(listen) == ["progress"]
