"""Accounts, roles, invitations, tokens: what they allow, for how long, and what the log says."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from directories import PASSWORD, SECOND, Desk

from signoff.accounts.directory import DAY
from signoff.bootstrap import recorder_for
from signoff.core.people import Account, Role
from signoff.desk import sign_in
from signoff.errors import InputError, SignoffError, StoreBusy
from signoff.store.schema_accounts import accounts, roles

# --------------------------------------------------------------------------- accounts


def test_an_account_is_found_however_its_name_is_written(desk: Desk) -> None:
    ann = desk.admin("Ann Lee")
    assert desk.directory.find("ANN lee") == ann
    assert desk.store.count_accounts() == desk.store.count_accounts(everywhere="admin") == 1


@pytest.mark.parametrize("taken", ["ann", "ANN", " Ann ", "\uff21nn"])
def test_a_name_people_would_take_for_another_is_refused(desk: Desk, taken: str) -> None:
    desk.admin("Ann")
    with pytest.raises(InputError, match="is taken"):
        desk.directory.add(taken, PASSWORD)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "a" * 65,
        "a\x00b",
        "a\u202eb",
        "column:label",
        "01890a5d-ac96-774b-bcce-b302099a8057",
    ],
)
def test_a_name_that_cannot_be_one_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        desk.directory.add(name, PASSWORD)


@pytest.mark.parametrize("password", ["short", "a" * 20, "x" * 2000, "ann of the hill"])
def test_a_password_that_is_too_easy_is_refused(desk: Desk, password: str) -> None:
    with pytest.raises(InputError, match="password"):
        desk.directory.add("Ann of the Hill", password)
    assert desk.store.count_accounts() == 0


def test_passwords_are_kept_as_argon2_hashes_only(sqlite_desk: Desk) -> None:
    ann = sqlite_desk.admin()
    kept = sqlite_desk.store.kept_password(ann.id)
    assert kept is not None
    assert kept.startswith("$argon2id$")
    sqlite_desk.store.compact()
    assert PASSWORD.encode() not in Path(sqlite_desk.where.removeprefix("sqlite:///")).read_bytes()


def test_whoever_answered_under_a_name_before_goes_on_as_them_but_nobody_else(desk: Desk) -> None:
    recorder = recorder_for(desk.store, desk.reviews.id, actor="page")
    known = sign_in(desk.store, recorder, name="Ann", kind="person")
    with pytest.raises(InputError, match="Somebody answered as 'Ann'"):
        desk.directory.add("ANN", PASSWORD)
    invited = desk.directory.invite(desk.reviews.id, "reviewer", by="command")
    with pytest.raises(InputError, match="is taken"):
        desk.directory.join(invited.secret.text, "Ann", PASSWORD)
    desk.admin("Ann")
    assert sign_in(desk.store, recorder, name="Ann", kind="person") == known


# ------------------------------------------------------------------------------ roles


def test_roles_are_per_project_and_one_everywhere_holds_in_all(desk: Desk) -> None:
    ann, ben = desk.admin(), desk.reviewer()
    desk.directory.change_role(ben, desk.letters.id, "auditor", by=ann.id)
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "reviewer", desk.letters.id: "auditor"}
    assert [(each.name, each.role) for each in desk.directory.people(desk.letters.id)] == [
        ("Ann", "admin"),
        ("Ben", "auditor"),
    ]
    desk.directory.change_role(ben, desk.letters.id, None, by=ann.id)
    desk.directory.change_role(ben, desk.letters.id, None, by=ann.id)
    assert desk.types(desk.letters)[-2:] == ["role.changed", "role.changed"]
    assert desk.verdict(desk.letters).ok


def test_the_last_who_runs_the_site_stays(desk: Desk) -> None:
    ann = desk.admin()
    with pytest.raises(InputError, match="Nobody else runs this site"):
        desk.directory.change_site_role(ann, None, by=ann.id)
    with pytest.raises(InputError, match="Nobody else runs this site"):
        desk.directory.remove(ann, by=ann.id)
    cyd = desk.directory.add("Cyd", PASSWORD)
    desk.directory.change_site_role(cyd, "admin", by=ann.id)
    desk.directory.remove(ann, by=cyd.id)
    assert desk.store.account(ann.id) is None


def test_two_who_change_one_role_at_once_do_not_overlook_each_other(desk: Desk) -> None:
    ben = desk.reviewer()
    event = desk.directory.role_event(ben.id, desk.reviews.id, "manager", None, False, by="command")
    with pytest.raises(StoreBusy, match="same moment"):
        desk.store.change_role(
            ben.id, desk.reviews.id, role="manager", was=None, events={desk.reviews.id: [event]}
        )
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "reviewer"}
    assert desk.types(desk.reviews).count("role.changed") == 1


def test_every_role_change_is_an_event_without_a_name(desk: Desk) -> None:
    desk.admin("Annabella")
    ben = desk.reviewer("Benedikt")
    desk.directory.change_role(ben, desk.reviews.id, "manager", by="command")
    text = desk.texts(desk.reviews)
    assert text.count("role.changed") == 3
    assert "Annabella" not in text
    assert "Benedikt" not in text
    assert ben.id in text


def test_a_role_that_the_log_does_not_know_is_found_by_verify(desk: Desk) -> None:
    ben = desk.reviewer()
    assert desk.verdict(desk.reviews).ok
    with desk.store.transaction() as db:
        db.execute(sa.update(roles).where(roles.c.account == ben.id).values(role="admin"))
    verdict = desk.verdict(desk.reviews)
    assert not verdict.ok
    assert verdict.problem is not None
    assert 'role is "admin" in the table, "reviewer" in the log' in verdict.problem.reason


# ------------------------------------------------------------------------- invitations


@pytest.mark.parametrize("role", ["manager", "reviewer", "auditor", "admin"])
def test_an_invitation_lets_one_person_in_with_its_role(desk: Desk, role: Role) -> None:
    invited = desk.directory.invite(desk.reviews.id, role, by="command")
    ben = desk.directory.join(invited.secret.text, "Ben", PASSWORD)
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: role}
    assert desk.entrance.sign_in("Ben", PASSWORD) == ben
    assert desk.directory.invitations(desk.reviews.id) == []
    assert desk.verdict(desk.reviews).ok


def test_an_invitation_works_once(desk: Desk) -> None:
    invited = desk.directory.invite(desk.reviews.id, "reviewer", by="command")
    desk.directory.join(invited.secret.text, "Ben", PASSWORD)
    with pytest.raises(InputError, match="does not work any more"):
        desk.directory.join(invited.secret.text, "Cyd", PASSWORD)
    with pytest.raises(InputError, match="does not work any more"):
        desk.directory.accept(invited.secret.text, desk.admin())


def test_an_invitation_that_many_accept_at_once_lets_one_in(desk: Desk) -> None:
    invited = desk.directory.invite(desk.reviews.id, "reviewer", by="command")
    names, came = ["Ben", "Cyd", "Dan", "Eve", "Fay", "Gus"], []

    def join(name: str) -> None:
        with suppress(SignoffError):
            came.append(desk.directory.join(invited.secret.text, name, PASSWORD))

    threads = [threading.Thread(target=join, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(came) == desk.store.count_accounts() == 1
    assert desk.verdict(desk.reviews).ok


def test_an_invitation_expires_and_can_be_taken_back(desk: Desk) -> None:
    late = desk.directory.invite(desk.reviews.id, "reviewer", by="command", days=1)
    back = desk.directory.invite(desk.reviews.id, "reviewer", by="command", days=9)
    assert len(desk.directory.invitations(desk.reviews.id)) == 2
    desk.now += DAY
    assert desk.directory.take_back(back.invitation.id, desk.reviews.id, by="command")
    assert not desk.directory.take_back(back.invitation.id, desk.reviews.id, by="command")
    for invited in (late, back):
        with pytest.raises(InputError, match="does not work any more"):
            desk.directory.join(invited.secret.text, "Ben", PASSWORD)
    assert desk.types(desk.reviews)[-3:] == [
        "invitation.made",
        "invitation.made",
        "invitation.revoked",
    ]


def test_an_invitation_of_another_project_cannot_be_taken_back(desk: Desk) -> None:
    invited = desk.directory.invite(desk.reviews.id, "reviewer", by="command")
    assert not desk.directory.take_back(invited.invitation.id, desk.letters.id, by="command")
    assert not desk.directory.take_back(invited.invitation.id, None, by="command")


def test_an_invitation_never_takes_rights_away(desk: Desk) -> None:
    ben = desk.reviewer()

    def accept(project: str | None, role: Role) -> None:
        desk.directory.accept(desk.directory.invite(project, role, by="command").secret.text, ben)

    accept(desk.reviews.id, "auditor")
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "reviewer"}
    accept(desk.reviews.id, "manager")
    assert desk.store.roles_of(ben.id) == {desk.reviews.id: "manager"}
    accept(None, "admin")
    known = desk.store.account(ben.id)
    assert known is not None
    assert known.everywhere == "admin"
    assert desk.verdict(desk.letters).ok


# ---------------------------------------------------------------------------- sessions


def test_only_the_right_name_and_password_let_in(desk: Desk) -> None:
    ann = desk.admin()
    assert desk.entrance.sign_in("ann", PASSWORD) == ann
    assert desk.entrance.sign_in("Ann", PASSWORD + "!") is None
    assert desk.entrance.sign_in("Ben", PASSWORD) is None


def test_a_name_nobody_has_costs_as_much_work_as_a_wrong_password(desk: Desk) -> None:
    """Counted, not timed: one verification of the same strength each."""
    desk.admin()
    seen: list[str] = []
    hasher = desk.directory.passwords._hasher
    verify = hasher.verify

    class Counting:
        def verify(self, kept: str, password: str) -> bool:
            seen.append(kept.split("$")[3])
            return verify(kept, password)

        def __getattr__(self, name: str) -> object:
            return getattr(hasher, name)

    desk.directory.passwords._hasher = Counting()  # type: ignore[assignment]
    assert desk.entrance.sign_in("Ann", "wrong") is None
    assert desk.entrance.sign_in("Nobody", "wrong") is None
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_a_session_lasts_two_weeks_or_until_it_is_ended(desk: Desk) -> None:
    ann = desk.admin()
    first = desk.entrance.begin(ann, how="password", old=None).text
    second = desk.entrance.begin(ann, how="password", old=None).text
    assert desk.entrance.of_session(first) is not None
    desk.entrance.end(first)
    desk.entrance.end(first)
    assert desk.entrance.of_session(first) is None
    desk.now += 14 * DAY - SECOND
    assert desk.entrance.of_session(second) is not None
    desk.now += SECOND
    assert desk.entrance.of_session(second) is None
    assert [type for type in desk.types(desk.reviews) if type.startswith("session")] == [
        "session.begun",
        "session.begun",
        "session.ended",
    ]


def test_signing_in_again_replaces_the_browsers_session(desk: Desk) -> None:
    ann = desk.admin()
    old = desk.entrance.begin(ann, how="password", old=None).text
    new = desk.entrance.begin(ann, how="password", old=old).text
    assert new != old
    assert desk.entrance.of_session(old) is None
    assert desk.entrance.of_session(new) is not None


def test_another_password_ends_every_other_session(desk: Desk) -> None:
    ann = desk.admin()
    here, there = (desk.entrance.begin(ann, how="password", old=None) for _ in range(2))
    desk.directory.change_password(ann, PASSWORD + " more", by=ann.id, session=here.digest)
    assert desk.entrance.of_session(here.text) is not None
    assert desk.entrance.of_session(there.text) is None
    assert desk.entrance.sign_in("Ann", PASSWORD) is None
    assert desk.entrance.sign_in("Ann", PASSWORD + " more") is not None


def test_a_password_kept_under_a_weaker_hash_is_hashed_anew_when_it_is_right(desk: Desk) -> None:
    from argon2 import PasswordHasher

    ann = desk.admin()
    weaker = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    desk.store.renew_password(ann.id, weaker)
    assert desk.entrance.sign_in("Ann", "wrong") is None
    assert desk.store.kept_password(ann.id) == weaker
    assert desk.entrance.sign_in("Ann", PASSWORD) == ann
    assert desk.store.kept_password(ann.id) != weaker
    assert desk.entrance.sign_in("Ann", PASSWORD) == ann


# ------------------------------------------------------------------------------ tokens


def test_a_token_acts_for_its_owner_within_its_scopes_until_it_expires(desk: Desk) -> None:
    ben = desk.reviewer()
    minted = desk.directory.mint(ben, name="laptop", scopes=frozenset({"read"}), by=ben.id, days=30)
    assert minted.secret.text.startswith("signoff_")
    assert minted.secret.text.startswith(minted.token.prefix)
    identity = desk.entrance.of_token(minted.secret.text)
    assert identity is not None
    assert (identity.account, identity.scopes) == (ben, frozenset({"read"}))
    assert identity.roles == {desk.reviews.id: "reviewer"}
    desk.now += 30 * DAY
    assert desk.entrance.of_token(minted.secret.text) is None


def test_a_revoked_token_is_none_at_once(desk: Desk) -> None:
    ben, cyd = desk.reviewer(), desk.reviewer("Cyd")
    minted = desk.directory.mint(ben, name="laptop", scopes=frozenset({"read"}), by=ben.id)
    assert not desk.directory.revoke(cyd, minted.token.id, by=cyd.id)
    assert desk.directory.revoke(ben, minted.token.id, by=ben.id)
    assert not desk.directory.revoke(ben, minted.token.id, by=ben.id)
    assert desk.entrance.of_token(minted.secret.text) is None
    assert desk.store.tokens(ben.id) == []
    assert desk.types(desk.reviews)[-2:] == ["token.made", "token.revoked"]
    assert desk.types(desk.letters)[-1] == "project.created"


def test_the_last_use_of_a_token_is_known_to_the_minute(desk: Desk) -> None:
    ben = desk.reviewer()
    minted = desk.directory.mint(ben, name="laptop", scopes=frozenset({"read"}), by=ben.id)
    assert desk.store.tokens(ben.id)[0].last_used is None
    first = desk.now
    for _ in range(3):
        desk.entrance.of_token(minted.secret.text)
        desk.now += 20 * SECOND
    assert desk.store.tokens(ben.id)[0].last_used == first
    desk.now += SECOND
    desk.entrance.of_token(minted.secret.text)
    assert desk.store.tokens(ben.id)[0].last_used == desk.now


def test_no_secret_is_kept(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    ben = desk.reviewer()
    secrets = [
        desk.directory.mint(ben, name="x", scopes=frozenset({"read"}), by=ben.id).secret.text,
        desk.directory.invite(desk.reviews.id, "reviewer", by=ben.id).secret.text,
        desk.entrance.begin(ben, how="password", old=None).text,
    ]
    desk.store.compact()
    kept = Path(desk.where.removeprefix("sqlite:///")).read_bytes()
    for secret in secrets:
        assert secret.encode() not in kept
        assert secret.removeprefix("signoff_")[8:].encode() not in kept


# ----------------------------------------------------------------------------- removal


def removed(desk: Desk) -> tuple[Account, str]:
    """Somebody who answered, had a session, a token, an invitation out, and was removed."""
    desk.admin()
    ben = desk.reviewer("Benedikt")
    recorder = recorder_for(desk.store, desk.reviews.id, actor="page")
    reviewer = sign_in(desk.store, recorder, name="Benedikt", kind="person")
    return ben, reviewer


def test_a_removed_person_is_out_at_once_and_keeps_their_answers_under_an_id(desk: Desk) -> None:
    ben, reviewer = removed(desk)
    session = desk.entrance.begin(ben, how="password", old=None).text
    token = desk.directory.mint(ben, name="x", scopes=frozenset({"read"}), by=ben.id).secret.text
    link = desk.directory.invite(desk.reviews.id, "reviewer", by=ben.id).secret.text
    desk.directory.remove(ben, by="command")
    assert desk.entrance.of_session(session) is None
    assert desk.entrance.of_token(token) is None
    assert desk.entrance.sign_in("Benedikt", PASSWORD) is None
    with pytest.raises(InputError, match="does not work any more"):
        desk.directory.join(link, "Cyd", PASSWORD)
    assert desk.store.reviewer_names(desk.reviews.id) == {reviewer: reviewer}
    with pytest.raises(InputError, match="no such account"):
        desk.entrance.begin(ben, how="password", old=None)
    for project in (desk.reviews, desk.letters):
        assert desk.verdict(project).ok
    assert desk.types(desk.reviews)[-1] == "person.removed"


def test_whoever_takes_a_removed_persons_name_is_somebody_else(desk: Desk) -> None:
    ben, reviewer = removed(desk)
    desk.directory.remove(ben, by="command")
    other = desk.reviewer("Benedikt")
    assert other.id != ben.id
    recorder = recorder_for(desk.store, desk.reviews.id, actor="page")
    assert sign_in(desk.store, recorder, name="Benedikt", kind="person") != reviewer
    assert desk.verdict(desk.reviews).ok


def test_a_removed_persons_name_is_nowhere_on_disk(sqlite_desk: Desk) -> None:
    ben, _ = removed(sqlite_desk)
    path = Path(sqlite_desk.where.removeprefix("sqlite:///"))
    sqlite_desk.store.compact()
    assert b"Benedikt" in path.read_bytes()
    sqlite_desk.directory.remove(ben, by="command")
    files = [*path.parent.glob(path.name + "*")]
    assert b"benedikt" not in b"".join(each.read_bytes() for each in files).lower()


def test_the_database_refuses_two_accounts_of_one_name(desk: Desk) -> None:
    desk.admin()
    with pytest.raises(StoreBusy, match="same moment"), desk.store.transaction() as db:
        db.execute(sa.insert(accounts).values(id="2", name="ANN", name_key="ann", created=0))
