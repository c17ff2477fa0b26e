"""The list of items: search, filters, pages, one item, several answers at once, and blindness."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from offices import OfficeHouse, begin, office, send, token_of, words
from servers import new_id

from signoff.bootstrap import sign_with_its_key
from signoff.core.questions import answer_text
from signoff.core.routing import People
from signoff.errors import Exit
from signoff.server.access import Role
from signoff.server.site.listing import PAGE, REASONS
from signoff.server.site.log import TELLING, WORDS
from signoff.server.work import StoredWork
from signoff.storeview import StoreView
from signoff.testing.fakes import two_topics
from signoff.work.runner import JobRunner

ROWS = 400


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certified project at its end."""
    where = tmp_path_factory.mktemp("closed") / "reviews.signoff.db"
    assert begin(where, rows=ROWS, reviewer="column:label") == Exit.DONE
    return where


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    where = tmp_path / "begun.signoff.db"
    assert begin(where, rows=ROWS) == Exit.UNFINISHED
    return where


@pytest.fixture
def house(closed: Path) -> Iterator[OfficeHouse]:
    with office(closed) as opened:
        yield opened


def numbers(page: str) -> list[int]:
    """The items of a list, in order."""
    return [int(n) for n in re.findall(r'<a dir="auto" href="/projects/[^/]+/items/1/(\d+)"', page)]


def walk(house: OfficeHouse, path: str) -> list[int]:
    """The items of a list, through all its pages."""
    browser, found = house.browser(), []
    address: str | None = path
    while address is not None:
        page = browser.get(address).text
        found += numbers(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1].replace("&amp;", "&") if following else None
    return found


# ------------------------------------------------------------------------------ listing


def test_the_pages_of_a_list_hold_every_item_once_in_order(house: OfficeHouse) -> None:
    assert walk(house, f"{house.pages()}/items") == list(range(ROWS))


def test_what_people_and_the_model_decided_are_all_items(house: OfficeHouse) -> None:
    people = walk(house, f"{house.pages()}/items?state=answered")
    model = walk(house, f"{house.pages()}/items?state=model")
    assert sorted(people + model) == list(range(ROWS))
    (standing,) = house.store.audits(house.project().id, 1).values()
    assert standing.certificate is not None
    assert (len(people), len(model)) == (
        standing.certificate["human"],
        standing.certificate["automatic"],
    )


@pytest.mark.parametrize("state", ["any", "answered", "model"])
@pytest.mark.parametrize("search", ["TENT", "number 39", "0007", "zebra", "(", "\\", "^"])
def test_a_search_finds_what_texts_and_keys_hold_whatever_the_capitals(
    house: OfficeHouse, state: str, search: str
) -> None:
    rows = two_topics(ROWS)
    wanted = {
        at
        for at, row in enumerate(rows)
        if search.lower() in row["text"].lower() or search.lower() in row["id"]
    }
    within = set(walk(house, f"{house.pages()}/items?state={state}"))
    found = walk(
        house, f"{house.pages()}/items?" + f"state={state}&q=".replace("\\", "%5C") + search
    )
    assert set(found) == wanted & within
    assert len(found) == len(set(found))


def test_a_label_narrows_the_list_whoever_gave_it(house: OfficeHouse) -> None:
    both = [set(walk(house, f"{house.pages()}/items?label={label}")) for label in ("0.0", "0.1")]
    assert not both[0] & both[1]
    assert both[0] | both[1] == set(range(ROWS))
    for state in ("answered", "model"):
        part = walk(house, f"{house.pages()}/items?label=0.0&state={state}")
        assert part
        assert set(part) < both[0]


def test_the_least_sure_of_the_model_come_first(house: OfficeHouse) -> None:
    page = house.browser().get(f"{house.pages()}/items?state=model&sort=doubt").text
    sure = [float(each) for each in re.findall(r"([\d.]+) % sure", words(page))]
    assert sure
    assert sure == sorted(sure)
    assert len(set(walk(house, f"{house.pages()}/items?state=model&sort=doubt"))) > PAGE


def test_the_newest_answers_come_first(house: OfficeHouse) -> None:
    project = house.project()
    given = [review.item for review in house.store.reviews(project, 1)]
    assert walk(house, f"{house.pages()}/items?sort=newest") == given[::-1]


def test_a_reason_narrows_the_list_to_the_audit(house: OfficeHouse) -> None:
    project = house.project()
    audited = [each.item for each in house.store.requests(project.id, 1) if each.reason == "audit"]
    assert walk(house, f"{house.pages()}/items?reason=audit") == audited


def test_one_item_shows_its_text_its_answer_and_its_history(house: OfficeHouse) -> None:
    review = house.store.reviews(house.project(), 1)[0]
    said = words(house.browser().get(f"{house.pages()}/items/1/{review.item}").text)
    assert two_topics(ROWS)[review.item]["text"] in said
    assert re.search(r"An answer was given: (Positive|Negative)", said)
    decided = set(range(ROWS)) - {each.item for each in house.store.reviews(house.project(), 1)}
    by_model = words(house.browser().get(f"{house.pages()}/items/1/{min(decided)}").text)
    assert "the model," in by_model


def test_a_key_leads_to_its_item(house: OfficeHouse) -> None:
    got = house.browser().get(f"{house.pages()}/find", params={"key": "0042"})
    assert got.headers["location"] == f"{house.pages()}/items/1/42"
    assert house.browser().get(f"{house.pages()}/find", params={"key": "42"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["items/1/400", "items/2/0", "items/0/0", "items/1/-1", "items/1/x"]
)
def test_an_item_that_is_not_there_is_a_page(house: OfficeHouse, path: str) -> None:
    got = house.browser().get(f"{house.pages()}/{path}")
    assert got.status_code in (400, 404)
    assert got.headers["content-type"].startswith("text/html")


VISIT = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from signoff.server.access import LocalAccess
from signoff.server.app import create_app
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects, open_served

with open_served(sys.argv[1]) as store:
    access = LocalAccess("ann", port=8765, role="admin")
    office = Office.over(store)
    app = create_app(
        StoredProjects(store=store), StoredDesks(store=store), access=access, hosts=None,
        office=office,
    )
    browser = TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False)
    browser.get("/", params={"token": access.token})
    (project,) = store.projects()
    for page in ("", "/items", "/items?q=tent", "/items/1/3", "/people", "/settings", "/log"):
        assert browser.get(f"/projects/{project.id}{page}").status_code == 200, page
    office.close()
print(*sorted({"polars", "sklearn", "pyarrow"} & set(sys.modules)))
"""


def test_the_server_itself_never_loads_what_reads_columns(closed: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", VISIT, str(closed)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, ""), ended.stderr


# ------------------------------------------------------------------------------ blindness


def answer_some(house: OfficeHouse, browser: Any, name: str = "reviews", count: int = 5) -> None:
    """Answer a few items on the review page."""
    api = f"/api/v1/projects/{house.project(name).id}"
    leased = browser.post(f"{api}/leases", json={"limit": count}).json()["requests"]
    for request in leased:
        body = {"request": request["id"], "answers": {"answer": {"label": "Positive"}}}
        assert browser.put(f"{api}/reviews/{new_id()}", json=body).status_code == 200


@pytest.fixture
def auditing(tmp_path: Path) -> Path:
    """A certified project in the middle of its audit."""
    where = tmp_path / "auditing.signoff.db"
    begin(where, rows=ROWS)
    with office(where) as house:
        browser = house.browser()
        while house.store.pools(house.project().id)[-1].phase == "learning":
            answer_truly(house, browser)
            begin(where, rows=ROWS)
    return where


def answer_truly(house: OfficeHouse, browser: Any) -> None:
    truth = {row["text"]: row["label"] for row in two_topics(ROWS)}
    api = f"/api/v1/projects/{house.project().id}"
    while leased := browser.post(f"{api}/leases", json={"limit": 50}).json()["requests"]:
        for request in leased:
            answers = {"answer": {"label": truth[request["item"]["text"]]}}
            body = {"request": request["id"], "answers": answers}
            browser.put(f"{api}/reviews/{new_id()}", json=body).raise_for_status()


PAGES = (
    "",
    "/items",
    "/items?state=waiting",
    "/items?state=model",
    "/items?state=model&sort=doubt",
    "/items?state=answered&reason=audit",
    "/items?reason=audit",
    "/items?reason=uncertain",
    "/items?state=untouched",
    "/people",
    "/settings",
    "/log",
)


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_who_may_answer_sees_nothing_of_the_audit_before_the_certificate(
    auditing: Path, role: Role
) -> None:
    with office(auditing, role=role) as house:
        browser = house.browser()
        project = house.project()
        assert house.store.pools(project.id)[-1].phase == "auditing"
        waiting = [r for r in house.store.requests(project.id, 1) if r.state == "open"]
        assert {request.reason for request in waiting} >= {"audit"}
        details = [f"/items/1/{request.item}" for request in waiting]
        telling = [*(WORDS[name] for name in TELLING), "% sure", 'name="reason"', "Asked because"]
        for path in (*PAGES, *details):
            page = browser.get(house.pages() + path).text
            assert [each for each in telling if each in page] == [], path
            for reason in REASONS.values():
                assert not re.search(rf">\s*{reason}\s*<", page), (path, reason)
        # Asking for audits only must not narrow the list either.
        whole = browser.get(f"{house.pages()}/items?state=waiting").text
        narrowed = browser.get(f"{house.pages()}/items?state=waiting&reason=audit").text
        assert numbers(whole) == numbers(narrowed)


def test_an_export_before_the_certificate_tells_no_more_than_the_pages(auditing: Path) -> None:
    """Only a program that may not answer can order one, and whoever made it can."""
    with office(auditing) as house:
        project = house.project()
        ordered = StoredWork(store=house.store).export(project, "jsonl", by="a program")
        assert JobRunner(store=house.store).round()
        path = house.store.transfers.export(project.id, ordered.id, "jsonl")
        exported = pl.read_ndjson(path)
        given = house.store.reviews(project, 1)
        assert {each.reason for each in given} != {None}
        assert exported["signoff_answer"].drop_nulls().len() == len(given)
        for name in ("signoff_reason", "signoff_confidence", "signoff_model"):
            assert exported[name].drop_nulls().len() == 0, name


def test_an_auditor_who_answers_nothing_sees_why_items_are_asked(auditing: Path) -> None:
    with office(auditing, role="auditor") as house:
        said = words(house.browser().get(f"{house.pages()}/items?reason=audit").text)
        assert "waits audit" in said
        assert "frozen, and the audit committed to" in words(
            house.browser().get(f"{house.pages()}/log").text
        )


def test_others_answers_to_an_item_that_waits_stay_hidden(tmp_path: Path) -> None:
    """An answer taken back is in the item's history, and the item waits again."""
    where = tmp_path / "people.signoff.db"
    begin(where, policy=People())
    with office(where) as house:
        browser = house.browser()
        answer_some(house, browser, count=1)
        api = f"/api/v1/projects/{house.project().id}"
        (given,) = house.store.reviews(house.project(), 1)
        before = words(browser.get(f"{house.pages()}/items/1/{given.item}").text)
        assert "An answer was given: Positive" in before
        assert browser.post(f"{api}/undo", json={}).status_code == 200
        after = words(browser.get(f"{house.pages()}/items/1/{given.item}").text)
        assert "perhaps yours" in after
        assert "Positive" not in after
        listed = browser.get(f"{house.pages()}/items?state=waiting&label=0.0").text
        assert given.item not in numbers(listed)


# --------------------------------------------------------------------- several at once


def waiting(house: OfficeHouse, browser: Any) -> list[str]:
    page = browser.get(f"{house.pages()}/items?state=waiting").text
    return re.findall(r'name="request" value="([^"]+)"', page)


def test_several_items_are_answered_at_once_through_the_desk_and_only_once(begun: Path) -> None:
    with office(begun) as house:
        browser = house.browser()
        page = f"{house.pages()}/items?state=waiting"
        requests = waiting(house, browser)
        assert len(requests) == 16
        fields = {
            "request": requests[:3],
            "label": "0.1",
            "once": new_id(),
            "back": "state=waiting",
        }
        for _ in range(2):
            got = send(house, browser, f"{house.pages()}/items/answer", fields, page)
            assert got.status_code == 303
            assert got.headers["location"] == f"{page}&done=3-0"
        assert "3 items answered." in words(browser.get(got.headers["location"]).text)
        given = house.store.reviews(house.project(), 1)
        assert [answer_text(each.answer) for each in given if each.answer] == ["Negative"] * 3
        assert house.store.reviewer_names(house.project().id)[given[0].reviewer] == "ann"
        assert len(waiting(house, browser)) == 13
        sign_with_its_key(house.store, house.project())
        house.store.checkpoint(house.project().id)
    view = StoreView.open(str(begun))
    assert view.verify().ok
    view.close()


def test_an_item_somebody_answered_meanwhile_is_kept_beside(begun: Path) -> None:
    with office(begun) as house:
        browser = house.browser()
        requests = waiting(house, browser)
        page = f"{house.pages()}/items?state=waiting"
        token = token_of(browser.get(page).text)
        answer_some(house, browser, count=16)
        got = browser.post(
            f"{house.pages()}/items/answer",
            data={"form_token": token, "request": requests[:2], "label": "0.1", "once": "x"},
            headers={"Origin": house.url},
        )
        assert got.headers["location"].endswith("done=0-2")
        assert len(house.store.reviews(house.project(), 1)) == 16


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"label": "0.0"}, 422),
        ({"request": ["nothing"], "label": "0.9"}, 422),
        ({"request": ["x"] * 51, "label": "0.0"}, 422),
        ({"request": ["nothing"], "label": "0.0"}, 303),
    ],
)
def test_an_order_that_names_nothing_changes_nothing(
    begun: Path, fields: dict[str, Any], status: int
) -> None:
    with office(begun) as house:
        browser = house.browser()
        page = f"{house.pages()}/items?state=waiting"
        got = send(house, browser, f"{house.pages()}/items/answer", fields, page)
        assert got.status_code == status
        assert house.store.reviews(house.project(), 1) == []


def test_an_auditor_cannot_answer(begun: Path) -> None:
    with office(begun, role="auditor") as house:
        browser = house.browser()
        assert 'name="request"' not in browser.get(f"{house.pages()}/items?state=waiting").text
        session = browser.cookies[house.access.cookie]
        token = hashlib.sha256(f"form|{session}".encode()).hexdigest()
        got = browser.post(
            f"{house.pages()}/items/answer",
            data={"form_token": token, "request": ["x"], "label": "0.0"},
            headers={"Origin": house.url},
        )
        assert got.status_code == 403


@pytest.mark.parametrize(
    ("token", "origin", "status"),
    [("", "own", 403), ("0" * 64, "own", 403), ("right", None, 403), ("right", "other", 403)],
)
def test_a_form_of_another_session_or_site_is_refused(
    begun: Path, token: str, origin: str | None, status: int
) -> None:
    with office(begun) as house:
        browser = house.browser()
        page = browser.get(f"{house.pages()}/items?state=waiting").text
        given = token_of(page) if token == "right" else token
        origins = {"own": house.url, "other": "https://evil.example"}
        headers = {} if origin is None else {"Origin": origins[origin]}
        del browser.headers["X-Signoff"]
        got = browser.post(
            f"{house.pages()}/items/answer",
            data={"form_token": given, "request": waiting(house, browser)[:1], "label": "0.0"},
            headers=headers,
        )
        assert got.status_code == status
        assert house.store.reviews(house.project(), 1) == []
