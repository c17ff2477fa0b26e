"""A whole run that is answered on the page: link, answers, undo, an answer sent twice, the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import polars as pl
import pytest

from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

SECONDS = 120.0
ROWS = two_topics(60, sarcasm=0.05)
TRUTH = {row["text"]: row["label"] for row in ROWS}
MAIN = "import sys, signoff.cli as cli; sys.exit(cli.main())"
OWN = {"X-Signoff": "1"}


class Run:
    """``signoff run --reviewer web`` as a process, and a browser at its page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        options = ["--labels", ",".join(LABELS), "--text", "text", "--max-error", "40%"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "run", "rows.csv", *options, "--reviewer", "web"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={key: value for key, value in os.environ.items() if "DISPLAY" not in key},
        )
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        self.link = self._wait_for(lambda: self._found())
        self.browser = httpx2.Client(base_url=self.link.split("/?")[0], headers=OWN, timeout=30)
        assert self.browser.get(self.link, follow_redirects=False).status_code == 303
        (project,) = self.browser.get("/api/v1/projects").json()["projects"]
        self.api = f"/api/v1/projects/{project['id']}"

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))

    def _found(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", "".join(self.said))
        return found.group(0) if found else ""

    def _wait_for(self, found: Callable[[], str]) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if text := found():
                return text
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def lease(self) -> list[dict[str, Any]]:
        answer = self.browser.post(f"{self.api}/leases", json={"limit": 10, "holding": []})
        return answer.raise_for_status().json()["requests"]

    def put(self, request: dict[str, Any], label: str, *, id: str = "") -> httpx2.Response:
        body = {"request": request["id"], "answers": {"answer": {"label": label}}, "seconds": 1.0}
        return self.browser.put(f"{self.api}/reviews/{id or uuid4()}", json=body)

    def answer_all(self) -> int:
        """Answer until the run ends; how many answers that took."""
        given, deadline = 0, time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            requests = self.lease()
            for request in requests:
                assert self.put(request, TRUTH[request["item"]["text"]]).status_code == 200
                given += 1
            if not requests:
                if self.browser.get(f"{self.api}/progress").json()["phase"] == "closed":
                    return given
                time.sleep(0.1)
        raise AssertionError("the run did not end")

    def end(self) -> int:
        code = self.process.wait(SECONDS)
        self.browser.close()
        return code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    pl.DataFrame(ROWS).drop("label").write_csv(tmp_path / "rows.csv")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    started = Run(folder)
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.wait()


def test_a_run_is_answered_on_the_page_and_ends_with_its_files(run: Run) -> None:
    (first, second, *_) = run.lease()
    assert run.put(first, LABELS[0]).json()["counted"] is True
    undone = run.browser.post(f"{run.api}/undo", json={"review": None})
    assert undone.json()["request"]["id"] == first["id"]
    assert undone.json()["answers"] == {"answer": {"label": LABELS[0]}}
    sent = str(uuid4())
    truth = TRUTH[second["item"]["text"]]
    other = next(label for label in LABELS if label != truth)
    assert [run.put(second, truth, id=sent).status_code for _ in range(3)] == [200, 200, 200]
    assert run.put(second, other, id=sent).status_code == 409
    given = run.answer_all()
    assert run.end() == 0, "".join(run.said)
    results = pl.read_csv(run.folder / "rows.signoff.csv")
    by_people = results.filter(pl.col("signoff_by") == "reviewers")
    assert by_people.height == given + 1
    assert [TRUTH[row["text"]] for row in by_people.to_dicts()] == by_people[
        "signoff_answer"
    ].to_list()
    view = StoreView.open(str(run.folder / "rows.signoff.db"))
    assert view.verify().ok
    view.close()


def gone(link: str) -> bool:
    """Whether nobody answers there any more, within the time a test has."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            httpx2.get(link, timeout=5)
        except httpx2.TransportError:
            return True
        time.sleep(0.1)
    return False


def test_a_killed_run_takes_its_page_with_it_and_the_next_asks_nothing_twice(run: Run) -> None:
    done = set()
    for request in run.lease()[:4]:
        run.put(request, TRUTH[request["item"]["text"]])
        done.add(request["item"]["text"])
    run.process.send_signal(signal.SIGKILL)
    run.end()
    assert gone(run.link)
    again = Run(run.folder)
    try:
        asked = {request["item"]["text"] for request in again.lease()}
        assert asked
        assert not asked & done
        assert again.browser.get(f"{again.api}/history").json()["reviews"]
    finally:
        again.process.kill()
        again.process.wait()
