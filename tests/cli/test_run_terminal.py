"""``signoff run`` with a person at a real terminal."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"
PROGRAM = "import sys; from signoff.cli import main; sys.exit(main())"
TEXTS = ("all good", "all bad", "so so")
COMMAND = "--labels Positive,Negative --policy people --as ada --reviewer terminal"


class Session:
    """A shell command in a pseudo-terminal of its own, and what it shows."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.master, slave = pty.openpty()
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        program = (
            f"'{sys.executable}' -c 'import sys; from signoff.cli import main; sys.exit(main())'"
        )
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", shell.replace("signoff", program, 1)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.raw = ""

    def expect(self, wanted: str, *, seconds: float = 60) -> str:
        """Wait until the screen shows this; the screen."""
        deadline = time.monotonic() + seconds
        while wanted not in self.screen:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{wanted!r} never appeared:\n{self.raw[-2000:]}")
        return self.screen

    @property
    def screen(self) -> str:
        last = self.raw.rsplit("\x1b[H", 1)[-1]
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last)

    def send(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def _read(self, seconds: float) -> bool:
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        with suppress(OSError):
            data = os.read(self.master, 65536)
            self.raw += data.decode(errors="replace")
            return bool(data)
        return False

    def end(self) -> int:
        """Wait for the command to end; its exit code."""
        while self._read(60):
            pass
        return self.process.wait(timeout=60)

    def answer_all(self) -> None:
        """Answer every text as it comes: the good one is positive, the others negative."""
        for _ in TEXTS:
            deadline = time.monotonic() + 60
            while not (shown := [text for text in TEXTS if text in self.screen]):
                assert time.monotonic() < deadline, self.raw[-2000:]
                assert self._read(60), self.raw[-2000:]
            self.raw = ""
            self.send("1" if "good" in shown[0] else "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = "".join(f"{text}\n" for text in TEXTS)
    (tmp_path / "data.csv").write_text(f"text\n{rows}")
    return tmp_path


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    """Sessions to end when the test is over."""
    opened: list[Session] = []
    yield opened
    for each in opened:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        os.close(each.master)


def answers(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["text"]: row["signoff_answer"] for row in csv.DictReader(file)}


RIGHT = {"all good": "Positive", "all bad": "Negative", "so so": "Negative"}


def test_one_key_answers_until_all_is_decided(folder: Path, sessions: list[Session]) -> None:
    person = Session(f"signoff run data.csv {COMMAND}", folder)
    sessions.append(person)
    person.answer_all()
    assert person.end() == 0
    assert "3 answered by people" in person.raw
    assert answers(folder / "data.signoff.csv") == RIGHT


def test_control_c_is_unfinished_and_the_same_command_goes_on(
    folder: Path, sessions: list[Session]
) -> None:
    first = Session(f"signoff run data.csv {COMMAND}", folder)
    sessions.append(first)
    first.expect("Positive")
    first.send("1")
    first.expect("Saved: Positive")
    first.send("\x03")
    assert first.end() == 3
    assert "run the same command again" in first.raw
    second = Session(f"signoff run data.csv {COMMAND}", folder)
    sessions.append(second)
    assert "1 answered" in second.expect("Which label fits?")
    second.send("2")
    second.expect("Saved: Negative")
    second.send("2")
    assert second.end() == 0
    assert sorted(answers(folder / "data.signoff.csv").values()) == [
        *("Negative", "Negative", "Positive")
    ]


def test_data_from_standard_input_is_answered_at_the_terminal_device(
    folder: Path, sessions: list[Session]
) -> None:
    person = Session(f"signoff run - {COMMAND} --out out.csv < data.csv", folder)
    sessions.append(person)
    person.answer_all()
    assert person.end() == 0
    assert answers(folder / "out.csv") == RIGHT


def test_results_go_to_standard_output_and_the_screen_to_the_terminal(
    folder: Path, sessions: list[Session]
) -> None:
    person = Session(f"signoff run data.csv {COMMAND} --out - > piped.csv", folder)
    sessions.append(person)
    person.answer_all()
    assert person.end() == 0
    assert answers(folder / "piped.csv") == RIGHT
