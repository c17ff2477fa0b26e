"""The description of the API, and whether the API keeps to it whatever is sent."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from account_houses import AccountHouse
from servers import LocalHouse, listening

from signoff.server.serving import listen, port_of

pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install '.[dev]')")

EXAMPLES = pytest.mark.parametrize("examples", [4, pytest.param(40, marks=pytest.mark.soak)])
SECONDS = 1800
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


def fuzz(
    browser: Any,
    *options: str,
    examples: int,
    cookie: str,
    url: str,
    project: str,
    folder: Path,
) -> None:
    """All of schemathesis' checks: statuses, types, schemas, refusals of what is malformed."""
    config, description = folder / "schemathesis.toml", folder / "openapi.json"
    description.write_text(browser.get("/api/v1/openapi.json").text, encoding="utf-8")
    values = {"project": project, "session": browser.cookies[cookie], "origin": url}
    config.write_text(CONFIG.format(**values), encoding="utf-8")
    common = ["--url", url, "--checks", "all", "--continue-on-failure"]
    common += ["--max-examples", str(examples), "--seed", "1", *options]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    ended = subprocess.run(
        [*command, str(description), *common],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=folder,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@EXAMPLES
def test_the_api_does_what_its_description_says(
    served: LocalHouse, tmp_path: Path, examples: int
) -> None:
    browser = served.browser()
    served.queue.certificate = {"statement": "At most 5 % are wrong."}
    project = served.queue.project.id
    told = {"cookie": served.access.cookie, "url": served.url, "project": project}
    fuzz(browser, "--exclude-path-regex", STREAM, folder=tmp_path, examples=examples, **told)
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
        told = {"cookie": house.access.cookie, "url": url, "project": house.desk.reviews.id}
        fuzz(
            browser,
            "--include-path-regex",
            PEOPLE,
            folder=tmp_path,
            examples=examples,
            **told,
        )
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


def test_the_description_needs_a_session_too(house: LocalHouse) -> None:
    assert house.client().get("/api/v1/openapi.json").status_code == 401
