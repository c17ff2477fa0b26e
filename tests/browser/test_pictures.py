"""Pictures on the review page, in a real browser: fitted, enlarged, covered, and never fetched from
elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from stored_projects import StoredProject
from tests.pictures import KINDS, picture

from signoff.sdk import run
from signoff.storeview import StoreView

People = Callable[[], BrowserContext]
SIZE = (1600, 400)


def made(folder: Path, *, blur: bool) -> Path:
    """A store of pictures in every kind, one described."""
    rows = ["file,alt"]
    for at, kind in enumerate(KINDS):
        name = f"{at}.{kind.lower()}"
        (folder / name).write_bytes(picture(kind, SIZE, colour=("red", "blue", "green", "tan")[at]))
        rows.append(f"{name},{'a red band' if at == 0 else ''}")
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    where = folder / "p.db"
    run(
        str(folder / "t.csv"),
        labels=("A", "B"),
        item_kind="image",
        text="file",
        reviewer="none",
        blur=blur,
        store=where,
    )
    return where


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    where = made(tmp_path, blur=False)
    with StoredProject.serve(where) as link:
        yield where, link


def natural_width(page: Page) -> int:
    return int(
        page.locator("img.picture").evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
    )


def shown_width(page: Page) -> float:
    box = page.locator("img.picture").bounding_box()
    assert box is not None
    return box["width"]


def test_pictures_of_every_kind_are_judged_by_keys(
    pictures: tuple[Path, str], person: People
) -> None:
    where, link = pictures
    page = person().new_page()
    elsewhere: list[str] = []
    page.on("request", lambda sent: None if "127.0.0.1" in sent.url else elsewhere.append(sent.url))
    page.goto(link)
    for at, _ in enumerate(KINDS):
        expect(page.locator("img.picture")).to_have_count(1)
        assert natural_width(page) == SIZE[0]
        source = page.locator("img.picture").get_attribute("src")
        page.keyboard.press("12"[at % 2])
        if at + 1 < len(KINDS):
            expect(page.locator("img.picture")).not_to_have_attribute("src", str(source))
    expect(page.locator("img.picture")).to_have_count(0)
    expect(page.locator(".bar .unsaved")).to_have_count(0)
    assert elsewhere == []
    view = StoreView.open(str(where))
    said = sorted(
        review.answers["answer"].to_json()["label"]
        for review in view.store.reviews(view.project, 1)
        if review.answers is not None
    )
    assert said == ["A", "A", "B", "B"]
    assert view.verify().ok
    view.close()


def test_a_picture_fits_and_a_key_or_a_click_enlarges_it(
    pictures: tuple[Path, str], person: People
) -> None:
    page = person().new_page()
    page.goto(pictures[1])
    image = page.locator("img.picture")
    expect(image).to_be_visible()
    assert natural_width(page) == SIZE[0]
    fitted = shown_width(page)
    assert fitted < SIZE[0]
    button = page.get_by_role("button", name="Enlarge")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("z")
    expect(button).to_have_attribute("aria-pressed", "true")
    assert shown_width(page) == SIZE[0]
    page.keyboard.press("z")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert shown_width(page) == fitted
    image.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is whole"
    page.keyboard.press("?")
    expect(page.get_by_text("enlarge the picture")).to_be_visible()


def test_a_picture_is_described_by_its_column_and_never_by_its_name(
    pictures: tuple[Path, str], person: People
) -> None:
    page = person().new_page()
    page.goto(pictures[1])
    seen: set[str] = set()
    for at in range(len(KINDS)):
        image = page.locator("img.picture")
        expect(image).to_be_visible()
        source = str(image.get_attribute("src"))
        seen.add(str(image.get_attribute("alt")))
        page.keyboard.press("1")
        if at + 1 < len(KINDS):
            expect(image).not_to_have_attribute("src", source)
    assert seen == {"a red band", "The picture to judge"}


def test_a_covered_picture_waits_for_its_key_and_a_lost_one_is_said(
    tmp_path: Path, person: People
) -> None:
    where = made(tmp_path, blur=True)
    for blob in (tmp_path / "p.artifacts").glob("*/blobs/*/*"):
        if blob.read_bytes() == (tmp_path / "1.jpeg").read_bytes():
            blob.unlink()
    with StoredProject.serve(where) as link:
        page = person().new_page()
        page.goto(link)
        for at in range(len(KINDS)):
            expect(page.locator(".sheet.covered")).to_have_count(1)
            page.keyboard.press("b")
            expect(page.locator(".sheet.covered")).to_have_count(0)
            gone = page.get_by_text("The picture did not load")
            if at == 1:
                expect(gone).to_be_visible()
            else:
                expect(page.locator("img.picture")).to_be_visible()
                expect(gone).to_have_count(0)
            page.keyboard.press("1")
