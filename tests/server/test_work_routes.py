"""Files come in and go out over HTTP; a worker does what takes long."""

from __future__ import annotations

import hashlib
import io
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import polars as pl
import pytest
from workplace import CSV, Workplace, ended, workplace

from signoff.audit.verify import verify_log
from signoff.server.access import Role
from signoff.worker import Worker

CHOICE: dict[str, Any] = {"kind": "choice", "text": "Which?", "labels": ["A", "B"]}
LONG = "d" * 2_001
RATING = {"kind": "rating", "name": "tone", "text": "How kind?", "high": 3}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with workplace(tmp_path, most_upload_bytes=3_000_000) as made:
        made.works()
        yield made


@pytest.fixture
def idle_place(tmp_path: Path) -> Iterator[Workplace]:
    """A workplace where nobody works."""
    with workplace(tmp_path, most_upload_bytes=3_000_000) as made:
        yield made


def test_a_project_is_made_of_an_upload(place: Workplace) -> None:
    browser = place.browser()
    job = place.found(browser, key="id", question="Which?", text="text")
    assert (job["state"], job["error"], job["kind"]) == ("done", None, "import")
    assert job["result"]["rows"] == 20
    shown = browser.get(f"/api/v1/projects/{job['project']}").json()
    assert shown["name"] == "letters"
    assert shown["questions"][0]["text"] == "Which?"
    assert job["result"]["project"] == job["project"]


def test_an_upload_says_what_came_in(place: Workplace) -> None:
    browser = place.browser()
    got = browser.post("/api/v1/uploads", params={"name": "../x/a.csv"}, content=CSV).json()
    sha256 = hashlib.sha256(CSV.encode()).hexdigest()
    assert (got["bytes"], got["sha256"]) == (len(CSV), sha256)
    (file,) = [path for path in (place.store._folder / "uploads" / got["id"]).iterdir()
               if path.name != "about.json"]  # fmt: skip
    assert file.name == "a.csv"
    assert file.read_text() == CSV


def test_what_is_wrong_with_a_file_is_said_by_the_job(place: Workplace) -> None:
    job = place.found(place.browser(), content="a,b\n1,2\n", text="c")
    assert job["state"] == "failed"
    assert job["error"]["code"] == "no_such_column"
    assert "'c' not in reviews.csv" in job["error"]["message"]
    assert job["error"]["hint"]


def test_what_is_wrong_with_the_options_is_said_at_once(place: Workplace) -> None:
    browser = place.browser()
    upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
    good = {"name": "x", "upload": upload, "labels": ["A", "B"]}
    refused: list[tuple[dict[str, Any], int, str]] = [
        ({"labels": ["A", "A"]}, 422, "usage"),
        ({"policy": {"kind": "certified", "max_error": "500%"}}, 422, "usage"),
        ({"policy": {"kind": "dream"}}, 400, "invalid"),
        ({"model": "evil.py:model"}, 400, "invalid"),
        ({"colour": "red"}, 400, "invalid"),
        ({"upload": "0000"}, 422, "no_upload"),
        ({"labels": None}, 422, "usage"),
        ({"form": [RATING]}, 422, "usage"),
        ({"labels": None, "form": [{**RATING, "high": "three"}]}, 422, "input"),
        ({"labels": None, "form": [{"kind": "sort", "text": "?"}]}, 422, "input"),
        ({"labels": None, "form": [RATING, RATING]}, 422, "input"),
        ({"overlap": 21}, 400, "invalid"),
        ({"due": {"after": "soon"}}, 422, "usage"),
        ({"assign": [{"column": "id", "value": "1", "tag": "no tag"}]}, 400, "invalid"),
        ({"item_kind": "film"}, 400, "invalid"),
    ]
    for change, status, code in refused:
        got = browser.post("/api/v1/projects", json={**good, **change})
        assert (got.status_code, got.json()["code"]) == (status, code), got.text
    assert browser.get("/api/v1/jobs").json() == {"jobs": [], "next": None}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 201},
        {"labels": [f"l{n}" for n in range(1001)]},
        {"labels": ["A", "b" * 201]},
        {"question": "q" * 201},
        {"guideline": "g" * 50_001},
        {"ask_always": [{"column": "id", "value": "1"}] * 101},
        {"assign": [{"column": "id", "value": "1", "tag": "t"}] * 101},
        {"labels": None, "form": [{**RATING, "name": f"q{n}"} for n in range(51)]},
        {"labels": None, "form": [{**CHOICE, "labels": [f"{n:x}" for n in range(100_000)]}]},
        {"labels": None, "form": [{**CHOICE, "labels": ["A", "b" * 201]}]},
        {"labels": None, "form": [{**CHOICE, "labels": ["A", {"id": "B", "description": LONG}]}]},
        {"labels": None, "form": [{**CHOICE, "text": "t" * 10_001}]},
        {"labels": None, "form": [{**CHOICE, "name": "n" * 201}]},
        {"labels": None, "form": [{**CHOICE, "guideline": "g" * 50_001}]},
        {"labels": None, "form": [{"kind": "text", "text": "?", "field": "f" * 201}]},
    ],
    ids=lambda change: "-".join(change),
)
def test_what_is_longer_than_anybody_reads_is_refused_in_one_line(
    place: Workplace, change: dict[str, Any]
) -> None:
    browser = place.browser()
    upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
    good = {"name": "x", "upload": upload, "labels": ["A", "B"]}
    got = browser.post("/api/v1/projects", json={**good, **change})
    assert got.status_code in (400, 422), got.text
    assert "\n" not in got.json()["detail"]
    assert len(got.text) < 1_000
    assert browser.get("/api/v1/jobs").json() == {"jobs": [], "next": None}


def test_the_longest_that_may_be_asked_is_asked(place: Workplace) -> None:
    labels = [{"id": f"l{n}", "description": "d" * 500} for n in range(1000)]
    question = {"kind": "choice", "name": "n" * 200, "text": "t" * 10_000, "labels": labels}
    form = [{**question, "guideline": "g" * 50_000}]
    job = place.found(place.browser(), labels=None, form=form, name="x" * 200)
    assert job["state"] == "done", job


def test_a_project_asks_questions_of_every_kind_and_is_answered(place: Workplace) -> None:
    rows = [{"text": f"Ann met Bo {n}", "other": f"Bo met Ann {n}"} for n in range(3)]
    form = [
        {"kind": "choice", "name": "mood", "text": "Which?", "labels": ["Good", "Bad"]},
        {"kind": "multichoice", "name": "about", "text": "What?", "labels": ["Work", "Love"]},
        {"kind": "rating", "name": "tone", "text": "How kind?", "low": 1, "high": 3},
        {"kind": "text", "name": "fix", "text": "Correct it.", "field": "text"},
        {"kind": "spans", "name": "who", "text": "Who?", "labels": ["Person"]},
        {"kind": "pairwise", "name": "better", "text": "Which?", "a": "text", "b": "other"},
    ]
    browser = place.browser()
    job = place.found(
        browser,
        "".join(json.dumps(row) + "\n" for row in rows),
        labels=None, form=form, text="text", overlap=1, guideline="Read *slowly*.",
    )  # fmt: skip
    assert job["state"] == "done", job
    shown = browser.get(place.path()).json()
    assert [question["kind"] for question in shown["questions"]] == [
        "choice", "multichoice", "rating", "text", "spans", "pairwise",
    ]  # fmt: skip
    Worker(store=place.store).round()
    asked = browser.post(f"{place.path()}/leases", json={"limit": 1}).json()["requests"][0]
    answers: dict[str, Any] = {
        "mood": {"label": "Good"}, "about": {"labels": ["Love"]}, "tone": {"value": 3},
        "fix": {"text": "Ann met Bo."}, "better": {"preferred": "a"},
        "who": {"spans": [{"start": 0, "end": 3, "label": "Person"}]},
    }  # fmt: skip
    got = browser.put(
        f"{place.path()}/reviews/{uuid4()}", json={"request": asked["id"], "answers": answers}
    )
    assert got.status_code == 200, got.text


def test_a_name_that_is_taken_is_refused_at_once(place: Workplace) -> None:
    browser = place.browser()
    place.found(browser)
    upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
    got = browser.post(
        "/api/v1/projects", json={"name": "letters", "upload": upload, "labels": ["A", "B"]}
    )
    assert (got.status_code, got.json()["code"]) == (422, "project_exists")


def test_rows_with_predictions_come_in_as_ndjson(place: Workplace) -> None:
    browser = place.browser()
    rows = [{"text": f"text {n}", "prediction": "A", "confidence": 0.9} for n in range(12)]
    job = place.found(browser, "".join(json.dumps(row) + "\n" for row in rows), model="predictions")
    assert job["state"] == "done", job
    place.finish()
    more = json.dumps({"text": "another", "prediction": "B", "confidence": 0.4}) + "\n"
    got = browser.post(
        f"{place.path()}/import", content=more, headers={"Content-Type": "application/x-ndjson"}
    )
    assert got.status_code == 202
    assert got.headers["location"] == f"/api/v1/jobs/{got.json()['id']}"
    job = ended(browser, got.json()["id"])
    assert job["state"] == "done", job
    assert (job["result"]["pool"], job["result"]["rows"]) == (2, 1)


def test_the_same_idempotency_key_is_done_once(place: Workplace) -> None:
    browser = place.browser()
    place.found(browser, key="id")
    place.finish()
    path = f"{place.path()}/import"
    key = {"Idempotency-Key": "monday"}
    first = browser.post(path, content=CSV + "r20,one more\n", headers=key).json()
    again = browser.post(path, content=CSV + "r20,one more\n", headers=key).json()
    assert first["id"] == again["id"]
    other = browser.post(path, content=CSV, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")
    somebody = place.browser("ben").post(path, content=CSV, headers=key).json()
    assert somebody["id"] != first["id"]
    assert ended(browser, first["id"])["state"] == "done"
    ended(browser, somebody["id"])
    assert list((place.store._folder / "uploads").iterdir()) == []


def test_making_a_project_twice_under_one_key_makes_one(place: Workplace) -> None:
    browser = place.browser()
    upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
    body = {"name": "x", "upload": upload, "labels": ["A", "B"], "policy": {"kind": "people"}}
    key = {"Idempotency-Key": "k"}
    first = browser.post("/api/v1/projects", json=body, headers=key).json()
    ended(browser, first["id"])
    assert browser.post("/api/v1/projects", json=body, headers=key).json()["id"] == first["id"]
    other = browser.post("/api/v1/projects", json={**body, "name": "y"}, headers=key)
    assert other.json()["code"] == "idempotency_key"
    assert [project.name for project in place.store.projects()] == ["x"]


def test_a_file_larger_than_allowed_is_refused_however_it_comes(place: Workplace) -> None:
    browser = place.browser()
    got = browser.post("/api/v1/uploads", content=b"a" * 3_000_001)
    assert (got.status_code, got.json()["code"]) == (413, "too_large")
    got = browser.post("/api/v1/uploads", content=iter([b"a" * 1_000_000] * 4))
    assert (got.status_code, got.json()["code"]) == (413, "too_large")
    assert list((place.store._folder / "uploads").iterdir()) == []
    assert browser.post("/api/v1/uploads", content=b"a" * 2_999_999).status_code == 201
    other = browser.post("/api/v1/projects", content=b"a" * 2_000_000)
    assert other.status_code == 413


def test_an_upload_that_breaks_off_leaves_nothing(place: Workplace) -> None:
    place.browser()
    with socket.create_connection(("127.0.0.1", place.house.port)) as raw:
        raw.sendall(
            f"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1:{place.house.port}\r\n"
            "X-Signoff: 1\r\nX-Caller: ann\r\nContent-Length: 100\r\n\r\nhalf".encode()
        )
    assert place.browser().get("/api/v1/jobs").status_code == 200
    folder = place.store._folder / "uploads"
    for _ in range(200):
        if not list(folder.iterdir()):
            break
        place.browser().get("/healthz")
    assert list(folder.iterdir()) == []


def test_an_empty_body_is_no_file(place: Workplace) -> None:
    got = place.browser().post("/api/v1/uploads", content=b"")
    assert (got.status_code, got.json()["code"]) == (422, "empty_file")


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_results_are_exported_from_disk(place: Workplace, format: str) -> None:
    browser = place.browser()
    place.found(browser, key="id")
    place.finish()
    got = browser.get(f"{place.path()}/export", params={"format": format})
    assert got.status_code == 200, got.text
    assert f'filename="letters.{format}"' in got.headers["content-disposition"]
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[format]
    frame = read(io.BytesIO(got.content))
    assert frame.height == 20
    assert set(frame["signoff_answer"]) == {"A"}
    job = browser.get("/api/v1/jobs").json()["jobs"][0]
    assert (job["kind"], job["file"]) == ("export", True)
    assert browser.get(f"/api/v1/jobs/{job['id']}/file").content == got.content


def test_an_export_nobody_makes_yet_is_a_job_to_come_back_for(idle_place: Workplace) -> None:
    browser = idle_place.browser()
    got = browser.post("/api/v1/uploads", content=CSV)
    body = {"name": "letters", "upload": got.json()["id"], "labels": ["A", "B"]}
    made = browser.post("/api/v1/projects", json={**body, "policy": {"kind": "people"}}).json()
    idle_place.works()
    assert ended(browser, made["id"])["state"] == "done"
    idle_place.stop()
    got = browser.get(f"{idle_place.path()}/export", params={"wait": 0})
    assert got.status_code == 202
    job = got.json()
    assert (job["state"], job["file"]) == ("queued", False)
    early = browser.get(f"/api/v1/jobs/{job['id']}/file")
    assert (early.status_code, early.json()["code"]) == (409, "job_moved")


def test_the_log_can_be_taken_away_and_verified(place: Workplace) -> None:
    browser = place.browser()
    place.found(browser)
    place.finish()
    got = browser.get(f"{place.path()}/log")
    assert got.status_code == 200
    assert verify_log(io.BytesIO(got.content)).ok
    assert "review number 3" not in got.text
    assert "review number 3" in browser.get(f"{place.path()}/log?content=true").text


def test_the_log_is_kept_from_who_may_answer_until_the_certificate(place: Workplace) -> None:
    """It says which items are audited, and with its content what the model said of them."""
    place.found(place.browser(), policy={"kind": "certified", "max_error": "0.05"})
    project, path = place.project(), f"{place.path()}/log"
    one = place.browser("one", everywhere=None, roles={project.id: "manager"})
    auditor = place.browser("two", everywhere=None, roles={project.id: "auditor"})
    for query in ("", "?content=true"):
        got = one.get(f"{path}{query}")
        assert (got.status_code, got.json()["code"]) == (409, "blind")
    assert auditor.get(path).status_code == 200
    (job,) = [each for each in one.get("/api/v1/jobs").json()["jobs"] if each["kind"] == "log"]
    got = one.get(f"/api/v1/jobs/{job['id']}/file")
    assert (got.status_code, got.json()["code"]) == (409, "blind")
    assert auditor.get(f"/api/v1/jobs/{job['id']}/file").status_code == 200
    place.finish()
    assert one.get(f"/api/v1/jobs/{job['id']}/file").status_code == 200
    assert "review number 3" in one.get(f"{path}?content=true").text


def test_results_are_kept_from_who_may_answer_until_the_certificate(place: Workplace) -> None:
    """They say why items were asked, and the data may hold what the model says."""
    place.found(place.browser(), policy={"kind": "certified", "max_error": "0.05"})
    project, path = place.project(), f"{place.path()}/export"
    one = place.browser("one", everywhere=None, roles={project.id: "manager"})
    program = place.browser("program", everywhere=None, roles={project.id: "manager"})
    narrowed = replace(place.access.people["program"], scopes=frozenset({"read", "manage"}))
    place.access.people["program"] = narrowed
    got = one.get(path)
    assert (got.status_code, got.json()["code"]) == (409, "blind")
    assert program.get(path).status_code == 200
    (job,) = [each for each in one.get("/api/v1/jobs").json()["jobs"] if each["kind"] == "export"]
    got = one.get(f"/api/v1/jobs/{job['id']}/file")
    assert (got.status_code, got.json()["code"]) == (409, "blind")
    assert program.get(f"/api/v1/jobs/{job['id']}/file").status_code == 200
    place.finish()
    assert one.get(f"/api/v1/jobs/{job['id']}/file").status_code == 200
    assert one.get(path).status_code == 200


def test_verifying_gives_the_verdict(place: Workplace) -> None:
    browser = place.browser()
    place.found(browser)
    got = browser.post(f"{place.path()}/verify", params={"wait": 60})
    assert got.status_code == 200
    assert got.json()["result"]["ok"] is True
    got = browser.post(f"{place.path()}/verify")
    assert got.status_code == 202
    assert ended(browser, got.json()["id"])["result"]["ok"] is True


def test_a_failed_job_is_retried_and_a_waiting_one_cancelled(idle_place: Workplace) -> None:
    browser = idle_place.browser()
    upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
    body = {"name": "x", "upload": upload, "labels": ["A", "B"]}
    job = browser.post("/api/v1/projects", json=body).json()
    path = f"/api/v1/jobs/{job['id']}"
    assert browser.post(f"{path}/retry").json()["code"] == "job_moved"
    cancelled = browser.post(f"{path}/cancel").json()
    assert (cancelled["state"], cancelled["error"]["code"]) == ("failed", "cancelled")
    assert browser.post(f"{path}/cancel").status_code == 409
    assert browser.post(f"{path}/retry").json()["state"] == "queued"
    assert browser.get("/api/v1/jobs/nothing").json()["code"] == "no_job"


def test_jobs_are_listed_page_by_page_to_whom_they_concern(idle_place: Workplace) -> None:
    browser = idle_place.browser()
    ids: list[str] = []
    for at in range(5):
        upload = browser.post("/api/v1/uploads", content=CSV).json()["id"]
        body = {"name": f"x{at}", "upload": upload, "labels": ["A", "B"]}
        ids.append(browser.post("/api/v1/projects", json=body).json()["id"])
    seen: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = browser.get("/api/v1/jobs", params={"limit": 2, **before}).json()
        seen += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == ids[::-1]
    stranger = idle_place.browser("eve", everywhere=None)
    assert stranger.get("/api/v1/jobs").json() == {"jobs": [], "next": None}
    assert stranger.get(f"/api/v1/jobs/{ids[0]}").status_code == 404
    assert stranger.post(f"/api/v1/jobs/{ids[0]}/cancel").status_code == 404


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", {"import", "export", "log", "content", "verify", "webhooks"}),
        ("manager", {"import", "export", "log", "content", "verify", "webhooks"}),
        ("auditor", {"log", "verify"}),
        ("reviewer", set[str]()),
        (None, set[str]()),
    ],
)
def test_each_role_may_do_its_part(place: Workplace, role: Role | None, allowed: set[str]) -> None:
    place.found(place.browser(), key="id")
    project = place.project()
    one = place.browser("one", everywhere=None, roles={} if role is None else {project.id: role})
    path = place.path()
    tried = {
        "import": one.post(f"{path}/import", content=CSV),
        "export": one.get(f"{path}/export"),
        "log": one.get(f"{path}/log"),
        "content": one.get(f"{path}/log?content=true"),
        "verify": one.post(f"{path}/verify"),
        "webhooks": one.get(f"{path}/webhooks"),
    }
    assert {name for name, got in tried.items() if got.status_code < 300} == allowed
    refused = 404 if role is None else 403
    assert {got.status_code for name, got in tried.items() if name not in allowed} <= {refused}
    for founding in (
        one.post("/api/v1/uploads", content=CSV),
        one.post("/api/v1/projects", json={"name": "x", "upload": "y", "labels": ["A"]}),
    ):
        assert founding.status_code == 403


def test_strangers_are_refused_everywhere(idle_place: Workplace) -> None:
    stranger = idle_place.house.client(**{"X-Signoff": "1"})
    for method, path in (
        ("POST", "/api/v1/uploads"), ("POST", "/api/v1/projects"), ("GET", "/api/v1/jobs"),
        ("GET", "/api/v1/jobs/x"), ("GET", "/api/v1/jobs/x/file"), ("POST", "/api/v1/jobs/x/retry"),
        ("POST", "/api/v1/projects/x/import"), ("GET", "/api/v1/projects/x/export"),
        ("GET", "/api/v1/projects/x/log"), ("POST", "/api/v1/projects/x/verify"),
        ("GET", "/api/v1/projects/x/webhooks"),
    ):  # fmt: skip
        assert stranger.request(method, path, content=b"x").status_code == 401, path


def test_another_site_s_page_cannot_upload(idle_place: Workplace) -> None:
    idle_place.browser()
    foreign = httpx2.Client(
        base_url=idle_place.house.url, headers={"X-Caller": "ann", "Origin": "https://evil.test"}
    )
    assert foreign.post("/api/v1/uploads", content=CSV).json()["code"] == "foreign_origin"


def test_an_upload_of_somebody_else_cannot_be_used(idle_place: Workplace) -> None:
    upload = idle_place.browser().post("/api/v1/uploads", content=CSV).json()["id"]
    got = idle_place.browser("ben").post(
        "/api/v1/projects", json={"name": "x", "upload": upload, "labels": ["A", "B"]}
    )
    assert (got.status_code, got.json()["code"]) == (422, "no_upload")
