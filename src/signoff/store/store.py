"""The store: every method is one transaction and one sentence.

A change and the events that tell of it commit together. Artifacts are written, whole and durable,
before the transaction that names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from signoff.core.batches import Batch, BatchName, StoredBatch
from signoff.core.process import Source
from signoff.core.records import (
    Audit,
    CarriedAnswer,
    FirstManager,
    JobDone,
    NewEvent,
    NewRequest,
    Phase,
    Pool,
    Project,
    Round,
)
from signoff.store import log, projects, queue, reviews
from signoff.store.accounts import make_first_manager, require_named
from signoff.store.admitting import Admitting
from signoff.store.answerers import Answerers
from signoff.store.browsing import Browsing
from signoff.store.database import translated
from signoff.store.erasing import Erasing
from signoff.store.hinting import Hinting
from signoff.store.jobs import Jobs, finish
from signoff.store.presenting import Presenting
from signoff.store.recording import Recording
from signoff.store.replying import Replying
from signoff.store.reviewing import Reviewing
from signoff.store.schema import artifacts
from signoff.store.streaming import Streaming
from signoff.store.talking import Talking
from signoff.store.transfers import default_folder
from signoff.store.webhooks import Webhooks

if TYPE_CHECKING:
    import polars as pl


def roots_of(batches: Mapping[str, Batch]) -> dict[str, str]:
    """The roots of batches by question."""
    return {question: batch.root for question, batch in batches.items()}


class SqlStore(
    Erasing,
    Recording,
    Reviewing,
    Admitting,
    Jobs,
    Webhooks,
    Streaming,
    Browsing,
    Answerers,
    Presenting,
    Talking,
    Hinting,
    Replying,
):
    """Projects, queue, log and artifacts on SQLite or PostgreSQL."""

    def __init__(
        self,
        where: str,
        *,
        artifacts: Path | None = None,
        create: bool = True,
        signer: log.Signer | None = None,
    ) -> None:
        """Open the store at a path or URL; ``artifacts`` is its folder of columnar files.

        ``signer`` signs checkpoints; a store that is only read needs none.

        Raises :class:`StoreError` where it is missing, damaged, newer or out of reach.
        """
        super().__init__(where, create=create)
        self._folder = artifacts or default_folder(self._url)
        self.signer = signer

    # ------------------------------------------------------------------ projects

    def create_project(self, project: Project, events: Sequence[NewEvent]) -> None:
        """Store a new project."""
        with self.transaction() as db:
            projects.insert_project(db, project)
            log.append(db, project.id, events)

    def find_project(self, name: str | None) -> Project | None:
        """The project of this name; without a name the only one there is."""
        with self.reading() as db:
            return projects.find_project(db, name)

    def projects(self) -> list[Project]:
        """All projects, oldest first."""
        with self.reading() as db:
            return projects.all_projects(db)

    def project(self, id: str) -> Project | None:
        """A project by its id."""
        with self.reading() as db:
            return projects.project_by_id(db, id)

    def project_names(self) -> list[str]:
        """All projects, oldest first."""
        with self.reading() as db:
            return projects.project_names(db)

    def find_reviewer(self, project: str, name: str, *, account: str | None = None) -> str | None:
        """The id of a reviewer by name; none where it is not (any more) the name of ``account``."""
        with self.reading() as db:
            return projects.find_reviewer(db, project, name, account)

    def add_reviewer(
        self,
        project: str,
        id: str,
        name: str,
        kind: str,
        events: Sequence[NewEvent],
        *,
        account: str | None = None,
    ) -> None:
        """Store a new reviewer; raises :class:`InputError` where it was the name of an ``account``
        that was removed meanwhile: nothing brings a removed name back."""
        with self.transaction() as db:
            if account is not None:
                require_named(db, account, name)
            projects.insert_reviewer(db, project, id, name, kind)
            log.append(db, project, events)

    def reviewer_names(self, project: str) -> dict[str, str]:
        """Reviewers' names by id."""
        with self.reading() as db:
            return projects.reviewer_names(db, project)

    def reviewer_sources(self, project: str) -> dict[str, Source]:
        """Where the answers of each reviewer come from, by the reviewer's id."""
        with self.reading() as db:
            return projects.reviewer_sources(db, project)

    # --------------------------------------------------------------------- pools

    def add_pool(
        self,
        pool: Pool,
        batch: Batch,
        table: object,
        events: Sequence[NewEvent],
        carried: Sequence[CarriedAnswer] = (),
        *,
        blobs: Iterable[tuple[str, bytes]] = (),
        founding: Project | None = None,
        manager: FirstManager | None = None,
        done: JobDone | None = None,
    ) -> None:
        """Store rows that came in together, with the answers that equal items got before and the
        pictures they name (``blobs``, by digest); with the project that begins with them, who
        manages it, and the end of the job that brought them.

        Raises :class:`JobMoved` where the job is not this worker's any more.
        """
        import polars as pl

        if not isinstance(table, pl.DataFrame):
            raise TypeError("rows are stored from a polars frame")
        with translated(self._url):
            for digest, data in blobs:
                self.blobs.save(pool.project, digest, data)
            sha256 = self.artifacts.save(pool.project, batch, table)
        with self.transaction() as db:
            self.require_ownership(db, pool.project)
            if founding is not None:
                projects.insert_project(db, founding)
            if done is not None:
                finish(db, done, project=pool.project)
            projects.insert_pool(db, pool)
            self._name(db, pool.project, batch, sha256)
            reviews.carry(db, pool.project, pool.number, pool.phase, carried)
            told = make_first_manager(db, pool.project, manager)
            log.append(db, pool.project, [*events, *told, *(each.event for each in carried)])

    def pools(self, project: str) -> list[Pool]:
        """The pools of a project, oldest first."""
        with self.reading() as db:
            return projects.project_pools(db, project)

    def rows(self, pool: Pool) -> pl.DataFrame:
        """A pool's rows as they came in, with our columns beside them."""
        return self._read(pool.project, "rows", pool.rows_root)

    def batch(self, project: str, name: BatchName, root: str) -> StoredBatch:
        """A frozen order or decisions, read back."""
        sha256 = self.artifact_digest(project, name, root)
        with translated(self._url):
            return self.artifacts.load(project, name, root, sha256=sha256)

    def batch_size(self, project: str, root: str) -> int:
        """How many rows a batch has, without reading them."""
        with self.reading() as db:
            return db.execute(
                sa.select(artifacts.c.count)
                .where(artifacts.c.project == project, artifacts.c.root == root)
                .limit(1)
            ).scalar_one()

    def _read(self, project: str, name: BatchName, root: str) -> pl.DataFrame:
        sha256 = self.artifact_digest(project, name, root)
        with translated(self._url):
            return self.artifacts.read(project, name, root, sha256=sha256)

    @staticmethod
    def _name(db: sa.Connection, project: str, batch: Batch, sha256: str) -> None:
        known = db.execute(
            sa.select(artifacts.c.root).where(
                artifacts.c.project == project,
                artifacts.c.root == batch.root,
                artifacts.c.name == batch.name,
            )
        ).first()
        if known is None:
            db.execute(
                sa.insert(artifacts).values(
                    project=project,
                    root=batch.root,
                    name=batch.name,
                    count=len(batch),
                    sha256=sha256,
                )
            )

    # ------------------------------------------------------------------ the loop

    def ask(
        self,
        project: str,
        pool: int,
        requests: Sequence[NewRequest],
        events: Sequence[NewEvent],
        *,
        undone: int,
        round: Round | None = None,
        phase: Phase | None = None,
    ) -> None:
        """Open requests, with the round of learning that chose them.

        This and every step of the loop: ``undone`` is what the pool said when the loop looked;
        raises :class:`AnswersChanged` where an answer was taken back since.
        """
        with self.transaction() as db:
            self.require_ownership(db, project)
            queue.unchanged(db, project, pool, undone)
            queue.open_requests(db, project, pool, requests)
            if round is not None:
                projects.insert_round(db, project, round)
                projects.update_pool(db, project, pool, forecast=round.forecast)
            if phase is not None:
                projects.update_pool(db, project, pool, phase=phase)
            log.append(db, project, events)

    def commit_audit(
        self,
        project: str,
        audits: Sequence[Audit],
        frozen: Mapping[str, Batch],
        requests: Sequence[NewRequest],
        events: Sequence[NewEvent],
        *,
        undone: int,
        round: Round,
    ) -> None:
        """Fix labels, order and test of a pool, and open the audit drawn from them.

        ``audits`` and ``frozen``: one for each question.
        """
        saved = self._save(project, frozen)
        with self.transaction() as db:
            self.require_ownership(db, project)
            queue.unchanged(db, project, round.pool, undone)
            for question, batch in frozen.items():
                self._name(db, project, batch, saved[question])
            for audit in audits:
                projects.insert_audit(db, project, audit)
            projects.insert_round(db, project, round)
            projects.update_pool(
                db,
                project,
                round.pool,
                phase="auditing",
                frozen_roots=roots_of(frozen),
                forecast=round.forecast,
            )
            queue.open_requests(db, project, round.pool, requests)
            log.append(db, project, events)

    def decide(
        self,
        project: str,
        pool: int,
        decisions: Mapping[str, Batch],
        events: Sequence[NewEvent],
        *,
        by: str,
        phase: Phase,
        undone: int,
        audits: Sequence[Audit] = (),
        round: Round | None = None,
    ) -> None:
        """Record what the model ("model") or people ("reviewers") decided; change the phase.

        ``decisions``: by question; ``audits``: those that something came of.
        """
        saved = self._save(project, decisions)
        with self.transaction() as db:
            self.require_ownership(db, project)
            queue.unchanged(db, project, pool, undone)
            for question, batch in decisions.items():
                self._name(db, project, batch, saved[question])
            column = "model_roots" if by == "model" else "people_roots"
            changes = {column: roots_of(decisions), "phase": phase}
            projects.update_pool(db, project, pool, **changes)
            for audit in audits:
                projects.update_audit(db, project, audit)
            if round is not None:
                projects.insert_round(db, project, round)
                projects.update_pool(db, project, pool, forecast=round.forecast)
            log.append(db, project, events)

    def _save(self, project: str, batches: Mapping[str, Batch]) -> dict[str, str]:
        """Write the artifacts of batches; the digest of each."""
        with translated(self._url):
            return {name: self.artifacts.save(project, batch) for name, batch in batches.items()}

    def rounds(self, project: str, pool: int) -> list[Round]:
        """The rounds of learning of a pool."""
        with self.reading() as db:
            return projects.pool_rounds(db, project, pool)

    def audits(self, project: str, pool: int) -> dict[str, Audit]:
        """The newest attempt at a pool's certificate for each question."""
        with self.reading() as db:
            return projects.pool_audits(db, project, pool)
