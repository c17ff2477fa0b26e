"""``signoff serve`` with accounts, and the people who visit it in browsers of their own."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "accounts"), str(TESTS / "server")]

from directories import PASSWORD  # noqa: E402
from sites import Site, serving  # noqa: E402

from signoff.accounts.directory import Directory  # noqa: E402
from signoff.bootstrap import open_store  # noqa: E402
from signoff.testing.fakes import PRAISE  # noqa: E402

STORE = "projects.signoff.db"
PATIENCE_MS = 90_000
"""For what a worker, a model or a slow computer must do first."""


@contextmanager
def serving_a_team(folder: Path, *, admin: str) -> Iterator[Site]:
    """A served store with one account, the administrator's."""
    store = open_store(str(folder / STORE), create=True)
    Directory(store=store).add(admin, PASSWORD, everywhere="admin")
    store.close()
    with serving(folder, "--store", STORE) as site:
        yield site


def write_csv(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """A file with these rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def sign_in(page: Page, url: str, name: str) -> None:
    """Sign in by the form."""
    page.goto(url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def join(page: Page, link: str, name: str) -> None:
    """Use an invitation."""
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("A password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """Somebody on the review page, who tells praise from blame."""

    page: Page

    @property
    def item(self) -> Locator:
        """The text to answer, where there is one."""
        return self.page.locator(".item .prose")

    @property
    def is_done(self) -> bool:
        """Whether the page says that all is done."""
        return self.page.locator(".nothing.done").is_visible()

    def ready(self) -> None:
        """Wait for an item, and for the browser to take keys."""
        expect(self.item).to_be_visible(timeout=PATIENCE_MS)
        # Browsers drop keys pressed before the first picture: nobody can have meant them.
        self.page.evaluate(
            "() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen, 50)))"
        )

    def answer(self) -> str:
        """Answer the item shown with its key, and wait until it is gone; its text."""
        text = self.item.inner_text()
        self.page.keyboard.press("1" if text.split()[0] in PRAISE else "2")
        expect(self.page.locator(".item .prose", has_text=text)).to_have_count(0)
        return text

    def answer_if_asked(self) -> str | None:
        """Answer one item, where one is shown."""
        return self.answer() if self.item.is_visible() else None

    def saved(self) -> None:
        """Wait until the server has every answer."""
        expect(self.page.locator(".bar .unsaved")).to_have_count(0, timeout=PATIENCE_MS)
        late = self.page.locator(".past").get_by_text("not saved yet")
        expect(late).to_have_count(0, timeout=PATIENCE_MS)

    def held(self) -> int:
        """How many items are here already."""
        told = self.page.locator(".waiting .quiet")
        text = told.inner_text() if told.is_visible() else ""
        return int("".join(filter(str.isdigit, text)) or 0)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Look again and again until something holds."""
    for _ in range(PATIENCE_MS // 50):
        if holds():
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it did not come to hold; the page says:\n{page.locator('body').inner_text()}")
