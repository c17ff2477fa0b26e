"""Several people at one item: k different ones answer it, and nobody is ever one too many."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from storeroom import Room, make_project

from signoff.core.joining import answered_items
from signoff.core.questions import Answer, Chosen
from signoff.core.records import OpenRequest
from signoff.errors import StoreError
from signoff.store.schema import requests
from signoff.store.schema_queue import seats
from signoff.testing.stores import MINUTE, new_id

POSITIVE, NEGATIVE = Chosen("Positive"), Chosen("Negative")


def overlapping(room: Room, overlap: int, name: str = "several") -> Room:
    """Another project of the same store, each of whose items so many people answer."""
    project = replace(make_project(name), process={"answers_per_item": overlap})
    room.store.create_project(project, [])
    other = Room(store=room.store, project=project, where=room.where, folder=room.folder)
    other.add_pool()
    return other


def items(found: list[OpenRequest]) -> list[int]:
    return [request.item for request in found]


def answer_next(room: Room, reviewer: str, answer: Answer = POSITIVE) -> int | None:
    """Answer the first item that waits for a reviewer; which it was."""
    found = room.lease(reviewer)
    if not found:
        return None
    assert room.answer(found[0], reviewer, answer)
    return found[0].item


def waiting(room: Room) -> int:
    return room.store.queue_counts(room.project.id, 1).open


def test_an_item_is_leased_to_as_many_people_as_answer_it_and_to_no_more(room: Room) -> None:
    two = overlapping(room, 2)
    ann, ben, cid = (two.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    two.ask([0])
    assert items(two.lease(ann)) == [0]
    assert items(two.lease(ben)) == [0]
    assert two.lease(cid) == []
    assert items(two.lease(cid, now=2 * MINUTE)) == [0]


def test_nobody_gets_an_item_twice_and_it_waits_for_a_second_person(room: Room) -> None:
    two = overlapping(room, 2)
    ann, ben = two.add_reviewer("Ann"), two.add_reviewer("Ben")
    two.ask([0, 1])
    assert [answer_next(two, ann), answer_next(two, ann), answer_next(two, ann)] == [0, 1, None]
    assert (waiting(two), two.store.queue_counts(two.project.id, 1).answers) == (2, 2)
    assert [answer_next(two, ben), answer_next(two, ben), answer_next(two, ben)] == [0, 1, None]
    assert waiting(two) == 0


def test_the_same_person_cannot_be_both_of_two(room: Room) -> None:
    two = overlapping(room, 2)
    ann = two.add_reviewer("Ann")
    two.ask([0])
    (request,) = two.lease(ann)
    assert two.answer(request, ann, POSITIVE)
    assert not two.answer(request, ann, NEGATIVE)
    assert waiting(two) == 1


def test_a_tie_asks_one_more_person_until_one_answer_leads(room: Room) -> None:
    two = overlapping(room, 2)
    people = [two.add_reviewer(name) for name in ("Ann", "Ben", "Cid", "Dan")]
    two.ask([0])
    said = [POSITIVE, NEGATIVE, NEGATIVE]
    for reviewer, answer in zip(people[:2], said[:2], strict=True):
        answer_next(two, reviewer, answer)
    assert waiting(two) == 1
    assert answered_items(two.store.reviews(two.project, 1), two.project) == []
    answer_next(two, people[2], said[2])
    assert waiting(two) == 0
    (answered,) = answered_items(two.store.reviews(two.project, 1), two.project)
    assert (answered.to("answer"), answered.reviewers) == (NEGATIVE, tuple(people[:3]))
    assert two.lease(people[3]) == []


def test_an_answer_too_many_is_kept_and_counts_for_nothing(room: Room) -> None:
    two = overlapping(room, 2)
    ann, ben, cid = (two.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    two.ask([0])
    (request,) = two.lease(ann)
    assert two.answer(request, ann, POSITIVE)
    assert two.answer(request, ben, POSITIVE)
    assert not two.answer(request, cid, NEGATIVE)
    assert len(two.store.reviews(two.project, 1)) == 2


def test_taking_one_answer_back_frees_one_seat(room: Room) -> None:
    two = overlapping(room, 2)
    ann, ben, cid = (two.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    two.ask([0, 1])
    for reviewer in (ann, ben):
        answer_next(two, reviewer)
    (last,) = two.store.recent(two.project, ben, 1)
    two.store.undo(
        two.project,
        last,
        [two.event("answer.undone", {"pool": 1, "item": 0, "answer": last.event})],
    )
    assert two.store.queue_counts(two.project.id, 1).answers == 1
    assert items(two.lease(ann, limit=9)) == [1]
    assert items(two.lease(cid)) == [0]
    assert items(two.lease(ben)) == [1]


def test_a_skip_for_good_asks_somebody_else(room: Room) -> None:
    one = overlapping(room, 1)
    ann, ben = one.add_reviewer("Ann"), one.add_reviewer("Ben")
    one.ask([0, 1])
    (first,) = one.lease(ann)
    one.store.skip(one.project.id, first.id, ann, [], now=5_000, for_good=True)
    assert items(one.lease(ann, limit=9)) == [1]
    one.store.release(one.project.id, ann)
    assert items(one.lease(ben, limit=9)) == [1, 0]


def test_the_database_itself_refuses_an_answer_too_many(room: Room) -> None:
    one = overlapping(room, 1)
    one.ask([0])
    with (
        pytest.raises(StoreError, match=r"same moment|ck_requests_given"),
        one.store.transaction() as db,
    ):
        db.execute(sa.update(requests).values(given=2))


def test_what_ran_out_is_taken_up_again_unless_somebody_has_it(room: Room) -> None:
    one = overlapping(room, 1)
    ann, ben = one.add_reviewer("Ann"), one.add_reviewer("Ben")
    one.ask([0, 1])
    held = [request.id for request in one.lease(ann, limit=2)]
    assert items(one.lease(ben, now=2 * MINUTE)) == [0]
    assert one.store.renew(one.project.id, ann, held, until=9 * MINUTE) == {held[1]}
    assert one.lease(ben, limit=9, now=2 * MINUTE)[1:] == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lease", "answer", "skip", "for good", "undo", "release"]),
        st.integers(0, 2),
        st.integers(0, 5),
    ),
    max_size=30,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, overlap=st.sampled_from([1, 2, 3]))
def test_whatever_three_people_do_counts_seats_and_lanes_agree(
    sqlite_room: Room, steps: list[tuple[str, int, int]], overlap: int
) -> None:
    room = overlapping(sqlite_room, overlap, new_id())
    people = [room.add_reviewer(name) for name in ("Ann", "Ben", "Cid")]
    room.ask([0, 1, 2, 3])
    held: list[list[OpenRequest]] = [[], [], []]
    for now, (step, who, at) in enumerate(steps):
        me, mine = people[who], held[who]
        if step == "lease":
            held[who] = room.lease(me, limit=at, now=now * MINUTE // 3)
        elif step == "release":
            room.store.release(room.project.id, me)
            held[who] = []
        elif step == "undo" and (last := room.store.recent(room.project, me, 1)):
            body: dict[str, object] = {"pool": 1, "item": last[0].item, "answer": last[0].event}
            room.store.undo(room.project, last[0], [room.event("answer.undone", body)])
        elif mine and step == "answer":
            said = (POSITIVE, NEGATIVE)[at % 2]
            room.answer(mine[at % len(mine)], me, said)
        elif mine and step in ("skip", "for good"):
            room.store.skip(
                room.project.id,
                mine[at % len(mine)].id,
                me,
                [],
                now=now,
                for_good=step == "for good",
            )
        check_agreement(room, overlap)


def check_agreement(room: Room, overlap: int) -> None:
    """Requests say what reviews and seats say, and the tallies what the requests say."""
    standing = room.store.reviews(room.project, 1)
    said: defaultdict[int, list[str]] = defaultdict(list)
    for review in standing:
        said[review.item].append(review.reviewer)
    answered = {each.item for each in answered_items(standing, room.project)}
    with room.store.reading() as db:
        held = Counter(db.scalars(sa.select(seats.c.request)))
        rows = db.execute(sa.select(requests).where(requests.c.project == room.project.id)).all()
        counts = room.store.queue_counts(room.project.id, 1)
    for row in rows:
        assert len(set(said[row.item])) == len(said[row.item]) == row.given <= row.wanted
        assert (row.state == "answered") == (row.item in answered)
        expected = row.wanted - row.given - held[row.id] if row.state == "open" else 0
        assert row.free == expected
        assert row.state == "open" or held[row.id] == 0
        assert {reviewer.rpartition("-")[2] for reviewer in said[row.item]} <= set(
            row.lane.partition("|")[2].split()
        )
        assert row.wanted >= overlap
    assert counts.open == sum(row.state == "open" for row in rows)
    assert counts.answered == len(answered)
    assert counts.answers == len(standing)


PROCESS = """
import random, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import storeroom
from concurrent.futures import ThreadPoolExecutor
from signoff.errors import StoreBusy

store = storeroom.open_store({where!r}, Path({folder!r}))
project = store.find_project("several")
room = storeroom.Room(store=store, project=project, where='', folder=Path())
said = [storeroom.QUESTION.parse(label) for label in ('Positive', 'Negative')]

def patient(act):
    while True:
        try:
            return act()
        except StoreBusy:
            pass

def work(me):
    chance = random.Random(me)
    empty = 0
    while empty < 30:
        found = patient(lambda: store.lease(project.id, me, limit=3, now=0, until=10))
        empty = 0 if found else empty + 1
        for request in found:
            answer = said[chance.random() < 0.1]
            counted = patient(lambda: room.answer(request, me, answer))
            sys.stdout.write(f"{{request.item}} {{me}} {{counted}}\\n")

people = sys.argv[1:]
with ThreadPoolExecutor(len(people)) as pool:
    list(pool.map(work, people))
"""


@pytest.mark.parametrize("overlap", [1, 3])
def test_eight_people_in_two_processes_answer_each_item_exactly_often_enough(
    room: Room, overlap: int
) -> None:
    several = overlapping(room, overlap)
    people = [several.add_reviewer(f"person {at}") for at in range(8)]
    count = 12
    several.ask(list(range(count)))
    script = PROCESS.format(
        here=str(Path(__file__).parent), where=room.where, folder=str(room.folder)
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *some],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for some in (people[:4], people[4:])
    ]
    told = [process.communicate(timeout=240) for process in running]
    assert [error for _, error in told] == ["", ""]
    acknowledged = [line.split() for out, _ in told for line in out.splitlines()]
    standing = several.store.reviews(several.project, 1)
    stored = {(str(review.item), review.reviewer) for review in standing}
    assert {(item, who) for item, who, counted in acknowledged if counted == "True"} == stored
    assert len(stored) == len(standing)
    check_agreement(several, overlap)
    answered = answered_items(standing, several.project)
    assert len(answered) == count
    for each in answered:
        said = [review.answer for review in each.reviews]
        without_last = Counter(said[:-1]).most_common(2)
        tied = len(without_last) == 2 and without_last[0][1] == without_last[1][1]
        assert len(said) == overlap or tied


def test_a_lease_looks_at_few_rows_however_many_wait(sqlite_room: Room) -> None:
    """The queue's index leads to every lane and to its first request: nothing is scanned."""
    with sqlite_room.store.reading() as db:
        from signoff.store import seats as leases

        statements: list[str] = []

        def note(_c: object, _cu: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(db, "before_cursor_execute", note)
        leases.lanes_in_use(db, sqlite_room.project.id)
        leases.first_waiting(db, "p", "r", [leases.Lane(name="|", first=0)], (), 9)
        for statement in list(statements):
            plan = db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement.replace("?", "'1'")).all()
            steps = [row[3] for row in plan]
            assert not [step for step in steps if step.startswith("SCAN requests")], steps
            assert not [step for step in steps if "TEMP B-TREE" in step], steps
            assert any("ix_requests_queue" in step for step in steps), steps
