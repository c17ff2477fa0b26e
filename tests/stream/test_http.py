"""Live items over HTTP: one call decides, waits where it is told to, and repeats itself exactly."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from brook import Brook, truth
from starlette.testclient import TestClient

from signoff.server.access import LocalAccess, Role
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.stored import NOTHING_CAME, StoredDesks, StoredProjects
from signoff.server.streams import StoredStreams

PORT = 8765


def browser(brook: Brook, *, role: Role = "manager", streams: bool = True) -> Any:
    """A signed-in client of a server over the stream's store."""
    access = LocalAccess("ann", port=PORT, role=role)
    app = create_app(
        StoredProjects(store=brook.store, stale=0),
        StoredDesks(store=brook.store),
        access=access,
        hosts=loopback_hosts(PORT),
        static=Path(__file__).parent,
        live_items=StoredStreams(store=brook.store) if streams else None,
    )
    client = TestClient(
        app,
        base_url=f"http://127.0.0.1:{PORT}",
        headers={"X-Signoff": "1"},
        follow_redirects=False,
        raise_server_exceptions=False,
    )
    assert client.get("/", params={"token": access.token}).status_code == 303
    return client


@pytest.fixture
def path(brook: Brook) -> str:
    return f"/api/v1/projects/{brook.project.id}"


def body(*texts: str, key: str = "h") -> dict[str, Any]:
    return {"items": [{"key": f"{key}{at}", "text": text} for at, text in enumerate(texts)]}


def test_a_stream_is_made_over_http_and_decides_at_once(brook: Brook) -> None:
    client = browser(brook, role="admin")
    wanted = {"name": "tickets", "labels": ["Yes", "No"], "window": 2000, "seed": 7}
    made = client.post("/api/v1/streams", json=wanted)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["stream"]["items"], told["stream"]["state"]) == (
        "tickets",
        2000,
        "learning",
    )
    again = client.post("/api/v1/streams", json=wanted)
    assert (again.status_code, again.json()["id"]) == (201, told["id"])
    other = client.post("/api/v1/streams", json={**wanted, "window": 3000})
    assert (other.status_code, other.json()["code"]) == (422, "project_exists")
    small = client.post("/api/v1/streams", json={**wanted, "name": "small", "window": 200})
    assert (small.status_code, small.json()["code"]) == (422, "infeasible")
    double = client.post("/api/v1/streams", json={**wanted, "name": "x", "labels": ["A", "A"]})
    assert (double.status_code, double.json()["code"]) == (422, "usage")
    assert brook.store.project_names() == ["brook", "tickets"]
    path = f"/api/v1/projects/{told['id']}"
    (reply,) = client.post(f"{path}/items", json=body("hello")).json()["items"]
    assert reply["route"] == "REVIEW"


def test_only_managers_of_everything_make_streams(brook: Brook) -> None:
    got = browser(brook, role="reviewer").post(
        "/api/v1/streams", json={"name": "x", "labels": ["A", "B"]}
    )
    assert (got.status_code, got.json()["code"]) == (403, "not_allowed")


def test_a_window_is_ended_early_over_http(brook: Brook, path: str) -> None:
    client = browser(brook)
    empty = client.post(f"{path}/windows/1/end")
    assert (empty.status_code, empty.json()["code"]) == (409, "window_over")
    client.post(f"{path}/items", json=body("yes 1", "no 2"))
    for _ in range(2):
        ended = client.post(f"{path}/windows/1/end")
        assert ended.status_code == 200, ended.text
        assert (ended.json()["items"], ended.json()["ended"]) == (2, True)
    (reply,) = client.post(f"{path}/items", json=body("yes 3", key="next")).json()["items"]
    assert reply["window"] == 2
    assert not client.get(f"{path}/stream").json()["ended"]


def test_items_are_decided_in_one_call(brook: Brook, path: str) -> None:
    client = browser(brook)
    got = client.post(f"{path}/items", json=body("yes 1"))
    assert got.status_code == 200
    (first,) = got.json()["items"]
    assert (first["route"], first["answer"], first["key"]) == ("REVIEW", None, "h0")
    assert first["why"].startswith("The model is learning")
    assert first["request"]
    brook.learn()
    replies = client.post(
        f"{path}/items", json=body(*[f"no {n}" for n in range(20)], key="n")
    ).json()["items"]
    assert {reply["route"] for reply in replies} == {"AUTO"}
    assert {reply["answer"]["label"] for reply in replies} == {"no"}
    assert {reply["request"] for reply in replies} == {None}
    assert sum(reply["provisional"] for reply in replies) == brook.window.open
    assert 0.5 < replies[0]["confidence"] < 1


def test_the_same_call_again_gets_the_same_reply(brook: Brook, path: str) -> None:
    client = browser(brook)
    brook.learn()
    wanted = body(*[f"yes a{n}" for n in range(15)], "yes hm", "")
    first = client.post(f"{path}/items", json=wanted)
    assert client.post(f"{path}/items", json=wanted).text == first.text
    assert browser(brook.again()).post(f"{path}/items", json=wanted).text == first.text
    other = client.post(f"{path}/items", json=body("yes another"))
    assert (other.status_code, other.json()["code"]) == (409, "other_content")


def test_a_caller_can_wait_for_a_person(brook: Brook, path: str) -> None:
    client = browser(brook)

    def answer_soon() -> None:
        while not brook.store.waiting(brook.project.id):
            time.sleep(0.05)
        brook.answer(settle=False)

    person = threading.Thread(target=answer_soon)
    person.start()
    got = client.post(f"{path}/items", params={"wait": 30}, json=body("yes 1")).json()["items"]
    person.join()
    assert (got[0]["route"], got[0]["answer"], got[0]["by"]) == (
        "REVIEW",
        {"label": "yes"},
        "reviewers",
    )
    again = client.get(f"{path}/items/{got[0]['id']}").json()
    assert again == got[0]


def test_a_find_shows_as_a_correction(brook: Brook, path: str) -> None:
    client = browser(brook)
    brook.learn()
    wanted = body(*[f"yes {n} lie" for n in range(30)])
    before = client.post(f"{path}/items", json=wanted).json()["items"]
    brook.answer()
    after = client.post(f"{path}/items", json=wanted).json()["items"]
    audited = [at for at, reply in enumerate(before) if reply["provisional"]]
    assert audited
    for at in audited:
        assert after[at]["answer"] == before[at]["answer"] == {"label": "yes"}
        assert after[at]["corrected"] == {"label": truth("yes lie")}
        assert not after[at]["provisional"]
    assert client.get(f"{path}/stream").json()["finds"] == len(audited)


def test_what_is_malformed_is_refused(brook: Brook, path: str) -> None:
    client = browser(brook)
    for bad in (
        {},
        {"items": []},
        {"items": [{"key": "a"}]},
        {"items": [{"key": "", "text": "x"}]},
        {"items": [{"key": "a", "text": "x\x00"}]},
        {"items": [{"key": "a", "text": "x", "model": "mine"}]},
        {"items": [{"key": str(n), "text": "x"} for n in range(1001)]},
    ):
        assert client.post(f"{path}/items", json=bad).status_code == 400
    assert client.post(f"{path}/items", params={"wait": 61}, json=body("yes")).status_code == 400
    assert client.get(f"{path}/items/none").status_code == 404
    assert brook.window.arrived == 0


# ------------------------------------------------------------------------- blindness


def test_whoever_reviews_learns_nothing_of_coins(brook: Brook, path: str) -> None:
    brook.learn()
    sent = brook.send(brook.texts(20))
    reviewer = browser(brook, role="reviewer")
    for refused in (
        reviewer.post(f"{path}/items", json=body("yes")),
        reviewer.get(f"{path}/items/{sent[0].id}"),
        reviewer.get(f"{path}/stream"),
    ):
        assert refused.status_code == 403
    assert browser(brook, role="auditor").get(f"{path}/stream").status_code == 200
    progress = reviewer.get(f"{path}/progress").json()
    assert (progress["automatic"], progress["phase"]) == (0, "asking")
    assert progress["open"] == brook.window.open


def test_a_request_looks_the_same_whoever_asked_for_it(brook: Brook, path: str) -> None:
    brook.learn()
    manager, reviewer = browser(brook), browser(brook, role="reviewer")
    manager.post(f"{path}/items", json=body(*[f"yes {n}" for n in range(60)], "yes hm"))
    leased = reviewer.post(f"{path}/leases", json={"limit": 50}).json()["requests"]
    audits = brook.window.open
    assert 0 < audits < len(leased)
    shapes = {
        json.dumps(
            {**each, "id": "", "lease_until": "", "item": {**each["item"], "key": "", "text": ""}}
        )
        for each in leased
    }
    assert len(shapes) == 1
    asked = [each["id"] for each in leased]
    assert asked == sorted(asked), "ids were fixed when the items arrived"


def test_a_reviewer_with_nothing_to_do_is_told_so(brook: Brook, path: str) -> None:
    told = browser(brook, role="reviewer").post(f"{path}/leases", json={}).json()
    assert told["why"] == NOTHING_CAME
    assert told["progress"]["phase"] == "asking"


def test_a_server_without_streams_says_so(brook: Brook, path: str) -> None:
    got = browser(brook, streams=False).post(f"{path}/items", json=body("yes"))
    assert (got.status_code, got.json()["code"]) == (409, "no_stream")


# ---------------------------------------------------------------------------- size


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Brook]:
    brook = Brook.open(f"sqlite:///{tmp_path / 'brook.signoff.db'}", tmp_path, model="text")
    yield brook
    brook.close()


def test_deciding_loads_no_frames_and_no_learners(made: Brook, signoff_home: Path) -> None:
    words = ("good", "bad")
    from signoff.stream.decider import NewItem

    made.send([NewItem(key=f"k{n}", text=f"{words[n % 2]} {n}") for n in range(60)])
    made.answer(says=lambda text: "yes" if text.startswith("good") else "no")
    assert made.teach()
    script = f"""
import json, sys
from signoff.server.streams import StoredStreams
from signoff.server.stored import open_served
from signoff.server.wire_streams import ItemGiven
from pathlib import Path
with open_served({made.where!r}, artifacts=Path({str(made.folder / "artifacts")!r})) as store:
    project = store.find_project("brook")
    (item,) = StoredStreams(store=store).decide(project, [ItemGiven(key="x", text="good 77")])
    assert item.label == "yes", item
heavy = ("polars", "sklearn", "pandas", "pyarrow", "matplotlib")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == []
