"""People's answers as the replies that would have been right: they read back as the same answer."""

from __future__ import annotations

import json

import pytest

from signoff.core.questions import CANNOT_SAY, Choice, Chosen, MultiChoice, Question, Rating, Spans
from signoff.core.questions.answers import Answer, ChosenMany, Marked, Rated, Span, Written
from signoff.core.questions.text import Text
from signoff.models.llm.calls import Reply
from signoff.models.llm.examples import example_of
from signoff.models.llm.prompts import Prompt
from signoff.models.llm.reading import Said, read

TEXT = "Ann met Bob in Rome, and Rome was hot."


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (Choice.of(["Positive", "Negative"]), Chosen("Negative")),
        (MultiChoice.of(["a", "b", "c"]), ChosenMany(("a", "c"))),
        (MultiChoice.of(["a", "b", "c"]), ChosenMany(())),
        (Rating(), Rated(4.0)),
        (Rating(low=0, high=1000, step=0.5), Rated(12.5)),
        (Text(), Written("Something else")),
        (Spans.of(["person"]), Marked((Span(0, 3, "person"), Span(8, 11, "person")))),
    ],
)
def test_an_example_reads_back_as_the_answer(question: Question, answer: Answer) -> None:
    prompt = Prompt(question=question)
    example = example_of(prompt.form, TEXT, answer)
    assert example is not None
    reply = json.dumps({"answer": example.answer, "confidence": 0.9})
    said = read(prompt, Reply(text=reply, model="m"), TEXT)
    assert isinstance(said, Said)
    assert question.same(said.answer, answer)


def test_what_no_reply_could_say_makes_no_example() -> None:
    marked = Marked((Span(15, 19, "person"),))  # Rome, which stands there twice
    assert example_of(Prompt(question=Spans.of(["person"])).form, TEXT, marked) is None
    assert example_of(Prompt(question=Choice.of(["a", "b"])).form, TEXT, CANNOT_SAY) is None
