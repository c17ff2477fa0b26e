"""Getting in and out with an account, and everything that must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from account_houses import FORM, URL, AccountHouse
from directories import PASSWORD

from signoff.accounts.directory import DAY
from signoff.server.accounts import ADDRESS_TRIES, NAME_TRIES, TRY_SECONDS

# --------------------------------------------------------------------------- sign in


def test_a_stranger_is_shown_the_form_and_gets_nothing_else(accounts: AccountHouse) -> None:
    stranger = accounts.client()
    shown = stranger.get("/")
    assert (shown.status_code, shown.headers["location"]) == (303, "/sign-in")
    assert "Sign in" in stranger.get("/sign-in").text
    assert stranger.get("/api/v1/me").status_code == 401
    assert stranger.get("/assets/index-4f5a1b2c.js").status_code == 401
    assert stranger.get("/account").headers["location"] == "/sign-in"


def test_the_right_name_and_password_open_the_page(accounts: AccountHouse) -> None:
    ben = accounts.desk.reviewer()
    browser = accounts.client()
    entered = accounts.sign_in(browser, "BEN")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["kind"]) == ("Ben", "account")
    assert me["roles"] == {accounts.desk.reviews.id: "reviewer"}
    assert accounts.desk.entrance.of_session(browser.cookies[accounts.access.cookie])
    assert accounts.desk.directory.find("Ben") == ben


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(team: AccountHouse) -> None:
    team.desk.reviewer()
    cookie = team.sign_in(team.client(), "Ben").headers["set-cookie"].lower()
    assert cookie.startswith("signoff-8765=")
    for part in ("httponly", "samesite=strict", "path=/", "max-age=1209600"):
        assert part in cookie
    assert "secure" not in cookie


def test_behind_tls_the_cookie_is_bound_to_this_host(tmp_path: Path, static: Path) -> None:
    where = f"sqlite:///{tmp_path / 'a.signoff.db'}"
    house = AccountHouse.build(where, tmp_path, static=static, secure=True)
    house.desk.reviewer()
    cookie = house.sign_in(house.client(), "Ben").headers["set-cookie"]
    assert cookie.startswith("__Host-signoff=")
    assert "; secure" in cookie.lower()
    assert "domain" not in cookie.lower()
    house.desk.store.close()


def test_a_session_somebody_planted_is_never_the_one_that_is_signed_in(team: AccountHouse) -> None:
    """Session fixation: whatever the browser holds, signing in makes another session."""
    team.desk.reviewer()
    eve = team.browser(team.desk.reviewer("Eve"))
    planted = eve.cookies[team.access.cookie]
    victim = team.client()
    for value in (planted, "chosen-by-somebody"):
        victim.cookies.clear()
        victim.cookies.set(team.access.cookie, value)
        got = team.sign_in(victim, "Ben").headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert got not in (planted, value)
        assert len(got) >= 43
        victim.cookies.clear()
        victim.cookies.set(team.access.cookie, value)
        assert victim.get("/api/v1/me").status_code == 401
    assert eve.get("/api/v1/me").status_code == 401


def test_the_answer_does_not_tell_whether_a_name_exists(team: AccountHouse) -> None:
    team.desk.reviewer("Ben")
    wrong = team.sign_in(team.client(), "Ben", "not the password")
    nobody = team.sign_in(team.client(), "Bob", "not the password")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.text == nobody.text.replace("Bob", "Ben")
    assert dict(wrong.headers) == dict(nobody.headers)


@pytest.mark.parametrize("name", ["Ben", "Nobody"])
def test_guessing_is_stopped_whether_or_not_the_name_exists(team: AccountHouse, name: str) -> None:
    team.desk.reviewer()
    cyd = team.desk.reviewer("Cyd")
    guesser = team.client()
    for _ in range(NAME_TRIES):
        assert team.sign_in(guesser, name, "guess").status_code == 401
    for password in ("guess", PASSWORD):
        refused = team.sign_in(guesser, name, password)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "300"
        assert "Wait 300 seconds" in refused.text
    team.browser(cyd)
    team.seconds[0] += TRY_SECONDS
    assert team.sign_in(guesser, name).status_code == (303 if name == "Ben" else 401)
    told = team.desk.types(team.desk.reviews).count("session.refused")
    assert told == (1 if name == "Ben" else 0)
    assert team.desk.verdict(team.desk.reviews).ok


def test_one_address_cannot_go_through_all_names(team: AccountHouse) -> None:
    cyd = team.desk.reviewer("Cyd")
    guesser = team.client()
    for number in range(ADDRESS_TRIES):
        assert team.sign_in(guesser, f"name {number}", "guess").status_code == 401
    assert team.sign_in(guesser, str(cyd.name)).status_code == 429


def test_the_right_password_makes_the_wrong_ones_before_it_forgotten(team: AccountHouse) -> None:
    team.desk.reviewer()
    browser = team.client()
    for _ in range(3):
        for _ in range(NAME_TRIES - 1):
            assert team.sign_in(browser, "Ben", "wrong").status_code == 401
        assert team.sign_in(browser, "Ben").status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/join", "/account"])
@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", URL + ".evil.example"])
def test_forms_of_other_sites_are_refused(
    team: AccountHouse, path: str, origin: str | None
) -> None:
    browser = team.browser(team.desk.reviewer())
    headers = {} if origin is None else {"Origin": origin}
    data = {"name": "Ben", "password": PASSWORD}
    got = browser.post(path, data=data, headers=headers)
    assert (got.status_code, got.json()["code"]) == (403, "foreign_origin")
    assert browser.get("/api/v1/me").status_code == 200


def test_changes_through_the_api_need_the_pages_own_header(team: AccountHouse) -> None:
    browser = team.browser(team.desk.reviewer())
    path = f"/api/v1/projects/{team.desk.reviews.id}/leases"
    assert browser.post(path, json={}).status_code == 200
    del browser.headers["X-Signoff"]
    assert browser.post(path, json={}).json()["code"] == "foreign_origin"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"name":"Ben"}', "application/json"),
        (b"name=Ben", "text/plain"),
        (b"name=%ff", "application/x-www-form-urlencoded"),
        (b"name=\xff", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % n for n in range(20)), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(team: AccountHouse, body: bytes, kind: str) -> None:
    headers = {**FORM, "X-Signoff": "1", "Content-Type": kind}
    got = team.client().post("/sign-in", content=body, headers=headers)
    assert (got.status_code, got.json()["code"]) == (400, "invalid")


def test_what_was_typed_is_shown_as_text(team: AccountHouse) -> None:
    shown = team.sign_in(team.client(), '"><script>alert(1)</script>', "x").text
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


# -------------------------------------------------------------------------- sign out


def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(team: AccountHouse) -> None:
    browser = team.browser(team.desk.reviewer())
    session = browser.cookies[team.access.cookie]
    gone = browser.post("/sign-out", headers=FORM)
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
    assert team.access.cookie not in browser.cookies
    browser.cookies.set(team.access.cookie, session)
    assert browser.get("/api/v1/me").status_code == 401


def test_signing_out_everywhere_ends_every_session(team: AccountHouse) -> None:
    ben = team.desk.reviewer()
    here, there = team.browser(ben), team.browser(ben)
    assert here.post("/sign-out", data={"everywhere": "1"}, headers=FORM).status_code == 303
    assert there.get("/api/v1/me").status_code == 401


def test_a_stranger_may_sign_out_too(team: AccountHouse) -> None:
    assert team.client().post("/sign-out", data={"x": "1"}, headers=FORM).status_code == 303


def test_a_session_that_expired_is_none(team: AccountHouse) -> None:
    browser = team.browser(team.desk.reviewer())
    team.desk.now += 14 * DAY
    assert browser.get("/api/v1/me").status_code == 401


def test_a_removed_persons_session_and_token_die_at_once(accounts: AccountHouse) -> None:
    accounts.desk.admin()
    ben = accounts.desk.reviewer()
    browser, program = accounts.browser(ben), accounts.program(ben, "read", "answer")
    path = f"/api/v1/projects/{accounts.desk.reviews.id}"
    for caller in (browser, program):
        assert caller.get(path).status_code == 200
    accounts.desk.directory.remove(ben, by="command")
    for caller in (browser, program):
        assert caller.get(path).status_code == 401
        assert caller.post(f"{path}/leases", json={}).status_code == 401
    assert accounts.sign_in(accounts.client(), "Ben").status_code == 401
    assert accounts.desk.verdict(accounts.desk.reviews).ok


def test_a_role_taken_away_is_gone_at_once(accounts: AccountHouse) -> None:
    ben = accounts.desk.reviewer()
    browser = accounts.browser(ben)
    path = f"/api/v1/projects/{accounts.desk.reviews.id}"
    assert browser.post(f"{path}/leases", json={}).status_code == 200
    accounts.desk.directory.change_role(ben, accounts.desk.reviews.id, "auditor", by="command")
    assert browser.post(f"{path}/leases", json={}).status_code == 403
    accounts.desk.directory.change_role(ben, accounts.desk.reviews.id, None, by="command")
    assert browser.get(path).status_code == 404


def test_somebody_new_under_an_old_name_sits_at_a_desk_of_their_own(accounts: AccountHouse) -> None:
    accounts.desk.admin()
    ben = accounts.desk.reviewer()
    path = f"/api/v1/projects/{accounts.desk.reviews.id}/leases"
    assert accounts.browser(ben).post(path, json={}).status_code == 200
    accounts.desk.directory.remove(ben, by="command")
    assert accounts.browser(accounts.desk.reviewer("Ben")).post(path, json={}).status_code == 200
    names = accounts.desk.store.reviewer_names(accounts.desk.reviews.id)
    assert len(names) == 2
    assert sum(name == "Ben" for name in names.values()) == 1


# ------------------------------------------------------------------------------ join


def link(house: AccountHouse, *, days: int = 7) -> str:
    invited = house.desk.directory.invite(
        house.desk.reviews.id, "reviewer", by="command", days=days
    )
    return invited.secret.text


def test_an_invitation_lets_somebody_in_and_signs_them_in(accounts: AccountHouse) -> None:
    token, browser = link(accounts), accounts.client()
    shown = browser.get("/join", params={"token": token})
    assert shown.status_code == 200
    assert "reviews" in shown.text
    form = {"token": token, "name": "Ben", "password": PASSWORD}
    assert browser.post("/join", data=form, headers=FORM).status_code == 303
    assert browser.get("/api/v1/me").json()["roles"] == {accounts.desk.reviews.id: "reviewer"}


def test_a_used_expired_or_made_up_invitation_lets_nobody_in(accounts: AccountHouse) -> None:
    used, expired = link(accounts, days=9), link(accounts, days=1)
    accounts.desk.directory.join(used, "Cyd", PASSWORD)
    accounts.desk.now += DAY
    for token in (used, expired, "made-up", ""):
        browser = accounts.client()
        assert browser.get("/join", params={"token": token}).status_code == 410
        form = {"token": token, "name": "Ben", "password": PASSWORD}
        assert browser.post("/join", data=form, headers=FORM).status_code == 410
        assert browser.get("/api/v1/me").status_code == 401
    assert accounts.desk.store.count_accounts() == 1


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [("ANN", PASSWORD, "is taken"), ("Ben", "short", "has 5 characters"), ("", PASSWORD, "name")],
)
def test_a_form_that_cannot_be_is_shown_again(
    team: AccountHouse, name: str, password: str, why: str
) -> None:
    team.desk.admin("Ann")
    token = link(team)
    form = {"token": token, "name": name, "password": password}
    got = team.client().post("/join", data=form, headers=FORM)
    assert got.status_code == 422
    assert why in got.text
    assert password not in got.text
    team.desk.directory.join(token, "Ben", PASSWORD)


def test_somebody_who_has_an_account_joins_with_it(team: AccountHouse) -> None:
    ben = team.desk.directory.add("Ben", PASSWORD)
    token, browser = link(team), team.client()
    assert f"/sign-in?join={token}" in browser.get("/join", params={"token": token}).text
    entered = team.sign_in(browser, "Ben", join=token)
    assert entered.headers["location"] == f"/join?token={token}"
    assert "Join as Ben" in browser.get(entered.headers["location"]).text
    lesser = dict(browser.cookies)
    assert browser.post("/join", data={"token": token}, headers=FORM).status_code == 303
    assert dict(browser.cookies) != lesser, "the session of fewer rights got more"
    before = team.client()
    before.cookies.update(lesser)
    assert before.get("/api/v1/me").status_code == 401
    assert team.desk.store.roles_of(ben.id) == {team.desk.reviews.id: "reviewer"}
    assert team.desk.store.count_accounts() == 1


def test_who_joins_by_a_name_of_their_own_ends_the_session_of_another_in_that_browser(
    team: AccountHouse,
) -> None:
    """The form was shown to a stranger; meanwhile Ann signed in, in the same browser."""
    ann, token = team.desk.admin("Ann"), link(team)
    browser = team.browser(ann)
    of_ann = browser.cookies[team.access.cookie]
    form = {"token": token, "name": "Ben", "password": "short"}
    again = browser.post("/join", data=form, headers=FORM)
    assert again.status_code == 422
    assert "Join as Ann" not in again.text
    assert browser.get("/api/v1/me").json()["name"] == "Ann"
    form["password"] = PASSWORD
    assert browser.post("/join", data=form, headers=FORM).status_code == 303
    assert browser.get("/api/v1/me").json()["name"] == "Ben"
    assert team.desk.store.roles_of(ann.id) == {}
    browser.cookies.clear()
    browser.cookies.set(team.access.cookie, of_ann)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_session_that_is_over_is_none_to_join_with(team: AccountHouse) -> None:
    ann, token = team.desk.admin("Ann"), link(team, days=30)
    browser = team.browser(ann)
    team.desk.now += 14 * DAY
    over = browser.cookies[team.access.cookie]
    assert browser.post("/join", data={"token": token}, headers=FORM).status_code == 422
    form = {"token": token, "name": "Ben", "password": PASSWORD}
    assert browser.post("/join", data=form, headers=FORM).status_code == 303
    assert browser.cookies[team.access.cookie] != over
    assert browser.get("/api/v1/me").json()["name"] == "Ben"


def test_no_link_leads_out_of_the_site(team: AccountHouse) -> None:
    team.desk.reviewer()
    entered = team.sign_in(team.client(), "Ben", join="https://evil.example//x?y#z")
    assert entered.headers["location"].startswith("/join?token=https%3A%2F%2Fevil")


# -------------------------------------------------------------------------- password


def test_a_password_is_changed_by_whoever_knows_it(team: AccountHouse) -> None:
    ben = team.desk.reviewer()
    here, there = team.browser(ben), team.browser(ben)
    form = {"password": "not it", "new": "another one altogether"}
    assert here.post("/account", data=form, headers=FORM).status_code == 422
    form["password"] = PASSWORD
    changed = here.post("/account", data=form, headers=FORM)
    assert changed.status_code == 200
    assert "Every other browser was signed out" in changed.text
    assert here.get("/account").status_code == 200
    assert there.get("/api/v1/me").status_code == 401
    assert team.sign_in(team.client(), "Ben").status_code == 401
    assert team.sign_in(team.client(), "Ben", "another one altogether").status_code == 303


def test_a_borrowed_browser_cannot_guess_the_password(team: AccountHouse) -> None:
    browser = team.browser(team.desk.reviewer())
    form = {"password": "guess", "new": "another one altogether"}
    for _ in range(NAME_TRIES):
        assert browser.post("/account", data=form, headers=FORM).status_code == 422
    form["password"] = PASSWORD
    assert browser.post("/account", data=form, headers=FORM).status_code == 429


# ---------------------------------------------------------------------------- tokens


def test_a_token_that_does_not_work_is_not_made_up_for_by_a_cookie(team: AccountHouse) -> None:
    browser = team.browser(team.desk.reviewer())
    for wrong in ("Bearer made-up", "Bearer ", "Basic QmVuOng=", ""):
        assert browser.get("/api/v1/me", headers={"Authorization": wrong}).status_code == 401


def test_a_token_does_within_its_scopes_what_its_owner_may(accounts: AccountHouse) -> None:
    ben = accounts.desk.reviewer()
    reading, answering = accounts.program(ben, "read"), accounts.program(ben, "read", "answer")
    path = f"/api/v1/projects/{accounts.desk.reviews.id}"
    for program in (reading, answering):
        assert program.get(path).status_code == 200
        assert program.get(f"/api/v1/projects/{accounts.desk.letters.id}").status_code == 404
    assert reading.post(f"{path}/leases", json={}).status_code == 403
    assert answering.post(f"{path}/leases", json={}).status_code == 200
    accounts.desk.now += 90 * DAY
    assert answering.get(path).status_code == 401
