"""The review page over a real server and a real store, in a real browser."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from stored_projects import StoredProject

OFFLINE = 30
MOST_BEFORE = 150
"""Answers at most until the page holds that many."""
People = Callable[[], BrowserContext]


def opened(context: BrowserContext, address: str) -> Page:
    """The page once it shows an item."""
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".item .prose").first).to_be_visible()
    # Browsers drop keys pressed before the first picture: nobody can have meant them.
    page.evaluate("() => new Promise(seen => requestAnimationFrame(() => setTimeout(seen, 50)))")
    return page


def home_of(page: Page) -> str:
    """The page's address without the link's token."""
    return page.url.split("?")[0]


def all_is_saved(page: Page) -> None:
    expect(page.locator(".bar .unsaved")).to_have_count(0)


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for something outside the browser."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    pytest.fail("it did not come to hold")


def arrive(page: Page, project: StoredProject, answers: list[tuple[str, str]]) -> None:
    """Wait until the store has these answers and no others: a page does not tell of an answer that
    is under way for a moment only."""
    eventually(page, lambda: project.answers() == answers)
    all_is_saved(page)


def test_one_key_is_one_answer(project: StoredProject, person: People) -> None:
    page = opened(person(), project.link)
    shown = []
    for key in "1212":
        shown.append(page.locator(".item .prose").first.inner_text())
        page.keyboard.press(key)
        expect(page.locator(".item .prose").first).not_to_have_text(shown[-1])
    labels = ("Positive", "Negative", "Positive", "Negative")
    arrive(page, project, list(zip(shown, labels, strict=True)))


def test_undo_after_a_reload_brings_the_item_back(project: StoredProject, person: People) -> None:
    page = opened(person(), project.link)
    first = page.locator(".item .prose").first.inner_text()
    page.keyboard.press("2")
    arrive(page, project, [(first, "Negative")])
    page.reload()
    expect(page.locator("button.entry").first).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("your answer before")).to_be_visible()
    assert page.locator(".item .prose").first.inner_text() == first
    assert project.answers() == []
    page.keyboard.press("1")
    arrive(page, project, [(first, "Positive")])


def test_thirty_answers_without_network_and_a_closed_tab_arrive_once(
    project: StoredProject, person: People
) -> None:
    context = person()
    page = opened(context, project.link)
    before = answer_until_held(page, OFFLINE + 1)
    eventually(page, lambda: len(project.answers()) == before)
    context.set_offline(True)
    for _ in range(OFFLINE):
        page.keyboard.press("2")
    expect(page.get_by_text(f"{OFFLINE} unsaved")).to_be_visible()
    home = home_of(page)
    close_tab(page)
    assert len(project.answers()) == before
    context.set_offline(False)
    again = context.new_page()
    again.goto(home)
    eventually(again, lambda: len(project.answers()) >= before + OFFLINE)
    all_is_saved(again)
    again.wait_for_timeout(300)
    answers = project.answers()
    assert len(answers) == before + OFFLINE
    assert len({text for text, _ in answers}) == len(answers)
    assert [label for _, label in answers[before:]] == ["Negative"] * OFFLINE


def close_tab(page: Page) -> None:
    """Close a tab as a person does, who stays where the page says that something would be lost."""
    beside = page.context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())
    for _ in range(100):
        if page.is_closed():
            return
        page.close(run_before_unload=True)
        beside.wait_for_timeout(100)
    pytest.fail("the page would not close")


def answer_until_held(page: Page, wanted: int) -> int:
    """Answer until so many items are leased ahead, as they are for whoever is fast; how many
    answers that took."""
    for given in range(MOST_BEFORE):
        held = page.locator(".waiting .quiet").text_content() or ""
        if int("".join(filter(str.isdigit, held)) or 0) >= wanted:
            all_is_saved(page)
            return given
        page.keyboard.press("1")
        page.wait_for_timeout(60)
    pytest.fail("the page does not lease further ahead for somebody fast")


def test_the_link_works_once_and_nobody_else_gets_in(
    project: StoredProject, person: People
) -> None:
    opened(person(), project.link)
    other = person().new_page()
    spent = other.goto(project.link)
    assert spent is not None
    assert spent.status == 401
    expect(other.get_by_role("heading", name="does not work any more")).to_be_visible()
    stranger = other.goto(home_of(other))
    assert stranger is not None
    assert stranger.status == 401


def test_what_stands_in_a_text_is_text(
    person: People, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an item is run or loaded."""
    from signoff.core.routing import People as AskPeople
    from signoff.sdk import run

    folder = tmp_path_factory.mktemp("hostile")
    monkeypatch.setenv("SIGNOFF_HOME", str(folder / "home"))
    text = "<img src=x onerror=alert(1)><script>alert(2)</script> [x](javascript:alert(3))"
    run(
        [{"text": text, "<b>column</b>": "<svg onload=alert(4)>"}],
        labels=("<i>Yes</i>", '"><script>alert(5)</script>'),
        text="text",
        policy=AskPeople(),
        reviewer="none",
        store=folder / "a.db",
    )
    with StoredProject.serve(folder / "a.db") as link:
        context = person()
        alerts: list[str] = []
        context.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        page = opened(context, link)
        assert page.locator(".item .prose").first.inner_text() == text
        assert page.locator(".item img, .item svg, .item script, .form i").count() == 0
        assert alerts == []


# ---------------------------------------------------------------------------- what it costs


MOST_BYTES = 40 * 1024
MOST_COLD, MOST_WARM = 8, 2


def loaded(page: Page, load: Callable[[], object]) -> list[str]:
    """What came over the network while the page loaded: nothing that its cache gave. The stream of
    news is left out: it opens when the page is there, and stays."""
    session = page.context.new_cdp_session(page)
    urls: dict[str, str] = {}
    cached: set[str] = set()
    session.on(
        "Network.requestWillBeSent", lambda e: urls.update({e["requestId"]: e["request"]["url"]})
    )
    session.on("Network.requestServedFromCache", lambda e: cached.add(e["requestId"]))
    session.on(
        "Network.responseReceived",
        lambda e: cached.add(e["requestId"]) if e["response"]["fromDiskCache"] else None,
    )
    session.send("Network.enable")
    load()
    expect(page.locator(".item .prose").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    session.detach()
    sent = [url for id, url in urls.items() if id not in cached and not url.startswith("data:")]
    return [url for url in sent if not url.endswith("/events")]


def test_a_page_is_small_and_few_requests_and_none_leaves_this_computer(
    project: StoredProject, person: People
) -> None:
    context = person()
    seen: list[Request] = []
    context.on("request", lambda request: seen.append(request))
    page = context.new_page()
    cold = loaded(page, lambda: page.goto(project.link))
    home = home_of(page)
    # The link itself answers with a redirect to the page.
    assert len(cold) - 1 <= MOST_COLD, cold
    assert all(url.startswith(home) for url in cold)
    files = [url for url in cold if url.endswith((".js", ".css"))]
    assert {url.rsplit(".", 1)[1] for url in files} == {"js", "css"}
    bodies = [context.request.get(url).body() for url in files]
    assert sum(len(gzip.compress(each)) for each in bodies) <= MOST_BYTES
    page.goto("about:blank")
    warm = loaded(page, lambda: page.goto(home))
    assert len(warm) <= MOST_WARM, warm
    assert any(url.endswith("/begin") for url in warm)
    assert not [request.url for request in seen if request.failure]
