"""What a run is asked to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from signoff.core.questions import Form
from signoff.core.queueing import Assign, Due, QueueRules, read_outcome
from signoff.core.records import TextDirection
from signoff.core.routing import AskAlways, Policy
from signoff.core.showing import HintTime, ItemKind
from signoff.models.llm.providers import is_model_name
from signoff.models.llm.spending import ANSWER_COST
from signoff.ports import Reviewer

DEFAULT_PROJECT = "default"
COLUMN = "column:"


def print_note(note: str) -> None:
    """Say something on standard error before anything is asked."""
    print(note, file=sys.stderr, flush=True)


def print_link(url: str, opened: bool) -> None:
    """Say on standard error where the review page is."""
    how = "Opened in your browser" if opened else "Open this link"
    print(f"{how}, on this computer and once: {url}", file=sys.stderr, flush=True)


def refuse(_: str) -> bool:
    """Agree to nothing."""
    return False


def ignore(_done: int, _all: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run is asked to do; None means "as the first run fixed it", or the default.

    ``reviewer`` is "web", "terminal", "column:COL", "none", a provider's model, or a
    :class:`signoff.ports.Reviewer`;
    ``assign``: column, value and tag of who alone is asked; ``due``: seconds, and what then.
    ``model`` is "text", "predictions", "FILE.py:NAME", a provider's such as "gemini:MODEL", or an
    object (model, learner, estimator, callable).
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
    images: str | Path | None = None
    """The folder of the pictures that a table names; the table's own where it is None."""
    guideline: str | None = None
    blur: bool | None = None
    text_direction: TextDirection | None = None
    hints: HintTime | None = None
    """How a new project is shown to people; a manager changes it later on the page."""
    base_url: str | None = None
    """Where a provider's model is asked, in place of the provider's own address."""
    bases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where providers were asked earlier, other than at their own address."""
    offline: bool = False
    """Refuse whatever is not on this machine."""
    max_cost: Decimal | None = None
    """US dollars that calls to a provider's model may cost in all, earlier runs among them."""
    answer_cost: Decimal = ANSWER_COST
    """US dollars that a person's answer costs, for planning what a stronger model is asked."""
    agree: Callable[[str], bool] = refuse
    """Asked whether texts may leave this machine, which it is told in one sentence."""
    on_asked: Callable[[int, int], None] = ignore
    """Told how many of how many calls to a provider's model are done."""
    say: Callable[[str], None] = print_note
    """Told what must be known before anything is asked."""

    @property
    def oracle(self) -> str | None:
        """The column that answers, if one does."""
        if isinstance(self.reviewer, str) and self.reviewer.startswith(COLUMN):
            return self.reviewer.removeprefix(COLUMN)
        return None

    @property
    def judge(self) -> str | None:
        """The provider's model that answers in a person's place, if one does."""
        reviewer = self.reviewer
        return reviewer if isinstance(reviewer, str) and is_model_name(reviewer) else None

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


def oracle_columns(oracle: str | None, form: Form) -> dict[str, str]:
    """The columns that answer, by question: COL for an only one, COL.NAME for each of several."""
    if oracle is None:
        return {}
    if len(form.questions) == 1:
        return {form.only.name: oracle}
    return {name: f"{oracle}.{name}" for name in form.names}
