"""A run that may begin: its rows, its project, and the column that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signoff.core.questions import Answer
from signoff.core.records import Project
from signoff.job.options import RunOptions, oracle_columns
from signoff.job.paths import Paths
from signoff.models.llm.model import LanguageModel
from signoff.ports import Automation
from signoff.project.incoming import IncomingRows
from signoff.reviewers import ColumnReviewer, column_answers
from signoff.store.store import SqlStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that may begin: the rows handed in, and the project as stored."""

    options: RunOptions
    rows: IncomingRows
    paths: Paths
    store: SqlStore
    project: Project
    automations: Mapping[str, Automation]
    judges: Mapping[str, LanguageModel]

    @property
    def hidden(self) -> frozenset[str]:
        """Columns that models never see."""
        oracle = oracle_columns(self.options.oracle, self.project.form)
        return frozenset(self.project.hidden) | set(oracle.values())


def new_rows(job: Job) -> tuple[IncomingRows | None, list[str]]:
    """Rows of the data that no pool has yet, and what to tell about them."""
    store, project = job.store, job.project
    fresh, erased = job.rows.not_stored(store, project)
    notes: list[str] = []
    if erased:
        notes.append(f"{erased} rows were erased before and are left out.")
    if not len(fresh):
        return None, notes
    if store.pools(project.id):
        notes.append(f"{len(fresh)} new rows are a new pool with a certificate of its own.")
    return fresh, notes


def column_reviewer(job: Job, column: str) -> ColumnReviewer:
    """The reviewer that answers from a column of the data."""
    form, rows = job.project.form, job.rows
    said = {
        name: column_answers(each, rows.keys, rows.table[each], form.question(name))
        for name, each in oracle_columns(column, form).items()
    }

    def answers(keys: Sequence[str]) -> list[dict[str, Answer]]:
        columns = [each(keys) for each in said.values()]
        return [dict(zip(said, row, strict=True)) for row in zip(*columns, strict=True)]

    return ColumnReviewer(column, answers)
