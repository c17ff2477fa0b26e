"""What a first run fixes for later ones: questions, columns, policy, model and human process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from signoff.automations import DEFAULT_MODEL, make_automations, without_model
from signoff.bootstrap import (
    ProjectSpec,
    refuse_infeasible,
)
from signoff.core.hints import check_hints
from signoff.core.process import MODEL
from signoff.core.questions import Choice, Form
from signoff.core.questions.form import columns_shown, needs_text
from signoff.core.records import PageSettings, Project
from signoff.core.routing import Certified, People, Policy
from signoff.core.showing import ItemKind, guess_item_kind
from signoff.errors import InputError, UsageError
from signoff.formats.pictures import guess_picture_column
from signoff.formats.rows import guess_text_column
from signoff.formats.table import Table, require_column
from signoff.job.asking import asked_models
from signoff.job.options import RunOptions, oracle_columns
from signoff.models.llm.model import LanguageModel
from signoff.ports import Automation
from signoff.project.incoming import Grouping, IncomingRows
from signoff.project.picturing import with_images
from signoff.reviewers import parse_labels, refuse_judge

DEFAULT_QUESTION = "Which label fits?"
LOOKED_AT = 20
"""Texts looked at to guess how items are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRun:
    """A project that may begin."""

    spec: ProjectSpec
    automations: Mapping[str, Automation]
    rows: IncomingRows
    asked: Mapping[str, LanguageModel]
    judges: Mapping[str, LanguageModel]


def first_run(table: Table, options: RunOptions) -> FirstRun:
    """Everything that could refuse a first run, before its store exists."""
    spec = specify(table, options)
    for question, column in oracle_columns(options.oracle, spec.form).items():
        require_column(table, column, "--reviewer")
        parse_labels(column, table.frame[column], spec.form.question(question))
    rows = incoming_rows(table, spec)
    model = spec.model if options.model is None else options.model
    asked = models_of_run(options, model, spec)
    automations = make_automations(spec.policy, asked or model, spec.form, item_kind=spec.item_kind)
    refuse_infeasible(spec.policy, rows.items, spec.form)
    judges = judges_of_run(options, spec)
    return FirstRun(spec=spec, automations=automations, rows=rows, asked=asked, judges=judges)


def judges_of_run(options: RunOptions, fixed: ProjectSpec | Project) -> dict[str, LanguageModel]:
    """The models that answer in a person's place, by question; none where others answer.

    Raises :class:`UsageError` where a certificate would rest on them.
    """
    if not isinstance(options.reviewer, str):
        refuse_judge(options.reviewer.kind, options.reviewer.name, fixed.policy)
    if options.judge is None:
        return {}
    refuse_judge(MODEL, options.judge, fixed.policy)
    return asked_models(options, options.judge, fixed.form, fixed.page.guideline)


def models_of_run(
    options: RunOptions, model: object, fixed: ProjectSpec | Project
) -> dict[str, LanguageModel]:
    """The models of a provider that a run asks, by question: none where people answer everything,
    nor where its model is another kind."""
    if isinstance(fixed.policy, People):
        return {}
    return asked_models(options, model, fixed.form, fixed.page.guideline)


def incoming_rows(table: Table, fixed: ProjectSpec | Project) -> IncomingRows:
    """The rows of the data with their pictures, keyed and grouped as the project's first run fixed
    it."""
    frame, images = table.frame, None
    if fixed.item_kind == "image" and fixed.text_column is not None:
        frame, images = with_images(table, fixed.text_column)
    return IncomingRows.of(
        frame,
        grouping=Grouping.of(fixed),
        key_column=fixed.key_column,
        name=table.name,
        images=images,
    )


def specify(table: Table, options: RunOptions) -> ProjectSpec:
    """What a first run with these options fixes."""
    form = _form(table, options)
    for column in columns_shown(form):
        require_column(table, column, "a question's definition")
    oracle = oracle_columns(options.oracle, form)
    pictured = options.item_kind == "image" or (options.item_kind is None and table.all_pictures)
    if pictured:
        text, kind = _picture_column(table, options, form), "image"
    else:
        text = _text_column(table, options, form, tuple(oracle.values()))
        kind = options.item_kind or _item_kind(table, text)
    policy = options.policy or _default_policy(options, form, kind)
    return ProjectSpec(
        name=options.project,
        form=form,
        policy=policy,
        rules=options.rules,
        process=process_of(options),
        model=model_name(options.model),
        group=True if options.group is None else options.group,
        text_column=text,
        key_column=options.key,
        hidden=tuple(oracle.values()),
        queue=options.queue,
        item_kind=kind,
        page=_page(options, policy),
    )


def _page(options: RunOptions, policy: Policy) -> PageSettings:
    """How a first run has the project shown; managers may change it on the page."""
    return PageSettings(
        guideline=options.guideline or "",
        blur=bool(options.blur),
        text_direction=options.text_direction or "auto",
        hints=check_hints(options.hints or "off", policy),
    )


def _item_kind(table: Table, text: str | None) -> ItemKind:
    """What the texts are, from the first of them: conversations, JSON, or plain text."""
    if text is None:
        return "fields"
    column = table.frame[text].cast(pl.String).str.strip_chars()
    return guess_item_kind(column.filter(column != "").head(LOOKED_AT).to_list())


def _default_policy(options: RunOptions, form: Form, kind: ItemKind) -> Policy:
    """Certified, where models answer every question; else people answer everything."""
    return People() if without_model(options.model, form, item_kind=kind) else Certified()


def people_note(options: RunOptions, project: Project) -> str | None:
    """What to say where nobody asked for it and people answer everything."""
    if options.policy is not None or not isinstance(project.policy, People):
        return None
    lacking = without_model(options.model, project.form, item_kind=project.item_kind)
    if not lacking:
        return None
    if project.item_kind == "image" and options.model is None:
        return "People answer everything: the built-in model cannot learn from pictures."
    return f"People answer everything: no model answers {', '.join(lacking)} (see --model)."


def _form(table: Table, options: RunOptions) -> Form:
    """The questions: as given, or one choice from its labels."""
    if options.form is not None:
        return options.form
    if options.oracle is not None:
        require_column(table, options.oracle, "--reviewer")
    labels = options.labels or _labels_of_column(table, options)
    return Form((Choice.of(labels, text=options.question or DEFAULT_QUESTION),))


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


def _picture_column(table: Table, options: RunOptions, form: Form) -> str:
    """The column that names the pictures."""
    if needs_text(form):
        raise UsageError(
            "A question marks parts of a text, and these items are pictures.",
            hint="Ask it about texts, or ask another question of the pictures.",
        )
    return options.text or guess_picture_column(table.frame, name=table.name)


def _labels_of_column(table: Table, options: RunOptions) -> tuple[str, ...]:
    if options.oracle is None:
        raise UsageError("No labels given.", hint="Pass --labels A,B or --labels @FILE.")
    values = table.frame[options.oracle].cast(pl.String).drop_nulls().str.strip_chars()
    return tuple(sorted(value for value in values.unique().to_list() if value))


def model_name(model: object) -> str:
    """The name a model is stored under."""
    if model is None:
        return DEFAULT_MODEL
    return model if isinstance(model, str) else type(model).__name__


def process_of(options: RunOptions) -> dict[str, object]:
    """Who answers: the human process that a certificate speaks of.

    People's names stay out of it, since it is in the log for ever.
    """
    return {**_who(options), **_how_many(options.overlap)}


def _who(options: RunOptions) -> dict[str, object]:
    reviewer = options.reviewer
    if options.oracle is not None:
        return {"kind": "column", "name": reviewer}
    if options.judge is not None:
        return {"kind": MODEL, "name": options.judge}
    if isinstance(reviewer, str) or reviewer.kind == "person":
        return {"kind": "person"}
    return {"kind": reviewer.kind, "name": reviewer.name}


def _how_many(overlap: int | None) -> dict[str, object]:
    """How many people answer each item, blind to each other, and how one answer comes of theirs."""
    if overlap in (None, 1):
        return {}
    return {"answers_per_item": overlap, "joined": "majority"}
