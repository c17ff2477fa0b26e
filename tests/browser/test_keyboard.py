"""The whole job without a mouse: Tab, Enter, arrows and the keys that the page tells of."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FileChooser, Locator, Page, expect
from teams import PATIENCE_MS, AtWork, serving, until, write_csv

from signoff.testing.fakes import PRAISE, two_topics

from test_project_pages import checked, complaints_of  # isort: skip

People = Callable[[], BrowserContext]
MOST_STOPS = 60
ROWS = 8


class Fingers:
    """Somebody who has a keyboard and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.choosers: list[FileChooser] = []
        # From the start: a browser that is told of this as the key comes may miss the key.
        page.on("filechooser", lambda chooser: self.choosers.append(chooser))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, wanted: Locator) -> None:
        """Go on with Tab until it is reached; every stop on the way can be seen."""
        expect(wanted).to_be_visible(timeout=PATIENCE_MS)
        for _ in range(MOST_STOPS):
            if wanted.evaluate("wanted => wanted === document.activeElement"):
                return
            self.press("Tab")
            hidden = self.page.evaluate(HIDDEN)
            assert hidden is None, f"nothing shows that this has the focus: {hidden}"
        pytest.fail(f"no key leads to {wanted}")

    def activate(self, wanted: Locator) -> None:
        """Reach a button or a link, and press Enter."""
        self.reach(wanted)
        self.press("Enter")

    def write(self, wanted: Locator, text: str) -> None:
        """Reach a field, and write into it in place of what is there."""
        self.reach(wanted)
        self.press("Control+A")
        self.page.keyboard.type(text)


HIDDEN = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const shows = (each) => {
    const style = getComputedStyle(each);
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return outline || style.boxShadow !== "none";
  };
  // A file's field shows it at its label.
  const around = [at, at.closest("label"), ...(at.labels ?? [])].filter(Boolean);
  const inside = around.flatMap((each) => [each, ...each.querySelectorAll("*")]);
  return inside.some(shows) ? null : at.outerHTML.slice(0, 200);
}"""


def test_a_project_from_a_file_to_its_export_by_keyboard_alone(
    tmp_path: Path, person: People, axe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    rows = two_topics(ROWS, sarcasm=0.0)
    table = write_csv(tmp_path / "letters.csv", [{"id": r["id"], "text": r["text"]} for r in rows])
    with serving(tmp_path, "--as", "ann") as site:
        page = person().new_page()
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        complaints = complaints_of(page)
        hand = Fingers(page)
        page.goto(site.link)
        assert checked(page, axe) == []
        choose(hand, table)
        assert checked(page, axe) == []
        begin(hand)
        at_work = AtWork(page=page)
        at_work.ready()
        for _ in range(ROWS):
            at_work.answer()
        hand.press("u")
        at_work.ready()
        at_work.answer()
        at_work.saved()
        hand.activate(page.get_by_role("link", name="Overview, items, people"))
        until(page, lambda: page.get_by_text("Every item is decided.").is_visible())
        assert export(hand) == {
            row["text"]: "Good" if row["text"].split()[0] in PRAISE else "Bad" for row in rows
        }
        hand.activate(page.get_by_role("link", name="Back to the project"))
        hand.activate(page.get_by_role("link", name="Log", exact=True))
        hand.activate(page.get_by_role("button", name="Verify"))
        verdict = page.get_by_role("heading", name="The log verifies")
        expect(verdict).to_be_visible(timeout=PATIENCE_MS)
        assert complaints == []


def choose(hand: Fingers, table: Path) -> None:
    """Choose the file on the first page."""
    field = hand.page.locator("#file")
    expect(field).to_be_enabled()
    hand.reach(field)
    hand.press("Enter")
    until(hand.page, lambda: bool(hand.choosers))
    hand.choosers[0].set_files(table)
    hand.page.wait_for_url("**/new/*", timeout=PATIENCE_MS)


def begin(hand: Fingers) -> None:
    """Say what is asked, that people alone are to answer, and begin."""
    page = hand.page
    expect(page.get_by_role("radio", name="text", exact=True)).to_be_checked()
    hand.write(page.get_by_label("Possible answers"), "Good\nBad")
    hand.reach(page.get_by_label("A certificate"))
    hand.press("ArrowDown")
    expect(page.get_by_label("People alone")).to_be_checked()
    hand.write(page.get_by_label("Name of the project"), "letters")
    hand.activate(page.get_by_role("button", name="Begin"))
    page.wait_for_url("**/#/*", timeout=PATIENCE_MS)


def export(hand: Fingers) -> dict[str, str]:
    """What the downloaded file says of each text."""
    page = hand.page
    hand.activate(page.get_by_role("link", name="Items", exact=True))
    hand.activate(page.get_by_role("button", name="Export"))
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=PATIENCE_MS)
    with page.expect_download() as waiting:
        hand.activate(page.get_by_role("link", name="Download"))
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    return {row["text"]: row["signoff_answer"] for row in csv.DictReader(io.StringIO(text))}
