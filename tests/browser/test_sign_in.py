"""Signing in with a real browser: the forms pass the guards, and work without scripts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS / "accounts"), str(TESTS / "server")]

from directories import PASSWORD  # noqa: E402
from sites import Site, serving  # noqa: E402

from signoff.accounts.directory import Directory  # noqa: E402
from signoff.bootstrap import open_store  # noqa: E402


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Site]:
    """A served store with one account, Ann's, who runs it."""
    store = open_store(str(tmp_path / "projects.signoff.db"), create=True)
    Directory(store=store).add("Ann", PASSWORD, everywhere="admin")
    store.close()
    with serving(tmp_path) as site:
        yield site


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_signs_in_changes_a_password_and_signs_out(
    team: Site, browser: Browser, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(team.url)
    expect(page).to_have_url(f"{team.url}/sign-in")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{team.url}/")
    page.goto(f"{team.url}/account")
    page.get_by_label("The present one").fill(PASSWORD)
    page.get_by_label("The new one").fill("another one altogether")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("status")).to_contain_text("Changed")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{team.url}/sign-in")
    page.goto(team.url)
    expect(page).to_have_url(f"{team.url}/sign-in")
    context.close()


def test_somebody_joins_by_a_link_and_the_link_is_spent(
    team: Site, person: Callable[[], BrowserContext], tmp_path: Path
) -> None:
    store = open_store(str(tmp_path / "projects.signoff.db"), create=False)
    directory = Directory(store=store)
    token = directory.invite(None, "admin", by=directory.find("Ann").id).secret.text
    store.close()
    link = f"{team.url}/join?token={token}"
    page = person().new_page()
    page.goto(link)
    page.get_by_label("Your name").fill("Ben")
    page.get_by_label("A password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page).to_have_url(f"{team.url}/")
    page.goto(f"{team.url}/account")
    expect(page.get_by_role("heading", name="Ben")).to_be_visible()
    other = person().new_page()
    other.goto(link)
    expect(other.get_by_role("heading")).to_contain_text("does not work any more")
