"""``signoff serve`` for one person: a link, a worker beside the server, and a calm end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from directories import PASSWORD
from sites import MODULES, Site, alive, serving, wait_until

from signoff.accounts.directory import Directory
from signoff.bootstrap import open_store
from signoff.core.routing import Certified
from signoff.sdk import run
from signoff.server.team import Site as TeamSite
from signoff.server.team import allowed_hosts
from signoff.server.workers import WorkerProcess
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="not on this platform: reads /proc"
)
ROWS = two_topics(60, sarcasm=0.05)
HEAVY = {"polars", "sklearn", "pandas", "pyarrow", "joblib"}
TRUTH = {row["text"]: row["label"] for row in ROWS}


def health(browser: object) -> dict[str, object]:
    return browser.get("/api/v1/health").json()  # type: ignore[attr-defined]


def test_the_link_opens_an_empty_store_and_says_how_the_worker_is(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        browser = site.opened()
        assert browser.get("/api/v1/projects").json() == {"projects": []}
        assert browser.get("/api/v1/me").json()["kind"] == "local"
        wait_until(lambda: health(browser)["worker"]["state"] == "working")  # type: ignore[index]
        assert (tmp_path / "projects.signoff.db").is_file()
        assert site.browser().get("/api/v1/health").status_code == 401


def test_a_project_is_finished_by_people_on_the_page_and_the_worker(tmp_path: Path) -> None:
    store = tmp_path / "projects.signoff.db"
    run(
        [{"text": row["text"]} for row in ROWS],
        labels=LABELS,
        text="text",
        policy=Certified(max_error=Decimal("0.4")),
        reviewer="none",
        store=store,
    )
    with serving(tmp_path) as site:
        browser = site.opened()
        (project,) = browser.get("/api/v1/projects").json()["projects"]
        assert project["role"] == "admin"
        api = f"/api/v1/projects/{project['id']}"

        def answer_what_waits() -> bool:
            leased = browser.post(f"{api}/leases", json={"limit": 50}).json()
            for request in leased["requests"]:
                answer = {"answer": {"label": TRUTH[request["item"]["text"]]}}
                stored = browser.put(
                    f"{api}/reviews/{uuid4()}", json={"request": request["id"], "answers": answer}
                )
                assert stored.status_code == 200, stored.text
            return bool(leased["progress"]["phase"] == "closed")

        wait_until(answer_what_waits)
    view = StoreView.open(str(store))
    verdict = view.verify()
    view.close()
    assert verdict.ok, verdict.problem


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_server_and_worker_calmly(tmp_path: Path, how: signal.Signals) -> None:
    site = Site(tmp_path)
    wait_until(lambda: bool(site.worker_pids()))
    (worker,) = site.worker_pids()
    assert site.end(how) == 0
    assert not alive(worker)
    assert site.complaints == []


def test_a_killed_server_takes_its_worker_along(tmp_path: Path) -> None:
    site = Site(tmp_path)
    wait_until(lambda: bool(site.worker_pids()))
    (worker,) = site.worker_pids()
    site.end(signal.SIGKILL)
    wait_until(lambda: not alive(worker))


def test_a_killed_worker_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        browser = site.opened()
        wait_until(lambda: health(browser)["worker"]["state"] == "working")  # type: ignore[index]
        (first,) = site.worker_pids()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: health(browser)["worker"]["restarts"] == 1)  # type: ignore[index]
        wait_until(lambda: health(browser)["worker"]["state"] == "working")  # type: ignore[index]
        (second,) = site.worker_pids()
        assert second != first
        assert browser.post("/api/v1/worker/restart").status_code == 204
        wait_until(lambda: site.worker_pids() not in ([], [second]))


def test_the_server_stays_small_it_never_loads_what_learns(tmp_path: Path) -> None:
    site = Site(tmp_path)
    browser = site.opened()
    for path in ("/", "/api/v1/me", "/api/v1/health", "/api/v1/openapi.json", "/metrics"):
        browser.get(path)
    assert site.end() == 0
    loaded = site.modules()
    assert "fastapi" in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


def test_a_worker_that_cannot_start_says_why_and_is_tried_again() -> None:
    broken = 'import json; print(json.dumps({"trouble": "no such store"})); raise SystemExit(2)'
    worker = WorkerProcess([sys.executable, "-c", broken], {}, first_pause=0.01)
    worker.start()
    wait_until(lambda: worker.state.restarts >= 3)
    assert worker.state.trouble == "no such store"
    worker.stop()
    assert worker.state.state == "stopped"


def test_a_worker_that_says_nothing_useful_is_heard_out() -> None:
    chatty = "print('hello'); print('[]'); print('{}'); raise SystemExit(3)"
    worker = WorkerProcess([sys.executable, "-c", chatty], {}, first_pause=0.01)
    worker.start()
    wait_until(lambda: worker.state.restarts >= 1)
    assert worker.state.trouble == "It ended with exit code 3."
    worker.stop()


def with_admin(folder: Path) -> None:
    """A store in which Ann runs the site."""
    store = open_store(str(folder / "projects.signoff.db"), create=True)
    Directory(store=store).add("Ann", PASSWORD, everywhere="admin")
    store.close()


def test_an_address_for_others_needs_somebody_who_runs_the_site(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MODULES, "serve", "--host", "0.0.0.0", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "0.0.0.0 can be reached from other computers" in done.stderr
    command = "signoff user add NAME --admin --store projects.signoff.db"
    assert command in done.stderr


def test_with_accounts_people_sign_in_and_the_server_stays_small(tmp_path: Path) -> None:
    with_admin(tmp_path)
    with serving(tmp_path, "--host", "0.0.0.0") as site:
        assert "token=" not in site.link
        site.url = site.url.replace("0.0.0.0", "127.0.0.1")
        browser = site.browser()
        assert browser.get("/").headers["location"] == "/sign-in"
        form = {"name": "Ann", "password": PASSWORD}
        entered = browser.post("/sign-in", data=form, headers={"Origin": site.url})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        wait_until(lambda: health(browser)["worker"]["state"] == "working")  # type: ignore[index]
        wait_until(lambda: "Passwords travel in the clear" in "".join(site.complaints))
    loaded = site.modules()
    assert "argon2" in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize(
    ("host", "names", "hosts"),
    [
        ("127.0.0.1", (), {"127.0.0.1:8000", "localhost:8000", "[::1]:8000"}),
        (
            "127.0.0.1",
            ("Reviews.Example",),
            {"reviews.example", "reviews.example:8000", "localhost:8000"},
        ),
        ("0.0.0.0", ("reviews.example:444",), {"reviews.example:444", "localhost:8000"}),
    ],
)
def test_a_server_answers_to_its_names(host: str, names: tuple[str, ...], hosts: set[str]) -> None:
    site = TeamSite(store="", host=host, port=8000, reviewer="ann", names=names)
    allowed = allowed_hosts(site, 8000)
    assert allowed is not None
    assert hosts <= allowed
    assert "evil.example" not in allowed


def test_a_server_for_others_that_was_told_no_name_answers_to_any() -> None:
    site = TeamSite(store="", host="0.0.0.0", port=8000, reviewer="ann")
    assert allowed_hosts(site, 8000) is None
