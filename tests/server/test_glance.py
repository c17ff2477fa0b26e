"""What was read a moment ago is shared; what takes long to read is read seldom."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from signoff.server.glance import SHARE, Glance


@dataclass(slots=True)
class Source:
    """Something to read that takes a while, and a clock that the test moves."""

    takes: float = 0.0
    now: float = 100.0
    reads: list[str] = field(default_factory=list[str])

    def read(self, key: str) -> int:
        self.now += self.takes
        self.reads.append(key)
        return len(self.reads)

    def clock(self) -> float:
        return self.now


def test_a_reading_is_shared_until_it_is_too_old() -> None:
    source = Source()
    glance = Glance(source.read, least=0.5, clock=source.clock)
    assert [glance("a"), glance("a"), glance("b")] == [1, 1, 2]
    source.now += 0.4
    assert glance("a") == 1
    source.now += 0.2
    assert glance("a") == 3


def test_reading_takes_a_small_share_of_the_time() -> None:
    source = Source(takes=2.0)
    glance = Glance(source.read, least=0.1, clock=source.clock)
    start = source.now
    while source.now < start + 1000:
        glance("a")
        source.now += 0.1
    assert len(source.reads) * 2.0 <= 1000 * SHARE + 2.0


def test_what_is_forgotten_is_read_anew() -> None:
    source = Source()
    glance = Glance(source.read, least=9.0, clock=source.clock)
    assert glance("a") == 1
    glance.forget("a")
    assert glance("a") == 2


def test_a_reading_that_fails_is_tried_again() -> None:
    fails = [True]

    def read(key: str) -> str:
        if fails.pop() if fails else False:
            raise OSError(key)
        return key

    glance = Glance(read)
    with pytest.raises(OSError, match="a"):
        glance("a")
    assert glance("a") == "a"


def test_while_one_reads_the_others_get_what_there_was() -> None:
    now = [0.0]
    entered, leave = threading.Event(), threading.Event()

    def read(key: str) -> float:
        if now[0] > 0:
            entered.set()
            assert leave.wait(10)
        return now[0]

    glance = Glance(read, least=1.0, clock=lambda: now[0])
    assert glance("a") == 0.0
    now[0] = 5.0
    got: list[float] = []
    slow = threading.Thread(target=lambda: got.append(glance("a")))
    slow.start()
    assert entered.wait(10)
    assert glance("a") == 0.0
    leave.set()
    slow.join(10)
    assert got == [5.0]


def test_the_first_ones_wait_for_the_one_who_reads() -> None:
    reads: list[int] = []
    barrier = threading.Barrier(8)

    def read(key: str) -> int:
        reads.append(1)
        return 7

    glance = Glance(read, least=100.0)
    got: list[int] = []

    def ask() -> None:
        barrier.wait()
        got.append(glance("a"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [7] * 8
    assert len(reads) == 1
