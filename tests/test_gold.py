"""Known answers: served like any other item, never twice, and no part of what is certified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from signoff.bootstrap import open_store, recorder_for, sign_with_its_key
from signoff.core.questions import Chosen
from signoff.core.records import Project
from signoff.core.routing import People
from signoff.desk import QueueDesk, sign_in
from signoff.errors import InputError
from signoff.managing import Known, Manager
from signoff.ports import Request
from signoff.sdk import run
from signoff.server.access import LocalAccess
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

A, B = (Chosen(label) for label in LABELS)
ROWS, PLANTED = 30, 4
MARK = "planted text"


class Site:
    """A project that waits for people, with known answers in it."""

    def __init__(self, where: Path) -> None:
        self.where = str(where)
        run(
            [{"text": row["text"]} for row in two_topics(ROWS)],
            labels=LABELS,
            text="text",
            policy=People(),
            reviewer="none",
            store=where,
        )
        self.store = open_store(self.where, create=False)
        found = self.store.find_project(None)
        assert found is not None
        self.project: Project = found
        sign_with_its_key(self.store, found)
        self.recorder = recorder_for(self.store, found.id, actor="test")
        self.manager = Manager(store=self.store, project=found, recorder=self.recorder)
        self.numbers = self.manager.plant(
            [
                Known(
                    key=f"planted-{at}",
                    answers={"answer": A},
                    shown={"text": f"{MARK} {at}", "data": {"text": f"{MARK} {at}"}},
                )
                for at in range(PLANTED)
            ]
        )

    def desk(self, name: str, *, share: float = 0.5) -> QueueDesk:
        return QueueDesk(
            store=self.store,
            project=self.project,
            recorder=self.recorder,
            reviewer=sign_in(self.store, self.recorder, name=name, kind="person"),
            gold_share=share,
        )

    def verify(self) -> str:
        self.store.checkpoint(self.project.id)
        view = StoreView.open(self.where)
        verdict = view.verify()
        view.close()
        return "" if verdict.ok else str(verdict.problem)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "a.db")
    yield made
    made.store.close()


def planted(requests: list[Request]) -> list[Request]:
    return [each for each in requests if MARK in each.item.text]


def answer_all(desk: QueueDesk, *, wrong: bool = False) -> list[Request]:
    seen: list[Request] = []
    while requests := desk.next_many(5):
        seen += requests
        for request in requests:
            desk.answer(request, B if wrong else A, seconds=1.0)
    return seen


def test_everybody_meets_each_known_answer_once_at_most(site: Site) -> None:
    for name in ("Ann", "Ben"):
        seen = planted(answer_all(site.desk(name)))
        texts = [request.item.text for request in seen]
        assert len(texts) == len(set(texts))
        if name == "Ann":
            assert texts
    assert site.verify() == ""


def test_known_answers_are_no_part_of_the_pool(site: Site) -> None:
    answer_all(site.desk("Ann"))
    counts = site.store.queue_counts(site.project.id, 1)
    assert (counts.open, counts.answered, counts.answers) == (0, ROWS, ROWS)
    assert len(site.store.reviews(site.project, 1)) == ROWS
    view = StoreView.open(site.where)
    results = view.results()
    view.close()
    assert len(results) == ROWS
    assert not [text for text in results["text"] if MARK in text]


def test_known_answers_never_come_alone(site: Site) -> None:
    ann = site.desk("Ann", share=1.0)
    held = ann.next_many(5)
    assert 1 <= len(planted(list(held))) < len(held) == 5
    answer_all(site.desk("Ben", share=0.0))
    for request in held:
        ann.answer(request, A, seconds=1.0)
    assert planted(ann.next_many(5)) == []


def test_managers_see_how_often_each_person_was_right(site: Site) -> None:
    right = len(planted(answer_all(site.desk("Ann"))))
    (ann,) = site.manager.people()
    assert (ann.gold_answers, ann.gold_right) == (right, right)
    assert ann.answers == ROWS


def test_a_wrong_answer_to_a_known_item_shows_for_managers_alone(site: Site) -> None:
    ann = site.desk("Ann", share=1.0)
    request = planted(ann.next_many(5))[0]
    ann.answer(request, B, seconds=1.0)
    (person,) = site.manager.people()
    assert (person.gold_answers, person.gold_right) == (1, 0)
    assert [recent.request for recent in ann.recent(9)] == [request.id]


def test_taking_back_skipping_and_talking_go_the_same_way(site: Site) -> None:
    ann = site.desk("Ann", share=1.0)
    held = ann.next_many(5)
    first, second, *_ = planted(list(held))
    ann.answer(first, B, seconds=1.0, note="odd")
    assert ann.recent(1)[0].undoable
    assert ann.take_back().answers == {"answer": B}
    ann.answer(first, A, seconds=1.0)
    ann.comment(second.id, "hm")
    ann.flag(second.id, "odd")
    assert [said.text for said in ann.thread(second.id)] == ["hm", "odd"]
    ann.skip(second, "long", for_good=True)
    ann.leave()
    assert second.id not in [each.id for each in ann.next_many(50)]
    counts = site.store.queue_counts(site.project.id, 1)
    assert (counts.answers, counts.skipped) == (0, 0)
    assert site.verify() == ""


def test_an_answered_item_can_become_one_for_those_who_did_not_answer_it(site: Site) -> None:
    ann = site.desk("Ann", share=0.0)
    (request,) = ann.next_many(1)
    with pytest.raises(InputError, match="still waits"):
        site.manager.plant([Known(key=request.item.key, answers={"answer": A})])
    ann.answer(request, A, seconds=1.0)
    site.manager.plant([Known(key=request.item.key, answers={"answer": A})])
    mine = [each.item.text for each in site.desk("Ann", share=1.0).next_many(20)]
    his = [each.item.text for each in site.desk("Ben", share=1.0).next_many(20)]
    assert request.item.text not in mine
    assert request.item.text in his
    with pytest.raises(InputError, match="No item with the key"):
        site.manager.plant([Known(key="nothing", answers={"answer": A})])


def test_what_a_known_answer_says_cannot_be_changed_behind_the_log(site: Site) -> None:
    answer_all(site.desk("Ann"))
    assert site.verify() == ""
    other = json.dumps({"answer": {"label": LABELS[1]}})
    with site.store.transaction() as db:
        db.exec_driver_sql("UPDATE gold SET answer = ? WHERE number = 1", (other,))
    assert "Known answer 1" in site.verify()


def test_erasing_a_known_answer_leaves_nothing_of_it(site: Site) -> None:
    ann = site.desk("Ann", share=1.0)
    held = planted(list(ann.next_many(9)))
    ann.answer(held[0], A, seconds=1.0, note=f"a note on {held[0].item.text}")
    ann.comment(held[1].id, f"words on {held[1].item.text}")
    site.store.checkpoint(site.project.id)
    view = StoreView.open(site.where)
    for request in held:
        view.erase(request.item.key)
    view.close()
    for path in Path(site.where).parent.rglob("*"):
        if path.is_file():
            for request in held:
                assert f"{request.item.text}".encode() not in path.read_bytes(), path
    assert site.verify() == ""


# --------------------------------------------------------------------- over the network


def test_no_response_tells_a_known_answer_from_another_item(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same names, same forms, same steps of the numbers, whichever of them is answered."""
    monkeypatch.setattr("signoff.server.stored.QueueDesk", partial(QueueDesk, gold_share=0.5))
    access = LocalAccess("Ann", port=8765)
    desks = StoredDesks(store=site.store)
    app = create_app(
        StoredProjects(store=site.store),
        desks,
        access=access,
        hosts=loopback_hosts(8765),
        static=Path(site.where).parent,
    )
    browser = TestClient(
        app,
        base_url="http://127.0.0.1:8765",
        headers={"X-Signoff": "1"},
        follow_redirects=False,
    )
    browser.get("/", params={"token": access.token})
    path = f"/api/v1/projects/{site.project.id}"
    forms: dict[bool, set[str]] = {True: set(), False: set()}
    steps: dict[bool, set[int]] = {True: set(), False: set()}
    before = browser.get(f"{path}/progress").json()
    instants: set[str] = set()
    for _ in range(60):
        leased = browser.post(f"{path}/leases", json={"limit": 6}).json()
        if not leased["requests"]:
            break
        for request in leased["requests"]:
            known = MARK in json.dumps(request)
            instants.add(request["id"][:15])
            forms[known].add(_form(request))
            said = browser.put(
                f"{path}/reviews/{site.recorder.new_id()}",
                json={"request": request["id"], "answers": {"answer": {"label": LABELS[0]}}},
            ).json()
            forms[known].add(_form(said))
            mine = said["progress"]["mine"]
            steps[known].add(mine - before["mine"])
            before = said["progress"]
            assert "gold" not in json.dumps(said)
    history = browser.get(f"{path}/history?limit=200").json()["reviews"]
    assert forms[True], "no known answer was served: try again"
    assert forms[True] == forms[False]
    assert steps[True] == steps[False] == {1}
    assert len(instants) == 1
    assert len({_form(review) for review in history}) == 1


def _form(value: object) -> str:
    """The names and types of a response, without its values."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_form(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted({_form(each) for each in value})) + "]"
    return "null" if value is None else type(value).__name__
