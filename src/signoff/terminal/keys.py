"""Which key means what, and reading keys from a terminal."""

from __future__ import annotations

import codecs
import os
import select
import signal
import termios
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from types import FrameType

ONE_KEY_LABELS = 9
_POLL_SECONDS = 0.25
_ESCAPE_SECONDS = 0.05
_PASTE_BEGIN = b"\x1b[200~"
_PASTE_END = b"\x1b[201~"
BRACKETED_PASTE_ON = "\x1b[?2004h"
BRACKETED_PASTE_OFF = "\x1b[?2004l"


class Command(StrEnum):
    """What a reviewer can do besides answering; the value is the key."""

    SKIP = "s"
    CANNOT_SAY = "x"
    UNDO = "u"
    QUIT = "q"
    HELP = "?"


COMMAND_NAMES: Mapping[Command, str] = {
    Command.SKIP: "skip",
    Command.CANNOT_SAY: "cannot say",
    Command.UNDO: "undo",
    Command.QUIT: "quit",
    Command.HELP: "help",
}


class Key(StrEnum):
    """Keys that are no character."""

    ENTER = "enter"
    BACKSPACE = "backspace"
    ESCAPE = "escape"
    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    QUIT = "end of input"
    SUSPEND = "suspend"
    REDRAW = "redraw"
    NOTHING = "nothing"


_CONTROL = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x7f": Key.BACKSPACE,
    "\x08": Key.BACKSPACE,
    "\x03": Key.QUIT,
    "\x04": Key.QUIT,
    "\x1a": Key.SUSPEND,
    "\x0c": Key.REDRAW,
    "\x1b": Key.ESCAPE,
}
_SEQUENCES = {
    b"\x1b[A": Key.UP,
    b"\x1bOA": Key.UP,
    b"\x1b[B": Key.DOWN,
    b"\x1bOB": Key.DOWN,
    b"\x1b[5~": Key.PAGE_UP,
    b"\x1b[6~": Key.PAGE_DOWN,
    b"\x1bOM": Key.ENTER,
}


def label_keys(names: Sequence[str]) -> list[str] | None:
    """One key per label, or None where there are too many labels for that.

    Labels that begin with different digits keep their own digit ("0" must not sit on key 1).

    >>> label_keys(["Positive", "Negative"])
    ['1', '2']
    >>> label_keys(["0", "1"])
    ['0', '1']
    """
    digits = [name[:1] for name in names]
    if all(digit.isascii() and digit.isdigit() for digit in digits) and len(set(digits)) == len(
        digits
    ):
        return digits
    if len(names) <= ONE_KEY_LABELS:
        return [str(number) for number in range(1, len(names) + 1)]
    return None


def matching(names: Sequence[str], typed: str) -> list[int]:
    """Positions of the labels that fit what was typed so far, best first.

    Capitals do not count, "_" and "-" count as blanks; a beginning beats the beginning of a word
    beats any place.

    >>> matching(["card arrival", "top_up_by_card", "discard"], "card")
    [0, 1, 2]
    """
    wanted = _plain(typed)
    ranked: list[tuple[int, int]] = []
    for position, name in enumerate(names):
        plain = _plain(name)
        if plain.startswith(wanted):
            ranked.append((0, position))
        elif f" {wanted}" in plain:
            ranked.append((1, position))
        elif wanted in plain:
            ranked.append((2, position))
    return [position for _, position in sorted(ranked)]


def _plain(text: str) -> str:
    return text.casefold().replace("_", " ").replace("-", " ")


_asked_to_end = threading.Event()
"""Set by a termination signal: signals are the process's, and so is this."""


class Keyboard:
    """Single keys from a terminal device whose line discipline is switched off.

    Pasted text is swallowed: it would answer items nobody has seen.
    """

    def __init__(self, fd: int, *, size: Callable[[], object]) -> None:
        self._fd = fd
        self._size = size
        self._shown_at = size()
        self._pending = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def forget(self) -> None:
        """Drop keys pressed before now."""
        termios.tcflush(self._fd, termios.TCIFLUSH)
        self._pending = b""

    def read(self) -> str:
        """The next key: one character, or a :class:`Key`. Waits; notices a new window size."""
        while True:
            if _asked_to_end.is_set():
                raise KeyboardInterrupt
            if not self._pending and not self._wait(_POLL_SECONDS):
                if (size := self._size()) != self._shown_at:
                    self._shown_at = size
                    return Key.REDRAW
                continue
            if not self._pending and not self._fill():
                return Key.QUIT
            if self._pending.startswith(b"\x1b"):
                return self._escape()
            key = self._decoder.decode(self._pending[:1])
            self._pending = self._pending[1:]
            if key:
                return _CONTROL.get(key, key if key.isprintable() else Key.NOTHING)

    def _wait(self, seconds: float) -> bool:
        return bool(select.select([self._fd], [], [], seconds)[0])

    def _fill(self) -> bool:
        try:
            data = os.read(self._fd, 1024)
        except OSError:  # the terminal went away
            return False
        self._pending += data
        return bool(data)

    def _escape(self) -> str:
        """Consume one escape sequence, or the Escape key alone."""
        while not _complete(self._pending) and self._wait(_ESCAPE_SECONDS) and self._fill():
            pass
        if self._pending.startswith(_PASTE_BEGIN):
            return self._swallow_paste()
        length = _sequence_length(self._pending)
        sequence, self._pending = self._pending[:length], self._pending[length:]
        if len(sequence) == 1:
            return Key.ESCAPE
        return _SEQUENCES.get(sequence, Key.NOTHING)

    def _swallow_paste(self) -> Key:
        while _PASTE_END not in self._pending:
            # only a marker that may be split over two reads is worth keeping
            self._pending = self._pending[-(len(_PASTE_END) - 1) :]
            if not self._fill():
                return Key.QUIT
        self._pending = self._pending.split(_PASTE_END, 1)[1]
        return Key.NOTHING


def _sequence_length(data: bytes) -> int:
    """Bytes of the escape sequence that ``data`` begins with."""
    if len(data) == 1 or data[1:2] == b"\x1b":
        return 1
    if data[1:2] == b"O":
        return min(3, len(data))
    if data[1:2] != b"[":
        return 2
    for position in range(2, len(data)):
        if 0x40 <= data[position] <= 0x7E:
            return position + 1
    return len(data)


def _complete(data: bytes) -> bool:
    if len(data) == 1 or data in (b"\x1b[", b"\x1bO"):
        return False
    return data[1:2] != b"[" or 0x40 <= data[_sequence_length(data) - 1] <= 0x7E


@contextmanager
def single_keys(fd: int) -> Generator[None]:
    """Keys arrive one by one, unechoed, while the block runs; Ctrl-C is a key, too.

    The terminal gets its settings back however the block ends. A polite termination request
    (SIGTERM, SIGHUP) ends the block like Ctrl-C, so that it does not leave a deaf terminal behind.
    """
    before = termios.tcgetattr(fd)
    quiet = termios.tcgetattr(fd)
    quiet[0] &= ~(termios.IXON | termios.ICRNL)
    quiet[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
    quiet[6][termios.VMIN] = 1
    quiet[6][termios.VTIME] = 0
    with _ended_by_signals():
        try:
            termios.tcsetattr(fd, termios.TCSADRAIN, quiet)
            yield
        finally:
            with suppress(termios.error):  # the terminal may have gone away
                termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def _ended_by_signals() -> Generator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        # An exception alone could be lost: whatever runs just now may be a finaliser.
        _asked_to_end.set()
        raise KeyboardInterrupt

    _asked_to_end.clear()
    taken: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is signal.SIG_DFL:
                signal.signal(each, end)
                taken.append(each)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
