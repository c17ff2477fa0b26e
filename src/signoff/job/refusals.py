"""What a run is refused for: options that cannot be, and changes to what the first run fixed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from signoff.core.coding import labels_of
from signoff.core.joining import MOST_OVERLAP
from signoff.core.process import sources_of
from signoff.core.queueing import QueueRules
from signoff.core.records import Project
from signoff.core.routing import Certified
from signoff.errors import StoreChanged, UsageError
from signoff.formats.table import Table, require_column
from signoff.formats.write import format_of
from signoff.job.first_run import model_name, process_of
from signoff.job.options import COLUMN, RunOptions
from signoff.job.prepared import Job
from signoff.models.llm.providers import is_model_name
from signoff.models.predictions import ANSWER, PREDICTIONS
from signoff.ports import Reviewer

# ----------------------------------------------------------------- options that cannot be


def require_reviewer(reviewer: str | Reviewer) -> None:
    """Raise :class:`UsageError` where nobody of that kind can answer."""
    known = ("web", "terminal", "none")
    if not isinstance(reviewer, str) or reviewer in known or is_model_name(reviewer):
        return
    if not reviewer.startswith(COLUMN):
        raise UsageError(
            f"Reviewer {reviewer!r} is not known.",
            hint="Pass web, terminal, column:COL, none, or a model such as gemini:MODEL.",
        )


def require_overlap(overlap: int | None) -> None:
    """Raise :class:`UsageError` where so many people cannot answer an item."""
    if overlap is not None and not 1 <= overlap <= MOST_OVERLAP:
        raise UsageError(
            f"An overlap of {overlap} is not possible: 1 to {MOST_OVERLAP} people answer an item.",
            hint="Pass --overlap 3 for three people, each on their own.",
        )


def require_outputs(options: RunOptions) -> None:
    """Files that could not be written at the end, hours of answers later."""
    if options.out not in (None, "-"):
        format_of(Path(options.out))
    for path, flag in ((options.out, "--out"), (options.report, "--report")):
        if path in (None, "-"):
            continue
        folder = Path(path).resolve().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            problem = "cannot be written" if folder.is_dir() else "is not there"
            raise UsageError(
                f"{path} cannot be made: the folder {folder} {problem}.",
                hint=f"Make the folder, or pass another {flag}.",
            )


def require_columns(table: Table, options: RunOptions) -> None:
    """Raise :class:`InputError` where an option names a column that the data lack."""
    wanted = [(options.text, "--text"), (options.key, "--key")]
    wanted += [(column, "--ask-always") for column, _ in options.ask_always]
    wanted += [(column, "--assign") for column, _, _ in options.assign]
    if isinstance(options.policy, Certified):
        wanted.append((options.policy.slice, "--slice"))
    for column, flag in wanted:
        if column is not None:
            require_column(table, column, flag)
    if options.model == PREDICTIONS:
        require_column(table, ANSWER, "a file with it: a label in each row")


# --------------------------------------------------------------- changes to what is fixed


def refuse_changes(options: RunOptions, project: Project, table: Table) -> None:
    """A second target after seeing the audit would be a second chance."""
    asked: list[tuple[str, object, object]] = [
        ("labels", options.labels, labels_of(project.form.questions[0])),
        ("question", options.question, project.form.questions[0].text),
        ("model", None if options.model is None else model_name(options.model), project.model),
        ("items", options.item_kind, project.item_kind),
        ("text column", options.text, project.text_column),
        ("key column", options.key, project.key_column),
        ("grouping", options.group, project.group),
        ("overlap", options.overlap, project.overlap),
    ]
    changes = [
        f"{what}: {_show(before)} -> {_show(now)}"
        for what, now, before in asked
        if now is not None and now != before
    ]
    if options.form is not None and options.form != project.form:
        changes.append("the form of questions")
    if options.policy is not None and options.policy != project.policy:
        changes.append(f"policy: {project.policy.describe()} -> {options.policy.describe()}")
    if options.rules and options.rules != project.rules:
        changes.append("ask-always rules")
    if options.queue not in (QueueRules(), project.queue):
        changes.append("who is asked, or the due time")
    if changes:
        raise StoreChanged(
            f"Project {project.name!r} was begun otherwise ({'; '.join(changes)}).",
            hint="Leave these out to go on as begun, or start another with --project NAME.",
        )
    missing = [
        name
        for name in (
            project.text_column,
            project.key_column,
            ANSWER if project.model == PREDICTIONS else None,
            getattr(project.policy, "slice", None),
        )
        if name is not None and name not in table.frame.columns
    ]
    for name in missing:
        require_column(table, name, "the file the project began with")


def _show(value: object) -> str:
    return ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)


def refuse_other_reviewers(job: Job) -> None:
    """A changed human process is a changed promise: refuse it, unless it was asked for.

    Raises :class:`StoreChanged` where others than this run's reviewer gave the answers so far.
    """
    options, store, project = job.options, job.store, job.project
    if options.reviewer == "none" or options.mix_reviewers:
        return
    (now,) = sources_of(process_of(options))
    sources = store.reviewer_sources(project.id)
    answered = {
        sources[review.reviewer]
        for pool in store.pools(project.id)
        for review in store.reviews(project, pool.number)
    }
    if answered and not any(now.same(source) for source in answered):
        before = " and ".join(map(str, sorted(answered)))
        raise StoreChanged(
            f"Project {project.name!r} was answered by {before}, not by {now}.",
            hint="Pass that --reviewer to go on as begun, or --mix-reviewers to let both answer"
            " and have the certificate say so.",
        )
