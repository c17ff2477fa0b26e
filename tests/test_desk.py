"""A reviewer's place at a queue, over a store alone: no engine, no frame, no model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from signoff.bootstrap import open_store, recorder_for, sign_with_its_key
from signoff.core.questions import CANNOT_SAY, Chosen
from signoff.core.records import Project
from signoff.core.routing import People
from signoff.desk import LEASE_MICROSECONDS, QueueDesk, sign_in
from signoff.errors import NotLeased, OtherAnswer, Settled
from signoff.sdk import run
from signoff.store.store import SqlStore
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

A, B = (Chosen(label) for label in LABELS)
ROWS = 12


class Hall:
    """A queue of twelve items that nobody works on, and desks at it."""

    def __init__(self, where: Path) -> None:
        self.where = str(where)
        self.store: SqlStore = open_store(self.where, create=False)
        found = self.store.find_project(None)
        assert found is not None
        self.project: Project = found
        sign_with_its_key(self.store, self.project)
        self.time = 1_900_000_000_000_000
        self.recorder = recorder_for(self.store, self.project.id, actor="test")
        self.recorder.clock = lambda: self.time

    def desk(self, name: str, *, budget: int | None = None) -> QueueDesk:
        return QueueDesk(
            store=self.store,
            project=self.project,
            recorder=self.recorder,
            reviewer=sign_in(self.store, self.recorder, name=name, kind="person"),
            budget=budget,
        )

    def later(self) -> None:
        self.time += LEASE_MICROSECONDS + 1

    def verify(self) -> None:
        self.store.checkpoint(self.project.id)
        view = StoreView.open(self.where)
        verdict = view.verify()
        view.close()
        assert verdict.ok, str(verdict.problem)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hall")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        run(
            [{"text": row["text"], "stars": 4} for row in two_topics(ROWS)],
            labels=LABELS,
            text="text",
            policy=People(),
            reviewer="none",
            store=folder / "a.db",
        )
    return folder


@pytest.fixture
def hall(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    import shutil

    copy = tmp_path / "hall"
    shutil.copytree(made, copy)
    monkeypatch.setenv("SIGNOFF_HOME", str(copy / "home"))
    opened = Hall(copy / "a.db")
    yield opened
    opened.verify()
    opened.store.close()


def ids(found: list[object]) -> list[str]:
    return [request.id for request in found]  # type: ignore[attr-defined]


def test_items_come_with_all_that_people_see(hall: Hall) -> None:
    (request,) = hall.desk("Ada").next_many(1)
    assert request.item.text in {row["text"] for row in two_topics(ROWS)}
    assert request.item.data["stars"] == 4
    assert request.question == hall.project.question
    assert request.until == hall.time + LEASE_MICROSECONDS


def test_a_page_that_holds_items_gets_others_and_keeps_its_own(hall: Hall) -> None:
    ada, ben = hall.desk("Ada"), hall.desk("Ben")
    first = ids(list(ada.lease(4).requests))
    more = ada.lease(4, holding=first)
    assert not more.lost
    assert not set(ids(list(more.requests))) & set(first)
    assert len(ben.lease(20).requests) == ROWS - 8


def test_what_ran_out_and_went_to_somebody_else_is_lost(hall: Hall) -> None:
    ada, ben = hall.desk("Ada"), hall.desk("Ben")
    first = ids(list(ada.lease(4).requests))
    hall.later()
    taken = ids(list(ben.lease(2).requests))
    again = ada.lease(0, holding=first)
    assert (sorted(again.lost), again.requests) == (sorted(taken), [])


def test_what_is_given_back_is_free_for_others(hall: Hall) -> None:
    ada, ben = hall.desk("Ada"), hall.desk("Ben")
    held = ids(list(ada.lease(ROWS).requests))
    ada.give_back(held[:3])
    assert sorted(ids(list(ben.lease(ROWS).requests))) == sorted(held[:3])
    ada.leave()
    assert len(ben.lease(ROWS).requests) == ROWS


def test_an_answer_sent_again_is_the_same_answer(hall: Hall) -> None:
    ada = hall.desk("Ada")
    (request,) = ada.next_many(1)
    sent = str(uuid4())
    receipts = [ada.answer(request.id, A, seconds=1.5, id=sent) for _ in range(3)]
    assert [(r.id, r.request, r.counted) for r in receipts] == [(sent, request.id, True)] * 3
    assert ada.counts().mine == 1


def test_another_answer_under_the_same_id_is_refused_and_the_first_stands(hall: Hall) -> None:
    ada = hall.desk("Ada")
    (request,) = ada.next_many(1)
    sent = str(uuid4())
    ada.answer(request.id, A, seconds=None, id=sent)
    with pytest.raises(OtherAnswer) as refused:
        ada.answer(request.id, CANNOT_SAY, seconds=None, id=sent)
    assert (refused.value.first, refused.value.second) == (
        {"answer": A.to_json()},
        {"answer": CANNOT_SAY.to_json()},
    )
    assert [recent.answers for recent in ada.recent(5)] == [{"answer": A}]


def test_an_answer_after_the_lease_counts_where_nobody_was_faster(hall: Hall) -> None:
    ada, ben = hall.desk("Ada"), hall.desk("Ben")
    (request,) = ada.next_many(1)
    hall.later()
    ben.next_many(1)
    assert ada.answer(request.id, A, seconds=None).counted
    late = ben.answer(request.id, B, seconds=None)
    assert not late.counted
    assert (ada.counts().mine, ben.counts().mine) == (1, 0)
    assert ben.recent(5) == []
    assert hall.store.queue_counts(hall.project.id, 1).answered == 1


def test_notes_and_flags_are_in_the_log(hall: Hall) -> None:
    ada = hall.desk("Ada")
    (request,) = ada.next_many(1)
    ada.flag(request.id, "two languages")
    ada.answer(request.id, A, seconds=2.0, note="half of it is a quotation")
    hall.store.checkpoint(hall.project.id)
    told = {
        (event.type, part.name): part.value
        for event in hall.store.events(hall.project.id)
        for part in event.content
    }
    assert told["item.flagged", "note"] == '"two languages"'
    assert told["answer.given", "note"] == '"half of it is a quotation"'


def test_any_recent_answer_can_be_taken_back_and_comes_first_again(hall: Hall) -> None:
    ada = hall.desk("Ada")
    for request in ada.next_many(3):
        ada.answer(request, A, seconds=1.0)
    newest, middle, oldest = ada.recent(9)
    assert newest.undoable
    assert newest.at >= oldest.at
    back = ada.take_back(middle.id)
    assert (back.request.id, back.answers) == (middle.request, {"answer": A})
    assert [recent.id for recent in ada.recent(9)] == [newest.id, oldest.id]
    assert ada.next_many(1)[0].id == middle.request
    with pytest.raises(Settled):
        ada.take_back(middle.id)


def test_nobody_takes_back_somebody_elses_answer(hall: Hall) -> None:
    ada, ben = hall.desk("Ada"), hall.desk("Ben")
    ada.answer(ada.next_many(1)[0], A, seconds=1.0)
    with pytest.raises(Settled):
        ben.take_back(ada.recent(1)[0].id)
    assert ben.undo() is None


def test_a_budget_bounds_what_is_handed_out(hall: Hall) -> None:
    ada = hall.desk("Ada", budget=3)
    held = ada.lease(10).requests
    assert len(held) == 3
    assert ada.lease(10, holding=ids(list(held))).requests == []
    for request in held:
        ada.answer(request, A, seconds=1.0)
    assert ada.next() is None


def test_an_unknown_request_is_refused(hall: Hall) -> None:
    for act in _acts(hall.desk("Ada")):
        with pytest.raises(NotLeased):
            act()


def _acts(desk: QueueDesk) -> list[Callable[[], object]]:
    gone = str(uuid4())
    return [
        lambda: desk.answer(gone, A, seconds=None),
        lambda: desk.skip(gone),
        lambda: desk.flag(gone, "x"),
    ]


def test_a_desk_loads_neither_frames_nor_models() -> None:
    script = (
        "import sys, signoff.bootstrap, signoff.desk;"
        "print([m for m in ('polars', 'sklearn', 'scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
