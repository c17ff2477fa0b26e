"""From options to a run that may begin: what was asked for, against what the store already has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from signoff.automations import make_automations, stored_model
from signoff.bootstrap import (
    ProjectSpec,
    create_project,
    open_store,
    sign_with_its_key,
)
from signoff.core.records import Project
from signoff.formats.pictures import FolderOfPictures
from signoff.formats.table import Table, read_table, require_column
from signoff.formats.zipped import read_pictured
from signoff.job.asking import agreed_hosts, begin_asking, remembered, require_consent
from signoff.job.first_run import FirstRun, first_run, incoming_rows, judges_of_run, models_of_run
from signoff.job.options import RunOptions, oracle_columns
from signoff.job.paths import Paths, paths_of, store_exists
from signoff.job.prepared import Job
from signoff.job.refusals import (
    refuse_changes,
    require_columns,
    require_outputs,
    require_overlap,
    require_reviewer,
)
from signoff.project.incoming import IncomingRows
from signoff.store.store import SqlStore

ACTOR = "run"
"""Who writes a run's events: never a person's name, since the log keeps it for ever."""


def prepare(options: RunOptions) -> Job:
    """Read the data, open the store, and settle what this run may do; asks nobody anything.

    Raises :class:`InputError`, :class:`UsageError`, :class:`StoreChanged`, :class:`Infeasible`.
    """
    require_reviewer(options.reviewer)
    require_overlap(options.overlap)
    require_outputs(options)
    table = read_data(options)
    require_columns(table, options)
    paths = paths_of(options)
    # Everything about a first run is checked on the data alone, before a store is made.
    first = first_run(table, options) if not store_exists(paths.store) else None
    if first is not None:
        require_consent(options, first.asked, first.judges)
        options = replace(options, agree=agreed_already)
    store = open_store(paths.store, create=True)
    try:
        return _join(options, table, paths, store, first)
    except BaseException:
        store.close()
        raise


def read_data(options: RunOptions) -> Table:
    """The data with the pictures they may name: a folder or ZIP of them, or a table beside them."""
    name = Path(str(options.data)).name if isinstance(options.data, str | Path) else ""
    if (table := read_pictured(options.data, name=name)) is not None:
        return table
    table = read_table(options.data)
    beside = table.path.parent if table.path is not None else Path()
    folder = beside if options.images is None else Path(options.images)
    return replace(table, pictures=FolderOfPictures(folder))


def _join(
    options: RunOptions,
    table: Table,
    paths: Paths,
    store: SqlStore,
    first: FirstRun | None,
) -> Job:
    project = store.find_project(options.project)
    if project is None:
        first = first or first_run(table, options)
        require_consent(options, first.asked, first.judges)
        project = create_project(store, first.spec, actor=ACTOR)
        rows, automations = first.rows, first.automations
        asked, judges = first.asked, first.judges
    else:
        refuse_changes(options, project, table)
        for column in oracle_columns(options.oracle, project.form).values():
            require_column(table, column, "--reviewer")
        sign_with_its_key(store, project)
        rows = incoming_rows(table, project)
        model = stored_model(project) if options.model is None else options.model
        options = remembered(options, store, project)
        asked = models_of_run(options, model, project)
        judges = judges_of_run(options, project)
        require_consent(options, asked, judges, known=agreed_hosts(store, project))
        automations = make_automations(
            project.policy, asked or model, project.form, item_kind=project.item_kind
        )
    begin_asking(options, store, project, asked, judges, actor=ACTOR)
    return Job(
        options=options if options.stdin else replace(options, data=None),
        rows=rows,
        paths=paths,
        store=store,
        project=project,
        automations=automations,
        judges=judges,
    )


def agreed_already(_: str) -> bool:
    """It was asked a moment ago."""
    return True


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
    require_columns(table, options)
    if project is None:
        first = first_run(table, options)
        return Arrival(rows=first.rows, spec=first.spec)
    refuse_changes(options, project, table)
    return Arrival(rows=incoming_rows(table, project), project=project)
