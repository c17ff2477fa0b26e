"""The description of the API, and whether the API keeps to it whatever is sent."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers import LocalHouse

pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install '.[dev]')")

EXAMPLES = 15
SECONDS = 600
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


def test_the_api_does_what_its_description_says(served: LocalHouse, tmp_path: Path) -> None:
    """All of schemathesis' checks: statuses, types, schemas, refusals of what is malformed."""
    browser = served.browser()
    served.queue.certificate = {"statement": "At most 5 % are wrong."}
    config, description = tmp_path / "schemathesis.toml", tmp_path / "openapi.json"
    description.write_text(browser.get("/api/v1/openapi.json").text, encoding="utf-8")
    session = browser.cookies[served.access.cookie]
    values = {"project": served.queue.project.id, "session": session, "origin": served.url}
    config.write_text(CONFIG.format(**values), encoding="utf-8")
    options = ["--url", served.url, "--exclude-path-regex", STREAM, "--checks", "all"]
    options += ["--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    ended = subprocess.run(
        [*command, str(description), *options],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    done = browser.get("/metrics").text
    for route in ("leases", "undo", "history", "reviews/{id}", "requests/{id}/flag"):
        reached = re.findall(rf'projects/{{p}}/{re.escape(route)}",status="(2..|409|422)"', done)
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
        ("POST", f"{p}/undo"),
        ("GET", f"{p}/history"),
        ("GET", f"{p}/progress"),
        ("GET", f"{p}/events"),
        ("GET", f"{p}/certificate"),
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
