"""What the command line prints: facts, errors, progress; for people or for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO, cast

from signoff.errors import Exit
from signoff.terminal.untrusted import one_line, visible
from signoff.terminal.words import answers_left, progress_line

if TYPE_CHECKING:
    from signoff.ports import Progress

PHASES = {
    "learning": "Learning",
    "auditing": "Auditing",
    "finishing": "Finishing",
    "closed": "Finished",
}
_SECONDS_BETWEEN_LINES = 5.0


def say(text: str, *, err: bool = False) -> None:
    """Print text that may hold anything: nothing in it can steer the terminal."""
    # At once: whoever reads a service through a pipe must not wait for its end.
    print(visible(text), file=sys.stderr if err else sys.stdout, flush=True)


def say_json(value: object) -> None:
    """Print one JSON object on one line of standard output."""
    print(json.dumps(value, default=str))


def print_error(
    message: str,
    hint: str = "",
    *,
    code: str = "internal",
    as_json: bool = False,
    exit: Exit = Exit.FAILED,
) -> None:
    """One line on standard error; with ``--json`` the same as an object on standard output."""
    try:
        say(f"error: {one_line(f'{message} {hint}')}", err=True)
    except BrokenPipeError:
        raise
    except OSError:
        pass  # nobody can be told; the exit code still speaks
    if as_json:
        error = {"code": code, "message": message, "hint": hint}
        say_json({"exit_code": int(exit), "error": error})


def facts(value: Mapping[str, object], *, indent: int = 0) -> Iterator[str]:
    """The lines that show a mapping to people: names aligned, mappings within indented."""
    shown = {name: each for name, each in value.items() if each is not None}
    plain = [name for name, each in shown.items() if not isinstance(each, Mapping)]
    width = max((len(name) for name in plain), default=0)
    for name, each in shown.items():
        lead = " " * indent + name.replace("_", " ")
        if isinstance(each, Mapping):
            yield lead
            yield from facts(cast("Mapping[str, object]", each), indent=indent + 2)
        else:
            yield f"{lead.ljust(width + indent)}  {_shown(each)}"


def _shown(value: object) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("Sequence[object]", value))) or "none"
    return str(value)


# ------------------------------------------------------------------------------ progress


def silent(progress: Progress) -> None:
    """Show nothing."""


def progress_as_json(progress: Progress) -> None:
    """One JSON object a line on standard error."""
    line = {
        "pool": progress.pool,
        "phase": progress.phase,
        "items": progress.items,
        "rows": progress.rows,
        "answered": progress.answered,
        "automatic": progress.automatic,
        "open": progress.open,
        "answers_left": answers_left(progress),
        "minutes_left": progress.minutes_left,
        "bound": progress.bound,
        "budget_left": progress.budget_left,
    }
    print(json.dumps({"progress": line}), file=sys.stderr, flush=True)


class ProgressLine:
    """Progress for people on standard error: one line that renews itself on a terminal, else a
    line whenever the phase changes or some seconds have passed.

    ``blind``: leave the phase out, for it would tell a reviewer which items are audited.
    """

    def __init__(
        self,
        *,
        blind: bool,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._blind = blind
        self._clock = clock
        self._renew = self._stream.isatty()
        self._said = ""
        self._phase = ""
        self._said_at = float("-inf")

    def __call__(self, progress: Progress) -> None:
        line = progress_line(progress)
        if not self._blind:
            line = f"{PHASES[progress.phase]} · {line}"
        if line == self._said:
            return
        if self._renew:
            self._stream.write(f"\r{self._cut(line)}\x1b[K")
        elif self._due(progress.phase):
            self._stream.write(f"{line}\n")
        else:
            return
        self._said, self._phase, self._said_at = line, progress.phase, self._clock()
        self._stream.flush()

    def close(self) -> None:
        """End the line that renews itself."""
        if self._renew and self._said:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _due(self, phase: str) -> bool:
        changed = not self._blind and phase != self._phase
        return changed or self._clock() - self._said_at >= _SECONDS_BETWEEN_LINES

    def _cut(self, line: str) -> str:
        import shutil

        return one_line(line, max(10, shutil.get_terminal_size().columns - 1))
