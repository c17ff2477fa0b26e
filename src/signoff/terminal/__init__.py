"""Review in the terminal: the same queue as the browser, one key per answer."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from signoff.core.questions import Given
from signoff.errors import UsageError
from signoff.terminal.hints import differing
from signoff.terminal.keys import Command
from signoff.terminal.words import answers_name, choice_of, refuse_spans

if TYPE_CHECKING:
    from rich.console import Console

    from signoff.ports import Desk, Progress, Request

DEVICE = "/dev/tty"
FEWEST_FOR_A_PACE = 5
LATEST_FOR_A_PACE = 50
NOTHING_TO_UNDO = "There is no answer of yours that can still be taken back."


class _Front(Protocol):
    """Shows one item and brings back what the reviewer did."""

    def ask(self, request: Request, progress: Progress, note: str) -> Given | Command: ...


class TerminalReviewer:
    """A person at a terminal, or whoever writes lines into a pipe.

    Shows the item and the question, never why the item is asked; what the machine says where the
    project shows that, and so never in a certified one.

    - ``stream``: where answers come from, standard input if not given.
    - ``console``: where items are shown, standard output if not given.
    - ``clock``: seconds, for the time an answer took.
    """

    kind: Literal["person"] = "person"

    def __init__(
        self,
        *,
        name: str = "reviewer",
        stream: TextIO | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._stream = _standard_input() if stream is None else stream
        self._console = _console() if console is None else console
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=LATEST_FOR_A_PACE)

    @classmethod
    def on_device(cls, *, name: str = "reviewer", device: str = DEVICE) -> TerminalReviewer:
        """A reviewer at the terminal itself, for when standard input holds the data.

        Raises :class:`UsageError` where this process has no terminal.
        """
        try:
            stream = open(device, encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
            screen = open(device, "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
        except OSError as error:
            raise UsageError(
                f"The data comes from standard input and there is no terminal to answer from: "
                f"{device}: {error.strerror}.",
                hint="Pass the data as a file, or --reviewer column:COL or --reviewer none.",
            ) from None
        return cls(name=name, stream=stream, console=_console(screen))

    def review(self, desk: Desk) -> bool:
        """Answer until the desk has nothing more; False when the reviewer quits.

        Quits on ``q``, Ctrl-C and the end of the input; every answer given before is kept.
        """
        from signoff.terminal.lines import LineFront

        try:
            if not self._on_screen():
                return self._answer_all(desk, LineFront(self._stream, self._console))
            return self._answer_on_screen(desk)
        except (KeyboardInterrupt, EOFError):
            return False

    def _answer_on_screen(self, desk: Desk) -> bool:
        """One key answers a choice; everything else is typed line by line."""
        first = desk.next()
        if first is not None and choice_of(first) is None:
            from signoff.terminal.lines import LineFront

            return self._answer_all(desk, LineFront(self._stream, self._console))
        from signoff.terminal.screen import ScreenFront

        screen = ScreenFront(self._stream, self._console)
        with screen.open():
            return self._answer_all(desk, screen)

    def _answer_all(self, desk: Desk, front: _Front) -> bool:
        waiting: list[Request] = []
        note = ""
        while request := waiting.pop() if waiting else desk.next():
            refuse_spans(request)
            shown_at = self._clock()
            reply = front.ask(request, self._with_pace(desk.progress()), note)
            note = ""
            if reply is Command.QUIT:
                return False
            if reply is Command.SKIP:
                desk.skip(request)
            elif reply is Command.UNDO:
                taken_back = desk.undo()
                note = NOTHING_TO_UNDO if taken_back is None else ""
                waiting += [request] if taken_back is None else [request, taken_back]
            elif not isinstance(reply, Command):
                seconds = self._clock() - shown_at
                stored = desk.answer(request, reply, seconds=seconds)
                self._seconds.append(seconds)
                saved = f"Saved: {answers_name(request.form, reply)} (u takes it back)"
                note = saved + differing(request.form, reply, stored)
        return True

    def _with_pace(self, progress: Progress) -> Progress:
        """Progress with this reviewer's own pace where nobody measured one."""
        if progress.seconds_per_answer is not None or len(self._seconds) < FEWEST_FOR_A_PACE:
            return progress
        return replace(progress, seconds_per_answer=median(self._seconds))

    def _on_screen(self) -> bool:
        """Whether both ends are a terminal that can be drawn on."""
        console = self._console
        return self._stream.isatty() and console.file.isatty() and not console.is_dumb_terminal


def _standard_input() -> TextIO:
    if sys.stdin is None or sys.stdin.closed:  # pyright: ignore[reportUnnecessaryComparison]
        raise UsageError(
            "Standard input is closed, so nobody can answer here.",
            hint="Pass --reviewer column:COL or --reviewer none.",
        )
    return sys.stdin


def _console(file: TextIO | None = None) -> Console:
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False)
