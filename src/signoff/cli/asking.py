"""A run that asks a provider's model: the question whether texts may go there, progress, and what
it would take; and the commands that tell of prompts, prices and what was spent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from json import dumps
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from signoff.cli.output import facts, say, say_json
from signoff.cli.store_commands import Json, Project, Store, open_view

if TYPE_CHECKING:
    from signoff.job import Estimate

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_RENEWALS = 0.1


class Asking:
    """Whoever sits at the terminal, asked whether texts may be sent, and told how many were."""

    def __init__(
        self,
        *,
        as_json: bool,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._as_json = as_json
        self._clock = clock
        self._renew = self._stream.isatty() and not as_json
        self._said_at = float("-inf")

    def agree(self, what: str) -> bool:
        """Whether the person at the terminal agrees; nobody does where there is none."""
        if not (sys.stdin.isatty() and self._stream.isatty()):
            return False
        say(what, err=True)
        return typer.confirm("Send them?", default=False, err=True)

    def on_asked(self, done: int, all: int) -> None:
        """Say how far the calls are."""
        now = self._clock()
        pause = _SECONDS_BETWEEN_RENEWALS if self._renew else _SECONDS_BETWEEN_LINES
        if now - self._said_at < pause and (done < all or not self._renew):
            return
        self._said_at = now
        if self._as_json:
            self._stream.write(dumps({"asked": {"done": done, "all": all}}) + "\n")
        elif self._renew:
            ended = "\r\x1b[K" if done == all else ""
            self._stream.write(f"\rAsking the model · {done:,} of {all:,} items\x1b[K{ended}")
        else:
            self._stream.write(f"Asking the model · {done:,} of {all:,} items\n")
        self._stream.flush()


def estimate_json(found: Estimate) -> dict[str, object]:
    """What ``--estimate --json`` prints."""
    return {
        "exit_code": 0,
        "model": found.model,
        "host": found.host,
        "items": found.items,
        "unasked": found.unasked,
        "calls": found.calls,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cost_usd": None if found.cost is None else float(found.cost),
        "price_as_of": found.as_of,
        "human_answers": {str(wrong): answers for wrong, answers in found.people.items()},
    }


def estimate_lines(found: Estimate) -> Iterator[str]:
    """What ``--estimate`` prints."""
    from signoff.models.llm.prices import in_words

    yield f"{found.model} at {found.host} would be asked about {found.items:,} items:"
    most = "at most " if found.at_most else ""
    yield f"  {most}{found.calls:,} calls, about {found.input_tokens:,} tokens in and" + (
        f" {found.output_tokens:,} out"
    )
    if found.cost is None:
        yield "  cost unknown: signoff prices shows where to write the model's price"
    else:
        yield f"  about {in_words(found.cost)} (price of {found.as_of})"
    if found.unasked:
        yield f"  {found.unasked:,} items go to people without a call (empty, or instructions)"
    if found.people:
        yield "People would answer about this many of them, where the model's confidence tells"
        yield "nothing of which of its labels are wrong (it usually does, and fewer are asked):"
        for wrong, answers in found.people.items():
            yield f"  {answers:>9,}  where {wrong:.0%} of its labels are wrong"
    yield "Nothing was sent."


# ----------------------------------------------------------------------------- commands


def prices(json: Json = False) -> None:
    """Show what a million tokens cost, and where to write prices of your own."""
    from signoff.job.asking import own_prices
    from signoff.job.asking import prices as known

    found = {
        f"{provider}:{model}": {
            "input": str(price.input),
            "cached": str(price.cached),
            "output": str(price.output),
            "as_of": price.as_of,
        }
        for (provider, model), price in sorted(known().items())
    }
    if json:
        say_json({"usd_per_million_tokens": found, "own": str(own_prices())})
        return
    say("US dollars for a million tokens:")
    for name, price in found.items():
        say(
            f"  {name:<32} in {price['input']:>6}  cached {price['cached']:>6}"
            f"  out {price['output']:>6}  (as of {price['as_of']})"
        )
    say(f'Your own, which win: {own_prices()}\n  [gemini."MODEL"]\n  input = "0.30"')
    say('  output = "2.50"\n  as_of = "2026-01-31"')


def spent(store: Store, project: Project = None, json: Json = False) -> None:
    """Show what a project's language models were asked, and what that cost."""
    from signoff.job.asking import prices as known
    from signoff.project.spending import spending_of

    with open_view(store, project) as view:
        found = spending_of(view.store, view.project, known())
    if json:
        say_json(found)
        return
    for line in facts(found):
        say(line)


prompt_app = typer.Typer(help="The prompts that language models were given.")


@prompt_app.command("show")
def show_prompt(
    store: Store,
    project: Project = None,
    every: Annotated[bool, typer.Option("--all", help="Earlier versions, too.")] = False,
    json: Json = False,
) -> None:
    """Show what a project's language models are sent beside each text."""
    from signoff.project.language import prompts_of

    with open_view(store, project) as view:
        found = prompts_of(view.store, view.project, every=every)
    if json:
        say_json({"prompts": found})
        return
    if not found:
        say("No language model was given a prompt.")
    for each in found:
        say(f"{each['version']} · question {each['question']} · fixed {each['fixed']}\n")
        say(str(each["sent"] or "An item that it quoted was erased, and the prompt with it."))
