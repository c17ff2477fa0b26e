"""The whole job by two people in two browsers, against ``signoff serve`` as it is started."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect
from teams import PATIENCE_MS, STORE, AtWork, join, serving_a_team, sign_in, until, write_csv

from signoff.testing.fakes import two_topics

People = Callable[[], BrowserContext]

PROGRAM = "import sys; from signoff.cli import main; sys.exit(main())"
ROWS = 150
OFFLINE = 3
CERTIFIED = "At most 60 of 150 labels (40 %) differ"
REMARK = "The second half is about the delivery."


def test_two_people_take_a_file_to_a_certificate(tmp_path: Path, person: People) -> None:
    rows = two_topics(ROWS, sarcasm=0.0)
    table = write_csv(tmp_path / "letters.csv", [{"id": r["id"], "text": r["text"]} for r in rows])
    with serving_a_team(tmp_path, admin="Ann") as site:
        of_ann, of_ben = person(), person()
        pages = of_ann.new_page()
        sign_in(pages, site.url, "Ann")
        project = begin_a_project(pages, table)
        link = invited(pages, f"{site.url}/projects/{project}")
        ann, ben = AtWork(page=of_ann.new_page()), AtWork(page=of_ben.new_page())
        ann.page.goto(f"{site.url}/#/{project}")
        join(ben.page, link, "Ben")
        ann.ready()
        ben.ready()

        commented = comment_and_answer(ann)
        undo_and_answer_again(ben)
        offline = answer_offline(ben)
        finish(ann, ben)
        for each in (ann, ben):
            expect(each.page.locator(".nothing.done .statement")).to_contain_text(CERTIFIED)

        see_the_certificate(pages, f"{site.url}/projects/{project}")
        exported = export(pages)
        assert [row["text"] for row in exported] == [row["text"] for row in rows]
        assert [row["signoff_answer"] for row in exported] == [row["label"] for row in rows]
        by = Counter(row["signoff_by"] for row in exported)
        assert set(by) == {"reviewers", "model"}
        read_the_comment(pages, f"{site.url}/projects/{project}", commented)
        verify(pages, f"{site.url}/projects/{project}")
        see_both_at_work(pages, f"{site.url}/projects/{project}")

    standing = answers_in(tmp_path / STORE)
    assert len(standing) == len(set(standing)) == by["reviewers"], "somebody was asked twice"
    assert set(offline) <= {text for text, who in standing.items() if who == "Ben"}
    verdict = subprocess.run(
        [sys.executable, "-c", PROGRAM, "verify", STORE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def begin_a_project(page: Page, table: Path) -> str:
    """A certified project from a file, by the first page somebody sees; its id."""
    expect(page.get_by_role("heading", name="What should be decided?")).to_be_visible()
    expect(page.locator("#file")).to_be_enabled()
    page.set_input_files("#file", table)
    page.wait_for_url("**/new/*", timeout=PATIENCE_MS)
    page.get_by_role("radio", name="text", exact=True).check()
    page.get_by_label("What is asked?").fill("Is the writer content?")
    page.get_by_label("Possible answers").fill("Positive\nNegative")
    page.get_by_label("At most").fill("40")
    page.get_by_label("% of the labels wrong").select_option("0.9")
    page.get_by_label("Column with a key").select_option("id")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/#/*", timeout=PATIENCE_MS)
    return page.url.partition("#/")[2]


def invited(page: Page, project: str) -> str:
    """An invitation's link, made on the page about people."""
    page.goto(f"{project}/people")
    page.get_by_label("To be").select_option("reviewer")
    page.get_by_role("button", name="Make a link").click()
    return page.locator("code.link").inner_text()


def comment_and_answer(one: AtWork) -> str:
    """Say something of an item, answer it, and read it again; the item's text."""
    one.page.keyboard.press("c")
    one.page.keyboard.type(REMARK)
    one.page.keyboard.press("Control+Enter")
    thread = one.page.get_by_role("list", name="Comments")
    expect(thread.get_by_text(REMARK)).to_be_visible(timeout=PATIENCE_MS)
    one.page.keyboard.press("Escape")
    text = one.answer()
    one.saved()
    one.page.get_by_role("button", name="Comments", exact=True).first.click()
    dialog = one.page.get_by_role("dialog", name="Comments")
    expect(dialog.get_by_text(REMARK)).to_be_visible()
    one.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    return text


def undo_and_answer_again(one: AtWork) -> None:
    """Take an answer back: the same item is there again, and is answered."""
    text = one.answer()
    one.saved()
    one.page.keyboard.press("u")
    expect(one.page.get_by_text("your answer before")).to_be_visible()
    assert one.answer() == text
    one.saved()


def answer_offline(one: AtWork) -> list[str]:
    """Answer without a network, then come back; the texts."""
    until(one.page, lambda: one.held() > OFFLINE)
    context = one.page.context
    context.set_offline(True)
    answered = [one.answer() for _ in range(OFFLINE)]
    expect(one.page.locator(".bar .unsaved")).to_be_visible()
    waiting = one.page.locator(".past").get_by_text("not saved yet")
    until(one.page, lambda: waiting.count() >= OFFLINE)
    context.set_offline(False)
    one.saved()
    return answered


def finish(*people: AtWork) -> None:
    """Everybody answers what is shown until the job is done."""

    def all_are_done() -> bool:
        for each in people:
            each.answer_if_asked()
        return all(each.is_done for each in people)

    until(people[0].page, all_are_done)


def see_the_certificate(page: Page, project: str) -> None:
    page.goto(project)
    expect(page.get_by_text("Every item is decided.")).to_be_visible()
    certificate = page.get_by_role("region", name="Certificate")
    expect(certificate.locator(".statement")).to_contain_text(CERTIFIED)


def export(page: Page) -> list[dict[str, str]]:
    """The rows of the downloaded file."""
    page.get_by_role("link", name="Items", exact=True).click()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click(timeout=PATIENCE_MS)
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def read_the_comment(page: Page, project: str, text: str) -> None:
    """The item's own page has it, for whoever looks after the project."""
    page.goto(f"{project}/items")
    page.get_by_label("Search text and keys").fill(text)
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("link", name=text, exact=True).click()
    expect(page.get_by_role("region", name="History").get_by_text(REMARK)).to_be_visible()


def verify(page: Page, project: str) -> None:
    page.goto(f"{project}/log")
    page.get_by_role("button", name="Verify").click()
    verdict = page.get_by_role("heading", name="The log verifies")
    expect(verdict).to_be_visible(timeout=PATIENCE_MS)


def see_both_at_work(page: Page, project: str) -> None:
    page.goto(f"{project}/people")
    for name in ("Ann", "Ben"):
        expect(page.get_by_role("region", name="Reviewers").get_by_text(name)).to_be_visible()
    expect(page.get_by_role("combobox", name="Role of Ben")).to_have_value("reviewer")


def answers_in(store: Path) -> dict[str, str]:
    """Every answer that counts and stands: the item's text and who gave it."""
    query = (
        "SELECT json_extract(q.shown, '$.text'), p.name FROM reviews r"
        " JOIN requests q ON q.id = r.request JOIN reviewers p ON p.id = r.reviewer"
        " WHERE NOT r.undone AND r.counted"
    )
    with closing(sqlite3.connect(store)) as db:
        return {str(text): str(who) for text, who in db.execute(query)}
