"""The queue: leases, skips, answers, undo; each item is asked once, whoever asks at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storeroom import Room, make_project

from signoff.core.questions import CANNOT_SAY, Chosen
from signoff.core.records import NewRequest, OpenRequest
from signoff.errors import AnswersChanged, NotLeased, OtherAnswer, Settled
from signoff.testing.stores import MINUTE, new_id

POSITIVE, NEGATIVE = Chosen("Positive"), Chosen("Negative")


@pytest.fixture
def ann(room: Room) -> str:
    room.add_pool()
    return room.add_reviewer("Ann")


def items(requests: list[OpenRequest]) -> list[int]:
    return [request.item for request in requests]


def skip(room: Room, request: OpenRequest, reviewer: str) -> None:
    body: dict[str, object] = {"pool": request.pool, "item": request.item, "reviewer": reviewer}
    event = room.event("answer.skipped", body)
    room.store.skip(room.project.id, request.id, reviewer, [event], now=event.at)


def undo(room: Room, reviewer: str) -> OpenRequest:
    (last,) = room.store.recent(room.project, reviewer, 1)
    body: dict[str, object] = {"pool": 1, "item": last.item, "answer": last.event}
    return room.store.undo(room.project, last, [room.event("answer.undone", body)])


def logged(room: Room, type: str) -> int:
    room.store.checkpoint(room.project.id)
    return sum(1 for _ in room.store.events(room.project.id, [type]))


def test_a_skipped_item_comes_back_later(room: Room, ann: str) -> None:
    room.ask([0, 1, 2])
    first, *_ = room.lease(ann, limit=3)
    skip(room, first, ann)
    assert items(room.lease(ann, limit=3)) == [1, 2, 0]


def test_an_item_skipped_after_its_answer_stays_answered_and_the_log_says_nothing(
    room: Room, ann: str
) -> None:
    room.ask([0, 1])
    first, *_ = room.lease(ann)
    room.answer(first, ann, POSITIVE)
    skip(room, first, ann)
    assert items(room.lease(ann, limit=9)) == [1]
    assert logged(room, "answer.skipped") == 0


def test_a_lease_ends_at_its_time_and_not_before(room: Room, ann: str) -> None:
    ben = room.add_reviewer("Ben")
    room.ask([0])
    room.lease(ann, now=0)
    assert room.lease(ben, now=MINUTE) == []
    assert items(room.lease(ben, now=MINUTE + 1)) == [0]


def test_an_answer_after_the_lease_ran_out_counts_where_it_is_the_first(
    room: Room, ann: str
) -> None:
    ben = room.add_reviewer("Ben")
    room.ask([0])
    (mine,) = room.lease(ann, now=0)
    (his,) = room.lease(ben, now=2 * MINUTE)
    assert room.answer(mine, ann, POSITIVE)
    assert not room.answer(his, ben, NEGATIVE)
    (review,) = room.store.reviews(room.project, 1)
    assert (review.reviewer, review.answer) == (ann, POSITIVE)


def test_the_answer_that_came_second_is_kept_and_counts_for_nothing(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, POSITIVE)
    room.answer(request, ann, NEGATIVE)
    assert (logged(room, "answer.given"), logged(room, "answer.extra")) == (1, 1)
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [POSITIVE]
    assert room.store.queue_counts(room.project.id, 1).answered == 1


def test_an_answer_sent_twice_is_stored_once(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    sent = new_id()
    assert room.answer(request, ann, POSITIVE, id=sent)
    assert room.answer(request, ann, POSITIVE, id=sent)
    assert logged(room, "answer.given") == 1


def test_another_answer_under_the_same_id_is_refused_with_both(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    sent = new_id()
    room.answer(request, ann, POSITIVE, id=sent)
    with pytest.raises(OtherAnswer) as refused:
        room.answer(request, ann, NEGATIVE, id=sent)
    assert refused.value.first == {"answer": {"label": "Positive"}}
    assert refused.value.second == {"answer": {"label": "Negative"}}
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [POSITIVE]


def test_somebody_elses_id_is_no_way_to_read_an_answer(room: Room, ann: str) -> None:
    ben = room.add_reviewer("Ben")
    room.ask([0])
    (request,) = room.lease(ann)
    sent = new_id()
    room.answer(request, ann, POSITIVE, id=sent)
    with pytest.raises(OtherAnswer):
        room.answer(request, ben, POSITIVE, id=sent)


def test_what_is_held_is_renewed_and_not_handed_out_again(room: Room, ann: str) -> None:
    ben = room.add_reviewer("Ben")
    room.ask([0, 1, 2])
    held = [r.id for r in room.lease(ann, limit=2, now=0)]
    kept = room.store.renew(room.project.id, ann, held, until=3 * MINUTE)
    assert kept == set(held)
    more = room.store.lease(room.project.id, ann, limit=9, now=0, until=MINUTE, holding=held)
    assert items(more) == [2]
    assert items(room.lease(ben, limit=9, now=2 * MINUTE)) == [2]
    assert room.store.renew(room.project.id, ben, held, until=3 * MINUTE) == set()


def test_a_request_comes_with_what_people_see_until_it_is_erased(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    assert (request.key, request.shown) == ("key-1-0", {"text": "text of item 0", "data": {}})
    found = room.store.request(room.project.id, request.id)
    assert found == replace(request, leased_until=None)
    room.store.erase(room.project.id, 1, 0, [], room.event("run.started", {"signoff": "test"}))
    erased = room.store.request(room.project.id, request.id)
    assert erased is not None
    assert (erased.key, erased.shown, erased.state) == ("", None, "withdrawn")
    with pytest.raises(NotLeased):
        room.answer(request, ann, POSITIVE)


def test_what_the_loop_worked_out_before_an_undo_is_refused(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, POSITIVE)
    undo(room, ann)
    with pytest.raises(AnswersChanged):
        room.store.ask(room.project.id, 1, [], [], undone=0, phase="finishing")
    (pool,) = room.store.pools(room.project.id)
    assert (pool.phase, pool.undone) == ("learning", 1)


def test_an_answer_is_settled_once_the_phase_is_over(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, POSITIVE)
    room.store.ask(room.project.id, 1, [], [], undone=0, phase="finishing")
    with pytest.raises(Settled):
        undo(room, ann)


def test_two_answers_to_one_item_in_one_step_leave_the_first(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    both = [room.review(request, ann, POSITIVE), room.review(request, ann, NEGATIVE)]
    assert room.store_answers(both) == [True, False]
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [POSITIVE]


def test_cannot_say_is_an_answer(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, CANNOT_SAY)
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [CANNOT_SAY]


def test_what_is_undone_is_asked_next_and_can_be_answered_anew(room: Room, ann: str) -> None:
    room.ask([0, 1, 2])
    first, *_ = room.lease(ann)
    room.answer(first, ann, POSITIVE)
    assert undo(room, ann).item == 0
    (again,) = room.lease(ann)
    assert again.item == 0
    room.answer(again, ann, NEGATIVE)
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [NEGATIVE]


def test_an_answer_is_undone_once_and_the_log_says_so_once(room: Room, ann: str) -> None:
    room.ask([0])
    (request,) = room.lease(ann)
    room.answer(request, ann, POSITIVE)
    (last,) = room.store.recent(room.project, ann, 1)
    undo(room, ann)
    room.answer(request, ann, NEGATIVE)
    body: dict[str, object] = {"pool": 1, "item": 0, "answer": last.event}
    with pytest.raises(Settled, match="taken back already"):
        room.store.undo(room.project, last, [room.event("answer.undone", body)])
    assert [r.answer for r in room.store.reviews(room.project, 1)] == [NEGATIVE]
    assert logged(room, "answer.undone") == 1


def test_undo_reaches_back_answer_by_answer_and_only_ones_own(room: Room, ann: str) -> None:
    ben = room.add_reviewer("Ben")
    room.ask([0, 1, 2])
    a, b, c = room.lease(ann, limit=3)
    room.answer(a, ann, POSITIVE)
    room.answer(b, ben, POSITIVE)
    room.answer(c, ann, POSITIVE)
    assert [undo(room, ann).item, undo(room, ann).item] == [2, 0]
    assert room.store.recent(room.project, ann, 9) == []
    assert [r.item for r in room.store.reviews(room.project, 1)] == [1]


def test_asking_again_re_ranks_what_waits_and_leaves_what_was_answered(
    room: Room, ann: str
) -> None:
    room.ask([0, 1, 2])
    (first,) = room.lease(ann)
    room.answer(first, ann, POSITIVE)
    room.ask([2, 0, 3, 1])
    assert items(room.lease(ann, limit=9)) == [2, 3, 1]


def test_a_reason_is_that_of_the_newest_asking(room: Room, ann: str) -> None:
    room.ask([0])
    audit = NewRequest(id=new_id(), item=0, reason="audit", priority=0)
    room.store.ask(room.project.id, 1, [audit], [], undone=0)
    (request,) = room.lease(ann)
    assert request.reason == "audit"


def test_projects_of_one_store_have_queues_of_their_own(room: Room, ann: str) -> None:
    project = make_project("another")
    room.store.create_project(project, [])
    other = Room(store=room.store, project=project, where=room.where, folder=room.folder)
    other.add_pool()
    guest = other.add_reviewer("Ann")
    room.ask([0, 1])
    other.ask([7], first=-100)
    assert items(room.lease(ann, limit=9)) == [0, 1]
    (request,) = other.lease(guest, limit=9)
    other.answer(request, guest, POSITIVE)
    assert undo(other, guest).priority < -100
    assert room.store.queue_counts(room.project.id, 1).open == 2


def test_thousands_of_requests_are_leased_and_answered_in_one_step(room: Room, ann: str) -> None:
    many = 3_000
    room.ask(list(range(many)))
    requests = room.lease(ann, limit=many)
    assert len(requests) == many
    answers = [room.review(request, ann, POSITIVE) for request in requests[:500]]
    assert sum(room.store_answers(answers)) == 500
    assert room.store.queue_counts(room.project.id, 1).open == many - 500


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lease", "answer", "skip", "undo", "release"]),
        st.sampled_from([0, 1]),
        st.integers(0, 5),
    ),
    max_size=25,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_two_people_do_no_item_is_lost_or_answered_twice(
    sqlite_room: Room, steps: list[tuple[str, int, int]]
) -> None:
    project = make_project(new_id())
    sqlite_room.store.create_project(project, [])
    room = Room(store=sqlite_room.store, project=project, where="", folder=sqlite_room.folder)
    room.add_pool()
    people = [room.add_reviewer("Ann"), room.add_reviewer("Ben")]
    room.ask([0, 1, 2, 3])
    held: list[list[OpenRequest]] = [[], []]
    for now, (step, who, at) in enumerate(steps):
        mine = held[who]
        if step == "lease":
            held[who] = room.lease(people[who], limit=at, now=now)
        elif step == "release":
            room.store.release(project.id, people[who])
            held[who] = []
        elif step == "undo" and room.store.recent(project, people[who], 1):
            undo(room, people[who])
        elif mine and step == "answer":
            room.answer(mine[at % len(mine)], people[who], POSITIVE)
        elif mine and step == "skip":
            skip(room, mine[at % len(mine)], people[who])
        answered = [review.item for review in room.store.reviews(project, 1)]
        counts = room.store.queue_counts(project.id, 1)
        assert len(answered) == len(set(answered)) == counts.answered
        assert counts.open == 4 - len(answered)
    late = room.lease(people[0], limit=9, now=10 * MINUTE)
    answered = [review.item for review in room.store.reviews(project, 1)]
    assert sorted(answered + items(late)) == [0, 1, 2, 3]


def drain(room: Room, reviewer: str) -> list[int]:
    """Lease and answer, three at a time, through a connection of one's own."""
    mine = room.again()
    done: list[int] = []
    try:
        while requests := mine.lease(reviewer, limit=3):
            answers = [mine.review(request, reviewer, POSITIVE) for request in requests]
            assert sum(mine.store_answers(answers)) == len(requests)
            done += items(requests)
        return done
    finally:
        mine.close()


def test_reviewers_at_work_at_once_never_get_the_same_item(room: Room, ann: str) -> None:
    people = [ann, *(room.add_reviewer(f"R{at}") for at in range(3))]
    room.ask(list(range(60)))
    with ThreadPoolExecutor(len(people)) as pool:
        shares = list(pool.map(lambda reviewer: drain(room, reviewer), people))
    assert sorted(item for share in shares for item in share) == list(range(60))
    assert len(room.store.reviews(room.project, 1)) == 60


def test_two_windows_that_answer_one_item_at_once_leave_one_answer(room: Room, ann: str) -> None:
    room.ask(list(range(12)))
    requests = room.lease(ann, limit=12)
    windows = [room.again(), room.again()]

    def answer_all(window: Room) -> int:
        return sum(window.answer(request, ann, POSITIVE) for request in requests)

    with ThreadPoolExecutor(2) as pool:
        first = list(pool.map(answer_all, windows))
    for window in windows:
        window.close()
    assert sum(first) == 12
    assert len(room.store.reviews(room.project, 1)) == 12
    assert logged(room, "answer.given") == 12


PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import storeroom
store = storeroom.open_store({where!r}, Path({folder!r}))
project = store.find_project(None)
while found := store.lease(project.id, sys.argv[1], limit=2, now=0, until=10):
    for request in found:
        print(request.item)
        room = storeroom.Room(store=store, project=project, where='', folder=Path())
        assert room.answer(request, sys.argv[1], storeroom.QUESTION.parse('Positive'))
"""


def test_processes_at_work_at_once_never_get_the_same_item(room: Room, ann: str) -> None:
    people = [ann, room.add_reviewer("Ben")]
    room.ask(list(range(30)))
    script = PROCESS.format(
        here=str(Path(__file__).parent), where=room.where, folder=str(room.folder)
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, id],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for id in people
    ]
    told = [process.communicate(timeout=120) for process in running]
    assert [error for _, error in told] == ["", ""]
    got = [int(line) for out, _ in told for line in out.split()]
    assert sorted(got) == list(range(30))
