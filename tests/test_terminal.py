"""Reviewing in the terminal: through a plain pipe, and on a real pseudo-terminal.

Run as a script, this file is the program on the other side of the pseudo-terminal.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import traceback
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fcntl import ioctl
from pathlib import Path
from typing import NoReturn, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from signoff.core.items import Item, ItemNumber
from signoff.core.questions import CANNOT_SAY, Choice, Chosen, Form, Given
from signoff.errors import InputError, UsageError
from signoff.ports import Desk, Forecast, Progress, Request, Reviewer
from signoff.terminal import TerminalReviewer
from signoff.terminal.keys import Command, label_keys, matching
from signoff.terminal.untrusted import one_line, visible
from signoff.terminal.words import numbers, parse_line, progress_line

TEXTS = ["I love it", "Broke after a day", "It is a lamp"]
MOOD = ("Positive", "Negative")


@dataclass
class MemoryDesk:
    """A queue in memory: the first in line, skips to the back, the last answer can be undone."""

    texts: Sequence[str]
    labels: Sequence[str] = MOOD
    fails: bool = False
    sealed: bool = False
    given: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    log: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.question = Choice.of(tuple(self.labels), text="How does it sound?")
        self.waiting = [self._request(number) for number in range(len(self.texts))]
        self.history: list[Request] = []

    def _request(self, number: int) -> Request:
        item = Item(
            number=ItemNumber(number),
            key=f"key{number}",
            text=self.texts[number],
            data={"text": self.texts[number]},
        )
        return Request(id=f"r{number}", item=item, form=Form((self.question,)))

    def next(self) -> Request | None:
        return self.waiting[0] if self.waiting else None

    def next_many(self, limit: int) -> list[Request]:
        return self.waiting[:limit]

    def answer(self, request: Request, given: Given, *, seconds: float) -> None:
        (answer,) = request.form.taken(given).values()
        if self.fails:
            raise RuntimeError("the disk is gone")
        assert seconds >= 0
        self.waiting.remove(request)
        self.history.append(request)
        shown = answer.label if isinstance(answer, Chosen) else "cannot say"
        self.given.append((request.item.number, shown))
        self.log.append(f"answer {request.item.number} {shown}")

    def answer_many(self, answers: Sequence[tuple[Request, Given]]) -> None:
        for request, answer in answers:
            self.answer(request, answer, seconds=0)

    def skip(self, request: Request) -> None:
        self.waiting.remove(request)
        self.waiting.append(request)
        self.log.append(f"skip {request.item.number}")

    def undo(self) -> Request | None:
        if self.sealed or not self.history:
            return None
        request = self.history.pop()
        self.given.pop()
        self.waiting.insert(0, request)
        self.log.append(f"undo {request.item.number}")
        return request

    def progress(self) -> Progress:
        answered = len(self.given)
        return Progress(
            pool=1,
            phase="auditing",
            items=len(self.texts),
            rows=len(self.texts),
            answered=answered,
            automatic=0,
            open=len(self.waiting),
            forecast=Forecast(answered=answered, learning=0, audit=60, review=40, automatic=0),
            seconds_per_answer=3.0,
            bound=0.05,
        )


# ------------------------------------------------------------------------------ a plain pipe


def by_lines(desk: MemoryDesk, typed: str) -> tuple[bool, str]:
    """Review with these lines as the whole input; what was returned, and what was printed."""
    shown = io.StringIO()
    reviewer = TerminalReviewer(
        name="ada", stream=io.StringIO(typed), console=Console(file=shown, width=200)
    )
    return reviewer.review(desk), shown.getvalue()


def test_a_terminal_reviewer_is_a_reviewer_and_a_person() -> None:
    reviewer: Reviewer = TerminalReviewer(name="ada", stream=io.StringIO())
    assert (reviewer.name, reviewer.kind) == ("ada", "person")
    desk: Desk = MemoryDesk(TEXTS)
    assert reviewer.review(desk) is False


def test_lines_answer_by_name_by_number_and_whatever_the_capitals() -> None:
    desk = MemoryDesk(TEXTS)
    finished, shown = by_lines(desk, "positive\n2\n  NEGATIVE  \n")
    assert finished
    assert desk.given == [(0, "Positive"), (1, "Negative"), (2, "Negative")]
    assert all(text in shown for text in TEXTS)
    assert "How does it sound?" in shown


def test_the_end_of_the_input_means_quit_and_keeps_what_was_answered() -> None:
    desk = MemoryDesk(TEXTS)
    finished, _ = by_lines(desk, "1\n")
    assert not finished
    assert desk.given == [(0, "Positive")]


def test_an_unknown_label_is_refused_with_the_list_and_asked_again() -> None:
    desk = MemoryDesk(TEXTS[:1])
    finished, shown = by_lines(desk, "Postive\n\n3\nPositive\n")
    assert finished
    assert "'Postive' is not one of the labels. Allowed: Positive, Negative." in shown
    assert "'3' is not one of the labels." in shown
    assert desk.given == [(0, "Positive")]


def test_a_skipped_item_comes_back_later() -> None:
    desk = MemoryDesk(TEXTS)
    finished, _ = by_lines(desk, "s\n1\n1\n2\n")
    assert finished
    assert desk.given == [(1, "Positive"), (2, "Positive"), (0, "Negative")]


def test_cannot_say_is_an_answer() -> None:
    desk = MemoryDesk(TEXTS)
    by_lines(desk, "x\ncannot say\nq\n")
    assert desk.given == [(0, "cannot say"), (1, "cannot say")]


def test_undo_shows_the_item_again_and_then_goes_on_where_it_was() -> None:
    desk = MemoryDesk(TEXTS)
    finished, _ = by_lines(desk, "1\n1\nu\nu\n2\n2\n1\n")
    assert finished
    assert desk.given == [(0, "Negative"), (1, "Negative"), (2, "Positive")]
    assert desk.log[:4] == ["answer 0 Positive", "answer 1 Positive", "undo 1", "undo 0"]


def test_undo_with_nothing_to_take_back_says_so_and_asks_again() -> None:
    desk = MemoryDesk(TEXTS[:1])
    finished, shown = by_lines(desk, "u\n1\n")
    assert finished
    assert "no answer of yours" in shown


def test_help_lists_every_key_and_every_label() -> None:
    desk = MemoryDesk(TEXTS, labels=[f"Topic {letter}" for letter in "abcdefghijklmnopqrst"])
    _, shown = by_lines(desk, "?\nq\n")
    for name in ("skip", "cannot say", "undo", "quit", "Topic t"):
        assert name in shown


def test_a_label_name_wins_over_a_command_and_over_a_number() -> None:
    question = Choice.of(["s", "2", "other"])
    assert parse_line(question, "s") == Chosen("s")
    assert parse_line(question, "2") == Chosen("2")
    assert parse_line(question, "skip") is Command.SKIP
    assert parse_line(question, "3") == Chosen("other")


def test_nothing_shown_tells_why_an_item_is_asked_or_what_the_model_says() -> None:
    _, shown = by_lines(MemoryDesk(TEXTS), "1\n2\n1\n")
    for word in ("audit", "model", "learning", "predict", "uncertain", "key0"):
        assert word not in shown.lower()


def test_markup_and_escapes_in_texts_and_labels_are_shown_not_obeyed() -> None:
    nasty = "[red]hi[/red] \x1b[2J\x1b]0;title\x07 \x9b31m \u202etxet :smile:"
    desk = MemoryDesk([nasty], labels=["[bold]a[/bold]", "b\x1b[1m"])
    _, shown = by_lines(desk, "1\n")
    assert "[red]hi[/red]" in shown
    assert ":smile:" in shown
    assert "[bold]a[/bold]" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)


def test_an_interrupt_while_waiting_for_a_line_means_quit() -> None:
    class Interrupted(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            raise KeyboardInterrupt

    desk = MemoryDesk(TEXTS)
    reviewer = TerminalReviewer(stream=Interrupted(), console=Console(file=io.StringIO()))
    assert reviewer.review(desk) is False


def test_an_empty_item_and_a_huge_item_can_be_answered() -> None:
    desk = MemoryDesk(["  ", "y" * 3_000_000])
    finished, shown = by_lines(desk, "x\n1\n")
    assert finished
    assert "2,980,000 more characters" in shown
    assert len(shown) < 50_000


def test_without_a_terminal_device_the_refusal_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--reviewer column:COL"):
        TerminalReviewer.on_device(device=str(tmp_path / "no-such-device"))


# -------------------------------------------------------------------------- words and keys


@given(st.text())
def test_visible_text_holds_nothing_that_steers_a_terminal_or_hides(text: str) -> None:
    shown = visible(text)
    kept = set("\n\u200c\u200d\u200e\u200f\u061c")
    assert not [c for c in shown if unicodedata.category(c).startswith("C") and c not in kept]
    shown.encode()
    assert visible(shown) == shown


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_visible_text_leaves_letters_digits_and_signs_alone(text: str) -> None:
    assert visible(text) == text


def test_emoji_families_and_right_to_left_letters_stay_whole() -> None:
    text = "👩‍👩‍👧 שלום می‌خواهم"
    assert visible(text) == text


def test_one_line_joins_lines_and_cuts_with_an_ellipsis() -> None:
    assert one_line("a\n b\tc") == "a b c"
    assert one_line("abcdef", 4) == "abc…"


@given(st.lists(st.text(min_size=1), min_size=2, max_size=12, unique=True))
def test_label_keys_are_distinct_single_keys_that_are_no_command(names: list[str]) -> None:
    keys = label_keys(names)
    if keys is None:
        assert len(names) > 9
    else:
        assert len(set(keys)) == len(names)
        assert all(len(key) == 1 and key.isdigit() for key in keys)


def test_labels_that_begin_with_digits_keep_their_own() -> None:
    assert label_keys(["0", "1"]) == ["0", "1"]
    assert label_keys(["5 stars", "4 stars"]) == ["5", "4"]
    assert label_keys([str(digit) for digit in range(10)]) == [str(digit) for digit in range(10)]
    assert label_keys(["10", "11"]) == ["1", "2"]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=30), st.data())
def test_every_label_is_found_by_its_own_name(names: list[str], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(names) - 1))
    assert position in matching(names, names[position])


@given(st.lists(st.text("abc xyz", min_size=1).filter(str.strip), min_size=2, max_size=30))
def test_every_label_can_be_typed_by_name_and_by_number(names: list[str]) -> None:
    distinct = list({name.strip().casefold(): name for name in names}.values())
    if len(distinct) < 2:
        return
    question = Choice.of(distinct)
    for label, number in zip(question.ids, numbers(question), strict=True):
        assert parse_line(question, label) == Chosen(label)
        assert parse_line(question, number) == Chosen(label)


def test_commands_are_typed_by_key_or_by_word() -> None:
    question = Choice.of(MOOD)
    assert parse_line(question, "X\n") == CANNOT_SAY
    assert parse_line(question, "Undo") is Command.UNDO
    with pytest.raises(InputError, match=r"s \(skip\)"):
        parse_line(question, "maybe")


def test_the_progress_line_shows_items_answers_forecast_minutes_and_bound() -> None:
    line = progress_line(MemoryDesk(TEXTS).progress())
    assert line == ("3 items · 0 answered · about 100 more (5 min) · at most 5.0 % wrong now")


def test_the_forecast_shrinks_with_every_answer_given_since() -> None:
    progress = MemoryDesk(TEXTS).progress()
    assert "about 98 more (5 min)" in progress_line(replace(progress, answered=2))
    assert "about 0 more" in progress_line(replace(progress, answered=200))


def test_minutes_left_come_from_the_reviewers_own_pace_where_none_is_known() -> None:
    class Unmeasured(MemoryDesk):
        def progress(self) -> Progress:
            return replace(super().progress(), seconds_per_answer=None)

    ticks = itertools.count(step=6.0)
    shown = io.StringIO()
    reviewer = TerminalReviewer(
        stream=io.StringIO("1\n" * 6),
        console=Console(file=shown, width=200),
        clock=lambda: next(ticks),
    )
    assert not reviewer.review(Unmeasured([f"text {n}" for n in range(7)]))
    lines = [line for line in shown.getvalue().splitlines() if "answered" in line]
    assert ["min" in line for line in lines] == [False] * 5 + [True] * 2
    assert "about 100 more (10 min)" in lines[5]


# --------------------------------------------------------------------- a real pseudo-terminal


class Stage:
    """A process that has imported everything and forks the program on the other side."""

    def __init__(self) -> None:
        environment = {**os.environ, "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent / "src")
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def start(self, device: str, args: Sequence[str]) -> int:
        """Start the program on this terminal device; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([device, *args]).encode() + b"\n")
        self.process.stdin.flush()
        return self.number()

    def number(self) -> int:
        """The next number the stage says: a process id, then its exit code."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def has_spoken(self) -> bool:
        """Whether a number waits to be read."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])


class Terminal:
    """The person's side of a pseudo-terminal with a program on the other side."""

    def __init__(self, stage: Stage, *args: str, size: tuple[int, int] = (24, 80)) -> None:
        self.stage = stage
        self.master, self.slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.raw = ""
        self.code: int | None = None
        self.pid = stage.start(os.ttyname(self.slave), args)

    def resize(self, lines: int, columns: int) -> None:
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def expect(self, wanted: str, *, seconds: float = 10) -> str:
        """Wait until the last frame drawn shows this; the frame."""
        deadline = time.monotonic() + seconds
        while not self.drawn or wanted not in self.frame:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{wanted!r} never appeared; last frame:\n{self.frame}")
        return self.frame

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)

    @property
    def drawn(self) -> bool:
        """Whether the last frame has come in whole: it ends by clearing what is below it."""
        left = self.raw.rfind("\x1b[?1049l") > self.raw.rfind("\x1b[?1049h")
        return left or "\x1b[J" in self.raw.rsplit("\x1b[H", 1)[-1]

    @property
    def frame(self) -> str:
        """The text after the last jump to the top left corner, colours removed."""
        last = self.raw.rsplit("\x1b[H", 1)[-1]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).replace("\r\n", "\n")

    def end(self, *, seconds: float = 10) -> int:
        """Wait for the program to end; its exit code."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            assert time.monotonic() < deadline, f"still running; last frame:\n{self.frame}"
            self._read(0.02)
            if self.stage.has_spoken():
                self.code = self.stage.number()
        while self._read(0.02):
            pass
        return self.code

    def unplug(self) -> None:
        """Take the terminal away."""
        for each in {self.master, self.slave} - {-1}:
            os.close(each)
        self.master = self.slave = -1

    def close(self) -> None:
        """Take the terminal away, and end the program if it still runs."""
        self.unplug()
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.code = self.stage.number()

    @property
    def restored(self) -> bool:
        """Whether the terminal has its settings back, and the program has left the screen."""
        settings = termios.tcgetattr(self.slave)
        after = self.raw.rsplit("\x1b[?1049h", 1)[-1]
        shown = all(code in after for code in ("\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"))
        return settings == self.before and shown


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.process.communicate(timeout=20)


class OpenTerminal(Protocol):
    def __call__(self, *args: str, size: tuple[int, int] = (24, 80)) -> Terminal: ...


@pytest.fixture
def terminal(stage: Stage) -> Iterator[OpenTerminal]:
    """Opens terminals; closes them when the test is over."""
    opened: list[Terminal] = []

    def start(*args: str, size: tuple[int, int] = (24, 80)) -> Terminal:
        opened.append(Terminal(stage, *args, size=size))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def outcome(tmp_path: Path) -> Path:
    """Where the program on the other side writes what happened."""
    return tmp_path / "outcome.json"


def given_in(outcome: Path) -> list[list[object]]:
    return json.loads(outcome.read_text())["given"]


def test_one_key_answers_and_the_next_item_appears(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome))
    frame = person.expect(TEXTS[0])
    for shown in ("1  Positive", "2  Negative", "s  skip", "x  cannot say", "u  undo"):
        assert shown in frame
    assert "q  quit" in frame
    assert "?  help" in frame
    person.send("1")
    assert TEXTS[1] in person.expect("Saved: Positive")
    person.send("2")
    person.expect(TEXTS[2])
    person.send("x")
    assert person.end() == 0
    assert person.restored
    assert json.loads(outcome.read_text()) == {
        "given": [[0, "Positive"], [1, "Negative"], [2, "cannot say"]],
        "finished": True,
    }


def test_skip_undo_help_and_quit_work_by_one_key(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("s")
    person.expect(TEXTS[1])
    person.send("1")
    person.expect(TEXTS[2])
    person.send("u")
    person.expect(TEXTS[1])
    person.send("?")
    person.expect("Any key goes back")
    person.send("z")
    person.expect(TEXTS[1])
    person.send("2")
    person.expect(TEXTS[2])
    person.send("q")
    assert person.end() == 0
    assert person.restored
    assert json.loads(outcome.read_text()) == {"given": [[1, "Negative"]], "finished": False}


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_control_c_and_control_d_quit_and_give_the_terminal_back(
    terminal: OpenTerminal, outcome: Path, key: str
) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("1")
    person.expect(TEXTS[1])
    person.send(key)
    assert person.end() == 0
    assert person.restored
    assert json.loads(outcome.read_text()) == {"given": [[0, "Positive"]], "finished": False}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_from_outside_quits_and_gives_the_terminal_back(
    terminal: OpenTerminal, outcome: Path, number: signal.Signals
) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("1")
    person.expect(TEXTS[1])
    os.kill(person.pid, number)
    assert person.end() == 0
    assert person.restored
    assert json.loads(outcome.read_text()) == {"given": [[0, "Positive"]], "finished": False}


def test_an_exception_gives_the_terminal_back(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome), "--fails")
    person.expect(TEXTS[0])
    person.send("1")
    assert person.end() == 1
    assert person.restored
    assert "the disk is gone" in person.raw


def test_the_terminal_going_away_means_quit(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("1")
    person.expect(TEXTS[1])
    person.unplug()
    assert person.stage.number() == 0
    person.code = 0
    assert json.loads(outcome.read_text()) == {"given": [[0, "Positive"]], "finished": False}


def test_a_paste_answers_nothing(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("\x1b[200~" + "1212121" * 500 + "\x1b[201~2")
    person.expect(TEXTS[1])
    person.send("q")
    assert person.end() == 0
    assert given_in(outcome) == [[0, "Negative"]]


def test_keys_that_mean_nothing_change_nothing(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome))
    person.expect(TEXTS[0])
    person.send("3z\x1b[15~\x1bOP\x1b[1;5Cé\x01\r1")
    person.expect(TEXTS[1])
    person.send("q")
    assert person.end() == 0
    assert given_in(outcome) == [[0, "Positive"]]


def test_beyond_nine_labels_typing_a_part_of_the_name_finds_the_label(
    terminal: OpenTerminal, outcome: Path
) -> None:
    labels = [
        f"{kind}_{thing}" for kind in ("lost", "new", "top_up") for thing in ["card", "pin", "fee"]
    ]
    person = terminal(str(outcome), "--labels", ",".join([*labels, "other"]))
    frame = person.expect(TEXTS[0])
    assert "10 of 10 labels" in frame
    assert "S  skip" in frame
    person.send("new p")
    person.expect("1 of 10 labels")
    person.send("\r")
    person.expect(TEXTS[1])
    person.send("car")
    assert "3 of 10 labels" in person.expect("car▏")
    person.send("\x1b[B\x1b[B\r")
    person.expect(TEXTS[2])
    person.send("\r")
    person.send("zzz")
    person.expect("zzz▏  0 of 10 labels")
    person.send("\r\x1b")
    person.expect("10 of 10 labels")
    person.send("X")
    assert person.end() == 0
    assert given_in(outcome) == [[0, "new_pin"], [1, "top_up_card"], [2, "cannot say"]]


def test_a_long_text_is_read_page_by_page(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome), "--long")
    assert "word0 " in person.expect("of 110")
    person.send(" ")
    frame = person.expect("word149 ")
    assert "word0 " not in frame
    person.send("\x1b[5~" * 9)
    person.expect("word0 ")
    person.send("1")
    person.expect(TEXTS[0])
    person.send("q")
    assert person.end() == 0


def test_a_new_window_size_is_drawn_at_once(terminal: OpenTerminal, outcome: Path) -> None:
    person = terminal(str(outcome), "--long")
    person.expect("of 110")
    person.resize(60, 100)
    person.expect("word469 ")
    person.send("q")
    assert person.end() == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 10), (0, 0), (8, 20), (100, 300)])
def test_any_window_size_can_be_reviewed_in(
    terminal: OpenTerminal, outcome: Path, size: tuple[int, int]
) -> None:
    person = terminal(str(outcome), size=size)
    person.expect("")
    person.send("121")
    assert person.end() == 0
    assert person.restored
    assert len(given_in(outcome)) == 3


def test_suspending_gives_the_terminal_back_and_coming_back_goes_on(
    terminal: OpenTerminal, outcome: Path
) -> None:
    person = terminal(str(outcome), "--watched")
    person.expect(TEXTS[0])
    person.send("\x1a")
    person.expect("suspended")
    assert person.restored
    person.send("go on\n")
    person.expect(TEXTS[0])
    person.send("1")
    person.expect(TEXTS[1])
    person.send("q")
    assert person.end() == 0
    assert given_in(outcome) == [[0, "Positive"]]


# --------------------------------------------------------- the program on the other side


def main(args: list[str]) -> None:
    # Whoever runs the tests may ignore hang-ups (nohup), and children inherit that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    labels = args[args.index("--labels") + 1].split(",") if "--labels" in args else MOOD
    texts = TEXTS
    if "--long" in args:
        texts = [" ".join(f"word{n}" for n in range(1000)), *TEXTS]
    if "--watched" in args:
        # stands in for the shell's job control: what it does when the program stops itself
        def stopped(number: int, frame: object) -> None:
            print("\x1b[Hsuspended", flush=True)
            input()

        signal.signal(signal.SIGTSTP, stopped)
    desk = MemoryDesk(texts, labels=labels, fails="--fails" in args)
    finished = TerminalReviewer(name="ada").review(desk)
    Path(args[0]).write_text(json.dumps({"given": desk.given, "finished": finished}))


def on_device(device: str, args: list[str]) -> NoReturn:
    """Become the foreground program of this terminal, as if started from a shell on it."""
    os.setsid()
    fd = os.open(device, os.O_RDWR)
    ioctl(fd, termios.TIOCSCTTY, 0)
    for each in range(3):
        os.dup2(fd, each)
    os.close(fd)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    code = 1
    try:
        main(args)
        code = 0
    except BaseException:
        with suppress(OSError):
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    """Run one program after the other, each on the terminal named on a line of the input."""
    for line in sys.stdin.buffer:
        device, *args = json.loads(line)
        pid = os.fork()
        if pid == 0:
            on_device(device, args)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
