"""Record the README's picture from the real program: docs/session.svg.

A pseudo-terminal runs ``signoff run`` on the example reviews. A stand-in reads each review off
the screen and types the key of its label, at a person's pace; then it quits, and the label column
finishes. The picture shows the command, one question as it stood on the screen, and the end.

    python docs/make_session_picture.py [--answers 490] [--pause 0.5]
"""

from __future__ import annotations

import argparse
import csv
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "session.svg"
COLUMNS, LINES = 100, 14
SIGNOFF = Path(os.environ.get("SIGNOFF", Path(sys.executable).with_name("signoff")))
ARGUMENTS = "run reviews.csv --labels Positive,Negative --max-error 5% --reviewer terminal"
KEYS = {"Positive": "1", "Negative": "2"}
FRAME = re.compile(r"\x1b\[H(.*?)\x1b\[J", re.DOTALL)


def plain(text: str) -> str:
    """Letters and digits only: what wrapping and styling leave as it was."""
    return "".join(re.findall(r"\w+", text))


class Terminal:
    """The program in a pseudo-terminal, and the last whole screen it drew."""

    def __init__(self, command: list[str], folder: Path) -> None:
        size = {"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm-256color"}
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execve(command[0], command, {**os.environ, **size})
        subprocess.run(
            ["stty", "rows", str(LINES), "cols", str(COLUMNS)], stdin=self._terminal, check=True
        )
        self._seen = ""

    def frame(self, after: str, wait: float = 120) -> str:
        """The next screen that differs from ``after``."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            frames = FRAME.findall(self._seen)
            if frames and frames[-1] != after:
                return frames[-1].replace("\x1b[K", "").replace("\r", "")
            if not self._read():
                raise SystemExit(f"The program ended early:\n{self._seen[-2000:]}")
        raise TimeoutError("the program drew no new screen")

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], 0.2)[0]:
            return True
        try:
            got = os.read(self._terminal, 65536)
        except OSError:
            return False
        self._seen = (self._seen + got.decode("utf-8", "replace"))[-200_000:]
        return bool(got)

    def type(self, key: str) -> None:
        """Press one key."""
        self._seen = ""
        os.write(self._terminal, key.encode())

    def end(self) -> None:
        """Quit and wait for the program to go."""
        self.type("q")
        while self._read():
            pass
        os.waitpid(self._process, 0)


def key_for(frame: str, answers: dict[str, str]) -> str:
    """The key of the review on the screen; skips one that cannot be told."""
    shown = plain(Text.from_ansi(frame).plain)
    found = {label for text, label in answers.items() if text in shown}
    return KEYS[found.pop()] if len(found) == 1 else "s"


def questions(folder: Path, answers: dict[str, str], *, count: int, pause: float) -> str:
    """Answer that many reviews on the screen; the last question as it stood there."""
    terminal = Terminal([str(SIGNOFF), *ARGUMENTS.split()], folder)
    frame = terminal.frame("")
    for _ in range(count):
        time.sleep(pause)
        terminal.type(key_for(frame, answers))
        frame = terminal.frame("")
    terminal.end()
    return frame


def ending(folder: Path) -> str:
    """What the program prints when the label column answers the rest."""
    command = [str(SIGNOFF), *ARGUMENTS.split(), "--reviewer", "column:label"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return "\n".join(done.stdout.rstrip().splitlines()[-14:])


def without_network(svg: str) -> str:
    """The picture with the reader's own fixed-width font instead of one fetched from elsewhere."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<!-- Generated with Rich .*? -->", "", svg)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas")


def main() -> None:
    """Record, and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=490)
    parser.add_argument("--pause", type=float, default=0.5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = shutil.copy(REPOSITORY / "examples" / "reviews.csv", folder)
        with Path(data).open(encoding="utf-8", newline="") as file:
            answers = {plain(row["text"]): row["label"] for row in csv.DictReader(file)}
        question = questions(folder, answers, count=options.answers, pause=options.pause)
        end = ending(folder)
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print(Text(f"$ signoff {ARGUMENTS}", "bold"))
    console.print(Text.from_ansi(question))
    console.print(Text(f"\n$ signoff {ARGUMENTS} --reviewer column:label", "bold"))
    console.print(Text.from_ansi(end))
    PICTURE.write_text(without_network(console.export_svg(title="signoff")), encoding="utf-8")
    print(PICTURE.relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
