"""Long work as rows, on both databases."""

from __future__ import annotations

import threading

import pytest
from storeroom import Room

from signoff.core.records import Job
from signoff.errors import JobMoved, QueueError
from signoff.store.jobs import MOST_ATTEMPTS, wait_after

NOW = 1_700_000_000_000_000
SECOND = 1_000_000
LEASE = 60 * SECOND


def enqueue(room: Room, kind: str = "import", *, at: int = NOW, key: str | None = None) -> Job:
    return room.store.enqueue(kind=kind, body={"file": "a"}, now=at, idempotency=key)


def take(room: Room, worker: str, *, at: int = NOW) -> Job | None:
    return room.store.take_job(worker, now=at, until=at + LEASE)


def test_a_job_goes_from_queued_to_done(room: Room) -> None:
    made = enqueue(room)
    assert (made.state, made.attempts, made.project) == ("queued", 0, None)
    taken = take(room, "w1")
    assert taken is not None
    assert (taken.id, taken.state, taken.attempts, taken.leased_by) == (made.id, "running", 1, "w1")
    room.store.finish_job(made.id, {"rows": 3}, worker="w1", now=NOW + 5, project=room.project.id)
    done = room.store.job(made.id)
    assert done is not None
    assert (done.state, done.result, done.project) == ("done", {"rows": 3}, room.project.id)
    assert (done.leased_by, done.leased_until, done.updated) == (None, None, NOW + 5)
    assert take(room, "w1") is None


def test_a_job_is_enqueued_once_under_one_idempotency_key(room: Room) -> None:
    first = enqueue(room, key="k")
    assert enqueue(room, key="k").id == first.id
    assert enqueue(room, key="other").id != first.id
    assert enqueue(room).id != enqueue(room).id
    assert len(room.store.jobs()) == 4


def test_many_at_once_under_one_idempotency_key_make_one_job(room: Room) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(enqueue(room, key="k").id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_no_job_goes_to_two_workers(room: Room) -> None:
    wanted = {enqueue(room).id for _ in range(40)}
    other = room.again()
    got: list[tuple[str, str]] = []

    def work(name: str, at: Room) -> None:
        while (job := take(at, name)) is not None:
            got.append((name, job.id))

    threads = [
        threading.Thread(target=work, args=[f"w{at}", room if at % 2 else other]) for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(id for _, id in got) == sorted(wanted)


def test_a_lease_that_ran_out_is_taken_over_and_its_first_holder_writes_nothing(
    room: Room,
) -> None:
    made = enqueue(room)
    assert take(room, "slow") is not None
    assert take(room, "quick", at=NOW + LEASE) is None
    again = take(room, "quick", at=NOW + LEASE + 1)
    assert again is not None
    assert (again.leased_by, again.attempts) == ("quick", 2)
    assert not room.store.renew_job(made.id, "slow", until=NOW + 9 * LEASE)
    with pytest.raises(JobMoved, match="not this worker's"):
        room.store.finish_job(made.id, {}, worker="slow", now=NOW)
    with pytest.raises(JobMoved):
        room.store.fail_job(made.id, {"code": "x"}, worker="slow", now=NOW)
    room.store.finish_job(made.id, {"by": "quick"}, worker="quick", now=NOW)
    found = room.store.job(made.id)
    assert found is not None
    assert found.result == {"by": "quick"}


def test_a_lease_that_is_renewed_is_not_taken_over(room: Room) -> None:
    made = enqueue(room)
    take(room, "slow")
    assert room.store.renew_job(made.id, "slow", until=NOW + 3 * LEASE)
    assert take(room, "quick", at=NOW + 2 * LEASE) is None


def test_a_job_that_failed_for_now_waits(room: Room) -> None:
    made = enqueue(room)
    take(room, "w")
    error = {"code": "store_busy", "message": "Busy.", "hint": ""}
    room.store.fail_job(made.id, error, worker="w", now=NOW, again=NOW + wait_after(1))
    assert take(room, "w", at=NOW + wait_after(1) - 1) is None
    again = take(room, "w", at=NOW + wait_after(1))
    assert again is not None
    assert (again.attempts, again.error) == (2, error)


def test_a_job_that_kills_its_workers_is_given_up(room: Room) -> None:
    made = enqueue(room)
    at = NOW
    for attempt in range(MOST_ATTEMPTS):
        taken = take(room, f"w{attempt}", at=at)
        assert taken is not None
        at += LEASE + 1
    assert take(room, "last", at=at) is None
    found = room.store.job(made.id)
    assert found is not None
    assert found.state == "failed"
    assert found.error is not None
    assert found.error["code"] == "gave_up"


def test_a_job_that_could_not_begin_has_not_used_an_attempt(room: Room) -> None:
    made = enqueue(room)
    take(room, "w")
    room.store.hand_back_job(made.id, "w", now=NOW, due=NOW + SECOND)
    assert take(room, "w") is None
    again = take(room, "w", at=NOW + SECOND)
    assert again is not None
    assert again.attempts == 1


def test_a_failed_job_is_retried_with_all_its_attempts(room: Room) -> None:
    made = enqueue(room)
    with pytest.raises(JobMoved, match="queued"):
        room.store.retry_job(made.id, now=NOW)
    take(room, "w")
    room.store.fail_job(made.id, {"code": "input"}, worker="w", now=NOW)
    assert take(room, "w", at=NOW + 9 * LEASE) is None
    again = room.store.retry_job(made.id, now=NOW + 7)
    assert (again.state, again.attempts, again.error, again.due) == ("queued", 0, None, NOW + 7)
    assert take(room, "w", at=NOW + 7) is not None


def test_a_cancelled_job_is_over_for_its_worker_too(room: Room) -> None:
    made = enqueue(room)
    take(room, "w")
    cancelled = room.store.cancel_job(made.id, now=NOW)
    assert cancelled.state == "failed"
    assert cancelled.error is not None
    assert cancelled.error["code"] == "cancelled"
    assert not room.store.renew_job(made.id, "w", until=NOW)
    with pytest.raises(JobMoved):
        room.store.finish_job(made.id, {}, worker="w", now=NOW)
    with pytest.raises(JobMoved, match="failed"):
        room.store.cancel_job(made.id, now=NOW)


def test_a_job_that_is_not_there_can_be_neither_retried_nor_cancelled(room: Room) -> None:
    for move in (room.store.retry_job, room.store.cancel_job):
        with pytest.raises(QueueError, match="no job 'nothing'"):
            move("nothing", now=NOW)


def test_jobs_are_listed_newest_first_and_page_by_page(room: Room) -> None:
    made = [enqueue(room).id for _ in range(5)]
    first = room.store.jobs(None, 2)
    assert [job.id for job in first] == [made[4], made[3]]
    assert [job.id for job in room.store.jobs(None, 9, before=first[-1].id)] == made[2::-1]
    assert room.store.jobs(room.project.id, 9) == []


def test_a_worker_may_ask_for_some_kinds_only(room: Room) -> None:
    enqueue(room, "import")
    wanted = enqueue(room, "export")
    taken = room.store.take_job("w", now=NOW, until=NOW + LEASE, kinds=["export"])
    assert taken is not None
    assert taken.id == wanted.id
