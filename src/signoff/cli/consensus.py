"""``signoff consensus``: what a crowd said, from a table of votes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import say, say_json
from signoff.cli.store_commands import Project, beside, is_store, open_view

if TYPE_CHECKING:
    from signoff.job.consensus import Joined

SHOWN = 10


def consensus(
    votes: Annotated[
        str,
        typer.Argument(
            metavar="VOTES|STORE", help="A table with a row for each vote, -, or a store."
        ),
    ],
    item: Annotated[str, typer.Option(metavar="COL", help="The column that names items.")] = "item",
    reviewer: Annotated[
        str, typer.Option(metavar="COL", help="The column that names who answered.")
    ] = "reviewer",
    answer: Annotated[
        str, typer.Option(metavar="COL", help="The column with their answers.")
    ] = "answer",
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="pooled, dawid-skene, one-coin, mace, weighted or majority.",
        ),
    ] = "pooled",
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="[default: VOTES.consensus.csv]"),
    ] = None,
    question: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which question of a store.")
    ] = None,
    project: Project = None,
    people: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a table of the reviewers, too.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Join what several people said into one label an item.

    It estimates how often each person errs, and how, from how they agree with each other: labels
    come with a probability, people with a reliability. Nothing is certified."""
    from signoff.formats.table import read_table
    from signoff.formats.write import write_table
    from signoff.job.consensus import join_votes, votes_of

    if is_store(votes):
        with open_view(votes, project) as view:
            table = votes_of(view, question)
        target = out or beside(votes, ".consensus.csv")
    else:
        table = read_table(votes, stdin=sys.stdin.buffer)
        target = out or ("-" if votes == "-" else str(Path(votes).with_suffix(".consensus.csv")))
    found = join_votes(
        table,
        item=item,
        reviewer=reviewer,
        answer=answer,
        method=method,
    )
    write_table(found.items, target, stdout=sys.stdout.buffer)
    if people is not None:
        write_table(found.people, people, stdout=sys.stdout.buffer)
    if json:
        say_json(_as_json(found))
        return
    for line in _lines(found, reviewer):
        say(line, err=target == "-")
    if target != "-":
        say(f"Written: {target}")


def _lines(found: Joined, reviewer: str) -> Iterator[str]:
    items, people = found.items, found.people
    votes = int(items["signoff_votes"].sum())
    yield f"{votes:,} votes of {people.height:,} people on {items.height:,} items."
    if found.ignored:
        yield f"{found.ignored:,} rows do not count: no answer, or the same person answered later."
    unsure = int((items["signoff_confidence"] < 0.9).sum())
    yield f"{unsure:,} items are less sure than 90 %: ask one more person about these first."
    if found.agreement is not None and found.agreement.alpha is not None:
        yield f"Agreement beyond chance (Krippendorff's alpha): {found.agreement.alpha:.2f}"
    known = people.filter(people["signoff_right"].is_not_null())
    if known.is_empty():
        yield "No item has two votes: nobody's reliability can be told."
        return
    yield "The least reliable, expected share of right votes with a 90 % interval:"
    for name, count, right, low, high in known.head(SHOWN).iter_rows():
        yield f"  {right:>6.1%}  ({low:.1%} to {high:.1%})  {count:>6,} votes  {name}"


def _as_json(found: Joined) -> dict[str, object]:
    agreed = found.agreement
    return {
        "items": found.items.height,
        "people": found.people.height,
        "labels": list(found.labels),
        "votes": int(found.items["signoff_votes"].sum()),
        "ignored": found.ignored,
        "alpha": None if agreed is None else agreed.alpha,
        "same": None if agreed is None else agreed.same,
        "reviewers": found.people.to_dicts(),
    }
