"""Foreign text inside messages: one line, short, no control characters."""

from __future__ import annotations

from collections.abc import Sequence


def shown(text: str, most: int = 60) -> str:
    """The text on one line, shortened."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"


def first_line(error: BaseException, most: int = 100) -> str:
    """What a foreign error says first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shown(lines[0], most)


def column_list(names: Sequence[str], most: int = 12) -> str:
    """Column names, the first ones and how many more."""
    listed = [shown(name, 40) for name in names[:most]]
    more = [f"… ({len(names) - most} more)"] if len(names) > most else []
    return ", ".join(listed + more)
