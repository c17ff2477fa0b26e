"""How much of a text two sets of spans share, counted without walking its characters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from signoff.core.questions.answers import Span

Range = tuple[int, int]


def dice_distance(a: Iterable[Span], b: Iterable[Span]) -> float:
    """1 - F1 over the labelled characters and the spans of two answers; 0 for two empty ones.

    >>> dice_distance([Span(0, 10, "A")], [Span(0, 10, "A")])
    0.0
    >>> dice_distance([Span(0, 10, "A")], [Span(0, 5, "A"), Span(5, 10, "A")])
    0.13043478260869565
    """
    ones, others = set(a), set(b)
    mine, theirs = _covered(ones), _covered(others)
    total = sum(map(_length, (*mine.values(), *theirs.values()))) + len(ones) + len(others)
    both = len(ones & others)
    for label in mine.keys() & theirs.keys():
        both += _shared(mine[label], theirs[label])
    return (total - 2 * both) / total if total else 0.0


def _covered(spans: Iterable[Span]) -> dict[str, list[Range]]:
    """By label, the characters under it as sorted ranges that do not touch."""
    covered: dict[str, list[Range]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        ranges = covered[span.label]
        if ranges and span.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], span.end))
        else:
            ranges.append((span.start, span.end))
    return covered


def _length(ranges: Iterable[Range]) -> int:
    return sum(end - start for start, end in ranges)


def _shared(a: list[Range], b: list[Range]) -> int:
    """How many characters are in both."""
    total = i = j = 0
    while i < len(a) and j < len(b):
        total += max(0, min(a[i][1], b[j][1]) - max(a[i][0], b[j][0]))
        if a[i][1] <= b[j][1]:
            i += 1
        else:
            j += 1
    return total
