"""Attacks in all that people write, on every page that they see: nothing runs, nothing breaks, and
everybody can still use it. The review page for every kind of item and question, and the pages of
accounts; test_project_pages has the project pages.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from teams import PASSWORD, PATIENCE_MS, STORE, Site, serving_a_team, sign_in

from signoff.accounts.directory import Directory
from signoff.bootstrap import open_store
from signoff.core.questions import Choice, Form, MultiChoice, Pairwise, Rating, Spans, Text
from signoff.core.routing import People as Alone
from signoff.job import RunOptions
from signoff.sdk import execute

from servers import new_id  # isort: skip
from test_project_pages import HOSTILE, MARKDOWN, checked, complaints_of  # isort: skip

KINDS = ("text", "markdown", "chat", "json", "fields", "form", "pair")
ADDRESSES = (
    "javascript:window.ran=20",
    "JaVaScRiPt:window.ran=21",
    "java\tscript:window.ran=22",
    "&#106;avascript:window.ran=23",
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cucmFuPTI0PC9zY3JpcHQ+",
    "vbscript:window.ran=25",
    "//evil.example/x",
    "/sign-out",
    'https://example.com/" onmouseover="window.ran=26',
    "<javascript:window.ran=27>",
)
LINKS = (
    *(f"[press]({address})" for address in ADDRESSES),
    "<javascript:window.ran=28>",
    "[x]: javascript:window.ran=29\n\n[x]",
    "![x](/api/v1/me)",
)
SVG = (
    "<svg><animate onbegin=window.ran=30 attributeName=x dur=1s>",
    "<svg xmlns='http://www.w3.org/2000/svg'><script>window.ran=31</script></svg>",
    "<math><mtext></form><form><mglyph><svg><mtext><style><path id='</style>'>",
)
SIGNS = ("**", "__", "~~", "`", "```\n", "\n", "\n\n", "# ", "[", "](", ")", "<", ">", " |", "\\")
LINES = ("> ", "- ", "1. ", "| a | b |\n|---|---|\n| ", "\u2028", "&lt;script&gt;")
PIECES = (*HOSTILE, *LINKS, *SVG, *SIGNS, *LINES)
"""What made-up texts consist of: attacks, and signs that mean something in Markdown."""
NAMES = ("<img src=x onerror=window.ran=40>", '"><script>window.ran=41</script>')
"""Names of people, which may not be long nor hold colons."""


def made_up(count: int, *, seed: int) -> list[str]:
    """Texts put together at random."""
    rng = random.Random(seed)
    return ["".join(rng.choices(PIECES, k=rng.randint(3, 40))) for _ in range(count)]


def rows_of(kind: str) -> list[dict[str, Any]]:
    """Items of a kind in which everything is an attack."""
    fuzz = made_up(6, seed=1)
    texts: Sequence[str] = (*HOSTILE[:4], HOSTILE[13])
    match kind:
        case "markdown":
            texts = (MARKDOWN, "\n\n".join(LINKS), *fuzz)
        case "chat":
            said = [{"role": each[:40], "content": each} for each in (*HOSTILE, *fuzz)]
            parts = [
                {"role": "user", "content": [{"type": "text", "text": HOSTILE[1]}, HOSTILE[2]]}
            ]
            texts = (json.dumps(said), json.dumps(parts), f'[{{"role": "{HOSTILE[0]}"}}]')
        case "json":
            deep: object = HOSTILE[0]
            for each in HOSTILE:
                deep = {each: deep, "list": [each, 1e300, None]}
            texts = (json.dumps(deep), '{"a": ' + HOSTILE[0], json.dumps(fuzz))
        case _:
            texts = (*texts, *fuzz[:2])
    return [
        {"id": f"{HOSTILE[at % 9]}{at}", "text": text, HOSTILE[2]: HOSTILE[at % 9], "b": fuzz[0]}
        for at, text in enumerate(texts)
    ]


def form_of(kind: str) -> Form:
    asked = HOSTILE[0]
    labels = [each[:80] for each in HOSTILE[:6]]
    if kind == "form":
        return Form(
            (
                MultiChoice(name="many", labels=MultiChoice.of(labels).labels, text=asked),
                Rating(name="stars", text=asked),
                Text(name="said", text=asked),
                Spans(name="parts", labels=Spans.of(labels).labels, text=asked),
            )
        )
    if kind == "pair":
        return Form((Pairwise(name="better", a="b", b=HOSTILE[2], text=asked),))
    return Form((Choice.of(labels, text=asked),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A served store full of attacks, the session of whoever runs it, and what is where."""

    site: Site
    cookies: list[Any]
    projects: dict[str, str]
    invitation: str
    upload: str
    job: str


@pytest.fixture(scope="module")
def hostile(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        for kind in KINDS:
            execute(
                RunOptions(
                    data=rows_of(kind), form=form_of(kind), text="text", key="id",
                    project=f"{kind} {HOSTILE[1]}", policy=Alone(), reviewer="none",
                    store=str(folder / STORE), out=str(folder / "out.csv"), guideline=MARKDOWN,
                    item_kind="text" if kind in ("form", "pair") else kind,  # pyright: ignore[reportArgumentType]
                )
            )  # fmt: skip
        with serving_a_team(folder, admin="Ann") as site:
            yield filled(browser, site, folder)


def filled(browser: Browser, site: Site, folder: Path) -> Hostile:
    """People with hostile names, their words on items, and files with hostile names."""
    store = open_store(str(folder / STORE), create=False)
    directory = Directory(store=store)
    projects = {each.name.split()[0]: each.id for each in store.projects()}
    for name in NAMES:
        directory.add(name, PASSWORD, given={projects["text"]: "reviewer"})
    invited = directory.invite(projects["text"], "reviewer", by="command").secret.text
    store.close()
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site.url, "Ann")
    page.wait_for_url(f"{site.url}/")
    cookies = context.cookies()
    context.close()
    visitor = site.browser()
    for cookie in cookies:
        visitor.cookies.set(str(cookie["name"]), str(cookie["value"]))
    for project in projects.values():
        api = f"/api/v1/projects/{project}"
        for request in visitor.post(f"{api}/leases", json={"limit": 20}).json()["requests"]:
            said = {"id": new_id(), "text": f"{HOSTILE[0]}\n{HOSTILE[1]}\n{HOSTILE[13]}"}
            place = f"{api}/requests/{request['id']}"
            visitor.post(f"{place}/comments", json=said).raise_for_status()
            visitor.post(f"{place}/flag", json={"note": HOSTILE[2]}).raise_for_status()
        visitor.request("DELETE", f"{api}/leases", json={"requests": []})
    table = (
        "id,text\n" + "".join(f'{n},"{n}: <img src=x onerror=window.ran=50>"\n' for n in range(5))
    ).encode()
    name = f"{HOSTILE[1]}.csv".replace("/", "")
    upload = visitor.post(f"/api/v1/uploads?name={quote(name)}", content=table).json()["id"]
    job = visitor.post(f"/api/v1/projects/{projects['text']}/verify").json()["id"]
    return Hostile(
        site=site, cookies=cookies, projects=projects, invitation=invited, upload=upload, job=job
    )


@pytest.fixture
def context(browser: Browser, hostile: Hostile) -> Iterator[BrowserContext]:
    """A narrow window of whoever runs the site."""
    made = browser.new_context(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    made.add_cookies(hostile.cookies)
    yield made
    made.close()


def wrong_in_both(page: Page, axe: str) -> list[str]:
    """What is wrong with a page, in light and in dark."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {each}" for each in checked(page, axe)]
    return found


def test_the_pages_of_accounts_and_jobs_show_attacks_as_text(
    hostile: Hostile, context: BrowserContext, browser: Browser, axe: str
) -> None:
    project = f"/projects/{hostile.projects['text']}"
    page = context.new_page()
    complaints = complaints_of(page)
    paths = (
        "/",
        "/account",
        f"/new/{hostile.upload}",
        f"/jobs/{hostile.job}",
        f"{project}/people",
        f"/join?token={hostile.invitation}",
        f"/projects/{quote(HOSTILE[1])}",
    )
    wrong: list[str] = []
    for path in paths:
        page.goto(hostile.site.url + path)
        # The page of the queue draws itself, a moment after it came.
        expect(page.locator("h1").first).to_be_attached()
        wrong += [f"{path}: {each}" for each in wrong_in_both(page, axe)]
    said = page.goto(hostile.site.url + f"{project}/people")
    assert said is not None
    assert NAMES[0] in page.locator("main").inner_text()
    stranger = browser.new_context(viewport={"width": 360, "height": 740})
    outside = stranger.new_page()
    complaints_outside = complaints_of(outside)
    for path in (
        "/sign-in",
        f"/sign-in?join={quote(HOSTILE[2])}",
        f"/join?token={hostile.invitation}",
        f"/join?token={quote(HOSTILE[2])}",
    ):
        outside.goto(hostile.site.url + path)
        wrong += [f"{path}: {each}" for each in wrong_in_both(outside, axe)]
    outside.goto(f"{hostile.site.url}/sign-in")
    outside.get_by_label("Name").fill(NAMES[1])
    outside.get_by_label("Password").fill("not the password")
    outside.get_by_role("button", name="Sign in").click()
    expect(outside.get_by_role("alert")).to_be_visible()
    wrong += [f"wrong sign-in: {each}" for each in wrong_in_both(outside, axe)]
    stranger.close()
    assert not wrong, "\n".join(wrong)
    refused = ("404", "401", "403", "410", "422")
    found = [
        each for each in complaints + complaints_outside if not any(n in each for n in refused)
    ]
    assert found == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_review_page_shows_attacks_as_text(
    hostile: Hostile, context: BrowserContext, axe: str, kind: str
) -> None:
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto(f"{hostile.site.url}/#/{hostile.projects[kind]}")
    expect(page.locator(".item").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".form").first).to_be_visible()
    wrong = [f"first: {each}" for each in wrong_in_both(page, axe)]
    shown: set[str] = set()
    for at in range(len(rows_of(kind))):
        shown.add(page.locator(".item").first.inner_text())
        wrong += [f"item {at}: {each}" for each in broken(page)]
        page.keyboard.press("s" if kind in ("form", "pair") else "1")
        page.wait_for_timeout(30)
    assert len(shown) > 2
    page.reload()
    page.wait_for_load_state()
    wrong += [f"afterwards: {each}" for each in broken(page)]
    assert not wrong, "\n".join(wrong)
    assert complaints == []


ALLOWED = [
    "p", "h2", "h3", "h4", "h5", "ul", "ol", "li", "pre", "code", "blockquote", "table", "thead",
    "tbody", "tr", "th", "td", "strong", "em", "del", "a", "br", "hr", "div", "span", "dl", "dt",
    "dd", "section", "mark",
]  # fmt: skip
"""Elements that an item may consist of."""


def broken(page: Page) -> list[str]:
    """Whether anything ran, stands out, or is more than text and the marks of our own."""
    found: list[str] = []
    ran = page.evaluate("window.ran ?? null")
    if ran is not None:
        found.append(f"a script ran: {ran}")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if wide > 0:
        found.append(f"{wide} px wider than the window")
    odd = page.evaluate(
        """(allowed) => [...document.querySelectorAll(".item *")].flatMap((each) => {
             const names = [...each.attributes].map((attribute) => attribute.name);
             const odd = names.filter((name) => /^on|^srcdoc|^style|^src$/.test(name));
             if (!allowed.includes(each.localName)) odd.push(each.localName);
             if (each.href && !/^(https?|mailto):/.test(each.href)) odd.push(each.href);
             return odd;
           })""",
        ALLOWED,
    )
    return found + [f"{each} within an item" for each in odd]
