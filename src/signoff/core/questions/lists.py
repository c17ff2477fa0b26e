"""Several labels in one line of text: how they are typed, and how results write them.

Labels are separated by ``,`` or ``;`` or ``|``. A label that holds one of these is put in double
quotes, with a double quote inside written twice, as in CSV. ``(none)`` is the empty list. A JSON
list of strings is understood as well, because that is the text of a nested column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import cast

NONE = "(none)"
_PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,;|]*))(?:[,;|]|\Z)')
_NEEDS_QUOTES = re.compile(r'[,;|]|\A\s*["\[]')


def join_labels(labels: Iterable[str]) -> str:
    """Labels in one line; :func:`split_labels` takes them apart again.

    >>> join_labels(["Drama", "Crime, true", '"B" film'])
    'Drama, "Crime, true", \"""B"" film"'
    """
    return ", ".join(map(_quoted, labels)) or NONE


def split_labels(typed: str) -> list[str]:
    """The labels of one line, white space at their ends removed; empty ones do not count.

    >>> split_labels('Drama; "Crime, true" | Comedy,'), split_labels('["Drama"]')
    (['Drama', 'Crime, true', 'Comedy'], ['Drama'])
    >>> split_labels(" (None) "), split_labels("")
    ([], [])
    """
    typed = typed.strip()
    if typed.casefold() == NONE:
        return []
    listed = _json_list(typed) if typed.startswith("[") else None
    return [part for part in (_parts(typed) if listed is None else listed) if part]


def _parts(typed: str) -> Iterator[str]:
    for found in _PART.finditer(typed):
        quoted, plain = found.groups()
        yield (plain if quoted is None else quoted.replace('""', '"')).strip()


def _json_list(typed: str) -> list[str] | None:
    try:
        value = json.loads(typed)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    entries = cast("list[object]", value)
    return [e.strip() for e in entries if isinstance(e, str)] if _all_text(entries) else None


def _all_text(entries: Iterable[object]) -> bool:
    return all(isinstance(entry, str) for entry in entries)


def _quoted(label: str) -> str:
    if _NEEDS_QUOTES.search(label) or label.strip().casefold() == NONE:
        return '"' + label.replace('"', '""') + '"'
    return label
