"""Experts first and nobody else; time that runs out is noticed once; why there is nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from storeroom import Room, make_project

from signoff.core.questions import Chosen
from signoff.core.queueing import Assign, Due, QueueRules, read_duration
from signoff.core.records import Expired, NewEvent, NewRequest, Waiting
from signoff.errors import NotLeased, UsageError
from signoff.store.lanes import of_people
from signoff.testing.stores import MINUTE, new_id

POSITIVE = Chosen("Positive")
MEDIC = Assign(column="field", value="medicine", tag="medic")


def ruled(room: Room, rules: QueueRules, overlap: int = 1) -> Room:
    """Another project of the same store, with these rules."""
    project = replace(make_project("ruled"), queue=rules, process={"answers_per_item": overlap})
    room.store.create_project(project, [])
    other = Room(store=room.store, project=project, where=room.where, folder=room.folder)
    other.add_pool()
    return other


def ask(room: Room, items: list[int], *, audience: str = "", due: int | None = None) -> None:
    wanted = [
        NewRequest(
            id=new_id(), item=item, reason="random", priority=item, audience=audience, due=due
        )
        for item in items
    ]
    room.store.ask(room.project.id, 1, wanted, [], undone=0)


def leased(room: Room, reviewer: str, *, now: int = 0) -> list[int]:
    return [request.item for request in room.lease(reviewer, limit=9, now=now)]


def tag(room: Room, reviewer: str, *tags: str) -> None:
    body: dict[str, object] = {"reviewer": reviewer, "tags": list(tags)}
    room.store.set_tags(room.project.id, reviewer, tags, [room.event("reviewer.tagged", body)])


def expire(room: Room, *, now: int) -> int:
    def tell(gone: Expired) -> NewEvent:
        return room.event(
            "request.expired",
            {
                "pool": gone.pool,
                "item": gone.item,
                "due": str(gone.due),
                "outcome": gone.outcome,
                "to": gone.to,
            },
        )

    return room.store.expire_requests(room.project, tell, now=now)


def logged(room: Room, type: str) -> int:
    room.store.checkpoint(room.project.id)
    return sum(1 for _ in room.store.events(room.project.id, [type]))


def test_an_experts_items_come_first_and_go_to_nobody_else(room: Room) -> None:
    ruling = ruled(room, QueueRules(assign=(MEDIC,)))
    ann, ben = ruling.add_reviewer("Ann"), ruling.add_reviewer("Ben")
    tag(ruling, ann, "medic", "lawyer")
    ask(ruling, [0, 1])
    ask(ruling, [7, 8], audience="medic")
    assert leased(ruling, ben) == [0, 1]
    ruling.store.release(ruling.project.id, ben)
    assert leased(ruling, ann) == [7, 8, 0, 1]
    assert ruling.store.reviewer_tags(ruling.project.id) == {ann: ["lawyer", "medic"]}


def test_who_loses_a_skill_gets_no_more_of_its_items(room: Room) -> None:
    ruling = ruled(room, QueueRules(assign=(MEDIC,)))
    ann = ruling.add_reviewer("Ann")
    ask(ruling, [3], audience="medic")
    tag(ruling, ann, "medic")
    assert leased(ruling, ann) == [3]
    ruling.store.release(ruling.project.id, ann)
    tag(ruling, ann)
    assert leased(ruling, ann) == []
    assert logged(ruling, "reviewer.tagged") == 2


def test_a_request_can_be_for_named_people_and_others_lose_their_seats(room: Room) -> None:
    ruling = ruled(room, QueueRules())
    ann, ben, cid = (ruling.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    ask(ruling, [0])
    (request,) = ruling.lease(ann)
    body: dict[str, object] = {"pool": 1, "item": 0, "tag": None, "people": [ben, cid]}
    ruling.store.assign(
        ruling.project.id,
        request.id,
        of_people([ben, cid]),
        [ruling.event("request.assigned", body)],
    )
    assert leased(ruling, ann) == []
    assert leased(ruling, cid) == [0]
    ruling.answer(request, cid, POSITIVE)
    with pytest.raises(NotLeased):
        ruling.store.assign(ruling.project.id, request.id, "", [])


def test_overlap_holds_among_the_experts(room: Room) -> None:
    ruling = ruled(room, QueueRules(assign=(MEDIC,)), overlap=2)
    ann, ben, cid = (ruling.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    tag(ruling, ann, "medic")
    tag(ruling, ben, "medic")
    ask(ruling, [0], audience="medic")
    (request,) = ruling.lease(ann)
    ruling.answer(request, ann, POSITIVE)
    assert leased(ruling, ann) == leased(ruling, cid) == []
    assert leased(ruling, ben) == [0]


@pytest.mark.parametrize(
    ("outcome", "to", "who"), [("stay", "", "medic"), ("next", "", ""), ("next", "nurse", "nurse")]
)
def test_when_time_runs_out_the_declared_thing_happens(
    room: Room, outcome: str, to: str, who: str
) -> None:
    rule = Due(seconds=60, outcome=outcome, to=to)  # pyright: ignore[reportArgumentType]
    ruling = ruled(room, QueueRules(assign=(MEDIC,), due=rule))
    people = {name: ruling.add_reviewer(name) for name in ("medic", "nurse", "")}
    for name in ("medic", "nurse"):
        tag(ruling, people[name], name)
    ask(ruling, [0], audience="medic", due=MINUTE)
    assert expire(ruling, now=MINUTE) == 0
    assert expire(ruling, now=MINUTE + 1) == 1
    assert leased(ruling, people[who]) == [0]
    ruling.store.release(ruling.project.id, people[who])
    others = [id for name, id in people.items() if name != who and who]
    assert [leased(ruling, id) for id in others] == [[] for _ in others]


def test_time_that_ran_out_is_logged_exactly_once_whoever_looks(room: Room) -> None:
    ruling = ruled(room, QueueRules(due=Due(seconds=60)))
    ask(ruling, list(range(12)), due=MINUTE)
    windows = [ruling.again() for _ in range(4)]

    def sweep(window: Room) -> int:
        return sum(expire(window, now=2 * MINUTE) for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(sweep, windows))
    for window in windows:
        window.close()
    assert sum(counts) == 12
    assert logged(ruling, "request.expired") == 12


def test_an_answered_item_never_expires(room: Room) -> None:
    ruling = ruled(room, QueueRules(due=Due(seconds=60)))
    ann = ruling.add_reviewer("Ann")
    ask(ruling, [0], due=MINUTE)
    (request,) = ruling.lease(ann)
    ruling.answer(request, ann, POSITIVE)
    assert expire(ruling, now=9 * MINUTE) == 0


def test_nothing_for_somebody_has_its_reasons(room: Room) -> None:
    ruling = ruled(room, QueueRules(assign=(MEDIC,)), overlap=2)
    ann, ben, cid = (ruling.add_reviewer(name) for name in ("Ann", "Ben", "Cid"))
    assert ruling.store.waiting_for(ruling.project.id, ann) == Waiting()
    ask(ruling, [0])
    (request,) = ruling.lease(ann)
    ruling.answer(request, ann, POSITIVE)
    assert ruling.store.waiting_for(ruling.project.id, ann) == Waiting(second=True)
    ruling.lease(ben, now=5)
    assert ruling.store.waiting_for(ruling.project.id, ann) == Waiting(held_until=5 + MINUTE)
    ask(ruling, [1], audience="medic")
    assert ruling.store.waiting_for(ruling.project.id, cid) == Waiting(
        assigned=True, held_until=5 + MINUTE
    )


def test_rules_of_a_queue_come_back_as_they_were(room: Room) -> None:
    rules = QueueRules(assign=(MEDIC,), due=Due(seconds=7200, outcome="next", to="nurse"))
    ruling = ruled(room, rules)
    found = ruling.store.project(ruling.project.id)
    assert found is not None
    assert (found.queue, found.rules) == (rules, ruling.project.rules)


@pytest.mark.parametrize("tag", ["", "two words", "a" * 41, "a|b", "@ann"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="is no tag"):
        Assign(column="a", value="b", tag=tag)


@pytest.mark.parametrize("typed", ["", "2", "h", "2w", "-1h", "1.5h", "²h"])
def test_what_is_no_length_of_time_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        read_duration(typed, name="--due")
