"""Benches: what waits is done together, everybody hears of their own, and threads come and go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from signoff.server import bench as benches
from signoff.server.bench import MOST_TOGETHER, Bench, one_by_one


class Turns:
    """Does works one by one, the first time not before the gate opens; how many each time, and
    whether any was to last."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool]] = []
        self.gate = threading.Event()

    def __call__(
        self, works: Sequence[Callable[[], object]], /, *, durable: bool
    ) -> Sequence[Exception | None]:
        self.gate.wait(10)
        self.seen.append((len(works), durable))
        return one_by_one(works)


def test_what_waits_is_done_together() -> None:
    turns = Turns()
    bench = Bench(do_together=turns)

    async def play() -> list[int]:
        first = asyncio.create_task(bench(lambda: -1))
        while bench._waiting or not bench._running:
            await asyncio.sleep(0)
        others = [bench(lambda n=n: n, durable=n == 3) for n in range(MOST_TOGETHER + 5)]
        tasks = [asyncio.create_task(each) for each in others]
        await asyncio.sleep(0)
        turns.gate.set()
        return [await first, *await asyncio.gather(*tasks)]

    assert asyncio.run(play()) == [-1, *range(MOST_TOGETHER + 5)]
    assert turns.seen == [(1, False), (MOST_TOGETHER, True), (5, False)]


def test_everybody_hears_of_their_own_failure_alone() -> None:
    def fails() -> None:
        raise ValueError("mine")

    async def play() -> list[object]:
        bench = Bench()
        works = [bench(lambda: 1), bench(fails), bench(lambda: 3)]
        return await asyncio.gather(*works, return_exceptions=True)

    one, failure, three = asyncio.run(play())
    assert (one, three) == (1, 3)
    assert isinstance(failure, ValueError)


def test_a_failure_of_all_reaches_all_and_the_bench_goes_on() -> None:
    broken = True

    def do(works: Sequence[Callable[[], object]], /, *, durable: bool) -> list[Exception | None]:
        if broken:
            raise OSError("the disk")
        return one_by_one(works)

    async def play() -> object:
        nonlocal broken
        bench = Bench(do_together=do)
        found = await asyncio.gather(*(bench(int) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in found] == [OSError] * 3
        broken = False
        return await bench(lambda: "again")

    assert asyncio.run(play()) == "again"


def test_who_has_gone_meanwhile_disturbs_nobody() -> None:
    turns = Turns()
    bench = Bench(do_together=turns)

    async def play() -> int:
        gone = asyncio.create_task(bench(lambda: 1))
        await asyncio.sleep(0)
        gone.cancel()
        stays = asyncio.create_task(bench(lambda: 2))
        await asyncio.sleep(0)
        turns.gate.set()
        return await stays

    assert asyncio.run(play()) == 2


def test_threads_end_when_nothing_comes_and_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benches, "IDLE_SECONDS", 0.01)
    bench = Bench(threads=3)

    async def play() -> None:
        for _ in range(2):
            assert await bench(lambda: 5) == 5
            while bench._running:
                await asyncio.sleep(0.005)

    asyncio.run(play())
