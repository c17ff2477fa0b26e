"""Beginning a project from a file, waiting for jobs, exports, verification, settings, erasure."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from offices import OfficeHouse, begin, office, send, words

from signoff.core.routing import Certified, People
from signoff.errors import InputError, UsageError
from signoff.server.access import Role
from signoff.server.lookup import Preview
from signoff.server.lookup.reading import PREVIEW_BYTES, PREVIEW_ROWS, preview
from signoff.server.site.plans import Plan, share_of
from signoff.server.site.settings import markdown
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import two_topics
from signoff.work.runner import JobRunner

CSV = b"id,text\n" + b"".join(b"r%d,review number %d is good\n" % (n, n) for n in range(20))


def work(house: OfficeHouse) -> None:
    """Do every job that waits, as a worker does."""
    runner = JobRunner(store=house.store)
    while runner.round():
        pass


@pytest.fixture
def empty(tmp_path: Path, signoff_home: Path) -> Iterator[OfficeHouse]:
    where = tmp_path / "empty.signoff.db"
    SqlStore(str(where)).close()
    with office(where) as house:
        yield house


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    where = tmp_path / "begun.signoff.db"
    begin(where)
    return where


@pytest.fixture
def without_promise(tmp_path: Path) -> Path:
    """A project whose results tell nothing that anybody must not know."""
    where = tmp_path / "people.signoff.db"
    begin(where, policy=People())
    return where


def upload(house: OfficeHouse, data: bytes = CSV, name: str = "reviews.csv") -> str:
    got = house.browser().post("/api/v1/uploads", params={"name": name}, content=data)
    assert got.status_code == 201, got.text
    return str(got.json()["id"])


FIELDS = {
    "text": "text",
    "key": "id",
    "labels": "Good\nBad",
    "question": "Is it good?",
    "promise": "certificate",
    "max_error": "20",
    "certainty": "0.9",
    "name": "letters",
}


# ------------------------------------------------------------------------- the first page


def test_with_nothing_there_the_first_page_asks_for_a_file(empty: OfficeHouse) -> None:
    assert "What should be decided?" in words(empty.browser().get("/").text)


def test_with_a_project_there_the_address_is_the_review_page_s(begun: Path) -> None:
    with office(begun) as house:
        assert "What should be decided?" not in words(house.browser().get("/").text)
        assert "New project" in words(house.browser().get("/new").text)


@pytest.mark.parametrize("role", ["reviewer", "manager", "auditor"])
def test_only_administrators_begin_projects(begun: Path, role: Role) -> None:
    with office(begun, role=role) as house:
        assert house.browser().get("/new").status_code == 403


def test_beside_a_run_nobody_begins_projects(begun: Path) -> None:
    with office(begun, has_worker=False) as house:
        assert house.browser().get("/new").status_code == 403
        assert "New project" not in words(house.browser().get(house.pages()).text)


# ---------------------------------------------------------------------------- beginning


def test_a_file_becomes_a_project_with_what_was_filled_in(empty: OfficeHouse) -> None:
    browser, id = empty.browser(), upload(empty)
    page = f"/new/{id}"
    shown = words(browser.get(page).text)
    assert "review number 7 is good" in shown
    assert "review number 8 is good" not in shown
    got = send(empty, browser, page, FIELDS, page)
    assert got.status_code == 303
    waiting = browser.get(got.headers["location"])
    assert "Reading your file" in words(waiting.text)
    work(empty)
    done = browser.get(got.headers["location"])
    project = empty.project("letters")
    assert done.headers["location"] == f"/#/{project.id}"
    assert project.policy == Certified(max_error=Decimal("0.2"), certainty=Decimal("0.9"))
    assert project.question.text == "Is it good?"
    assert (project.text_column, project.key_column) == ("text", "id")


KINDS: list[tuple[str, dict[str, str]]] = [
    ("multichoice", {"labels": "Work\nLove"}),
    ("rating", {"low": "-1", "high": "3"}),
    ("text", {"corrected": "text"}),
    ("spans", {"labels": "Person"}),
    ("pairwise", {"a": "id", "b": "text"}),
]


def test_a_project_asks_a_question_of_any_kind(empty: OfficeHouse) -> None:
    browser = empty.browser()
    for kind, own in KINDS:
        id, name = upload(empty), f"letters {kind}"
        fields = {**FIELDS, "name": name, "key": "", "labels": "", "kind": kind, "overlap": "2"}
        got = send(empty, browser, f"/new/{id}", {**fields, **own}, f"/new/{id}")
        assert got.status_code == 303, words(got.text)
        work(empty)
        project = empty.project(name)
        assert (project.question.kind, project.question.text) == (kind, "Is it good?")
        assert (project.policy, project.overlap) == (People(), 2)


def test_a_form_sent_twice_begins_one_project(empty: OfficeHouse) -> None:
    browser, id = empty.browser(), upload(empty)
    fields = {**FIELDS, "once": "5d3a3b8e-0b0f-4f6b-9d2f-1c0f0a0b0c0d"}
    jobs = {
        send(empty, browser, f"/new/{id}", fields, f"/new/{id}").headers["location"]
        for _ in range(3)
    }
    assert len(jobs) == 1


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"labels": "Good"}, "needs 2 to 100"),
        ({"labels": ""}, "needs 2 to 100"),
        ({"labels": "Good\ngood"}, "Good"),
        ({"max_error": "0"}, "no share of errors"),
        ({"max_error": "100"}, "no share of errors"),
        ({"max_error": "NaN"}, "no share of errors"),
        ({"max_error": "1e999999999"}, "no share of errors"),
        ({"certainty": "1"}, "none of the list"),
        ({"text": "nowhere"}, "There is no column"),
        ({"key": "nowhere"}, "There is no column"),
        ({"text": ""}, "No text column"),
        ({"name": ""}, "no name"),
        ({"name": "x" * 201}, "201 characters"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_filled_in_is_lost(
    empty: OfficeHouse, changed: dict[str, str], complaint: str
) -> None:
    browser, id = empty.browser(), upload(empty)
    got = send(empty, browser, f"/new/{id}", {**FIELDS, **changed}, f"/new/{id}")
    assert got.status_code == 422
    assert complaint in words(got.text)
    assert "Is it good?" in got.text
    assert empty.store.jobs() == []


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"kind": "sort"}, "no kind of question"),
        ({"kind": "rating", "low": "few"}, "lowest number"),
        ({"kind": "rating", "low": "3", "high": "1"}, "above"),
        ({"kind": "multichoice", "labels": ""}, "label"),
        ({"kind": "pairwise", "a": "text", "b": "text"}, "text"),
        ({"kind": "pairwise", "a": "nowhere", "b": "text"}, "There is no column"),
        ({"overlap": "0"}, "cannot answer an item"),
        ({"question": "q" * 10_001}, "has 10,001 characters; 10,000 are the most"),
        ({"labels": "Good\n" + "b" * 201}, "has 201 characters; 200 are the most"),
        ({"kind": "spans", "labels": "b" * 201}, "has 201 characters; 200 are the most"),
        ({"overlap": "many"}, "number of people"),
    ],
)
def test_a_question_that_nobody_can_answer_is_refused(
    changed: dict[str, str], complaint: str
) -> None:
    seen = Preview(columns=["id", "text"], rows=[], text="text")
    plan = Plan(**{"name": "a", "text": "text", "labels": "Good\nBad", **changed})
    with pytest.raises((InputError, UsageError), match=complaint):
        plan.options(seen)


def test_a_name_that_is_taken_is_refused_at_once(begun: Path) -> None:
    with office(begun) as house:
        id = upload(house)
        fields = {**FIELDS, "name": "reviews"}
        got = send(house, house.browser(), f"/new/{id}", fields, f"/new/{id}")
        assert got.status_code == 422
        assert "There is a project" in words(got.text)


def test_what_the_worker_refuses_leads_back_to_the_form(empty: OfficeHouse) -> None:
    browser, id = empty.browser(), upload(empty, CSV + b"r1,another text under the same key\n")
    got = send(empty, browser, f"/new/{id}", FIELDS, f"/new/{id}")
    work(empty)
    page = browser.get(got.headers["location"])
    assert "That did not work" in words(page.text)
    assert f'href="/new/{id}"' in page.text
    assert empty.store.project_names() == []


def test_somebody_else_s_file_is_nobody_s(empty: OfficeHouse) -> None:
    for id in ("nothing", "a.b", "2b0c1c36-6a1b-4a6e-8a39-1a1c2a8a9f10"):
        got = empty.browser().get(f"/new/{id}")
        assert got.status_code in (404, 422, 400), id


def test_shares_are_written_as_people_write_them() -> None:
    assert share_of("2,5 %") == Decimal("0.025")
    assert isinstance(Plan(name="a", text="b", promise="people")._policy(), People)
    with pytest.raises(InputError):
        share_of("five")


# ----------------------------------------------------------------------------- previews


def parquet() -> bytes:
    held = io.BytesIO()
    pl.DataFrame({"id": [1, 2], "text": ["a longer text", "b"]}).write_parquet(held)
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "columns", "rows"),
    [
        ("a.csv", CSV, ["id", "text"], PREVIEW_ROWS),
        ("a.tsv", b"id\ttext\n1\ta\n", ["id", "text"], 1),
        ("a.csv", b"id;text\n1;a, b\n", ["id", "text"], 1),
        ("a.csv.gz", gzip.compress(CSV), ["id", "text"], PREVIEW_ROWS),
        ("a.jsonl", b'{"id": 1, "text": "a"}\n{"text": "b"}\n', ["id", "text"], 2),
        ("a.parquet", parquet(), ["id", "text"], 2),
        ("a.csv", "id,text\n1,héllo\n".encode("latin-1"), ["id", "text"], 1),
        ("a.csv", b"\xef\xbb\xbfid,text\n1,a\n", ["id", "text"], 1),
        ("a.csv", b'id,text\n1,"two\nlines"\n', ["id", "text"], 1),
        ("a.csv", b"id,text\n1,a,b,c\n2\n", ["id", "text"], 2),
        ("a.csv", b"id,text\n" + b"1,\xe4\xb8\xad\n" * 100_000, ["id", "text"], PREVIEW_ROWS),
    ],
)
def test_the_beginning_of_a_table(
    tmp_path: Path, name: str, data: bytes, columns: list[str], rows: int
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    shown = preview(path, name)
    assert list(shown.columns) == columns
    assert len(shown.rows) == rows
    assert all(len(row) == len(columns) for row in shown.rows)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""),
        ("a.csv", b"\n\n"),
        ("a.csv", b"id,text\n"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4),
        ("a.gz", b"\x1f\x8b\x08\x00garbage"),
        ("a.parquet", b"PAR1 and nothing else"),
        ("a.jsonl", b"[1, 2]\n"),
        ("a.jsonl", b'{"a": 1}\nnot json\n'),
    ],
)
def test_what_is_no_table_is_said_in_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises((InputError, UsageError)) as refused:
        preview(path, name)
    assert "\n" not in refused.value.message


def test_a_packed_bomb_is_unpacked_no_further_than_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"id,text\n" + b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 2_000_000))
    assert path.stat().st_size < PREVIEW_BYTES
    assert len(preview(path, path.name).rows) == PREVIEW_ROWS


def test_of_a_parquet_file_that_unpacks_too_far_nothing_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pl.DataFrame({"text": ["a" * 2_000_000]}).write_parquet(path)
    assert preview(path, path.name, most_bytes=3_000_000).columns == ["text"]
    with pytest.raises(InputError, match=r"bomb\.parquet unpacks to more than 1,000,000 bytes"):
        preview(path, path.name, most_bytes=1_000_000)


# ------------------------------------------------------------------------- jobs and orders


def test_the_results_are_exported_and_downloaded(without_promise: Path) -> None:
    with office(without_promise) as house:
        browser = house.browser()
        fields = {"format": "csv"}
        got = send(house, browser, f"{house.pages()}/export", fields, f"{house.pages()}/items")
        job = got.headers["location"]
        assert "Writing the results" in words(browser.get(job).text)
        work(house)
        assert "Your file is ready" in words(browser.get(job).text)
        file = browser.get(f"{job}/file")
        assert file.headers["content-disposition"].startswith("attachment")
        assert pl.read_csv(io.BytesIO(file.content)).height == 60


def test_the_log_is_verified_and_its_result_stays_on_the_page(begun: Path) -> None:
    with office(begun, role="auditor") as house:
        browser, log = house.browser(), f"{house.pages()}/log"
        got = send(house, browser, f"{log}/verify", {}, log)
        work(house)
        assert "The log verifies" in words(browser.get(got.headers["location"]).text)
        assert "Verified" in words(browser.get(log).text)


@pytest.mark.parametrize(("role", "status"), [("manager", 409), ("auditor", 303)])
def test_the_log_of_an_open_project_is_for_those_who_answer_nothing(
    begun: Path, role: Role, status: int
) -> None:
    with office(begun, role=role) as house:
        log = f"{house.pages()}/log"
        assert send(house, house.browser(), f"{log}/export", {}, log).status_code == status
        contents = send(house, house.browser(), f"{log}/export", {"content": "1"}, log)
        assert contents.status_code in (403, 409)


@pytest.mark.parametrize(("role", "status"), [("auditor", 403), ("manager", 303)])
def test_results_are_for_managers(without_promise: Path, role: Role, status: int) -> None:
    with office(without_promise, role=role) as house:
        page = f"{house.pages()}/log"
        got = send(house, house.browser(), f"{house.pages()}/export", {"format": "csv"}, page)
        assert got.status_code == status


def test_results_are_nobodys_who_may_answer_until_the_certificate(begun: Path) -> None:
    with office(begun) as house:
        page, items = (
            f"{house.pages()}/log",
            words(house.browser().get(f"{house.pages()}/items").text),
        )
        assert "Once the certificate is issued: the results say why items were asked" in items
        got = send(house, house.browser(), f"{house.pages()}/export", {"format": "csv"}, page)
        assert (got.status_code, "Export once the certificate is issued" in got.text) == (409, True)
        assert house.store.jobs(house.project().id, limit=10) == []


def test_a_job_that_is_not_there_or_makes_no_file_is_a_page(begun: Path) -> None:
    with office(begun) as house:
        for path in ("/jobs/nothing", "/jobs/nothing/file"):
            got = house.browser().get(path)
            assert got.status_code == 404
            assert got.headers["content-type"].startswith("text/html")


# ------------------------------------------------------------------------------ settings


def settings_of(house: OfficeHouse, **fields: str) -> Any:
    page = f"{house.pages()}/settings"
    return send(house, house.browser(), page, fields, page)


def test_settings_reach_the_review_page_and_the_log(begun: Path) -> None:
    with office(begun) as house:
        fields = {"guideline": "Be *kind*.\r\n", "blur": "on", "text_direction": "rtl"}
        assert settings_of(house, **fields).status_code == 303
        assert settings_of(house, **fields).status_code == 303
        api = house.browser().get(f"/api/v1/projects/{house.project().id}").json()
        assert (api["guideline"], api["blur"], api["text_direction"]) == ("Be *kind*.", True, "rtl")
        events = house.store.newest_events(
            house.project().id, types=["page.changed"], before=None, limit=5
        )
        assert len(events) == 1
        assert "kind" not in events[0].canonical
        work(house)
        log = f"{house.pages()}/log"
        got = send(house, house.browser(), f"{log}/verify", {}, log)
        work(house)
        assert "The log verifies" in words(house.browser().get(got.headers["location"]).text)


def test_a_preview_changes_nothing(begun: Path) -> None:
    with office(begun) as house:
        got = settings_of(house, guideline="Be *kind*.", text_direction="auto", preview="1")
        assert "<em>kind</em>" in got.text
        assert house.project().page.guideline == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"guideline": "x" * 50_001, "text_direction": "auto"},
        {"guideline": "", "text_direction": "up"},
        {"guideline": "a\x00b", "text_direction": "auto"},
    ],
)
def test_settings_that_cannot_be_are_refused(begun: Path, fields: dict[str, str]) -> None:
    with office(begun) as house:
        assert settings_of(house, **fields).status_code in (400, 422)
        assert house.project().page.guideline == ""


def test_an_auditor_reads_settings_and_changes_none(begun: Path) -> None:
    with office(begun, role="auditor") as house:
        page = house.browser().get(f"{house.pages()}/settings").text
        assert "<textarea" not in page
        log = f"{house.pages()}/log"
        got = send(house, house.browser(), f"{house.pages()}/settings", {"guideline": "x"}, log)
        assert got.status_code == 403


def test_markdown_runs_nothing_and_loads_nothing() -> None:
    html = markdown("<script>1</script> [a](javascript:1) ![p](https://evil.example/p.png) **b**")
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html
    assert "<strong>b</strong>" in html


def test_an_item_is_erased_by_its_key_typed_twice_and_the_log_still_verifies(begun: Path) -> None:
    with office(begun) as house:
        browser, page = house.browser(), f"{house.pages()}/settings"
        wrong = send(
            house, browser, f"{house.pages()}/erase", {"key": "0007", "again": "0008"}, page
        )
        assert wrong.status_code == 422
        unknown = {"key": "7", "again": "7"}
        assert send(house, browser, f"{house.pages()}/erase", unknown, page).status_code == 422
        fields = {"key": "0007", "again": "0007"}
        got = send(house, browser, f"{house.pages()}/erase", fields, page)
        (job,) = house.store.jobs()
        assert "0007" not in str(job.body)
        work(house)
        assert "Erased" in words(browser.get(got.headers["location"]).text)
        item = browser.get(f"{house.pages()}/items/1/7").text
        assert two_topics(60)[7]["text"] not in item
        assert "This item was erased" in words(item)
        assert browser.get(f"{house.pages()}/find", params={"key": "0007"}).status_code == 404
    view = StoreView.open(str(begun))
    verdict = view.verify()
    view.close()
    assert verdict.ok, verdict.problem
    assert verdict.blanks


def test_erasing_an_item_again_finds_nothing_left_to_do(begun: Path) -> None:
    view = StoreView.open(str(begun))
    assert view.erase_item(1, 7) == 1
    assert view.erase_item(1, 7) == 0
    view.close()
