"""Many people at once, one server or two, killed or not: nothing is lost, nobody asked twice."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from crowds import Crowd
from sites import Site, serving

Gather = Callable[..., Crowd]


@pytest.fixture
def gather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gather:
    artifacts = tmp_path / "artifacts"
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(artifacts))

    def make(where: str, *, people: int, items: int, overlap: int) -> Crowd:
        return Crowd.gather(where, artifacts, people=people, items=items, overlap=overlap)

    return make


def answer_on(crowd: Crowd, folder: Path, *, servers: int) -> None:
    """Let everybody answer at so many servers over the store, then check it."""
    with ExitStack() as stack:
        urls: list[str] = []
        for number in range(servers):
            own = folder / f"server-{number}"
            own.mkdir()
            urls.append(stack.enter_context(serving(own, "--store", crowd.where)).url)
        for thread in crowd.answer_all(urls):
            thread.join()
    crowd.check()


@pytest.mark.parametrize("overlap", [1, 3])
def test_eight_people_answer_each_item_as_often_as_it_needs(
    gather: Gather, tmp_path: Path, overlap: int
) -> None:
    crowd = gather(str(tmp_path / "a.db"), people=8, items=60, overlap=overlap)
    answer_on(crowd, tmp_path, servers=1)


@pytest.mark.postgres
def test_two_servers_on_one_database_agree(
    gather: Gather, postgres_url: str, tmp_path: Path
) -> None:
    crowd = gather(postgres_url, people=6, items=40, overlap=2)
    answer_on(crowd, tmp_path, servers=2)


@pytest.mark.soak
@pytest.mark.parametrize("overlap", [1, 3])
def test_thirty_two_people_on_sqlite(gather: Gather, tmp_path: Path, overlap: int) -> None:
    crowd = gather(str(tmp_path / "a.db"), people=32, items=450, overlap=overlap)
    answer_on(crowd, tmp_path, servers=1)


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("overlap", [1, 3])
def test_thirty_two_people_at_two_servers_on_postgresql(
    gather: Gather, postgres_url: str, tmp_path: Path, overlap: int
) -> None:
    crowd = gather(postgres_url, people=32, items=450, overlap=overlap)
    answer_on(crowd, tmp_path, servers=2)


# ---------------------------------------------------------------------------- killed


class Mortal:
    """A server at one address that is killed, its worker too, and started again."""

    def __init__(self, folder: Path, where: str) -> None:
        self._folder, self._where = folder, where
        self.site = Site(folder, "--store", where)
        self.url = self.site.url

    def die(self) -> None:
        """Kill server and worker without a word, then start them again."""
        for pid in [*self.site.worker_pids(), self.site.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.site.process.wait(60)
        port = self.url.rpartition(":")[2]
        self.site = Site(self._folder, "--store", self._where, "--port", port)


@pytest.fixture
def mortals(tmp_path: Path) -> Iterator[Callable[[str], Mortal]]:
    """Makes such servers; the last one of each ends with the test."""
    made: list[Mortal] = []

    def make(where: str) -> Mortal:
        made.append(Mortal(tmp_path, where))
        return made[-1]

    yield make
    for mortal in made:
        mortal.site.end()


def answer_while_it_dies(crowd: Crowd, mortal: Mortal, *, deaths: int, seed: int) -> None:
    """Kill the server so often at random moments while everybody answers, then check the store."""
    rng = random.Random(seed)
    threads = crowd.answer_all([mortal.url])
    waiting = threading.Event()
    for _ in range(deaths):
        waiting.wait(rng.uniform(0.05, 1.5))
        mortal.die()
    for thread in threads:
        thread.join()
    mortal.site.end()
    crowd.check()


def test_a_server_that_is_killed_loses_no_acknowledged_answer(
    gather: Gather, mortals: Callable[[str], Mortal], tmp_path: Path
) -> None:
    crowd = gather(str(tmp_path / "a.db"), people=4, items=120, overlap=1)
    answer_while_it_dies(crowd, mortals(crowd.where), deaths=2, seed=1)


@pytest.mark.soak
def test_a_server_that_is_killed_fifty_times_loses_no_acknowledged_answer(
    gather: Gather, mortals: Callable[[str], Mortal], tmp_path: Path
) -> None:
    crowd = gather(str(tmp_path / "a.db"), people=8, items=480, overlap=3)
    answer_while_it_dies(crowd, mortals(crowd.where), deaths=50, seed=2)
