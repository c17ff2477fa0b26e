"""People's answers as examples of a prompt: each as the reply that would have been right."""

from __future__ import annotations

from signoff.core.questions import Answer, Chosen
from signoff.core.questions.answers import ChosenMany, Marked, Rated, Written
from signoff.models.llm.forms import ReplyForm
from signoff.models.llm.prompts import Example


def example_of(form: ReplyForm, text: str, answer: Answer) -> Example | None:
    """An item that people answered, as an example; None where no reply could say the same."""
    codes = {value: code for code, value in form.codes.items()}
    match answer:
        case Chosen():
            return Example(text=text, answer=codes[answer.label])
        case ChosenMany():
            return Example(text=text, answer=[codes[label] for label in answer.labels])
        case Rated():
            written = f"{answer.value:g}"
            return Example(text=text, answer=codes.get(written, answer.value))
        case Written():
            return Example(text=text, answer=answer.text)
        case Marked():
            quotes = [text[span.start : span.end] for span in answer.spans]
            if any(text.count(quote) != 1 for quote in quotes):
                return None
            marks = [
                {"quote": quote, "label": codes[span.label]}
                for quote, span in zip(quotes, answer.spans, strict=True)
            ]
            return Example(text=text, answer=marks)
        case _:
            return None
