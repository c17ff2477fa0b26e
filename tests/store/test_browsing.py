"""What those who run a project look at: asked items, who answered, the newest events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from storeroom import Room, make_project

from signoff.core.questions import (
    CANNOT_SAY,
    Answer,
    Choice,
    Chosen,
    Form,
    MultiChoice,
    Pairwise,
    Question,
    Rating,
)
from signoff.core.records import PageSettings
from signoff.store.browsing import FEW, AskedItem, Wanted

ITEMS = 12
GOOD, BAD = Chosen("Positive"), Chosen("Negative")
ANSWERS: list[Answer] = [GOOD, BAD, GOOD, CANNOT_SAY, GOOD, BAD]


@pytest.fixture
def answered(room: Room) -> Room:
    """Twelve items, ten of them asked, six answered by two people in turn."""
    room.add_pool(items=ITEMS)
    room.ask(list(range(10)))
    people = [room.add_reviewer("ann"), room.add_reviewer("bob")]
    for at, answer in enumerate(ANSWERS):
        (request,) = room.lease(people[at % 2])
        room.answer(request, people[at % 2], answer)
    return room


def listed(room: Room, wanted: Wanted, *, newest: bool = False, limit: int = 3) -> list[AskedItem]:
    """Every page of a list, joined."""
    found: list[AskedItem] = []
    after = None
    while part := room.store.asked_items(
        room.project.id, 1, wanted, after=after, limit=limit, newest=newest
    ):
        found += part
        after = part[-1].cursor
    return found


def numbers(room: Room, wanted: Wanted, *, newest: bool = False) -> list[int]:
    return [each.item for each in listed(room, wanted, newest=newest)]


def id_of(room: Room, name: str) -> str:
    found = room.store.find_reviewer(room.project.id, name)
    assert found is not None
    return found


def test_pages_of_asked_items_hold_each_once_in_order(answered: Room) -> None:
    assert numbers(answered, Wanted()) == list(range(10))
    assert numbers(answered, Wanted(state="answered")) == list(range(6))
    assert numbers(answered, Wanted(state="waiting")) == list(range(6, 10))


def test_the_newest_answers_come_first_page_by_page(answered: Room) -> None:
    assert numbers(answered, Wanted(), newest=True) == [5, 4, 3, 2, 1, 0]
    only = Wanted(reviewer=id_of(answered, "ann"))
    assert numbers(answered, only, newest=True) == [4, 2, 0]


@pytest.mark.parametrize(
    ("label", "items"), [("Positive", [0, 2, 4]), ("Negative", [1, 5]), ("", [3]), ("None", [])]
)
def test_items_are_found_by_the_label_that_stands(
    answered: Room, label: str, items: list[int]
) -> None:
    assert numbers(answered, Wanted(label=("answer", label))) == items
    assert numbers(answered, Wanted(label=("answer", label)), newest=True) == items[::-1]


@pytest.fixture
def shared(store_url: str, tmp_path: Path) -> Iterator[Room]:
    """Six items of a project where two people answer each, four of them answered by one or both."""
    project = replace(make_project(), process={"answers_per_item": 2})
    opened = Room.open(store_url, tmp_path / "artifacts", project)
    opened.store.create_project(project, [])
    opened.add_pool(items=ITEMS)
    opened.ask(list(range(6)))
    ann, bob = opened.add_reviewer("ann"), opened.add_reviewer("bob")
    for reviewer, count in ((ann, 4), (bob, 2)):
        for request in opened.lease(reviewer, count):
            opened.answer(request, reviewer, GOOD)
    yield opened
    opened.close()


def test_an_item_of_several_answers_stands_once_where_its_newest_one_does(shared: Room) -> None:
    """Ann answered 0 to 3, then Bob 0 and 1; pages are shorter than the list."""
    for limit in (1, 2, 3, 50):
        found = [each.item for each in listed(shared, Wanted(), newest=True, limit=limit)]
        assert found == [1, 0, 3, 2], limit
    ann = Wanted(reviewer=id_of(shared, "ann"))
    assert numbers(shared, ann, newest=True) == [3, 2, 1, 0]


def test_the_newest_answers_are_narrowed_by_what_waits_and_what_is_answered(shared: Room) -> None:
    assert numbers(shared, Wanted(state="waiting"), newest=True) == [3, 2]
    assert numbers(shared, Wanted(state="answered"), newest=True) == [1, 0]


MANY = MultiChoice.of(["Déjà vu", "vu", 'x "vu"'])


FOUND: list[tuple[Question, list[str], str, list[int]]] = [
    (Rating(), ["1", "3", "3"], "3", [1, 2]),
    (Rating(low=0, high=1, step=0.1), ["0.3", "0.4"], "0.3", [0]),
    (Pairwise(a="l", b="r"), ["a", "tie", "both bad"], "both_bad", [2]),
    (MANY, ["vu", "Déjà vu", '"x ""vu""", vu', "(none)"], "vu", [0, 2]),
    (MANY, ["vu", "Déjà vu", '"x ""vu"""'], "Déjà vu", [1]),
    (MANY, ["vu", "Déjà vu", '"x ""vu"""'], 'x "vu"', [2]),
    (Choice.of(["3", "4"]), ["3", "4"], "3", [0]),
]


def test_items_are_found_by_answers_of_every_kind(room: Room) -> None:
    for at, (question, said, label, items) in enumerate(FOUND):
        project = replace(make_project(f"project {at}"), form=Form((question,)))
        room.store.create_project(project, [])
        other = Room(store=room.store, project=project, where=room.where, folder=room.folder)
        other.add_pool(items=ITEMS)
        other.ask(list(range(len(said))))
        ann = other.add_reviewer("ann")
        for request, text in zip(other.lease(ann, len(said)), said, strict=True):
            other.answer(request, ann, question.parse(text))
        assert numbers(other, Wanted(label=("answer", label))) == items, label
        assert numbers(other, Wanted(label=("answer", ""))) == []


def test_a_question_nobody_asked_finds_nothing(answered: Room) -> None:
    assert numbers(answered, Wanted(label=("another", "Positive"))) == []
    assert numbers(answered, Wanted(reason="audit")) == []
    assert numbers(answered, Wanted(reason="uncertain")) == list(range(10))


def test_an_answer_taken_back_is_no_answer_of_the_list(answered: Room) -> None:
    room, bob = answered, id_of(answered, "bob")
    (last, *_) = room.store.recent(room.project, bob, 1)
    undone = {"pool": 1, "item": last.item, "answer": last.event}
    room.store.undo(room.project, last, [room.event("answer.undone", undone)])
    assert numbers(room, Wanted(label=("answer", "Negative"))) == [1]
    item = room.store.asked_item(room.project.id, 1, last.item)
    assert item is not None
    assert (item.waiting, item.given) == (True, ())
    history = room.store.item_history(room.project.id, 1, last.item)
    assert [event.type for event in history] == ["answer.given"]
    assert json.loads(history[0].content["answers"]) == {"answer": {"label": "Negative"}}


@pytest.mark.parametrize("many", [3, FEW + 1])
def test_asked_items_are_found_among_few_and_among_many(answered: Room, many: int) -> None:
    found = answered.store.asked_among(answered.project.id, 1, list(range(2, 2 + many)))
    assert [each.item for each in found] == [n for n in range(2, 2 + many) if n < 10]
    assert [len(each.given) for each in found] == [int(each.item < 6) for each in found]
    assert answered.store.asked_among(answered.project.id, 1, []) == []
    assert answered.store.asked_among(answered.project.id, 2, [1]) == []


def test_who_answered_how_much(answered: Room) -> None:
    answered.add_reviewer("eve")
    work = answered.store.reviewers_work(answered.project.id)
    assert [(each.name, each.answers, each.extra) for each in work] == [
        ("ann", 3, 0),
        ("bob", 3, 0),
        ("eve", 0, 0),
    ]
    assert work[2].last is None
    assert work[0].seconds is None


def test_items_that_several_answered_are_compared_by_what_each_says_now(answered: Room) -> None:
    room = answered
    assert room.store.overlaps(room.project.id) == []
    bob = id_of(room, "bob")
    request = room.store.requests(room.project.id, 1)[0]
    assert room.answer(request, bob, BAD) is False
    assert room.answer(request, bob, GOOD) is False
    ann = {"answer": {"label": "Positive"}}
    assert room.store.overlaps(room.project.id) == [
        {id_of(room, "ann"): ann, bob: {"answer": {"label": "Positive"}}}
    ]
    assert [each.extra for each in room.store.reviewers_work(room.project.id)] == [0, 2]


def test_the_newest_events_go_back_page_by_page_and_by_type(answered: Room) -> None:
    project = answered.project.id
    newest = answered.store.newest_events(project, types=None, before=None, limit=4)
    older = answered.store.newest_events(project, types=None, before=newest[-1].n, limit=100)
    assert len({event.id for event in (*newest, *older)}) == len(newest) + len(older)
    assert [event.n for event in (*newest, *older)] == sorted(
        (event.n for event in (*newest, *older)), reverse=True
    )
    given = answered.store.newest_events(project, types=["answer.given"], before=None, limit=100)
    assert len(given) == len(ANSWERS)
    assert answered.store.newest_events("another", types=None, before=None, limit=5) == []


def test_how_a_project_is_shown_changes_with_its_event_or_not_at_all(room: Room) -> None:
    wanted = PageSettings(guideline="Be *kind*.", blur=True, text_direction="rtl")
    body = {"changed": ["blur"], "blur": True, "text_direction": "rtl"}
    event = room.event("page.changed", body, {"guideline": wanted.guideline})
    room.store.change_page(room.project.id, wanted, [event])
    stored = room.store.project(room.project.id)
    assert stored is not None
    assert stored.page == wanted
    assert stored.hidden == room.project.hidden
