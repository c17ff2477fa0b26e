"""The terminal reviewer at a server: the same lines as in a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from signoff.client import Client
from signoff.testing.fakes import LABELS, two_topics

from .conftest import Served

MAIN = "import sys, signoff.cli as cli; sys.exit(cli.main())"
ROWS = two_topics(12, sarcasm=0)


def review(
    served: Served, lines: str, *options: str, **env: str
) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key != "SIGNOFF_TOKEN"}
    return subprocess.run(
        [sys.executable, "-c", MAIN, "review", served.site.url, *options],
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
        env={**clean, **env},
        check=False,
    )


def test_a_pipe_answers_a_servers_items_and_learns_when_all_are_decided(
    served: Served, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    pl.DataFrame(ROWS).select("id", "text").write_csv(rows)
    client = Client(served.site.url, token=served.token)
    project = client.create_project(
        rows, name="lines", labels=LABELS, text="text", policy={"kind": "people"}
    )
    said = review(served, "1\n" * len(ROWS), "--project", "lines", SIGNOFF_TOKEN=served.token)
    assert said.returncode == 0, said.stderr + said.stdout
    assert project.progress().phase == "closed"
    assert project.progress().answered == len(ROWS)


def test_without_a_token_or_a_server_one_line_says_what_to_do(served: Served) -> None:
    missing = review(served, "")
    assert missing.returncode == 2
    assert "SIGNOFF_TOKEN" in missing.stderr
    wrong = review(served, "", SIGNOFF_TOKEN="wrong")
    assert wrong.returncode == 1
    assert "Nobody is signed in" in wrong.stderr
    assert "Traceback" not in wrong.stderr
