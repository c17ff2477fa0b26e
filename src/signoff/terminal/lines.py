"""Reviewing in a plain pipe: items are printed, answers are read line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.text import Text

from signoff.core.questions import Answer, Choice, Given, Question
from signoff.errors import InputError
from signoff.terminal.hints import hint_lines
from signoff.terminal.keys import Command
from signoff.terminal.untrusted import visible
from signoff.terminal.words import (
    asked_line,
    beside,
    help_lines,
    parse_typed,
    progress_line,
    text_of,
    to_correct,
)

if TYPE_CHECKING:
    from rich.console import Console

    from signoff.ports import Progress, Request

LONGEST_TEXT = 20_000


class LineFront:
    """Asks by printing, and reads one line per answer; the end of the input means quit."""

    def __init__(self, stream: TextIO, console: Console) -> None:
        self._stream = stream
        self._console = console

    def ask(self, request: Request, progress: Progress, note: str) -> Given | Command:
        """Show one item and wait for a line that means something, for each question."""
        if note:
            self._print(note)
        self._show(request, progress)
        answers: dict[str, Answer] = {}
        for question in request.form.questions:
            reply = self._ask_one(request, question)
            if isinstance(reply, Command):
                return reply
            answers[question.name] = reply
        return answers

    def _ask_one(self, request: Request, question: Question) -> Answer | Command:
        for line in (*beside(question, request), question.text, asked_line(question)):
            self._print(line)
        before = to_correct(question, request)
        while True:
            self._print("> ", end="")
            line = self._stream.readline()
            if not line:
                self._print("")
                return Command.QUIT
            if not line.strip() and not before:
                continue
            try:
                reply = parse_typed(question, line, before)
            except InputError as refused:
                self._print(f"{refused.message} {refused.hint}")
                continue
            if reply is not Command.HELP:
                return reply
            known = isinstance(question, Choice)
            self._print("\n".join(help_lines(question)) if known else asked_line(question))

    def _show(self, request: Request, progress: Progress) -> None:
        text = visible(text_of(request))
        if len(text) > LONGEST_TEXT:
            left = len(text) - LONGEST_TEXT
            text = f"{text[:LONGEST_TEXT]}\n(… {left:,} more characters)"
        self._print(f"\n[{progress_line(progress)}]")
        self._print("\n".join(f"    {line}" for line in text.splitlines()))
        for line in hint_lines(request.form, request.hint):
            self._print(line)

    def _print(self, line: str, *, end: str = "\n") -> None:
        self._console.print(Text(visible(line)), end=end, soft_wrap=True)
