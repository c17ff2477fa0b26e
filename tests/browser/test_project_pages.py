"""The project pages in a real browser: nothing hostile runs, nothing breaks, everybody can use
them; a project is begun from a file, answered, exported and verified there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))

from offices import begin, listening
from servers import new_id
from sites import serving
from teams import until

from signoff.bootstrap import recorder_for
from signoff.core.records import PageSettings
from signoff.core.routing import People as Alone

People = Callable[[], BrowserContext]

HOSTILE = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'>",
    "\"><svg onload='window.ran = 3'>",
    "'-window.ran=4-'",
    "javascript:window.ran=5",
    "</title><script>window.ran = 6</script>",
    "{{ 7 * 7 }}{% if 1 %}ran{% endif %}",
    "<a href='javascript:window.ran = 8'>press</a>",
    "<style>* { display: none }</style>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv='refresh' content='0;url=https://evil.example/'>",
    "<iframe srcdoc='<script>parent.ran = 9</script>'></iframe>",
    "\u202egnp.txt\u202c and \u2066 left open",
    "W" * 400,
    "<!--",
    "]]>\"'`&lt;",
)
MARKDOWN = (
    "[press](javascript:window.ran=10) [data](data:text/html,<script>window.ran=11</script>)\n\n"
    "![picture](https://evil.example/x.png)\n\n<script>window.ran = 12</script>\n\n"
    "<img src=x onerror=window.ran=13>\n\n" + "# " + "W" * 300
)


def complaints_of(page: Page) -> list[str]:
    """Whatever the browser finds wrong with a page from now on."""
    found: list[str] = []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda r: found.append(r.url) if "evil.example" in r.url else None,
    )
    return found


def checked(page: Page, axe: str) -> list[str]:
    """What is wrong with the page as it stands."""
    page.evaluate(axe)
    violations = page.evaluate(
        """async () => {
          const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
          const { violations } = await window.axe.run(document, { runOnly });
          return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`);
        }"""
    )
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    ran = page.evaluate("window.ran ?? null")
    found = [f"axe {violation}" for violation in violations]
    found += [f"{wide} px wider than the window"] if wide > 0 else []
    return found + ([f"a script ran: {ran}"] if ran is not None else [])


PAGES = (
    "/projects",
    "{p}",
    "{p}/items",
    "{p}/items?state=waiting",
    "{p}/items?state=answered&sort=newest",
    "{p}/items?q=%3Cscript%3E&reviewer=%22%3E%3Cscript%3E",
    "{p}/items/1/0",
    "{p}/items/1/1",
    "{p}/people",
    "{p}/settings",
    "{p}/log",
    "/new",
)


def hostile_project(folder: Path) -> Path:
    """A project in which everything that people write is an attack."""
    where = folder / "hostile.signoff.db"
    rows = [
        {"id": f"{text[:60]}{at}", "text": text, HOSTILE[2]: text}
        for at, text in enumerate(HOSTILE)
    ]

    begin(where, HOSTILE[0][:60], rows=rows, labels=HOSTILE[:6], policy=Alone())
    return where


def answer_with_attacks(house: Any) -> None:
    """Answers, notes and flags that are attacks, and a guideline of that kind."""
    (project,) = house.store.projects()
    browser = house.browser()
    api = f"/api/v1/projects/{project.id}"
    leased = browser.post(f"{api}/leases", json={"limit": 10}).json()["requests"]
    assert leased
    for request, text in zip(leased[:6], HOSTILE, strict=False):
        flagged = {"note": text}
        browser.post(f"{api}/requests/{request['id']}/flag", json=flagged).raise_for_status()
        body = {"request": request["id"], "answers": {"answer": {"label": text}}, "note": text}
        browser.put(f"{api}/reviews/{new_id()}", json=body).raise_for_status()
    recorder = recorder_for(house.store, project.id, actor="page")
    told = {"changed": ["guideline"], "blur": False, "text_direction": "auto"}
    house.store.change_page(
        project.id, PageSettings(guideline=MARKDOWN), [recorder.event("page.changed", told)]
    )


def signed_in(house: Any, person: People) -> Page:
    """A page of whoever the house knows."""
    context = person()
    session = house.browser().cookies[house.access.cookie]
    context.add_cookies([{"name": house.access.cookie, "value": session, "url": house.url}])
    return context.new_page()


def test_the_overview_catches_up_with_what_happened_while_it_loaded(
    tmp_path: Path, person: People
) -> None:
    with listening(hostile_project(tmp_path)) as house:
        (project,) = house.store.projects()
        page = signed_in(house, person)
        held: list[Route] = []
        page.route("**/events", lambda route: held.append(route))
        page.goto(f"{house.url}/projects/{project.id}")
        expect(page.get_by_text(f"decided, 0 of {len(HOSTILE)} items")).to_be_visible()
        answer_with_attacks(house)
        until(page, lambda: bool(held))
        held[0].continue_()
        expect(page.get_by_text(f"decided, 6 of {len(HOSTILE)} items")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hostile_runs_and_nothing_breaks(
    tmp_path: Path, person: People, axe: str, width: int, scheme: Any
) -> None:
    with listening(hostile_project(tmp_path)) as house:
        answer_with_attacks(house)
        (project,) = house.store.projects()
        page = signed_in(house, person)
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        complaints = complaints_of(page)
        for path in PAGES:
            address = path.replace("{p}", f"/projects/{project.id}")
            answer = page.goto(house.url + address)
            assert answer is not None
            assert answer.status == 200, address
            assert checked(page, axe) == [], address
            assert page.url.startswith(house.url), address
            if address.endswith("/items"):
                # It is all there, as text.
                said = page.locator("main").inner_text()
                assert [text for text in HOSTILE[:6] if text[:60] not in said] == []
        page.goto(f"{house.url}/projects/{project.id}/settings")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("Preview, not saved yet")).to_be_visible()
        hrefs = page.locator(".markdown a").evaluate_all("all => all.map(a => a.protocol)")
        assert set(hrefs) <= {"http:", "https:"}
        assert checked(page, axe) == []
        assert complaints == []


def test_a_project_from_a_file_to_its_export_without_leaving_the_browser(
    tmp_path: Path, person: People, axe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    table = tmp_path / HOSTILE[7].replace("/", "")[:40]
    table = table.with_suffix(".csv")
    lines = ["id,text", *(f'{n},"{text} number {n}"' for n, text in enumerate(["good", "bad"] * 6))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with serving(tmp_path, "--as", "ann") as site:
        page = person().new_page()
        complaints = complaints_of(page)
        page.goto(site.link)
        expect(page.get_by_role("heading", name="What should be decided?")).to_be_visible()
        assert checked(page, axe) == []
        page.set_input_files("#file", table)
        page.wait_for_url("**/new/*")
        expect(page.get_by_role("radio", name="text")).to_be_checked()
        assert checked(page, axe) == []
        page.get_by_label("Possible answers").fill("Good")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("alert")).to_be_visible()  # one answer is no choice
        assert page.get_by_label("Possible answers").input_value() == "Good"
        page.get_by_label("Possible answers").fill("Good\nBad")
        page.get_by_label("People alone").check()
        page.get_by_label("Name of the project").fill("letters")
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url("**/#/*")
        expect(page.locator(".item .prose").first).to_be_visible()
        page.evaluate(
            "() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen, 50)))"
        )
        for _ in range(12):
            text = page.locator(".item .prose").first.inner_text()
            page.keyboard.press("1" if text.startswith("good") else "2")
            expect(page.get_by_text(text, exact=True).and_(page.locator(".prose"))).to_have_count(0)
        expect(page.locator(".bar .unsaved")).to_have_count(0)
        page.get_by_role("link", name="Overview, items, people").click()
        expect(page.get_by_text("Every item is decided.")).to_be_visible()
        page.get_by_role("link", name="Items", exact=True).click()
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download").click()
        exported = Path(waiting.value.path()).read_text(encoding="utf-8")
        assert exported.count("Good") == exported.count("Bad") == 6
        page.get_by_role("link", name="Back to the project").click()
        page.get_by_role("link", name="Log", exact=True).click()
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("heading", name="The log verifies")).to_be_visible()
        assert checked(page, axe) == []
        page.get_by_role("link", name="Back to the project").click()
        page.get_by_role("link", name="Settings").click()
        page.get_by_label("Key of the item").fill("nobody")
        page.get_by_label("Type the key again").fill("nobody")
        page.get_by_role("button", name="Erase for ever").click()
        expect(page.get_by_text("No row has this key.")).to_be_visible()
        assert [each for each in complaints if "422" not in each] == []
