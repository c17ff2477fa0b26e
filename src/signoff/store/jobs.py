"""Long work as rows: a worker leases a job, renews the lease while it works, and ends it.

Who holds a job is said by ``worker``, a name no other process has. A lease that ran out is taken
over; what its first holder then tries to write is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
import uuid6
from sqlalchemy.dialects import postgresql, sqlite

from signoff.core.records import Job, Json
from signoff.errors import JobMoved, QueueError
from signoff.store.connections import Database
from signoff.store.schema_jobs import jobs

MOST_ATTEMPTS = 5
"""How often a job is begun: after that it is what kills its workers."""

FIRST_WAIT = 2_000_000
LONGEST_WAIT = 300_000_000

CANCELLED: Json = {
    "code": "cancelled",
    "message": "The job was cancelled.",
    "hint": "Retry it to do it after all.",
}
GAVE_UP: Json = {
    "code": "gave_up",
    "message": f"{MOST_ATTEMPTS} workers began this job and none came to its end.",
    "hint": "See the workers' own output; retry it once the cause is gone.",
}


class Jobs(Database):
    """Enqueueing, leasing and ending jobs; every method is one transaction."""

    def enqueue(
        self,
        *,
        kind: str,
        body: Json,
        now: int,
        project: str | None = None,
        idempotency: str | None = None,
        id: str | None = None,
    ) -> Job:
        """A new job; the one there is where ``idempotency`` was used before."""
        wanted = Job(
            id=id or str(uuid6.uuid7()),
            project=project,
            kind=kind,
            body=body,
            state="queued",
            attempts=0,
            due=now,
            created=now,
            updated=now,
            idempotency=idempotency,
        )
        with self.transaction() as db:
            return insert_job(db, wanted)

    def job(self, id: str) -> Job | None:
        """A job by its id."""
        with self.reading() as db:
            row = db.execute(sa.select(jobs).where(jobs.c.id == id)).first()
            return None if row is None else job_of(row)

    def jobs(
        self, project: str | None = None, limit: int = 50, *, before: str | None = None
    ) -> list[Job]:
        """The newest jobs of a project, or of all: newest first, those older than ``before``."""
        query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(limit)
        if project is not None:
            query = query.where(jobs.c.project == project)
        if before is not None:
            query = query.where(jobs.c.id < before)
        with self.reading() as db:
            return [job_of(row) for row in db.execute(query)]

    def take_job(
        self, worker: str, *, now: int, until: int, kinds: Sequence[str] | None = None
    ) -> Job | None:
        """Lease the job that waited longest, or one whose worker let its lease run out.

        A job that was begun too often fails instead.
        """
        with self.transaction() as db:
            while (found := _next_job(db, now, kinds)) is not None:
                if found.attempts < MOST_ATTEMPTS:
                    return _lease(db, found, worker, now=now, until=until)
                _change(db, found.id, now, state="failed", error=GAVE_UP)
        return None

    def renew_job(self, id: str, worker: str, *, until: int) -> bool:
        """Lengthen a lease; False where the job is not this worker's any more."""
        with self.transaction() as db:
            renewed = db.execute(_held(id, worker).values(leased_until=until))
        return renewed.rowcount == 1

    def finish_job(
        self, id: str, result: Json, *, worker: str, now: int, project: str | None = None
    ) -> None:
        """Say what a job made, and of which project it was.

        Raises :class:`JobMoved` where the job is not this worker's any more.
        """
        with self.transaction() as db:
            finish(db, id, result, worker=worker, now=now, project=project)

    def fail_job(
        self, id: str, error: Json, *, worker: str, now: int, again: int | None = None
    ) -> None:
        """Say why a job was not done; it waits until ``again``, or is over.

        Raises :class:`JobMoved` where the job is not this worker's any more.
        """
        state = "failed" if again is None else "queued"
        with self.transaction() as db:
            _end(db, id, worker, state=state, error=error, updated=now, due=again or now)

    def hand_back_job(self, id: str, worker: str, *, now: int, due: int) -> None:
        """Let a job wait that could not begin yet: this was no attempt."""
        with self.transaction() as db:
            _end(db, id, worker, state="queued", attempts=jobs.c.attempts - 1, updated=now, due=due)

    def retry_job(self, id: str, *, now: int) -> Job:
        """Queue a failed job again, with all its attempts; raises :class:`JobMoved`."""
        return self._move(
            id, ("failed",), now, state="queued", error=None, attempts=0, due=now, result=None
        )

    def cancel_job(self, id: str, *, now: int) -> Job:
        """End a job that is not over: who works on it cannot write any more."""
        return self._move(id, ("queued", "running"), now, state="failed", error=CANCELLED)

    def _move(self, id: str, states: Sequence[str], now: int, **values: object) -> Job:
        with self.transaction() as db:
            row = db.execute(sa.select(jobs).where(jobs.c.id == id).with_for_update()).first()
            if row is None:
                raise QueueError(f"There is no job {id[:40]!r}.", hint="List the jobs there are.")
            if row.state not in states:
                raise JobMoved(
                    f"The job is {row.state}.", hint=f"This needs one that is {states[0]}."
                )
            _change(db, id, now, **values)
            return job_of(db.execute(sa.select(jobs).where(jobs.c.id == id)).one())


def insert_job(db: sa.Connection, job: Job) -> Job:
    """Add a job; the one there is where its idempotency key was used before."""
    values = {name: getattr(job, name) for name in jobs.c.keys()}  # noqa: SIM118
    make = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    added = db.scalar(
        make(jobs)
        .values(values)
        .on_conflict_do_nothing(index_elements=["idempotency"])
        .returning(jobs.c.id)
    )
    if added is not None:
        return job
    return job_of(db.execute(sa.select(jobs).where(jobs.c.idempotency == job.idempotency)).one())


def finish(
    db: sa.Connection, id: str, result: Json, *, worker: str, now: int, project: str | None
) -> None:
    """End a job as done, in a transaction that may hold what it made."""
    values: Json = {} if project is None else {"project": project}
    _end(db, id, worker, state="done", error=None, result=result, updated=now, **values)


def wait_after(attempts: int) -> int:
    """Microseconds until a job is tried again after so many attempts.

    >>> [wait_after(attempts) // 1_000_000 for attempts in (1, 2, 3, 4)]
    [2, 8, 32, 128]
    """
    return min(LONGEST_WAIT, FIRST_WAIT * 4 ** (attempts - 1))


def job_of(row: sa.Row[tuple[object, ...]]) -> Job:
    """A job from its row."""
    return Job(**{name: getattr(row, name) for name in jobs.c.keys()})  # noqa: SIM118


def _next_job(db: sa.Connection, now: int, kinds: Sequence[str] | None) -> Job | None:
    waiting = sa.and_(jobs.c.state == "queued", jobs.c.due <= now)
    left = sa.and_(jobs.c.state == "running", jobs.c.leased_until < now)
    query = sa.select(jobs).where(jobs.c.state.in_(("queued", "running")), sa.or_(waiting, left))
    if kinds is not None:
        query = query.where(jobs.c.kind.in_(kinds))
    query = query.order_by(jobs.c.due, jobs.c.id).limit(1).with_for_update(skip_locked=True)
    row = db.execute(query).first()
    return None if row is None else job_of(row)


def _lease(db: sa.Connection, job: Job, worker: str, *, now: int, until: int) -> Job:
    db.execute(
        sa.update(jobs)
        .where(jobs.c.id == job.id)
        .values(
            state="running",
            attempts=job.attempts + 1,
            leased_by=worker,
            leased_until=until,
            updated=now,
        )
    )
    return job_of(db.execute(sa.select(jobs).where(jobs.c.id == job.id)).one())


def _held(id: str, worker: str) -> sa.Update:
    return sa.update(jobs).where(
        jobs.c.id == id, jobs.c.state == "running", jobs.c.leased_by == worker
    )


def _end(db: sa.Connection, id: str, worker: str, **values: object) -> None:
    ended = db.execute(_held(id, worker).values(leased_by=None, leased_until=None, **values))
    if ended.rowcount != 1:
        raise JobMoved(
            "The job is not this worker's any more.",
            hint="It was cancelled, or another worker took it over.",
        )


def _change(db: sa.Connection, id: str, now: int, **values: object) -> None:
    db.execute(
        sa.update(jobs)
        .where(jobs.c.id == id)
        .values(leased_by=None, leased_until=None, updated=now, **values)
    )
