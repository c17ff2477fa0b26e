"""``signoff stream``: make a project that decides live traffic."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.options import read_count, read_labels, read_policy
from signoff.cli.output import facts, say
from signoff.errors import Exit, UsageError

app = typer.Typer(
    help="Decide items as they arrive.",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def stream(context: typer.Context) -> None:
    """Decide items as they arrive."""
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(Exit.USAGE)


@app.command("create")
def create(
    store: Annotated[
        str, typer.Argument(metavar="STORE", help="A .signoff.db file or a database URL.")
    ],
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,..|@FILE", help="The answers allowed; @FILE: one a line."),
    ] = None,
    project: Annotated[
        str, typer.Option(metavar="NAME", help="What the stream is called.")
    ] = "stream",
    question: Annotated[
        str, typer.Option(metavar="TEXT", help="What people are asked.")
    ] = "Which label fits?",
    max_error: Annotated[
        str, typer.Option(metavar="5%", help="Share of a window's labels that may be wrong.")
    ] = "5%",
    certainty: Annotated[str, typer.Option(metavar="95%", help="How sure you must be.")] = "95%",
    window: Annotated[
        str, typer.Option(metavar="N", help="Labels in a window; each gets a certificate.")
    ] = "7600",
    audit_rate: Annotated[
        str, typer.Option(metavar="10%", help="Share of the model's labels that people audit.")
    ] = "10%",
    all_windows: Annotated[
        bool, typer.Option("--all-windows", help="Be so sure of all windows together.")
    ] = False,
    effects: Annotated[
        str, typer.Option(metavar="reversible|irreversible", help="Can a label be corrected?")
    ] = "reversible",
    undo_seconds: Annotated[
        str, typer.Option(metavar="N", help="How long an answer can be taken back.")
    ] = "10",
    model: Annotated[
        str, typer.Option(metavar="text|FILE.py:NAME", help="What predicts.")
    ] = "text",
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help="Fixes which labels are audited. [default: random]"),
    ] = None,
) -> None:
    """Make a stream.

    Labels, window and audit rate are fixed in its log before the first item comes. Send items to
    POST /api/v1/projects/ID/items of signoff serve, or decide them with signoff.Stream.
    """
    allowed = read_labels(labels)
    if allowed is None:
        raise UsageError("No labels given.", hint="Pass --labels A,B or --labels @FILE.")
    policy = read_policy("certified", max_error=max_error, certainty=certainty, by=None)
    from signoff.core.certification import parse_share
    from signoff.core.routing import Certified
    from signoff.live import Stream

    if effects not in ("reversible", "irreversible"):
        raise UsageError(
            f"--effects {effects!r} is not known.", hint="Write reversible or irreversible."
        )
    size = read_count(window, name="--window")
    undo = read_count(undo_seconds, name="--undo-seconds")
    if not size:
        raise UsageError("--window 0 holds no label.", hint="Write --window 7600.")
    with Stream.create(
        store,
        labels=allowed,
        project=project,
        question=question,
        policy=policy if isinstance(policy, Certified) else None,
        window=size,
        audit_rate=parse_share(audit_rate, name="--audit-rate"),
        model=model,
        effects=effects,
        together=all_windows,
        undo_seconds=undo or 0,
        seed=read_count(seed, name="--seed"),
    ) as made:
        status = made.status()
        shown = {
            "stream": made.project.name,
            "id": made.project.id,
            "window": status.items,
            "finds_allowed": status.limit,
            "state": status.state,
        }
    for line in facts(shown):
        say(line)


@app.command("end")
def end(
    store: Annotated[
        str, typer.Argument(metavar="STORE", help="A .signoff.db file or a database URL.")
    ],
    project: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which stream. [default: the only project]")
    ] = None,
) -> None:
    """End a stream's window early.

    The next window begins with the next item. Audits of the ended one are awaited; its
    certificate is of as many errors as it began with, among the items it has.
    """
    from signoff.live import Stream

    with Stream.open(store, project) as opened:
        opened.end_window()
        status = opened.status()
        certificate = opened.view.certificate() or {}
    say(f"Window {status.window} ended with {status.items:,} items.")
    if certificate.get("pool") == status.window:
        say(str(certificate["statement"]))
    else:
        say(f"Its certificate comes once {status.waiting:,} items are answered.")
