"""The routes of long work keep to their description whatever is sent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fuzzing import fuzz
from workplace import workplace

pytest.importorskip("schemathesis", reason="schemathesis is not installed (pip install '.[dev]')")

CONFIG = """
[parameters]
"path.p" = "{project}"
"query.wait" = 0

[headers]
X-Signoff = "1"
X-Caller = "ann"

# What a description cannot say, a project may refuse with 422, and a job that is over with 409.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "422"]
"""
PATHS = r"/(uploads|jobs|import|export|log|verify|webhooks|projects)(/|$)"


@pytest.mark.parametrize("examples", [2, pytest.param(15, marks=pytest.mark.soak)])
def test_the_routes_of_long_work_do_what_their_description_says(
    tmp_path: Path, examples: int
) -> None:
    with workplace(tmp_path, most_upload_bytes=100_000) as place:
        place.works()
        browser = place.browser()
        job = place.found(browser)
        options = ["--include-path-regex", PATHS]
        options += ["--exclude-path-regex", "/(leases|events|reviews|requests|undo|history)"]
        # Who calls is a header of the tests' own here; test_work_routes sees to strangers.
        options += ["--exclude-checks", "ignored_auth"]
        config, url = CONFIG.format(project=job["project"]), place.house.url
        fuzz(browser, *options, config=config, examples=examples, url=url, folder=tmp_path)
        done = browser.get("/metrics").text
        for route in ("uploads", "jobs", "projects/{p}/webhooks", "projects/{p}/export"):
            path = re.escape(f"/api/v1/{route}")
            assert re.findall(rf'"{path}",status="2..', done), f"nothing got as far as {route}"
