"""The words a reviewer reads: progress, labels, help; and the lines a reviewer types."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from signoff.core.questions import (
    CANNOT_SAY,
    Answer,
    Choice,
    Chosen,
    Form,
    Given,
    MultiChoice,
    Pairwise,
    Question,
    Rating,
    Spans,
    answer_text,
)
from signoff.core.questions import Text as TextQuestion
from signoff.errors import InputError, UsageError
from signoff.terminal.keys import COMMAND_NAMES, Command, label_keys
from signoff.terminal.untrusted import one_line

if TYPE_CHECKING:
    from signoff.ports import Progress, Request

FEW_LABELS = 12


def choice_of(request: Request) -> Choice | None:
    """The choice that a request asks, if that is all it asks: one key answers it."""
    questions = request.form.questions
    if len(questions) == 1 and isinstance(questions[0], Choice):
        return questions[0]
    return None


def refuse_spans(request: Request) -> None:
    """Raise :class:`UsageError` where a question can be answered on the page alone."""
    for question in request.form.questions:
        if isinstance(question, Spans):
            raise UsageError(
                "Parts of a text cannot be marked in the terminal.",
                hint="Answer on the page: --reviewer web.",
            )


def progress_line(progress: Progress) -> str:
    """Where the pool stands, on one line; says nothing of any single item or of the phase.

    "Wrong now": the share of all labels that could be wrong if the run stopped here.
    """
    parts = [f"{progress.items:,} items", f"{progress.answered:,} answered"]
    left = answers_left(progress)
    if left is not None:
        pace = progress.seconds_per_answer
        time = "" if pace is None else f" ({_minutes(left * pace / 60)})"
        parts.append(f"about {left:,} more{time}")
    if progress.bound is not None:
        parts.append(f"at most {100 * progress.bound:.1f} % wrong now")
    if progress.budget_left is not None:
        parts.append(f"{progress.budget_left:,} left in the budget")
    return " · ".join(parts)


def answers_left(progress: Progress) -> int | None:
    """Answers people are still expected to give, less those given since the forecast."""
    forecast = progress.forecast
    if forecast is None:
        return None
    return max(0, forecast.remaining - max(0, progress.answered - forecast.answered))


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "under a minute"
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h"


def text_of(request: Request) -> str:
    """What a person is shown of an item: its text, or its columns where it has no text."""
    item = request.item
    if item.text.strip():
        return item.text
    shown = [f"{name}: {value}" for name, value in item.data.items() if value not in (None, "")]
    return "\n".join(shown) or "(this item is empty)"


def answers_name(form: Form, given: Given) -> str:
    """The names a person knows answers by."""
    answers = form.taken(given)
    return ", ".join(answer_name(each, answers[each.name]) for each in form.questions)


def answer_name(question: Question, answer: Answer) -> str:
    """The name a person knows an answer by."""
    if answer == CANNOT_SAY:
        return COMMAND_NAMES[Command.CANNOT_SAY]
    names = {label.id: label.name for label in question.labels} if _is_choice(question) else {}
    name = names[answer.label] if isinstance(answer, Chosen) else answer_text(answer)
    return one_line(name, 40)


def _is_choice(question: Question) -> TypeGuard[Choice]:
    return isinstance(question, Choice)


def label_names(question: Choice) -> list[str]:
    """Label names as they can be shown, in order."""
    return [one_line(label.name, 60) or "?" for label in question.labels]


def parse_line(question: Choice, line: str) -> Answer | Command:
    """What a typed line means: a label by name, then a command, then a label by its number.

    Raises :class:`InputError` with the list of what is allowed.
    """
    try:
        return question.parse(line)
    except InputError as refused:
        typed = line.strip().casefold()
        for command, name in COMMAND_NAMES.items():
            if typed in (command.value, name):
                return CANNOT_SAY if command is Command.CANNOT_SAY else command
        keys = numbers(question)
        if typed in keys:
            return question.parse(question.ids[keys.index(typed)])
        hint = f"{refused.hint} Or a number, or {_commands()}."
        raise InputError(refused.message, hint=hint, code=refused.code) from None


def parse_typed(question: Question, line: str, before: str) -> Answer | Command:
    """What a typed line means to a question of any kind; ``before``: the text to correct.

    Commands come first; where a text is asked they need a slash (``/s``), and an empty line keeps
    the text. Raises :class:`InputError` with what is allowed.
    """
    if isinstance(question, Choice):
        return parse_line(question, line)
    typed, text = line.strip().casefold(), isinstance(question, TextQuestion)
    for command, name in COMMAND_NAMES.items():
        if typed in ([f"/{command.value}"] if text else [command.value, name]):
            return CANNOT_SAY if command is Command.CANNOT_SAY else command
    if text and not typed and before:
        return question.parse(before)
    return question.parse(line.rstrip("\n"))


def asked_line(question: Question) -> str:
    """What to type for a question of any kind."""
    if isinstance(question, Choice):
        return choices_line(question)
    slash = "/" if isinstance(question, TextQuestion) else ""
    commands = "   ".join(f"{slash}{command} {name}" for command, name in COMMAND_NAMES.items())
    return f"{_what_to_type(question)}   {commands}"


def _what_to_type(question: Question) -> str:
    match question:
        case MultiChoice():
            names = ", ".join(one_line(label.name, 60) for label in question.labels)
            return f"{names}: any of them with commas between, or (none)"
        case Rating():
            ends = [_end(question.low, question.low_name), _end(question.high, question.high_name)]
            return f"a number from {ends[0]} to {ends[1]}"
        case Pairwise():
            return "a, b, tie or both bad"
        case TextQuestion(field=str()):
            return "the text as it should be, on one line; Enter keeps it"
        case _:
            return "one line of text"


def _end(number: float, name: str) -> str:
    return f"{number:g} ({one_line(name, 40)})" if name else f"{number:g}"


def beside(question: Question, request: Request) -> list[str]:
    """What a question shows of the item beside its text, by line."""
    data = request.item.data
    if isinstance(question, Pairwise):
        return [f"A: {data.get(question.a, '')}", f"B: {data.get(question.b, '')}"]
    if isinstance(question, TextQuestion) and question.field is not None:
        return [f"Now: {to_correct(question, request)}"]
    return []


def to_correct(question: Question, request: Request) -> str:
    """The text that a question asks to correct; "" where it asks for a new one."""
    if isinstance(question, TextQuestion) and question.field is not None:
        return str(request.item.data.get(question.field) or "")
    return ""


def numbers(question: Choice) -> list[str]:
    """The number that stands for each label in typed lines."""
    names = label_names(question)
    return label_keys(names) or [str(number) for number in range(1, len(names) + 1)]


def _commands() -> str:
    return ", ".join(f"{command} ({name})" for command, name in COMMAND_NAMES.items())


def choices_line(question: Choice) -> str:
    """The labels and commands with what to type for each."""
    names = label_names(question)
    pairs = [f"{number} {name}" for number, name in zip(numbers(question), names, strict=True)]
    if len(pairs) > FEW_LABELS:
        pairs = [*pairs[:FEW_LABELS], f"… {len(pairs) - FEW_LABELS} more labels (? lists all)"]
    return "   ".join([*pairs, *(f"{command} {name}" for command, name in COMMAND_NAMES.items())])


def help_lines(question: Choice) -> list[str]:
    """Every key and what it does."""
    labels = [
        f"{number:>3}  {name}"
        for number, name in zip(numbers(question), label_names(question), strict=True)
    ]
    return [
        "Every item waits for one answer: the label that fits what you see.",
        "Your answer is saved before the next item appears.",
        "",
        *labels,
        "",
        "  s  skip: the item comes back later",
        "  x  cannot say: what is shown does not decide it; this is an answer, too",
        "  u  undo: take your last answer back and give another",
        "  q  quit; the same command goes on from here (Ctrl-C does the same)",
        "  ?  this help",
    ]
