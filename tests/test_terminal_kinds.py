"""Every kind of question at a plain terminal, line by line."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

import pytest
from rich.console import Console

from signoff.core.items import Item, ItemNumber
from signoff.core.questions import (
    CANNOT_SAY,
    Answer,
    AnyQuestion,
    Choice,
    ChosenMany,
    Form,
    Given,
    Label,
    MultiChoice,
    Pairwise,
    Preferred,
    Rated,
    Rating,
    Spans,
    Text,
    Written,
)
from signoff.errors import UsageError
from signoff.ports import Progress, Request
from signoff.terminal import TerminalReviewer

DATA = {"text": "Which is best?", "draft": "teh cat", "one": "Tea.", "two": "Coffee."}


@dataclass
class Desk:
    """Two items, the second a stranger to the first."""

    form: Form
    given: list[dict[str, Answer]] = field(default_factory=list[dict[str, Answer]])
    skipped: int = 0

    def __post_init__(self) -> None:
        item = Item(number=ItemNumber(0), key="k", text=DATA["text"], data=DATA)
        self.waiting = [Request(id=f"r{n}", item=item, form=self.form) for n in range(2)]

    def next(self) -> Request | None:
        return self.waiting[0] if self.waiting else None

    def next_many(self, limit: int) -> list[Request]:
        return self.waiting[:limit]

    def answer(self, request: Request, given: Given, *, seconds: float) -> None:
        self.waiting.remove(request)
        self.given.append(self.form.taken(given))

    def answer_many(self, answers: object) -> None:
        raise NotImplementedError

    def skip(self, request: Request) -> None:
        self.waiting.remove(request)
        self.skipped += 1

    def undo(self) -> Request | None:
        return None

    def progress(self) -> Progress:
        return Progress(
            pool=1,
            phase="finishing",
            items=2,
            rows=2,
            answered=len(self.given),
            automatic=0,
            open=len(self.waiting),
            forecast=None,
            seconds_per_answer=None,
            bound=None,
        )


def typed(form: Form, lines: str) -> tuple[Desk, str]:
    desk, shown = Desk(form), io.StringIO()
    TerminalReviewer(
        name="ada", stream=io.StringIO(lines), console=Console(file=shown, width=200)
    ).review(desk)
    return desk, shown.getvalue()


@pytest.mark.parametrize(
    ("question", "lines", "answers", "shown"),
    [
        (
            MultiChoice.of(["Red", "Blue"]),
            "blue, RED\n(none)\n",
            [ChosenMany(("Red", "Blue")), ChosenMany(())],
            "Red, Blue: any of them",
        ),
        (
            Rating(low_name="poor", high_name="great"),
            "9\n4\nx\n",
            [Rated(4), CANNOT_SAY],
            "a number from 1 (poor) to 5 (great)",
        ),
        (
            Pairwise(a="one", b="two"),
            "B\nboth bad\n",
            [Preferred("b"), Preferred("both_bad")],
            "A: Tea.",
        ),
        (
            Text(field="draft"),
            "the cat\n\n",
            [Written("the cat"), Written("teh cat")],
            "Now: teh cat",
        ),
        (Text(), "s\n/x\n", [Written("s"), CANNOT_SAY], "one line of text"),
    ],
)
def test_a_line_answers_each_kind(
    question: AnyQuestion, lines: str, answers: list[Answer], shown: str
) -> None:
    desk, printed = typed(Form((question,)), lines)
    assert [given["answer"] for given in desk.given] == answers
    assert shown in printed


def test_a_form_is_asked_question_by_question_and_skipped_whole() -> None:
    labels = (Label(id="y", name="Yes"), Label(id="n", name="No"))
    form = Form((Choice(labels=labels, name="good"), replace(Rating(), name="stars")))
    desk, printed = typed(form, "yes\n3\nno\ns\n")
    assert desk.given == [{"good": form.questions[0].parse("Yes"), "stars": Rated(3)}]
    assert desk.skipped == 1
    assert "Saved: Yes, 3" in printed


def test_spans_are_for_the_page() -> None:
    with pytest.raises(UsageError, match="cannot be marked in the terminal") as refused:
        typed(Form((Spans.of(["Person"]),)), "[]\n")
    assert "--reviewer web" in refused.value.hint
