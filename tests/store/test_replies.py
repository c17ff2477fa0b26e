"""Replies of language models: found again, paid for once, counted, and erased with their items."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from storeroom import Room, make_project

from signoff.core.replies import Asked, KeptReply, content_digest

ASKED = Asked(provider="gemini", model="toy", host="127.0.0.1", prompt="prompt-1")
REPLY = KeptReply(
    asked=ASKED,
    content=content_digest("A day"),
    text='{"answer": "A", "confidence": 0.9}',
    version="toy-001",
    weight=0.75,
    input=100,
    output=7,
    cached=20,
    calls=2,
)
FAILED = replace(REPLY, text=None, version="", weight=math.nan, input=30, output=0, cached=0)


def test_a_reply_is_found_by_whoever_asks_the_same(room: Room) -> None:
    replies = room.store.replies_of(room.project.id)
    replies.keep(REPLY)
    assert room.again().store.known_replies([REPLY.key, "0" * 64]) == {REPLY.key: REPLY}
    for other in (
        replace(ASKED, model="other"),
        replace(ASKED, host="elsewhere"),
        replace(ASKED, prompt="prompt-2"),
        replace(ASKED, provider="openai"),
    ):
        assert not replies.known([other.key(REPLY.content)])


def test_many_are_found_in_one_look(room: Room) -> None:
    replies = room.store.replies_of(room.project.id)
    kept = [replace(REPLY, content=content_digest(str(number))) for number in range(1_203)]
    for each in kept:
        replies.keep(each)
    assert len(replies.known([each.key for each in kept])) == len(kept)


def test_what_failed_is_asked_again_and_what_it_cost_stays(room: Room) -> None:
    replies = room.store.replies_of(room.project.id)
    replies.keep(FAILED)
    assert replies.known([REPLY.key]) == {}
    replies.keep(REPLY)
    (kept,) = replies.known([REPLY.key]).values()
    assert (kept.text, kept.version, kept.weight) == (REPLY.text, "toy-001", 0.75)
    (spent,) = room.store.spent(room.project.id)
    assert (spent.items, spent.calls, spent.input, spent.output) == (1, 4, 130, 7)


def test_spending_is_that_of_the_project_that_paid(room: Room) -> None:
    other = make_project("other")
    room.store.create_project(other, [])
    room.store.replies_of(room.project.id).keep(REPLY)
    dear = replace(REPLY, content=content_digest("B"), version="toy-002")
    room.store.replies_of(other.id).keep(dear)
    assert [each.version for each in room.store.spent(room.project.id)] == ["toy-001"]
    assert [each.version for each in room.store.spent(other.id)] == ["toy-002"]
    # The other project finds what the first one paid for.
    assert room.store.replies_of(other.id).known([REPLY.key])


def test_two_who_keep_the_same_reply_at_once_keep_one(room: Room) -> None:
    second = room.again()
    with ThreadPoolExecutor(8) as threads:
        for store in [room.store, second.store] * 20:
            threads.submit(store.keep_reply, room.project.id, REPLY)
    (spent,) = room.store.spent(room.project.id)
    assert (spent.items, spent.calls) == (1, 80)


def test_erasing_an_item_erases_what_was_replied_about_it(room: Room) -> None:
    room.add_pool(text="A day")
    replies = room.store.replies_of(room.project.id)
    stays = replace(REPLY, content=content_digest("Another day"))
    replies.keep(REPLY)
    replies.keep(stays)
    gone = room.event("item.erased", {"pool": 1, "item": 5, "rows": [5]})
    room.store.erase(room.project.id, 1, 5, ["0" * 64], gone, contents=[content_digest("A day")])
    assert list(replies.known([REPLY.key, stays.key])) == [stays.key]
