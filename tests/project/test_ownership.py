"""One live run per project: the second is refused in one line, a dead one is replaced at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from signoff.core.questions import Choice, Form
from signoff.core.records import Project
from signoff.core.routing import People
from signoff.errors import StoreBusy
from signoff.project import ownership
from signoff.project.ownership import LEASE_SECONDS, is_dead, owning, this_process
from signoff.store.store import SqlStore
from signoff.testing.stores import new_id

SECOND = 1_000_000


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(store_url, artifacts=tmp_path / "artifacts")
    yield opened
    opened.close()


@pytest.fixture
def project(store: SqlStore) -> str:
    made = Project(
        id=new_id(), name="reviews", form=Form((Choice.of(["A", "B"]),)), policy=People(), rules=(),
        process={}, model="text", group=True, text_column=None, key_column=None, hidden=(),
        key_id="k", created=0,
    )  # fmt: skip
    store.create_project(made, [])
    return made.id


class Owner:
    """Another process that owns the project until it is told to end."""

    SCRIPT = """
import sys
from pathlib import Path
from signoff.project.ownership import owning
from signoff.store.store import SqlStore
from signoff.errors import SignoffError
where, folder, project = sys.argv[1:]
store = SqlStore(where, artifacts=Path(folder), create=False)
try:
    with owning(store, project):
        print("owning", flush=True)
        sys.stdin.read()
except SignoffError as error:
    print("refused: " + str(error), flush=True)
"""

    def __init__(self, where: str, folder: Path, project: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT, where, str(folder), project],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.process.communicate("")


@pytest.fixture
def owner(store_url: str, tmp_path: Path, project: str) -> Iterator[Owner]:
    other = Owner(store_url, tmp_path / "artifacts", project)
    yield other
    if other.process.poll() is None:
        other.kill()


def test_a_project_is_free_after_its_run(store: SqlStore, project: str) -> None:
    for _ in range(2):
        with owning(store, project):
            assert store.current_owner(project) == this_process()
        assert store.current_owner(project) is None


def test_a_project_is_free_after_a_run_that_failed(store: SqlStore, project: str) -> None:
    with pytest.raises(ZeroDivisionError), owning(store, project):
        raise ZeroDivisionError
    assert store.current_owner(project) is None


def test_another_live_process_is_refused_in_one_line(
    store: SqlStore, project: str, owner: Owner
) -> None:
    assert owner.says() == "owning"
    with pytest.raises(StoreBusy, match="in use by another run") as caught, owning(store, project):
        pass
    assert str(owner.process.pid) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2
    owner.end()
    with owning(store, project):
        pass


def test_two_processes_at_once_make_one_owner(
    store: SqlStore, store_url: str, tmp_path: Path, project: str
) -> None:
    both = [Owner(store_url, tmp_path / "artifacts", project) for _ in range(2)]
    said = sorted(other.says().split(":")[0] for other in both)
    assert said == ["owning", "refused"]
    for other in both:
        other.end()


def test_a_killed_owner_is_replaced_at_once(store: SqlStore, project: str, owner: Owner) -> None:
    assert owner.says() == "owning"
    owner.kill()
    assert store.current_owner(project) is not None
    with owning(store, project):
        assert store.current_owner(project) == this_process()


def test_another_thread_of_this_process_is_another_run(store: SqlStore, project: str) -> None:
    refused: list[StoreBusy] = []

    def run() -> None:
        try:
            with owning(store, project):
                pass
        except StoreBusy as error:
            refused.append(error)

    with owning(store, project):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert store.current_owner(project) == this_process()
    assert len(refused) == 1


def elsewhere(store: SqlStore, project: str, until: int) -> None:
    """An owner on another machine, of which only its lease is known."""
    other = store.take_ownership(project, "far-away/1/0/0", dead=None, now=0, until=until)
    assert other is None


def test_an_owner_on_another_machine_is_waited_for_until_its_lease_ends(
    store: SqlStore, project: str
) -> None:
    elsewhere(store, project, until=100 * SECOND)
    with (
        pytest.raises(StoreBusy, match="on far-away"),
        owning(store, project, clock=lambda: 100 * SECOND),
    ):
        pass
    with owning(store, project, clock=lambda: 100 * SECOND + 1):
        assert store.current_owner(project) == this_process()


def test_a_clock_set_back_locks_nobody_out_of_their_own_project(
    store: SqlStore, project: str, owner: Owner
) -> None:
    """A killed owner whose lease seems to end far in the future is replaced all the same."""
    assert owner.says() == "owning"
    owner.kill()
    with owning(store, project, clock=lambda: 1):
        assert store.current_owner(project) == this_process()
    assert store.current_owner(project) is None


def test_the_heartbeat_renews_the_lease(
    store: SqlStore, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock that leaps past the lease at every look, only renewing keeps the project."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.01)
    beats = threading.Semaphore(0)
    now = [0]

    def clock() -> int:
        now[0] += LEASE_SECONDS * SECOND // 2
        beats.release()
        return now[0]

    with owning(store, project, clock=clock):
        for _ in range(5):
            assert beats.acquire(timeout=60)
        taken = store.take_ownership(
            project, "far-away/1/0/0", dead=None, now=4 * LEASE_SECONDS * SECOND // 2, until=0
        )
        assert taken == this_process()


def test_a_lost_heartbeat_does_not_stop_the_run(
    store: SqlStore, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for a moment costs a beat, nothing else."""
    monkeypatch.setattr(ownership, "HEARTBEAT_SECONDS", 0.01)
    beats = threading.Semaphore(0)

    def clock() -> int:
        beats.release()
        return 0

    with owning(store, project, clock=clock):
        elsewhere_now = store.take_ownership(
            project, "far-away/1/0/0", dead=this_process(), now=0, until=10**18
        )
        assert elsewhere_now is None
        for _ in range(5):
            assert beats.acquire(timeout=60)
    assert store.current_owner(project) == "far-away/1/0/0"


def test_only_what_certainly_ended_is_dead() -> None:
    host, ended = socket.gethostname(), subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_dead(this_process())
    assert is_dead(f"{host}/{ended.pid}/0/0")
    assert not is_dead(f"far-away/{ended.pid}/0/0")
    assert not is_dead("not an owner")
    assert not is_dead(f"{host}/x/0/0")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="not on this platform: no /proc")
def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    assert is_dead(f"{socket.gethostname()}/{os.getpid()}/12345/0")


def test_owners_of_several_projects_do_not_meet(store: SqlStore, project: str) -> None:
    found = store.find_project(None)
    assert found is not None
    second = replace(found, id=new_id(), name="second")
    store.create_project(second, [])
    with ExitStack() as stack:
        stack.enter_context(owning(store, project))
        stack.enter_context(owning(store, second.id))
        assert store.current_owner(project) == store.current_owner(second.id)
