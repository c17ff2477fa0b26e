"""``signoff why``: why a row ended as it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import say, say_json
from signoff.cli.store_commands import Json, Project, Store, open_view

if TYPE_CHECKING:
    from signoff.project.explaining import Seen, Why

LONGEST = 100


def why(
    store: Store,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The row's key, or row:N.")],
    question: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which question, where several are asked.")
    ] = None,
    project: Project = None,
    json: Json = False,
) -> None:
    """Tell why a row ended as it did.

    Who decided and on what, which words the model saw, what would change its answer, and what
    people said of rows like it."""
    with open_view(store, project) as view:
        found = view.why(key, question)
    if json:
        say_json(found.to_json())
        return
    for line in _lines(found):
        say(line)


def _lines(found: Why) -> Iterator[str]:
    yield f"{found.key}: {_short(found.text)}"
    yield _decision(found)
    if found.place is not None:
        yield f"Place {found.place:,} of {found.frozen:,} in the frozen order, the surest first."
    if found.by == "reviewers" and found.frozen_answer is not None:
        same = "the same" if found.frozen_answer == found.answer else found.frozen_answer
        yield f"The model would have said {same}."
    if found.event is not None:
        yield f"In the log as {found.event}."
    if found.seen is not None:
        yield ""
        yield from _model(found.seen)


def _decision(found: Why) -> str:
    if found.by is None:
        return f"Open: {found.reason}."
    if found.by == "model":
        sure = "" if found.confidence is None else f", {found.confidence:.1%} likely to be right"
        return f"{found.answer}, decided by the model{sure}: {found.reason}."
    return f"{found.answer}, said by {found.reviewers}. Asked because: {found.reason}."


def _model(seen: Seen) -> Iterator[str]:
    sure = "" if seen.confidence is None else f", {seen.confidence:.1%} likely to be right"
    yield f"The model says {seen.answer}{sure}."
    if not seen.same_model:
        yield "(Made again from what people had answered; it is not the very model that decided.)"
    for head, sign in (("For it", 1), ("Against it", -1)):
        told = [f"{word} {weight:+.2f}" for word, weight in seen.words if weight * sign > 0]
        if told:
            yield f"{head}: {' · '.join(told)}"
    if seen.change:
        words = ", ".join(f'"{word}"' for word in seen.change)
        instead = "have no answer" if seen.becomes is None else f"say {seen.becomes}"
        yield f"Without {words} it would {instead}."
    if seen.alike:
        yield "Rows like it, and what people said of them:"
    for each in seen.alike:
        yield f"  {each.answer}  {each.key}: {_short(each.text)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
