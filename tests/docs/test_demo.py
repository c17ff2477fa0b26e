"""What ``make run`` does, with the real program."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = {
    "reviews.csv",
    "reviews.signoff.db",
    "reviews.signoff.csv",
    "reviews.signoff.certificate.json",
    "reviews.signoff.html",
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program of this checkout, installed or not."""
    script = tmp_path / "signoff"
    start = "from signoff.cli import main; raise SystemExit(main())"
    source = REPOSITORY / "src"
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH='{source}' exec '{sys.executable}' -c '{start}' \"$@\"\n"
    )
    script.chmod(0o755)
    return script


def demo(program: Path, folder: Path) -> list[str]:
    return ["sh", str(REPOSITORY / "examples" / "run.sh"), str(program), str(folder)]


def test_without_a_terminal_the_column_answers_and_four_files_appear(
    program: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        demo(program, folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert {path.name for path in folder.iterdir() if path.is_file()} >= FILES
    certificate = json.loads((folder / "reviews.signoff.certificate.json").read_text())
    assert certificate
    with (folder / "reviews.signoff.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = sum(row["signoff_answer"] != row["label"] for row in rows)
    people = sum(row["signoff_by"] == "reviewers" for row in rows)
    assert len(rows) == 2000
    assert wrong <= 100
    assert people < 1000


def test_on_a_terminal_a_page_is_served_and_stopping_says_how_to_go_on(
    program: Path, tmp_path: Path
) -> None:
    terminal, slave = pty.openpty()
    running = subprocess.Popen(
        demo(program, tmp_path / "demo"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(slave)
    read_until(terminal, "/?token=")
    os.killpg(running.pid, signal.SIGINT)
    seen = read_until(terminal, "--reviewer column:label")
    assert running.wait(timeout=120) == 0
    os.close(terminal)
    assert "Not finished yet" in seen


def read_until(terminal: int, wanted: str, *, wait: float = 120) -> str:
    """What the terminal shows next, until the text appears."""
    seen = ""
    deadline = time.monotonic() + wait
    while wanted not in seen and time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            got = os.read(terminal, 65536)
        except OSError:
            break
        seen += got.decode("utf-8", "replace")
    assert wanted in seen, seen[-2000:]
    return seen
