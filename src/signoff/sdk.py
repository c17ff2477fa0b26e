"""``signoff.run``: from a table to labels, a certificate and a signed log, in one call."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from signoff.bootstrap import add_rows, make_engine, seat
from signoff.core.items import Item
from signoff.core.questions import Form, Question
from signoff.core.records import Json, Project, TextDirection
from signoff.core.routing import Policy
from signoff.core.showing import HintTime, ItemKind
from signoff.desk import QueueDesk
from signoff.engine import Engine
from signoff.errors import Exit, Unfinished, UsageError
from signoff.formats.write import write_text
from signoff.job import (
    ACTOR,
    Job,
    Paths,
    RunOptions,
    column_reviewer,
    new_rows,
    people_note,
    prepare,
    rarely_collecting,
    refuse_other_reviewers,
)
from signoff.job.options import refuse
from signoff.ports import Progress, Reviewer
from signoff.project.incoming import IncomingRows
from signoff.project.ownership import owning
from signoff.reviewers import CallableReviewer, ModelReviewer, Said
from signoff.store.store import SqlStore
from signoff.storeview import StoreView

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Result", "RunOptions", "RunResult", "StoreView", "execute", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run of the command line ended with."""

    exit_code: Exit
    certificate: Json | None
    paths: Paths
    counts: dict[str, int]
    messages: list[str] = field(default_factory=list[str])


def _ignore(_: Progress) -> None:
    """Nobody watches."""


def execute(options: RunOptions, *, on_progress: Callable[[Progress], None] = _ignore) -> RunResult:
    """Do a whole run and write its files; resumable wherever it stops.

    Raises :class:`SignoffError` where nothing could be done; a run that began and did not end has
    exit code ``UNFINISHED`` and files with what is decided so far.
    """
    with rarely_collecting():
        job = prepare(options)
        try:
            with owning(job.store, job.project.id):
                return _run(job, on_progress)
        finally:
            job.store.close()


def _run(job: Job, on_progress: Callable[[Progress], None]) -> RunResult:
    with _reviewing(job, on_progress) as reviewer:
        view, messages = _loop(job, reviewer, on_progress)
        certificate = _write(job, view)
    return RunResult(
        exit_code=Exit.DONE if view.finished else Exit.UNFINISHED,
        certificate=certificate,
        paths=job.paths,
        counts=view.counts(),
        messages=messages,
    )


def _loop(
    job: Job, reviewer: Reviewer | None, on_progress: Callable[[Progress], None]
) -> tuple[StoreView, list[str]]:
    """Add what is new, work on the newest pool; what there is to see, and to say."""
    options, project = job.options, job.project
    engine = make_engine(
        job.store,
        project,
        automations=job.automations,
        hidden=job.hidden,
        actor=ACTOR,
        budget=options.budget,
        seed=options.seed,
    )
    engine.on_progress = on_progress
    _clean_up(job.store, project)
    rows, messages = new_rows(job)
    if note := people_note(options, project):
        options.say(note)
        messages.append(note)
    if rows is not None:
        _refuse_second_open_pool(engine)
    if rows is not None or engine.pool().phase != "closed":
        refuse_other_reviewers(job)
    if rows is not None:
        messages += _add(engine, rows)
    stopped = _work(engine, reviewer, on_progress)
    messages += [stopped] if stopped else []
    return StoreView(job.store, project, engine.views), messages


def _add(engine: Engine, rows: IncomingRows) -> list[str]:
    """Make new rows the next pool; what to say of it."""
    pool = add_rows(engine, rows)
    carried = {review.item for review in engine.store.reviews(engine.project, pool.number)}
    if not carried:
        return []
    return [
        f"{len(carried)} of its {pool.items} items were answered before and are not asked again."
    ]


def _clean_up(store: SqlStore, project: Project) -> None:
    """What a killed run left: leases (nobody but the owner of the loop asks people), and files."""
    for reviewer in store.reviewer_names(project.id):
        store.release(project.id, reviewer)
    store.sweep(project.id)


def _refuse_second_open_pool(engine: Engine) -> None:
    """A pool that is still open comes first: its certificate must not mix with the next one."""
    pools = engine.store.pools(engine.project.id)
    if pools and pools[-1].phase != "closed":
        raise Unfinished(
            f"Pool {pools[-1].number} is not finished, and the data holds new rows.",
            hint="Finish it with the old file first; then run with the new one.",
        )


def _work(
    engine: Engine, reviewer: Reviewer | None, on_progress: Callable[[Progress], None]
) -> str:
    """Machine and people in turns, until all is decided or somebody stops; why it stopped."""
    desk: QueueDesk | None = None
    try:
        while True:
            progress = engine.advance()
            on_progress(progress)
            if progress.phase == "closed":
                return ""
            if progress.open == 0 or progress.budget_left == 0:
                return f"The budget of {engine.budget} answers is spent; raise --budget to go on."
            if reviewer is None:
                return f"{progress.open} items wait for people."
            if desk is None:
                desk = seat(engine, name=reviewer.name, kind=reviewer.kind)
            if not reviewer.review(desk):
                return "Stopped; run the same command again to go on."
            if (left := engine.progress()).open and left.budget_left != 0:
                return f"{left.open} items are left unanswered; run the same command to go on."
    except KeyboardInterrupt:
        return "Interrupted; run the same command again to go on."
    finally:
        if desk is not None:
            desk.leave()
        # What was answered since the machine last worked is in the log, too.
        engine.store.checkpoint(engine.project.id)


@contextmanager
def _reviewing(job: Job, on_progress: Callable[[Progress], None]) -> Generator[Reviewer | None]:
    """Whoever answers, until the run has written its files."""
    if job.options.reviewer != "web":
        yield _reviewer(job)
        return
    from signoff.server.local import LocalPage
    from signoff.server.reviewer import PageReviewer

    def start() -> LocalPage:
        return LocalPage.start(
            job.paths.store, job.project.id, reviewer=job.options.name, budget=job.options.budget
        )

    reviewer = PageReviewer(
        name=job.options.name, start=start, show=job.options.show_page, on_progress=on_progress
    )
    try:
        yield reviewer
    finally:
        reviewer.close()


def _reviewer(job: Job) -> Reviewer | None:
    options = job.options
    wanted = options.reviewer
    if not isinstance(wanted, str):
        return wanted
    if options.oracle is not None:
        return column_reviewer(job, options.oracle)
    if options.judge is not None:
        return ModelReviewer(options.judge, job.judges)
    if wanted == "terminal":
        from signoff.terminal import TerminalReviewer

        if options.stdin:
            return TerminalReviewer.on_device(name=options.name)
        return TerminalReviewer(name=options.name)
    return None


def _write(job: Job, view: StoreView) -> Json | None:
    """Results, certificate and report; the certificate."""
    view.export(job.paths.results)
    certificate = view.certificate()
    if certificate is not None:
        text = json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"
        write_text(Path(job.paths.certificate), text)
    if job.paths.results != "-":
        view.report(job.paths.report)
    return certificate


# ---------------------------------------------------------------------------- Python


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What :func:`run` gives back.

    ``results``: the data's columns and the ``signoff_*`` columns, one row per row of the data.
    ``certificate``: None where the policy promises nothing. ``finished``: every item is decided.
    """

    results: pl.DataFrame
    certificate: Json | None
    counts: dict[str, int]
    finished: bool
    messages: list[str]
    store: str
    _html: str = field(repr=False, default="")

    def to_pandas(self) -> object:
        """The results as a pandas frame (needs pandas)."""
        return self.results.to_pandas()

    def report(self, path: str | Path) -> None:
        """Write the HTML report."""
        write_text(Path(path), self._html)


def run(
    data: object,
    *,
    question: str | Question | Form | None = None,
    labels: Sequence[str] | None = None,
    policy: Policy | None = None,
    model: object = None,
    reviewer: str | Reviewer | Callable[[Item], Said] = "terminal",
    store: str | Path | None = None,
    text: str | None = None,
    key: str | None = None,
    ask_always: Sequence[tuple[str, str]] = (),
    overlap: int | None = None,
    project: str = "default",
    budget: int | None = None,
    seed: int | None = None,
    group: bool | None = None,
    item_kind: ItemKind | None = None,
    images: str | Path | None = None,
    guideline: str | None = None,
    blur: bool | None = None,
    text_direction: TextDirection | None = None,
    hints: HintTime | None = None,
    mix_reviewers: bool = False,
    base_url: str | None = None,
    offline: bool = False,
    yes: bool = False,
    max_cost: Decimal | float | None = None,
    on_progress: Callable[[Progress], None] = _ignore,
) -> Result:
    """Label a table: people answer what they must, the model what it can prove.

    - ``data``: a path (of a folder or a ZIP of pictures, too), a polars, pandas or Arrow frame, or
      an iterable of dicts.
    - ``question``: a :class:`Choice` or a question of another kind, a :class:`Form` of several, or
      the text of a choice beside ``labels``.
    - ``policy``: :class:`Certified` (the default), :class:`Threshold` or :class:`People`.
    - ``model``: "text", "predictions" (columns ``prediction`` and ``confidence`` of the data),
      "FILE.py:NAME", a provider's such as "gemini:MODEL", or an object: a learner, a scikit-learn
      estimator, anything with ``predict``.
    - ``base_url``: where a provider's model is asked instead; ``offline``: refuse whatever is not
      on this machine; ``yes``: agree that texts are sent elsewhere; ``max_cost``: US dollars that
      calls may cost in all.
    - ``reviewer``: "terminal", "column:COL", "none", a provider's model, or a function of an
      :class:`Item` that returns a label, or None for "cannot say".
    - ``overlap``: how many people answer each item, each on their own; their answers are joined by
      majority.
    - ``images``: with ``item_kind="image"``, the folder of the pictures that the text column names;
      the data's own where it is None.
    - ``item_kind``, ``guideline``, ``blur``, ``text_direction``: how people see items.
    - ``hints``: when people see what the machine says: "off" (the default), "after" or "before"
      their own answer.
    - ``mix_reviewers``: let another kind of reviewer go on where one has answered already; the
      certificate says how many answers each gave.
    - ``store``: where everything is kept; without one, in a temporary folder.

    Raises :class:`SignoffError`. An unfinished run comes back with ``finished`` False.
    """
    if question is not None and not isinstance(question, str) and labels is not None:
        raise UsageError("The question has its labels already.", hint="Leave labels out.")
    with rarely_collecting(), tempfile.TemporaryDirectory() as folder:
        where = str(store) if store is not None else str(Path(folder) / "run.signoff.db")
        options = RunOptions(
            data=data,
            text=text,
            key=key,
            labels=None if labels is None else tuple(labels),
            question=question if isinstance(question, str) else None,
            form=_as_form(question),
            project=project,
            policy=policy,
            ask_always=tuple(ask_always),
            overlap=overlap,
            model=model,
            reviewer=_as_reviewer(reviewer),
            budget=budget,
            seed=seed,
            group=group,
            item_kind=item_kind,
            images=images,
            guideline=guideline,
            blur=blur,
            text_direction=text_direction,
            hints=hints,
            mix_reviewers=mix_reviewers,
            base_url=base_url,
            offline=offline,
            agree=(lambda _: True) if yes else refuse,
            max_cost=None if max_cost is None else Decimal(str(max_cost)),
            store=where,
        )
        job = prepare(options)
        try:
            with owning(job.store, job.project.id):
                with _reviewing(job, on_progress) as reviewing:
                    view, messages = _loop(job, reviewing, on_progress)
                return Result(
                    results=view.results(),
                    certificate=view.certificate(),
                    counts=view.counts(),
                    finished=view.finished,
                    messages=messages,
                    store=where if store is not None else "",
                    _html=view.html(),
                )
        finally:
            job.store.close()


def _as_form(question: str | Question | Form | None) -> Form | None:
    """The questions asked; None where a text and labels, or a column, describe a choice."""
    if question is None or isinstance(question, str):
        return None
    return question if isinstance(question, Form) else Form((question,))


def _as_reviewer(
    reviewer: str | Reviewer | Callable[[Item], Said],
) -> str | Reviewer:
    if isinstance(reviewer, str):
        return reviewer
    if hasattr(reviewer, "review"):
        return reviewer  # pyright: ignore[reportReturnType]
    name = getattr(reviewer, "__name__", "callable")
    return CallableReviewer(reviewer, name=name)  # pyright: ignore[reportArgumentType]
