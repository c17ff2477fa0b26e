"""``signoff run``: label a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.asking import Asking, estimate_json, estimate_lines
from signoff.cli.options import (
    check_reviewer,
    read_assign,
    read_count,
    read_due,
    read_labels,
    read_money,
    read_panel,
    read_policy,
    read_questions,
    read_rules,
    read_showing,
    user_name,
)
from signoff.cli.output import ProgressLine, progress_as_json, say, say_json
from signoff.errors import Exit, UsageError

if TYPE_CHECKING:
    from signoff.ports import Reviewer
    from signoff.sdk import RunOptions, RunResult

DATA = "CSV, TSV, JSON lines or Parquet file, folder or ZIP of pictures; - reads standard input."
TERMINAL, WEB = "terminal", "web"


def run(
    data: Annotated[str, typer.Argument(metavar="DATA", help=DATA, show_default=False)],
    text: Annotated[
        str | None, typer.Option(metavar="COL", help="The column people read. [default: guessed]")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="COL", help="The column that names each row.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,..|@FILE", help="The answers allowed; @FILE: one a line."),
    ] = None,
    question: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What people are asked.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="TOML or JSON file of questions of any kind."),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="NAME", help="Another name starts another project.")
    ] = "default",
    policy: Annotated[
        str | None,
        typer.Option(metavar="certified|threshold:P|people", help="[default: certified]"),
    ] = None,
    max_error: Annotated[
        str | None,
        typer.Option(metavar="5%", help="Share of all labels that may be wrong. [default: 5%]"),
    ] = None,
    certainty: Annotated[
        str | None, typer.Option(metavar="95%", help="How sure you must be. [default: 95%]")
    ] = None,
    slice: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Keep the promise for every value of this column."),
    ] = None,
    ask_always: Annotated[
        list[str] | None,
        typer.Option(metavar="COL=VALUE", help="These rows always go to a person. Repeatable."),
    ] = None,
    overlap: Annotated[
        str | None,
        typer.Option(
            metavar="K", help="K people answer each item, blind to each other. [default: 1]"
        ),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL=VALUE:TAG", help="Ask these rows of reviewers with this tag. Repeatable."
        ),
    ] = None,
    due: Annotated[
        str | None, typer.Option(metavar="2h", help="How long an item may wait for an answer.")
    ] = None,
    on_expiry: Annotated[
        str | None,
        typer.Option(
            metavar="stay|everybody|TAG", help="Whom it is for after that. [default: stay]"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="text|predictions|FILE.py:NAME|PROVIDER:MODEL",
            help="PROVIDER: gemini, openai or anthropic. [default: text]",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where a provider's model is asked instead."),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(metavar="K", help="Ask a provider's model K more times each."),
    ] = None,
    examples: Annotated[
        str | None,
        typer.Option(metavar="N", help="Show a provider's model N of people's first answers."),
    ] = None,
    second: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER:MODEL", help="Ask another model, too: does it agree?"),
    ] = None,
    then: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER:MODEL", help="Ask a stronger model where the first is not sure."
        ),
    ] = None,
    answer_cost: Annotated[
        str | None,
        typer.Option(
            metavar="USD", help="What a person's answer costs, for planning --then. [default: 0.10]"
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Refuse to send texts anywhere but to this host.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree that texts are sent to the model's provider.")
    ] = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Print what a provider's model would take; do nothing."),
    ] = False,
    max_cost: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Stop before calls cost more than this in all."),
    ] = None,
    reviewer: Annotated[
        str | None,
        typer.Option(
            metavar="web|terminal|column:COL|none|PROVIDER:MODEL",
            help="Who answers. [default: web where somebody watches, else terminal]",
        ),
    ] = None,
    as_name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Your name in the log. [default: user name]"),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="N", help="At most N answers by people.")
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help="Choose the audit's seed; the certificate will say so."),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(
            metavar="text|markdown|chat|image|fields|json",
            help="What the text of an item is. [default: guessed]",
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Where the pictures lie that DATA names. [default: beside DATA]"
        ),
    ] = None,
    guideline: Annotated[
        str | None, typer.Option(metavar="FILE", help="How to answer, in Markdown.")
    ] = None,
    blur: Annotated[
        bool, typer.Option("--blur", help="Blur items until somebody looks (upsetting content).")
    ] = False,
    direction: Annotated[
        str | None, typer.Option(metavar="auto|ltr|rtl", help="Where texts begin. [default: auto]")
    ] = None,
    hints: Annotated[
        str | None,
        typer.Option(
            metavar="off|after|before",
            help="When people see what the machine says. [default: off]",
        ),
    ] = None,
    no_group: Annotated[
        bool, typer.Option("--no-group", help="Rows with equal texts stay separate items.")
    ] = False,
    mix_reviewers: Annotated[
        bool,
        typer.Option(
            "--mix-reviewers",
            help="Let another --reviewer go on; the certificate says how many answers each gave.",
        ),
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(metavar="PATH|URL", help="[default: beside DATA, NAME.signoff.db]"),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Results: .csv, .tsv, .jsonl, .parquet or -."),
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="[default: NAME.signoff.html]")
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object at the end; progress as JSON on stderr."),
    ] = False,
) -> None:
    """Label the rows of DATA.

    People answer what they must, the model what it can prove. Results, certificate, report and
    store appear beside DATA. The same command goes on where an earlier one stopped; nobody is
    asked twice.
    """
    if json and out == "-":
        raise UsageError(
            "--json and --out - both write to standard output.", hint="Pass --out FILE."
        )
    who = default_reviewer(data) if reviewer is None else reviewer
    check_reviewer(who)
    chosen = read_policy(policy, max_error=max_error, certainty=certainty, by=slice)
    rules = read_rules(ask_always or [])
    allowed = read_labels(labels)
    asked = None if form is None else read_questions(form, labels=labels, question=question)
    shown = read_showing(show, guideline, direction, hints)
    most, chosen_seed = read_count(budget, name="--budget"), read_count(seed, name="--seed")
    name = as_name or user_name()
    from signoff.models.llm.spending import ANSWER_COST
    from signoff.sdk import RunOptions

    asking = Asking(as_json=json)
    options = RunOptions(
        data=data,
        text=text,
        key=key,
        labels=allowed,
        question=question,
        form=asked,
        item_kind=shown.item_kind,
        images=images,
        guideline=shown.guideline,
        blur=True if blur else None,
        text_direction=shown.text_direction,
        hints=shown.hints,
        project=project,
        policy=chosen,
        ask_always=rules,
        overlap=read_count(overlap, name="--overlap"),
        assign=read_assign(assign or []),
        due=read_due(due, on_expiry),
        model=read_panel(model, samples=samples, second=second, then=then, examples=examples),
        reviewer=_person(name, data, quiet=json or out == "-") if who == TERMINAL else who,
        name=name,
        budget=most,
        seed=chosen_seed,
        group=False if no_group else None,
        mix_reviewers=mix_reviewers,
        base_url=base_url,
        offline=offline,
        max_cost=read_money(max_cost, name="--max-cost"),
        answer_cost=read_money(answer_cost, name="--answer-cost") or ANSWER_COST,
        agree=(lambda _: True) if yes else asking.agree,
        on_asked=asking.on_asked,
        store=store,
        out=out,
        report=report,
    )
    if estimate:
        _print_estimate(options, as_json=json)
        raise typer.Exit(Exit.DONE)
    result = _execute(options, as_json=json, blind=who in (TERMINAL, WEB))
    _print_result(result, as_json=json, err=out == "-")
    raise typer.Exit(int(result.exit_code))


def _print_estimate(options: RunOptions, *, as_json: bool) -> None:
    from signoff.job import estimate

    found = estimate(options)
    if as_json:
        say_json(estimate_json(found))
        return
    for line in estimate_lines(found):
        say(line)


def default_reviewer(data: str) -> str:
    """The page where somebody sits at a terminal and sees its link; else lines from the pipe."""
    watched = data != "-" and sys.stdin.isatty() and sys.stderr.isatty()
    return WEB if watched else TERMINAL


def _person(name: str, data: str, *, quiet: bool) -> Reviewer:
    """Whoever sits at the terminal; at its device where standard input holds the data."""
    from rich.console import Console

    from signoff.terminal import TerminalReviewer

    if data == "-":
        return TerminalReviewer.on_device(name=name)
    if not quiet and (sys.stdout.isatty() or not sys.stderr.isatty()):
        return TerminalReviewer(name=name)
    return TerminalReviewer(name=name, console=Console(stderr=True, highlight=False))


def _unsaid(_: str) -> None:
    """With --json, notes are among the messages at the end."""


def _execute(options: RunOptions, *, as_json: bool, blind: bool) -> RunResult:
    from signoff.job import print_link
    from signoff.sdk import execute

    if as_json:
        return execute(replace(options, say=_unsaid), on_progress=progress_as_json)
    progress = ProgressLine(blind=blind)

    def show_page(url: str, opened: bool) -> None:
        progress.close()
        print_link(url, opened)

    try:
        return execute(replace(options, show_page=show_page), on_progress=progress)
    finally:
        progress.close()


def _print_result(result: RunResult, *, as_json: bool, err: bool) -> None:
    if as_json:
        say_json(result_json(result))
        return
    for line in result_lines(result):
        say(line, err=err)


def result_json(result: RunResult) -> dict[str, object]:
    """What ``--json`` prints at the end."""
    return {
        "exit_code": int(result.exit_code),
        "certificate": result.certificate,
        "counts": result.counts,
        "paths": asdict(result.paths),
        "messages": result.messages,
    }


def result_lines(result: RunResult) -> list[str]:
    """What people read at the end."""
    lines = list(result.messages)
    if result.certificate is not None:
        lines += [str(result.certificate.get("statement", "A certificate was issued.")), ""]
    lines.append(_who_decided(result.counts))
    for name, path in asdict(result.paths).items():
        if path != "-" and Path(str(path)).exists():
            lines.append(f"  {name:<11}  {path}")
    return lines


def _who_decided(counts: Mapping[str, int]) -> str:
    parts = [
        f"{counts['human']:,} answered by people",
        f"{counts['automatic']:,} decided by the model",
    ]
    if counts["undecided"]:
        parts.append(f"{counts['undecided']:,} undecided")
    items, rows = counts["items"], counts["rows"]
    stand_for = f" ({rows:,} rows)" if rows != items else ""
    return f"{items:,} items{stand_for}: {', '.join(parts)}."
