"""Pictures of every server-rendered page at two widths, light and dark, and what axe says of them.

    python tests/browser/screenshots.py FOLDER

``make screenshots`` runs it, and web/shots.mjs for the review page. An index.html shows them all.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from itertools import product
from pathlib import Path

from chromiums import ARGUMENTS, program_of_chromium
from gallery import (
    ARABIC,
    LETTERS,
    LONG,
    LONG_LABELS,
    PANEL,
    QUIET,
    RIGHT_TO_LEFT,
    TICKETS,
    Gallery,
    answer_some,
    furnish,
)
from playwright.sync_api import Browser, Page, expect, sync_playwright
from teams import PASSWORD, PATIENCE_MS, Site, serving_a_team, sign_in, write_csv

from signoff.testing.fakes import two_topics

WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

Steps = Callable[[Page], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A page, how to get to what is to be seen on it, and who looks."""

    name: str
    path: str
    steps: Steps | None = None
    stranger: bool = False


@dataclass(slots=True, kw_only=True)
class Album:
    """Takes pictures into a folder and keeps what is wrong with the pages."""

    folder: Path
    browser: Browser
    url: str
    problems: list[str] = field(default_factory=list[str])

    def take(self, scene: Scene, session: list[object] | None = None) -> None:
        """One scene at every width and in every scheme."""
        for width, scheme in product(WIDTHS, SCHEMES):
            context = self.browser.new_context(
                viewport={"width": width, "height": 800 if width > 500 else 740},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            if session and not scene.stranger:
                context.add_cookies(session)  # pyright: ignore[reportArgumentType]
            page = context.new_page()
            page.goto(self.url + scene.path)
            if scene.steps is not None:
                scene.steps(page)
            name = f"{scene.name}-{width}-{scheme}"
            page.screenshot(path=self.folder / f"{name}.png", full_page=True)
            self.problems += [f"{name}: {each}" for each in wrong_with(page)]
            context.close()


def wrong_with(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than its window."""
    found: list[str] = []
    if AXE.is_file():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate(
            """async (runOnly) => (await window.axe.run(document, { runOnly })).violations
               .map((v) => `axe ${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`)""",
            list(RULES),
        )
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found + ([f"{wide} px wider than the window"] if wide > 0 else [])


# ------------------------------------------------------------------------------------- scenes


def wrong_password(page: Page) -> None:
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def short_password(page: Page) -> None:
    page.get_by_label("The present one").fill("not the present password")
    page.get_by_label("The new one").fill("another one altogether")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_be_visible()


def upload(table: Path) -> Steps:
    def steps(page: Page) -> None:
        expect(page.locator("#file")).to_be_enabled()
        page.set_input_files("#file", table)
        page.wait_for_url("**/new/*", timeout=PATIENCE_MS)

    return steps


def upload_and_begin_badly(table: Path) -> Steps:
    def steps(page: Page) -> None:
        upload(table)(page)
        page.get_by_label("Possible answers").fill("Only one")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("alert")).to_be_visible()

    return steps


def press(button: str, *, until: str) -> Steps:
    def steps(page: Page) -> None:
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("heading", name=until)).to_be_visible(timeout=PATIENCE_MS)

    return steps


def preview(page: Page) -> None:
    page.get_by_label("Guideline").fill("Read **all** of it.\n\n- twice\n- and slowly")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Preview, not saved yet")).to_be_visible()


def invite(page: Page) -> None:
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator("code.link")).to_be_visible()


def erase_nobody(page: Page) -> None:
    page.get_by_label("Key of the item").fill("nobody")
    page.get_by_label("Type the key again").fill("nobody")
    page.get_by_role("button", name="Erase for ever").click()
    expect(page.get_by_text("No row has this key.")).to_be_visible()


def choose_all(page: Page) -> None:
    page.get_by_role("checkbox", name="Choose every item that waits").check()


def open_ids(page: Page) -> None:
    page.get_by_text("Who is who in the file").click()


def scenes_of(gallery: Gallery, folder: Path) -> list[Scene]:
    """Every page, with something to see and with nothing."""
    letters, long, rtl = (gallery.path(each) for each in (LETTERS, LONG, RIGHT_TO_LEFT))
    tickets, quiet, panel = (gallery.path(each) for each in (TICKETS, QUIET, PANEL))
    table = write_csv(folder / "letters.csv", two_topics(30))
    wide = write_csv(
        folder / f"{'a-very-long-file-name-' * 4}.csv",
        [
            {"id": str(n), "text": ARABIC[n % 3] * 4, "W" * 60: "W" * 200, "note": "x"}
            for n in range(9)
        ],
    )
    return [
        Scene(name="sign-in", path="/sign-in", stranger=True),
        Scene(name="sign-in-wrong", path="/sign-in", steps=wrong_password, stranger=True),
        Scene(name="invitation-spent", path="/join?token=spent", stranger=True),
        Scene(name="account", path="/account"),
        Scene(name="account-wrong", path="/account", steps=short_password),
        Scene(name="projects", path="/projects"),
        Scene(name="new", path="/new"),
        Scene(name="new-project", path="/new", steps=upload(table)),
        Scene(name="new-project-wide", path="/new", steps=upload(wide)),
        Scene(name="new-project-wrong", path="/new", steps=upload_and_begin_badly(table)),
        Scene(name="overview", path=letters),
        Scene(name="overview-long", path=long),
        Scene(name="overview-rtl", path=rtl),
        Scene(name="overview-quiet", path=quiet),
        Scene(name="overview-stream", path=tickets),
        Scene(name="items", path=f"{letters}/items"),
        Scene(name="items-long", path=f"{long}/items", steps=choose_all),
        Scene(name="items-rtl", path=f"{rtl}/items"),
        Scene(name="items-none", path=f"{letters}/items?q=nothing+like+it"),
        Scene(name="items-stream", path=f"{tickets}/items"),
        Scene(name="item", path=f"{letters}/items/1/0"),
        Scene(name="item-long", path=f"{long}/items/1/0"),
        Scene(name="item-rtl", path=f"{rtl}/items/1/0"),
        Scene(name="items-panel", path=f"{panel}/items?sort=newest"),
        Scene(name="people", path=f"{long}/people"),
        Scene(name="people-panel", path=f"{panel}/people"),
        Scene(name="people-invite", path=f"{quiet}/people", steps=invite),
        Scene(name="settings", path=f"{letters}/settings"),
        Scene(name="settings-preview", path=f"{letters}/settings", steps=preview),
        Scene(name="settings-long", path=f"{long}/settings"),
        Scene(name="log", path=f"{letters}/log"),
        Scene(name="log-stream", path=f"{tickets}/log"),
        Scene(name="log-people", path=f"{long}/log", steps=open_ids),
        Scene(name="verified", path=f"{letters}/log", steps=press("Verify", until="verifies")),
        Scene(name="exported", path=f"{letters}/items", steps=press("Export", until="is ready")),
        Scene(name="refused", path="/projects/nowhere"),
        Scene(name="refused-page", path="/nowhere"),
        Scene(name="refused-erasure", path=f"{letters}/settings", steps=erase_nobody),
        Scene(name="choose-project", path="/"),
    ]


def portraits(folder: Path, album_of: Callable[[str], Album]) -> list[str]:
    """Take every picture; what is wrong."""
    problems: list[str] = []
    with empty_site(folder / "empty") as site:
        album = album_of(site.url)
        album.take(Scene(name="first-visit", path="/"), session_of(album.browser, site, "Ann"))
        problems += album.problems
    stocked = folder / "stocked"
    stocked.mkdir()
    gallery = furnish(stocked)
    with serving_a_team(stocked, admin="Ann") as site:
        album = album_of(site.url)
        session = session_of(album.browser, site, "Ann")
        visitor = site.browser()
        for cookie in session:
            visitor.cookies.set(str(cookie["name"]), str(cookie["value"]))
        answer_some(visitor, gallery.projects[LONG], LONG_LABELS)
        answer_some(visitor, gallery.projects[RIGHT_TO_LEFT], ("إيجابي", "سلبي"))
        project = gallery.projects[LONG].id
        for role in ("reviewer", "manager"):
            path = f"/api/v1/projects/{project}/invitations"
            made = visitor.post(path, json={"role": role}).json()
            if role == "reviewer":
                join = {
                    "name": "B" * 60,
                    "password": PASSWORD,
                    "token": made["path"].partition("=")[2],
                }
                site.browser().post("/join", data=join, headers={"Origin": site.url})
            else:
                album.take(Scene(name="join", path=made["path"], stranger=True))
        for scene in scenes_of(gallery, folder):
            album.take(scene, session)
        problems += album.problems
    return problems


@contextmanager
def empty_site(folder: Path) -> Iterator[Site]:
    """A site that has no project yet."""
    folder.mkdir()
    with serving_a_team(folder, admin="Ann") as site:
        yield site


def session_of(browser: Browser, site: Site, name: str) -> list[dict[str, object]]:
    """The cookies of somebody who signed in."""
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site.url, name)
    page.wait_for_url(f"{site.url}/")
    cookies = [dict(each) for each in context.cookies()]
    context.close()
    return cookies


def write_index(folder: Path) -> None:
    """One page with all pictures under a folder, each leading to its full size."""
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    figures = "\n".join(
        f'<figure><a href="{escape(name)}"><img loading="lazy" src="{escape(name)}" alt=""></a>'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name in found
    )
    style = "body{font:14px sans-serif;display:flex;flex-wrap:wrap;gap:1rem}img{height:22rem}"
    (folder / "index.html").write_text(
        f"<!doctype html><title>Screenshots</title><style>{style}</style>{figures}",
        encoding="utf-8",
    )


def main(folder: Path) -> int:
    """Take the pictures; 1 where something is wrong with a page."""
    program = program_of_chromium()
    if program is None:
        print("Chromium is not installed: no pictures.", file=sys.stderr)
        return 1
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        os.environ["SIGNOFF_HOME"] = str(Path(scratch) / "home")
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        problems = portraits(
            Path(scratch), lambda url: Album(folder=pages, browser=browser, url=url)
        )
        browser.close()
    write_index(folder)
    print("\n".join(problems) or f"No problems. {folder / 'index.html'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots").resolve()))
