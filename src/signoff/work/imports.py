"""An upload becomes a project, or a project's next pool: all of it in one transaction."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import polars as pl

from signoff.bootstrap import found_project, next_pool, recorder_for, sign_with_its_key
from signoff.core.questions import form_from_json
from signoff.core.records import Job, JobDone, Json, Project, TextDirection
from signoff.core.routing import policy_from_json
from signoff.core.showing import item_kind
from signoff.errors import InputError, StoreError, Unfinished, UsageError
from signoff.formats.table import Table, read_table
from signoff.formats.zipped import read_pictured
from signoff.job import Arrival, RunOptions, arrival, people_note
from signoff.project.carrying import carried_answers
from signoff.project.founding import first_manager
from signoff.project.incoming import IncomingRows
from signoff.project.ownership import owning
from signoff.project.views import PoolViews
from signoff.store.store import SqlStore
from signoff.store.transfers import missing_upload
from signoff.work.kinds import part

ACTOR = "import"
MODELS = (None, "text", "predictions")
"""Models an import may name: never a file of code."""

MOST_CELLS = 1_000_000_000
"""A Parquet file of a kilobyte can say that it holds billions."""

Done = Callable[[Json], JobDone]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import; ``most_bytes``: how large a packed file may become."""

    store: SqlStore
    job: Job
    done: Done
    most_bytes: int

    def run(self) -> None:
        """Store the rows and the job's end together; then nothing of the upload is left.

        Raises :class:`SignoffError`: nothing was stored then.
        """
        upload = str(self.job.body["upload"])
        project = self._project()
        table = self._table(upload)
        options = run_options(part(self.job.body, "options"), project=project)
        if project is None:
            self._refuse_taken(options.project)
            self._found(arrival(options, table, None), options)
        else:
            self._add(project, arrival(options, table, project), table)
        self.store.transfers.forget_upload(upload)

    def _project(self) -> Project | None:
        if self.job.project is None:
            return None
        found = self.store.project(self.job.project)
        if found is None:
            raise StoreError("The job's project is not in this store.", hint="Restore it.")
        return found

    def _table(self, upload: str) -> Table:
        found = self.store.transfers.upload(upload)
        if found is None:
            raise missing_upload()
        about, path = found
        pictured = read_pictured(path, name=about.name, most_bytes=self.most_bytes)
        if pictured is not None:
            return pictured
        refuse_bomb(path, about.name, self.most_bytes)
        return replace(read_table(path, most_bytes=self.most_bytes), name=about.name)

    def _refuse_taken(self, name: str) -> None:
        if self.store.find_project(name) is not None:
            raise InputError(
                f"There is a project {name[:80]!r} already.",
                hint="Import into it, or choose another name.",
                code="project_exists",
            )

    def _found(self, arriving: Arrival, options: RunOptions) -> None:
        spec = arriving.spec
        if spec is None:
            raise TypeError("rows that found a project come with its specification")
        founding = cast("str | None", self.job.body.get("founding"))
        project, created = found_project(self.store, spec, actor=ACTOR, id=founding)
        recorder = recorder_for(self.store, project.id, actor=ACTOR)
        recorder.last = created.at
        pool, batch, added = next_pool(arriving.rows, 1, recorder)
        told = _told(project, pool.number, arriving.rows, known=0, erased=0)
        if note := people_note(options, project):
            told["note"] = note
        self.store.add_pool(
            pool,
            batch,
            arriving.rows.stored(),
            [created, added],
            blobs=arriving.rows.blobs(),
            founding=project,
            manager=first_manager(self.store, recorder, str(self.job.body["by"])),
            done=self.done(told),
        )
        self.store.checkpoint(project.id)

    def _add(self, project: Project, arriving: Arrival, table: Table) -> None:
        with owning(self.store, project.id):
            sign_with_its_key(self.store, project)
            pools = self.store.pools(project.id)
            fresh, erased = arriving.rows.not_stored(self.store, project)
            known = len(arriving.rows) - len(fresh) - erased
            if not len(fresh):
                self._nothing_new(project, known=known, erased=erased)
                return
            if pools and pools[-1].phase != "closed":
                raise Unfinished(
                    f"Pool {pools[-1].number} is not finished, and {table.name} holds new rows.",
                    hint="Retry this job once every item of the project is decided.",
                )
            recorder = recorder_for(self.store, project.id, actor=ACTOR)
            pool, batch, added = next_pool(fresh, len(pools) + 1, recorder)
            told = _told(project, pool.number, fresh, known=known, erased=erased)
            carried = carried_answers(
                self.store,
                project,
                recorder,
                fresh,
                pool=pool.number,
                views=PoolViews(self.store, project, frozenset(), {}),
            )
            self.store.add_pool(
                pool,
                batch,
                fresh.stored(),
                [added],
                carried,
                blobs=fresh.blobs(),
                done=self.done(told),
            )
            self.store.checkpoint(project.id)

    def _nothing_new(self, project: Project, *, known: int, erased: int) -> None:
        done = self.done(
            {
                "project": project.id,
                "pool": None,
                "rows": 0,
                "items": 0,
                "known": known,
                "erased": erased,
            }
        )
        self.store.finish_job(done.id, done.result, worker=done.worker, now=done.at)


def _told(project: Project, pool: int, rows: IncomingRows, *, known: int, erased: int) -> Json:
    """What an import made: ``known`` rows the project had, ``erased`` ones that stay away."""
    return {
        "project": project.id,
        "pool": pool,
        "rows": len(rows),
        "items": rows.items,
        "known": known,
        "erased": erased,
    }


def run_options(options: Json, *, project: Project | None) -> RunOptions:
    """What a run with these options is asked; into a project: as its first run fixed it."""
    model = options.get("model")
    if model not in MODELS:
        raise UsageError(
            f"Model {str(model)[:40]!r} cannot be used here.", hint='Use "text" or "predictions".'
        )
    policy, labels, form = options.get("policy"), options.get("labels"), options.get("form")
    rules = cast("list[tuple[str, str]]", options.get("ask_always") or [])
    assign = cast("list[tuple[str, str, str]]", options.get("assign") or [])
    due = cast("tuple[int, str] | None", options.get("due"))
    return RunOptions(
        data=None,
        text=_text(options, "text"),
        key=_text(options, "key"),
        labels=None if labels is None else tuple(cast("list[str]", labels)),
        question=_text(options, "question"),
        form=None if form is None else form_from_json(form),
        project=project.name if project is not None else str(options.get("project") or "default"),
        policy=None if policy is None else policy_from_json(cast("Json", policy)),
        ask_always=tuple((str(column), str(value)) for column, value in rules),
        overlap=cast("int | None", options.get("overlap")),
        assign=tuple((str(column), str(value), str(tag)) for column, value, tag in assign),
        due=None if due is None else (int(due[0]), str(due[1])),
        model=model,
        reviewer="web",
        group=cast("bool | None", options.get("group")),
        item_kind=None if options.get("item_kind") is None else item_kind(options["item_kind"]),
        guideline=_text(options, "guideline"),
        blur=cast("bool | None", options.get("blur")),
        text_direction=cast("TextDirection | None", options.get("text_direction")),
    )


def _text(options: Json, name: str) -> str | None:
    value = options.get(name)
    return None if value is None else str(value)


# ----------------------------------------------------------------- files that unpack too far


def refuse_bomb(path: Path, name: str, most_bytes: int) -> None:
    """Refuse a packed file that would become larger than an upload may be; how large a Parquet
    file becomes is looked at where it is read, gzip around it or not.

    Raises :class:`InputError`; a file that is merely damaged is left to its reader.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        _refuse_large_gzip(path, name, most_bytes)
    elif start == b"PAR1":
        _refuse_large_parquet(path, name)


def _refuse_large_gzip(path: Path, name: str, most_bytes: int) -> None:
    unpacked = 0
    unpacker = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        waiting = file.read(1 << 16)
        while waiting:
            try:
                unpacked += len(unpacker.decompress(waiting, 1 << 20))
            except zlib.error:
                return
            if unpacked > most_bytes:
                raise _too_large(f"{name} unpacks to more than {most_bytes:,} bytes.")
            waiting = unpacker.unconsumed_tail
            if unpacker.eof:
                waiting = unpacker.unused_data
                unpacker = zlib.decompressobj(wbits=31)
            waiting = waiting or file.read(1 << 16)


def _refuse_large_parquet(path: Path, name: str) -> None:
    try:
        frame = pl.scan_parquet(path, hive_partitioning=False)
        cells = frame.select(pl.len()).collect().item() * max(1, len(frame.collect_schema()))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        return
    if cells > MOST_CELLS:
        raise _too_large(f"{name} holds {cells:,} values; {MOST_CELLS:,} are the most.")


def _too_large(what: str) -> InputError:
    return InputError(what, hint="Split the file.", code="too_large")
