"""What is said of an item nudges nobody: who sees it when, and what that closes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from signoff.bootstrap import open_store, recorder_for, sign_with_its_key
from signoff.core.questions import Chosen
from signoff.core.routing import Certified, People, Policy
from signoff.desk import QueueDesk, sign_in
from signoff.errors import NotLeased, Settled
from signoff.sdk import run
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

A, B = (Chosen(label) for label in LABELS)
SECRET = "certainly praise, whatever the words say"


class Room:
    """A project that waits for people, and desks in it."""

    def __init__(self, where: Path, policy: Policy, overlap: int = 2) -> None:
        self.where = str(where)
        run(
            [{"text": row["text"]} for row in two_topics(60)],
            labels=LABELS,
            text="text",
            policy=policy,
            reviewer="none",
            overlap=overlap,
            store=where,
        )
        self.store = open_store(self.where, create=False)
        found = self.store.find_project(None)
        assert found is not None
        self.project = found
        sign_with_its_key(self.store, found)
        self.recorder = recorder_for(self.store, found.id, actor="test")

    def desk(self, name: str) -> QueueDesk:
        return QueueDesk(
            store=self.store,
            project=self.project,
            recorder=self.recorder,
            reviewer=sign_in(self.store, self.recorder, name=name, kind="person"),
        )

    def verify(self) -> None:
        self.store.checkpoint(self.project.id)
        view = StoreView.open(self.where)
        verdict = view.verify()
        view.close()
        assert verdict.ok, str(verdict.problem)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path / "a.db", Certified(max_error=Decimal("0.2")))
    yield made
    made.store.close()
    shutil.rmtree(tmp_path, ignore_errors=True)


def texts(desk: QueueDesk, request: str, *, everything: bool = False) -> list[str | None]:
    return [said.text for said in desk.thread(request, everything=everything)]


def test_before_ones_own_answer_one_sees_ones_own_words_alone(room: Room) -> None:
    ann, ben = room.desk("Ann"), room.desk("Ben")
    (mine,) = ann.next_many(1)
    (his,) = ben.next_many(1)
    assert mine.id == his.id
    ann.comment(mine.id, SECRET)
    ben.comment(his.id, "hm")
    assert (texts(ann, mine.id), texts(ben, his.id)) == ([SECRET], ["hm"])
    ann.answer(mine, A, seconds=1.0)
    assert texts(ben, his.id) == ["hm"]
    assert texts(ann, mine.id) == [SECRET, "hm"]
    ben.answer(his, B, seconds=1.0)
    assert texts(ben, his.id) == [SECRET, "hm"]
    assert [said.author for said in ben.thread(his.id)] == ["Ann", "Ben"]
    room.verify()


def test_who_read_what_others_said_cannot_take_the_answer_back(room: Room) -> None:
    ann, ben = room.desk("Ann"), room.desk("Ben")
    (mine,) = ann.next_many(1)
    ben.comment(mine.id, SECRET)
    ann.answer(mine, A, seconds=1.0)
    assert ann.recent(1)[0].undoable
    assert texts(ann, mine.id) == [SECRET]
    assert not ann.recent(1)[0].undoable
    with pytest.raises(Settled):
        ann.take_back()


def test_ones_own_words_close_nothing(room: Room) -> None:
    ann = room.desk("Ann")
    (mine,) = ann.next_many(1)
    ann.comment(mine.id, "long")
    ann.answer(mine, A, seconds=1.0)
    assert texts(ann, mine.id) == ["long"]
    assert ann.take_back().answers == {"answer": A}


def test_taking_an_answer_back_hides_the_others_again(room: Room) -> None:
    ann, ben = room.desk("Ann"), room.desk("Ben")
    (mine,) = ann.next_many(1)
    ann.answer(mine, A, seconds=1.0)
    ann.take_back()
    ben.comment(mine.id, SECRET)
    assert texts(ann, mine.id) == []


def test_a_manager_who_reads_everything_is_not_asked_about_the_item_any_more(room: Room) -> None:
    manager, ann = room.desk("Mia"), room.desk("Ann")
    (item,) = manager.next_many(1)
    ann.comment(item.id, SECRET)
    assert texts(manager, item.id) == []
    assert texts(manager, item.id, everything=True) == [SECRET]
    assert item.id not in [each.id for each in manager.next_many(500)]
    assert item.id in [each.id for each in ann.next_many(500)]
    manager.comment(item.id, "answer what you see")
    assert texts(ann, item.id) == [SECRET]


def test_a_project_that_is_not_blind_shows_all_to_all(tmp_path: Path) -> None:
    room = Room(tmp_path / "b.db", People())
    ann, ben = room.desk("Ann"), room.desk("Ben")
    (mine,) = ann.next_many(1)
    ann.comment(mine.id, SECRET)
    ben.flag(mine.id, "two languages")
    assert texts(ben, mine.id) == [SECRET, "two languages"]
    assert [said.kind for said in ann.thread(mine.id)] == ["comment", "flag"]
    room.store.close()


def test_a_comment_sent_twice_is_stored_once(room: Room) -> None:
    ann = room.desk("Ann")
    (mine,) = ann.next_many(1)
    sent = room.recorder.new_id()
    for _ in range(2):
        ann.comment(mine.id, "long", id=sent)
    assert texts(ann, mine.id) == ["long"]
    room.store.checkpoint(room.project.id)
    assert len(list(room.store.events(room.project.id, ["comment.added"]))) == 1


def test_no_thread_without_a_request(room: Room) -> None:
    gone = room.recorder.new_id()
    for act in (lambda: room.desk("Ann").thread(gone), lambda: room.desk("Ann").comment(gone, "x")):
        with pytest.raises(NotLeased):
            act()


def test_erasing_an_item_erases_what_was_said_of_it(room: Room) -> None:
    ann = room.desk("Ann")
    (mine,) = ann.next_many(1)
    ann.comment(mine.id, SECRET)
    ann.flag(mine.id, SECRET)
    room.store.checkpoint(room.project.id)
    view = StoreView.open(room.where)
    view.erase(mine.item.key)
    view.close()
    assert texts(ann, mine.id) == [None, None]
    for path in Path(room.where).parent.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    room.verify()


def test_words_put_into_somebodys_mouth_are_noticed(room: Room) -> None:
    ann = room.desk("Ann")
    (mine,) = ann.next_many(1)
    ann.comment(mine.id, "long")
    room.store.checkpoint(room.project.id)
    with room.store.transaction() as db:
        db.exec_driver_sql("UPDATE comments SET text = 'short'")
    view = StoreView.open(room.where)
    verdict = view.verify()
    view.close()
    assert not verdict.ok
    assert "omment" in str(verdict.problem)
