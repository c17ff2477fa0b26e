"""Reviewing on a real terminal: one item fills the screen, one key answers it."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TextIO

from rich.padding import Padding
from rich.segment import Segment, SegmentLines
from rich.text import Text

from signoff.core.questions import CANNOT_SAY, Answer, Choice, Chosen
from signoff.terminal.hints import hint_lines
from signoff.terminal.keys import (
    BRACKETED_PASTE_OFF,
    BRACKETED_PASTE_ON,
    COMMAND_NAMES,
    Command,
    Key,
    Keyboard,
    label_keys,
    matching,
    single_keys,
)
from signoff.terminal.untrusted import visible
from signoff.terminal.words import choice_of, help_lines, label_names, progress_line, text_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from signoff.ports import Progress, Request

WIDEST_TEXT = 72
LONGEST_TEXT = 100_000
MOST_MATCHES = 6
ENTER_SCREEN = "\x1b[?1049h\x1b[?25l" + BRACKETED_PASTE_ON
LEAVE_SCREEN = BRACKETED_PASTE_OFF + "\x1b[?25h\x1b[?1049l"
_FORWARD = frozenset({Key.DOWN, Key.PAGE_DOWN, " "})
_BACKWARD = frozenset({Key.UP, Key.PAGE_UP})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One item on the screen, and what the reviewer has done to it so far."""

    question: Choice
    request: Request
    progress: Progress
    note: str
    names: list[str]
    keys: list[str] | None
    offset: int = 0
    typed: str = ""
    chosen: int | None = None

    @property
    def matches(self) -> list[int]:
        return matching(self.names, self.typed)


@dataclass(slots=True)
class _Frame:
    """What a drawn screen looked like: how many lines of text fit, and how many there are."""

    room: int = 1
    lines: int = 0
    cache: dict[tuple[str, int], list[list[Segment]]] = field(
        default_factory=dict[tuple[str, int], list[list[Segment]]]
    )


class ScreenFront:
    """Asks on the whole screen; keys decide. Use inside :meth:`open`."""

    def __init__(self, stream: TextIO, console: Console) -> None:
        self._fd = stream.fileno()
        self._console = console
        self._keyboard = Keyboard(self._fd, size=self._size)
        self._frame = _Frame()
        self._stack = ExitStack()

    @contextmanager
    def open(self) -> Generator[None]:
        """Take over the terminal while the block runs; give it back however the block ends."""
        try:
            self._take()
            yield
        finally:
            self._stack.close()

    def ask(self, request: Request, progress: Progress, note: str) -> Answer | Command:
        """Show one item and wait for the key that decides."""
        question = choice_of(request)
        if question is None:
            raise TypeError("the screen asks choices alone")
        names = label_names(question)
        card = _Card(
            question=question,
            request=request,
            progress=progress,
            note=note,
            names=names,
            keys=label_keys(names),
        )
        while True:
            self._draw_card(card)
            key = self._keyboard.read()
            if key == Key.SUSPEND:
                self._suspend()
                continue
            if key == Command.HELP and not card.typed:
                self._help(question)
                continue
            reply = _reply(card, key)
            if reply is not None:
                return reply
            card = self._moved(card, key)

    # ------------------------------------------------------------------ the terminal

    def _take(self) -> None:
        self._stack.enter_context(single_keys(self._fd))
        self._stack.callback(self._leave)
        self._write(ENTER_SCREEN)
        self._keyboard.forget()

    def _suspend(self) -> None:
        self._stack.close()
        os.kill(os.getpid(), signal.SIGTSTP)
        self._take()

    def _leave(self) -> None:
        with suppress(EOFError):
            self._write(LEAVE_SCREEN)

    def _write(self, text: str) -> None:
        try:
            self._console.file.write(text)
            self._console.file.flush()
        except OSError as error:
            raise EOFError("the terminal went away") from error

    def _size(self) -> tuple[int, int]:
        """Columns and lines of the terminal; 80 by 24 where it does not say."""
        try:
            columns, lines = os.get_terminal_size(self._fd)
        except OSError:
            return 80, 24
        return (columns or 80), (lines or 24)

    # --------------------------------------------------------------------- the keys

    def _moved(self, card: _Card, key: str) -> _Card:
        if card.keys is None:
            if key in (Key.UP, Key.DOWN):
                return _highlighted(card, -1 if key == Key.UP else 1)
            if (typed := _typed(card.typed, key)) != card.typed:
                first = 0 if typed and matching(card.names, typed) else None
                return replace(card, typed=typed, chosen=first)
        if key in _FORWARD or key in _BACKWARD:
            step = max(1, self._frame.room - 1)
            last = max(0, self._frame.lines - self._frame.room)
            moved = card.offset + (step if key in _FORWARD else -step)
            return replace(card, offset=max(0, min(last, moved)))
        return card

    def _help(self, question: Choice) -> None:
        lines = Text("\n".join(help_lines(question)))
        self._draw([Padding(lines, (1, 4)), Padding(Text("Any key goes back.", "dim"), (0, 4))])
        self._keyboard.read()

    # ------------------------------------------------------------------ the drawing

    def _draw_card(self, card: _Card) -> None:
        width, height = self._size()
        margin = 4 if width >= 60 else 1
        top = self._lines(Padding(_top(card), (0, margin)), width)
        bottom = self._lines(Padding(_bottom(card, width - 2 * margin), (0, margin)), width)
        text = self._text(card, min(WIDEST_TEXT, width - 2 * margin), margin)
        room = max(1, height - len(top) - len(bottom) - 2)
        paged = len(text) > room
        room = max(1, room - paged)
        self._frame.room, self._frame.lines = room, len(text)
        shown = text[card.offset : card.offset + room]
        if paged:
            place = f"lines {card.offset + 1}-{card.offset + len(shown)} of {len(text)}"
            pager = Text(f"{place} · space: on · ↑: back", "dim", no_wrap=True, overflow="ellipsis")
            shown += self._lines(Padding(pager, (0, margin)), width)
        blank: list[list[Segment]] = [[]]
        filler = blank * max(0, height - len(top) - len(bottom) - 1 - len(shown))
        self._draw_lines([*top, *blank, *shown, *filler, *bottom][:height])

    def _text(self, card: _Card, width: int, margin: int) -> list[list[Segment]]:
        raw = text_of(card.request)
        cached = self._frame.cache.get((card.request.id, width))
        if cached is None:
            shown = visible(raw[:LONGEST_TEXT])
            if len(raw) > LONGEST_TEXT:
                shown += f"\n(… {len(raw) - LONGEST_TEXT:,} more characters)"
            cached = self._lines(Padding(Text(shown, "bold"), (0, 0, 0, margin)), width + margin)
            self._frame.cache = {(card.request.id, width): cached}
        return cached

    def _lines(self, renderable: RenderableType, width: int) -> list[list[Segment]]:
        options = self._console.options.update(width=width, height=None)
        return self._console.render_lines(renderable, options, pad=False)

    def _draw(self, parts: list[RenderableType]) -> None:
        width, height = self._size()
        lines = [line for part in parts for line in self._lines(part, width)]
        self._draw_lines(lines[:height])

    def _draw_lines(self, lines: list[list[Segment]]) -> None:
        """Paint from the top left corner in one write: nothing flickers, nothing scrolls."""
        with self._console.capture() as captured:
            self._console.print(SegmentLines(lines, new_lines=True), end="")
        frame = captured.get().rstrip("\n").replace("\n", "\x1b[K\n")
        self._write(f"\x1b[H{frame}\x1b[K\x1b[J")


def _reply(card: _Card, key: str) -> Answer | Command | None:
    """What a key decides, None where it decides nothing."""
    if key == Key.QUIT:
        return Command.QUIT
    if card.keys is None:
        return _reply_of_many(card, key)
    if key in card.keys:
        return _label(card, card.keys.index(key))
    return _command(key.lower())


def _reply_of_many(card: _Card, key: str) -> Answer | Command | None:
    """Letters search, so the commands are capitals, and only while nothing is typed."""
    if key == Key.ENTER and card.chosen is not None and card.chosen < len(card.matches):
        return _label(card, card.matches[card.chosen])
    return _command(key.lower()) if not card.typed and key.isupper() else None


def _command(key: str) -> Answer | Command | None:
    if key == Command.CANNOT_SAY:
        return CANNOT_SAY
    return Command(key) if key in (Command.SKIP, Command.UNDO, Command.QUIT) else None


def _label(card: _Card, position: int) -> Chosen:
    return Chosen(card.question.ids[position])


def _typed(typed: str, key: str) -> str:
    if key == Key.BACKSPACE:
        return typed[:-1]
    if key == Key.ESCAPE:
        return ""
    return typed + key if len(key) == 1 and (typed or key != " ") else typed


def _highlighted(card: _Card, step: int) -> _Card:
    found = len(card.matches)
    if not found:
        return card
    chosen = (0 if step > 0 else found - 1) if card.chosen is None else card.chosen + step
    return replace(card, chosen=chosen % found)


def _top(card: _Card) -> Text:
    return Text(progress_line(card.progress), "dim", no_wrap=True, overflow="ellipsis")


def _bottom(card: _Card, width: int) -> Text:
    question = Text(visible(card.question.text), "bold cyan")
    labels = _found_labels(card) if card.keys is None else _all_labels(card.names, card.keys, width)
    parts = [*_hint(card), question, labels, Text(""), _command_line(many=card.keys is None)]
    parts.append(Text(card.note, "dim", no_wrap=True, overflow="ellipsis"))
    return Text("\n").join(parts)


def _hint(card: _Card) -> list[Text]:
    """What the machine says, one line each, with a blank one below."""
    lines = hint_lines(card.request.form, card.request.hint)
    shown = [Text(line, "dim", no_wrap=True, overflow="ellipsis") for line in lines]
    return [*shown, Text("")] if shown else []


def _all_labels(names: list[str], keys: list[str], width: int) -> Text:
    parts = [_keyed(key, name) for key, name in zip(keys, names, strict=True)]
    row = Text("   ").join(parts)
    return row if row.cell_len <= width else Text("\n").join(parts)


def _found_labels(card: _Card) -> Text:
    matches = card.matches
    first = max(0, (card.chosen or 0) - MOST_MATCHES + 1)
    head = Text.assemble(("› ", "bold"), visible(card.typed), ("▏", "blink"))
    head.append(f"  {len(matches)} of {len(card.names)} labels", "dim")
    if card.typed or card.chosen is not None:
        head.append("  ↑ ↓ move, Enter answers", "dim")
    else:
        head.append("  type part of a label, or ↑ ↓", "dim")
    lines = [head]
    for place in range(first, min(len(matches), first + MOST_MATCHES)):
        name = card.names[matches[place]]
        lines.append(Text(f"  {name}  ", "reverse" if place == card.chosen else ""))
    # as many lines whatever is typed: what a person reads must not jump
    lines += [Text("")] * (1 + min(MOST_MATCHES, len(card.names)) - len(lines))
    return Text("\n").join(lines)


def _keyed(key: str, name: str) -> Text:
    return Text.assemble((f" {key} ", "reverse"), f" {name}")


def _command_line(*, many: bool) -> Text:
    parts = [
        _keyed(command.upper() if many else command, name)
        for command, name in COMMAND_NAMES.items()
    ]
    return Text("   ").join(parts)
