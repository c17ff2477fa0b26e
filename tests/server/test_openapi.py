"""The description of the API, and whether the API keeps to it whatever is sent."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2
import pytest
from account_houses import AccountHouse
from fuzzing import fuzz
from servers import LocalHouse, listening

from signoff.server.serving import listen, port_of
from signoff.server.wire import PLAIN

pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install '.[dev]')")

EXAMPLES = pytest.mark.parametrize("examples", [4, pytest.param(40, marks=pytest.mark.soak)])
CONFIG = """
[parameters]
"path.p" = "{project}"

[headers]
X-Signoff = "1"
Origin = "{origin}"

[auth.openapi.session]
api_key = "{session}"

# What a description cannot say, a project may refuse with 422: its labels, for one.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""
# A stream does not end by itself: test_live reads it.
STREAM = "/events$"
# Not of the sessions: their end would be the end of the test.
PEOPLE = "/(accounts|people|invitations|tokens)"


@EXAMPLES
def test_the_api_does_what_its_description_says(
    served: LocalHouse, tmp_path: Path, examples: int
) -> None:
    browser = served.browser()
    served.queue.certificate = {"statement": "At most 5 % are wrong."}
    config = CONFIG.format(
        project=served.queue.project.id,
        session=browser.cookies[served.access.cookie],
        origin=served.url,
    )
    told = {"config": config, "url": served.url, "folder": tmp_path}
    fuzz(browser, "--exclude-path-regex", STREAM, examples=examples, **told)
    done = browser.get("/metrics").text
    for route in ("leases", "undo", "history", "reviews/{id}", "requests/{id}/flag"):
        reached = re.findall(rf'projects/{{p}}/{re.escape(route)}",status="(2..|409|422)"', done)
        assert reached, f"no request got as far as {route}"


@EXAMPLES
def test_the_api_about_people_does_what_its_description_says(
    tmp_path: Path, static: Path, examples: int
) -> None:
    listener = listen("127.0.0.1", 0)
    where, port = f"sqlite:///{tmp_path / 'a.signoff.db'}", port_of(listener)
    house = AccountHouse.build(where, tmp_path, static=static, port=port)
    url = f"http://127.0.0.1:{port}"
    with listening(house.app, listener):
        browser = httpx2.Client(base_url=url, headers={"X-Signoff": "1"}, timeout=30)
        session = house.desk.entrance.begin(house.desk.admin(), how="password", old=None)
        browser.cookies.set(house.access.cookie, session.text)
        config = CONFIG.format(project=house.desk.reviews.id, session=session.text, origin=url)
        told = {"config": config, "url": url, "folder": tmp_path}
        fuzz(browser, "--include-path-regex", PEOPLE, examples=examples, **told)
        done = browser.get("/metrics").text
        browser.close()
    house.desk.store.close()
    for route in ("accounts", "invitations", "tokens", "projects/{p}/people"):
        reached = re.findall(rf'/api/v1/{re.escape(route)}",status="(2..)"', done)
        assert reached, f"no request got as far as {route}"


def test_every_route_of_the_contract_is_described(house: LocalHouse) -> None:
    described = house.browser().get("/api/v1/openapi.json").json()
    found = {
        (method.upper(), path)
        for path, operations in described["paths"].items()
        for method in operations
    }
    p = "/api/v1/projects/{p}"
    assert found == {
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/projects"),
        ("GET", p),
        ("POST", f"{p}/leases"),
        ("DELETE", f"{p}/leases"),
        ("POST", f"{p}/leases/return"),
        ("PUT", f"{p}/reviews/{{id}}"),
        ("POST", f"{p}/requests/{{id}}/skip"),
        ("POST", f"{p}/requests/{{id}}/flag"),
        ("GET", f"{p}/requests/{{id}}/comments"),
        ("GET", f"{p}/requests/{{id}}/hint"),
        ("POST", f"{p}/requests/{{id}}/comments"),
        ("POST", f"{p}/requests/{{id}}/assign"),
        ("GET", f"{p}/reviewers"),
        ("PUT", f"{p}/reviewers/{{id}}/tags"),
        ("GET", f"{p}/gold"),
        ("POST", f"{p}/gold"),
        ("POST", f"{p}/undo"),
        ("GET", f"{p}/history"),
        ("GET", f"{p}/progress"),
        ("GET", f"{p}/events"),
        ("GET", f"{p}/certificate"),
        ("POST", "/api/v1/begin"),
        ("GET", f"{p}/blobs/{{digest}}"),
        ("POST", f"{p}/windows/{{number}}/end"),
        ("POST", f"{p}/items"),
        ("GET", f"{p}/items/{{id}}"),
        ("GET", f"{p}/stream"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/health"),
        ("POST", "/api/v1/worker/restart"),
    }


def test_every_operation_documents_its_refusals_as_problems(house: LocalHouse) -> None:
    described = house.browser().get("/api/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            if path == "/healthz":
                continue
            assert "summary" in operation
            for status in ("400", "401", "403"):
                assert list(operation["responses"][status]["content"]) == [
                    "application/problem+json"
                ]
    assert "HTTPValidationError" not in str(described)


def test_bodies_refuse_fields_they_do_not_know(house: LocalHouse) -> None:
    schemas = house.browser().get("/api/v1/openapi.json").json()["components"]["schemas"]
    for name in ("LeaseWanted", "GivenBack", "ReviewGiven", "Skipped", "Flagged", "UndoWanted"):
        assert schemas[name]["additionalProperties"] is False


@pytest.mark.parametrize("text", ["", "a", "two\nlines\n", "\x01", "\x00", "a\x00", "a\n\x00\n"])
def test_the_pattern_of_plain_text_refuses_nul_and_nothing_else(text: str) -> None:
    assert bool(re.search(str(PLAIN["pattern"]), text)) is ("\x00" not in text)


def test_the_description_needs_a_session_too(house: LocalHouse) -> None:
    assert house.client().get("/api/v1/openapi.json").status_code == 401
