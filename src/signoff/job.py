"""One run of a project: what was asked for, against what the store already fixed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import polars as pl

from signoff.bootstrap import (
    DEFAULT_MODEL,
    ProjectSpec,
    create_project,
    make_automations,
    open_store,
    refuse_infeasible,
    sign_with_its_key,
    stored_model,
    without_model,
)
from signoff.core.coding import labels_of
from signoff.core.joining import MOST_OVERLAP
from signoff.core.process import sources_of
from signoff.core.questions import Answer, Choice, Form
from signoff.core.questions.form import columns_shown, needs_text
from signoff.core.queueing import Assign, Due, QueueRules, read_outcome
from signoff.core.records import PageSettings, Project, TextDirection
from signoff.core.routing import AskAlways, Certified, People, Policy
from signoff.core.showing import ItemKind, guess_item_kind
from signoff.errors import InputError, StoreChanged, UsageError
from signoff.formats.rows import guess_text_column
from signoff.formats.table import Table, read_table, require_column
from signoff.formats.write import format_of
from signoff.models.predictions import ANSWER, PREDICTIONS
from signoff.ports import Automation, Reviewer
from signoff.project.incoming import Grouping, IncomingRows
from signoff.reviewers import ColumnReviewer, column_answers, parse_labels
from signoff.store.store import SqlStore

DEFAULT_PROJECT = "default"
DEFAULT_QUESTION = "Which label fits?"
COLUMN = "column:"
LOOKED_AT = 20
"""Texts looked at to guess how items are shown."""
ACTOR = "run"
"""Who writes a run's events: never a person's name, since the log keeps it for ever."""


def print_note(note: str) -> None:
    """Say something on standard error before anything is asked."""
    print(note, file=sys.stderr, flush=True)


def print_link(url: str, opened: bool) -> None:
    """Say on standard error where the review page is."""
    how = "Opened in your browser" if opened else "Open this link"
    print(f"{how}, on this computer and once: {url}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is asked to do; None means "as the first run fixed it", or the default.

    ``reviewer`` is "web", "terminal", "column:COL", "none" or a :class:`signoff.ports.Reviewer`;
    ``assign``: column, value and tag of who alone is asked; ``due``: seconds, and what then.
    ``model`` is "text", "predictions", "FILE.py:NAME" or an object (model, learner, estimator,
    callable).
    """

    data: object
    text: str | None = None
    key: str | None = None
    labels: tuple[str, ...] | None = None
    question: str | None = None
    form: Form | None = None
    """The questions, in place of ``labels`` and ``question``, which ask one choice."""
    project: str = DEFAULT_PROJECT
    policy: Policy | None = None
    ask_always: tuple[tuple[str, str], ...] = ()
    overlap: int | None = None
    assign: tuple[tuple[str, str, str], ...] = ()
    due: tuple[int, str] | None = None
    model: object = None
    reviewer: str | Reviewer = "terminal"
    name: str = "reviewer"
    budget: int | None = None
    seed: int | None = None
    group: bool | None = None
    mix_reviewers: bool = False
    store: str | None = None
    out: str | None = None
    report: str | None = None
    show_page: Callable[[str, bool], None] = print_link
    """Told the link of the review page, and whether a browser was opened on it."""
    item_kind: ItemKind | None = None
    guideline: str | None = None
    blur: bool | None = None
    text_direction: TextDirection | None = None
    """How a new project is shown to people; a manager changes it later on the page."""
    say: Callable[[str], None] = print_note
    """Told what must be known before anything is asked."""

    @property
    def oracle(self) -> str | None:
        """The column that answers, if one does."""
        if isinstance(self.reviewer, str) and self.reviewer.startswith(COLUMN):
            return self.reviewer.removeprefix(COLUMN)
        return None

    @property
    def stdin(self) -> bool:
        """Whether the data come on standard input."""
        return isinstance(self.data, str) and self.data == "-"

    @property
    def rules(self) -> tuple[AskAlways, ...]:
        """The rules asked for."""
        return tuple(AskAlways(column=column, value=value) for column, value in self.ask_always)

    @property
    def queue(self) -> QueueRules:
        """Who is asked what, and what happens when time runs out."""
        due = None
        if self.due is not None:
            seconds, then = self.due
            outcome, to = read_outcome(then)
            due = Due(seconds=seconds, outcome=outcome, to=to)
        return QueueRules(
            assign=tuple(
                Assign(column=column, value=value, tag=tag) for column, value, tag in self.assign
            ),
            due=due,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a run keeps its store and writes its files."""

    store: str
    results: str
    certificate: str
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that may begin: the rows handed in, and the project as stored."""

    options: RunOptions
    rows: IncomingRows
    paths: Paths
    store: SqlStore
    project: Project
    automations: Mapping[str, Automation]

    @property
    def hidden(self) -> frozenset[str]:
        """Columns that models never see."""
        oracle = oracle_columns(self.options.oracle, self.project.form)
        return frozenset(self.project.hidden) | set(oracle.values())


def paths_of(options: RunOptions) -> Paths:
    """The store beside the data, and the files: beside the data, or in the folder of ``out``."""
    data = options.data
    if isinstance(data, str | Path) and not options.stdin:
        path = Path(data)
        name = path.name.removesuffix(".gz")
        stem = str(path.with_name(Path(name).stem))
    else:
        stem = "stdin" if isinstance(data, str) else "data"
    if options.project != DEFAULT_PROJECT:
        files = f"{stem}.{_safe(options.project)}.signoff"
    else:
        files = f"{stem}.signoff"
    results = options.out or f"{files}.csv"
    if results != "-":
        files = str(Path(results).with_name(Path(files).name))
    return Paths(
        store=options.store or f"{stem}.signoff.db",
        results=results,
        certificate=f"{files}.certificate.json",
        report=options.report or f"{files}.html",
    )


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def prepare(options: RunOptions) -> Job:
    """Read the data, open the store, and settle what this run may do; asks nobody anything.

    Raises :class:`InputError`, :class:`UsageError`, :class:`StoreChanged`, :class:`Infeasible`.
    """
    _require_reviewer(options.reviewer)
    _require_overlap(options.overlap)
    _require_outputs(options)
    table = read_table(options.data)
    _require_columns(table, options)
    paths = paths_of(options)
    # Everything about a first run is checked on the data alone, before a store is made.
    first = _first_run(table, options) if not _store_exists(paths.store) else None
    store = open_store(paths.store, create=True)
    try:
        return _join(options, table, paths, store, first)
    except BaseException:
        store.close()
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _FirstRun:
    """A project that may begin."""

    spec: ProjectSpec
    automations: Mapping[str, Automation]
    rows: IncomingRows


def _first_run(table: Table, options: RunOptions) -> _FirstRun:
    """Everything that could refuse a first run, before its store exists."""
    spec = _specify(table, options)
    for question, column in oracle_columns(options.oracle, spec.form).items():
        require_column(table, column, "--reviewer")
        parse_labels(column, table.frame[column], spec.form.question(question))
    rows = _incoming(table, spec)
    model = spec.model if options.model is None else options.model
    automations = make_automations(spec.policy, model, spec.form)
    refuse_infeasible(spec.policy, rows.items, spec.form)
    return _FirstRun(spec=spec, automations=automations, rows=rows)


def _incoming(table: Table, fixed: ProjectSpec | Project) -> IncomingRows:
    """The rows of the data, keyed and grouped as the project's first run fixed it."""
    return IncomingRows.of(
        table.frame,
        grouping=Grouping.of(fixed),
        key_column=fixed.key_column,
        name=table.name,
    )


def _join(
    options: RunOptions,
    table: Table,
    paths: Paths,
    store: SqlStore,
    first: _FirstRun | None,
) -> Job:
    project = store.find_project(options.project)
    if project is None:
        first = first or _first_run(table, options)
        project = create_project(store, first.spec, actor=ACTOR)
        rows, automations = first.rows, first.automations
    else:
        _refuse_changes(options, project, table)
        for column in oracle_columns(options.oracle, project.form).values():
            require_column(table, column, "--reviewer")
        sign_with_its_key(store, project)
        rows = _incoming(table, project)
        model = stored_model(project) if options.model is None else options.model
        automations = make_automations(project.policy, model, project.form)
    return Job(
        options=options if options.stdin else replace(options, data=None),
        rows=rows,
        paths=paths,
        store=store,
        project=project,
        automations=automations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Rows that may come in: into a ``project``, or with the one that ``spec`` describes."""

    rows: IncomingRows
    project: Project | None = None
    spec: ProjectSpec | None = None


def arrival(options: RunOptions, table: Table, project: Project | None) -> Arrival:
    """What a table would bring in, as :func:`prepare` judges it; nothing is stored.

    Raises :class:`InputError`, :class:`UsageError`, :class:`StoreChanged`, :class:`Infeasible`.
    """
    _require_columns(table, options)
    if project is None:
        first = _first_run(table, options)
        return Arrival(rows=first.rows, spec=first.spec)
    _refuse_changes(options, project, table)
    return Arrival(rows=_incoming(table, project), project=project)


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


def _store_exists(where: str) -> bool:
    return "://" in where or Path(where).exists()


def _require_reviewer(reviewer: str | Reviewer) -> None:
    known = ("web", "terminal", "none")
    if isinstance(reviewer, str) and reviewer not in known and not reviewer.startswith(COLUMN):
        raise UsageError(
            f"Reviewer {reviewer!r} is not known.", hint="Pass web, terminal, column:COL or none."
        )


def _require_overlap(overlap: int | None) -> None:
    if overlap is not None and not 1 <= overlap <= MOST_OVERLAP:
        raise UsageError(
            f"An overlap of {overlap} is not possible: 1 to {MOST_OVERLAP} people answer an item.",
            hint="Pass --overlap 3 for three people, each on their own.",
        )


def _require_outputs(options: RunOptions) -> None:
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


def _require_columns(table: Table, options: RunOptions) -> None:
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


def _specify(table: Table, options: RunOptions) -> ProjectSpec:
    """What a first run with these options fixes."""
    form = _form(table, options)
    for column in columns_shown(form):
        require_column(table, column, "a question's definition")
    oracle = oracle_columns(options.oracle, form)
    text = _text_column(table, options, form, tuple(oracle.values()))
    return ProjectSpec(
        name=options.project,
        form=form,
        policy=options.policy or _default_policy(options, form),
        rules=options.rules,
        process=process_of(options),
        model=_model_name(options.model),
        group=True if options.group is None else options.group,
        text_column=text,
        key_column=options.key,
        hidden=tuple(oracle.values()),
        queue=options.queue,
        item_kind=options.item_kind or _item_kind(table, text),
        page=_page(options),
    )


def _page(options: RunOptions) -> PageSettings:
    """How a first run has the project shown; managers may change it on the page."""
    return PageSettings(
        guideline=options.guideline or "",
        blur=bool(options.blur),
        text_direction=options.text_direction or "auto",
    )


def _item_kind(table: Table, text: str | None) -> ItemKind:
    """What the texts are, from the first of them: conversations, JSON, or plain text."""
    if text is None:
        return "fields"
    column = table.frame[text].cast(pl.String).str.strip_chars()
    return guess_item_kind(column.filter(column != "").head(LOOKED_AT).to_list())


def _default_policy(options: RunOptions, form: Form) -> Policy:
    """Certified, where models answer every question; else people answer everything."""
    return People() if without_model(options.model, form) else Certified()


def people_note(options: RunOptions, project: Project) -> str | None:
    """What to say where nobody asked for it and people answer everything."""
    if options.policy is not None or not isinstance(project.policy, People):
        return None
    lacking = without_model(options.model, project.form)
    if not lacking:
        return None
    return f"People answer everything: no model answers {', '.join(lacking)} (see --model)."


def _form(table: Table, options: RunOptions) -> Form:
    """The questions: as given, or one choice from its labels."""
    if options.form is not None:
        return options.form
    if options.oracle is not None:
        require_column(table, options.oracle, "--reviewer")
    labels = options.labels or _labels_of_column(table, options)
    return Form((Choice.of(labels, text=options.question or DEFAULT_QUESTION),))


def oracle_columns(oracle: str | None, form: Form) -> dict[str, str]:
    """The columns that answer, by question: COL for an only one, COL.NAME for each of several."""
    if oracle is None:
        return {}
    if len(form.questions) == 1:
        return {form.only.name: oracle}
    return {name: f"{oracle}.{name}" for name in form.names}


def process_of(options: RunOptions) -> dict[str, object]:
    """Who answers: the human process that a certificate speaks of.

    People's names stay out of it, since it is in the log for ever.
    """
    return {**_who(options), **_how_many(options.overlap)}


def _who(options: RunOptions) -> dict[str, object]:
    reviewer = options.reviewer
    if options.oracle is not None:
        return {"kind": "column", "name": reviewer}
    if isinstance(reviewer, str) or reviewer.kind == "person":
        return {"kind": "person"}
    return {"kind": reviewer.kind, "name": reviewer.name}


def _how_many(overlap: int | None) -> dict[str, object]:
    """How many people answer each item, blind to each other, and how one answer comes of theirs."""
    if overlap in (None, 1):
        return {}
    return {"answers_per_item": overlap, "joined": "majority"}


def _text_column(
    table: Table, options: RunOptions, form: Form, oracle: Sequence[str]
) -> str | None:
    """The column people read; None where the questions show all there is to see."""
    if options.text is not None:
        return options.text
    shown = columns_shown(form)
    exclude = [name for name in (*oracle, *shown, options.key) if name is not None]
    if isinstance(options.policy, Certified) and options.policy.slice is not None:
        exclude.append(options.policy.slice)
    try:
        return guess_text_column(table.frame, exclude, name=table.name)
    except InputError:
        if needs_text(form) or (options.model in (None, "text") and not shown):
            raise
        return None


def _labels_of_column(table: Table, options: RunOptions) -> tuple[str, ...]:
    if options.oracle is None:
        raise UsageError("No labels given.", hint="Pass --labels A,B or --labels @FILE.")
    values = table.frame[options.oracle].cast(pl.String).drop_nulls().str.strip_chars()
    return tuple(sorted(value for value in values.unique().to_list() if value))


def _model_name(model: object) -> str:
    if model is None:
        return DEFAULT_MODEL
    return model if isinstance(model, str) else type(model).__name__


def _refuse_changes(options: RunOptions, project: Project, table: Table) -> None:
    """A second target after seeing the audit would be a second chance."""
    asked: list[tuple[str, object, object]] = [
        ("labels", options.labels, labels_of(project.form.questions[0])),
        ("question", options.question, project.form.questions[0].text),
        ("model", None if options.model is None else _model_name(options.model), project.model),
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
