"""Progress as it happens."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import routing
from queues import Queue, make_project
from servers import SECONDS, LocalHouse, new_id

from signoff.errors import StoreBusy
from signoff.server.desks import Standing
from signoff.server.live import Live

# ------------------------------------------------------------------------ over the network


@contextmanager
def listening(house: LocalHouse, browser: Any) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of the first project, as (name, data); comments as ("comment", text)."""
    with browser.stream("GET", f"{house.path}/events") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield _events(response.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith(":"):
            yield "comment", line
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_listener_hears_where_things_stand_and_every_change(served: LocalHouse) -> None:
    browser = served.browser()
    (request,) = browser.post(f"{served.path}/leases", json={"limit": 1}).json()["requests"]
    with listening(served, browser) as events:
        name, first = next(events)
        assert (name, first["answered"], first["mine"]) == ("progress", 0, 0)
        body = {"request": request["id"], "answers": {"answer": {"label": "Positive"}}}
        with served.client(**{"X-Signoff": "1"}) as other:
            other.cookies = browser.cookies
            other.put(f"{served.path}/reviews/{new_id()}", json=body).raise_for_status()
        name, second = next(events)
        assert (name, second["answered"], second["mine"]) == ("progress", 1, 1)


def test_the_end_is_told_once(served: LocalHouse) -> None:
    browser = served.browser()
    with listening(served, browser) as events:
        next(events)
        served.queue.phase = "closed"
        assert next(events)[1]["phase"] == "closed"
        assert next(events) == ("closed", {})
        served.queue.paused = "Nothing runs."
        assert next(events)[0] == "progress"


def test_silence_is_filled_with_comments(
    served: LocalHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert routing._PING_INTERVAL == 15.0
    monkeypatch.setattr(routing, "_PING_INTERVAL", 0.05)
    with listening(served, served.browser()) as events:
        assert next(events)[0] == "progress"
        assert next(events)[0] == "comment"


def test_a_server_that_ends_lets_its_listeners_go(served: LocalHouse) -> None:
    with listening(served, served.browser()) as events:
        next(events)
        served.serving.stop()
        assert list(events) == []


def test_strangers_hear_nothing(served: LocalHouse) -> None:
    assert served.client().get(f"{served.path}/events").status_code == 401


# ---------------------------------------------------------------------------- one poller


class Source:
    """Reads a queue, and counts how many read at once."""

    def __init__(self) -> None:
        self.queue = Queue.of(make_project())
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    def read(self, _: object) -> Standing:
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        standing = self.queue.standing()
        with self.lock:
            self.at_once -= 1
        return standing


async def changes(live: Live, source: Source, wanted: int) -> list[int]:
    """How many answers each of so many changes told of."""
    seen: list[int] = []
    watching = live.watch(source.queue.project)
    async for standing in watching:
        seen.append(standing.progress.answered)
        if len(seen) == wanted:
            break
    await watching.aclose()
    return seen


def answer_one(source: Source) -> None:
    waiting = next(each for each in source.queue.waiting.values() if each.state == "open")
    waiting.state = "answered"


def in_time(work: Any) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(work(), SECONDS)

    return asyncio.run(limited())


def test_all_listeners_of_a_project_share_one_poller() -> None:
    source = Source()

    async def work() -> list[list[int]]:
        live = Live(source.read, period=0.01)
        listeners = [asyncio.create_task(changes(live, source, 2)) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert live.listeners == 20
        answer_one(source)
        return await asyncio.gather(*listeners)

    assert in_time(work) == [[0, 1]] * 20
    assert source.most_at_once == 1


def test_nobody_listening_means_nothing_is_read() -> None:
    source = Source()

    async def work() -> None:
        live = Live(source.read, period=0.001)
        assert await changes(live, source, 1) == [0]
        assert live.listeners == 0
        await asyncio.sleep(0.05)
        before = source.queue.reads
        await asyncio.sleep(0.1)
        assert source.queue.reads == before

    in_time(work)
    assert source.queue.reads > 0


def test_an_unchanged_project_sends_nothing() -> None:
    source = Source()

    async def work() -> None:
        live = Live(source.read, period=0.001)
        listener = asyncio.create_task(changes(live, source, 2))
        while source.queue.reads < 20:
            await asyncio.sleep(0.001)
        assert not listener.done()
        await live.close()
        assert await listener == [0]

    in_time(work)


def test_a_slow_listener_gets_the_newest_change() -> None:
    source = Source()

    async def work() -> list[int]:
        live = Live(source.read, period=0.001)
        watching = live.watch(source.queue.project)
        seen = [(await anext(watching)).progress.answered]
        for _ in range(3):
            answer_one(source)
            before = source.queue.reads
            while source.queue.reads < before + 3:
                await asyncio.sleep(0.001)
        seen.append((await anext(watching)).progress.answered)
        await watching.aclose()
        return seen

    assert in_time(work) == [0, 3]


def test_a_store_that_is_busy_is_read_again() -> None:
    source = Source()
    source.queue.failure = StoreBusy("busy")

    async def work() -> list[int]:
        live = Live(source.read, period=0.001)
        listener = asyncio.create_task(changes(live, source, 1))
        while source.queue.reads < 3:
            await asyncio.sleep(0.001)
        source.queue.failure = None
        return await listener

    assert in_time(work) == [0]
