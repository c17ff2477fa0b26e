"""How much people agree, for any kind of question: raw agreement and Krippendorff's alpha.

What is close is the question's own measure (``Question.distance``): 0 or 1 between labels and
sides, the squared difference between ratings, Jaccard's distance between sets of labels, edits
between texts, 1 - F1 between spans. "Cannot say" is an answer like others, as far as can be from
all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from signoff.core.questions import Answer, Marked, Question, Written, canonical

MOST_WORK = 2_000_000
"""How much comparing alpha may take; it is not given beyond. Two labels are 1, and a second holds
about a million: see :func:`_size`."""

LEAST_ITEMS = 20
"""Items that several people answered below which agreement says too little."""

STRONG, FAIR = 0.8, 0.667
"""From which alpha on answers can be relied on, and can with care: Krippendorff, Content Analysis
(2004), page 241."""

Reading = Literal["none", "few", "alike", "unknown", "strong", "fair", "weak", "chance"]
"""What an agreement says, from nothing to "no better than chance"; "alike": all answers of all
items are the same, which leaves nothing to compare with chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How much the answers to ``items`` items, with two answers or more each, agree.

    - ``same``: the share of pairs of answers to one item that are the same.
    - ``alpha``: Krippendorff's, 1 for no distance within items, 0 for as much as between answers
      picked at random, below 0 for more; None where all answers are the same, or comparing them all
      would take long.
    """

    items: int
    answers: int
    same: float
    alpha: float | None


def agreement(
    question: Question, answers: Mapping[int, Sequence[Answer]] | Sequence[Sequence[Answer]]
) -> Agreement | None:
    """How much people agree; ``answers`` are those to each item. None where no item has two.

    Source: Krippendorff, Content Analysis (2004), chapter 11: alpha = 1 - observed / expected, the
    mean distances of answers to one item and of all answers; an item of m answers weighs m.

    >>> from signoff.core.questions import Chosen, Choice
    >>> question, yes, no = Choice.of(["Yes", "No"]), Chosen("Yes"), Chosen("No")
    >>> agreement(question, [[yes, yes], [no, no], [yes, no], [yes, yes]])
    Agreement(items=4, answers=8, same=0.75, alpha=0.5333333333333333)
    """
    every = answers.values() if isinstance(answers, Mapping) else answers
    units = [Counter(map(canonical, unit)) for unit in every if len(unit) > 1]
    if not units:
        return None
    pooled: Counter[Answer] = Counter()
    for unit in units:
        pooled.update(unit)
    return Agreement(
        items=len(units),
        answers=pooled.total(),
        same=_same(units),
        alpha=_alpha(question, units, pooled),
    )


def reading(found: Agreement | None) -> Reading:
    """What an agreement says.

    >>> reading(Agreement(items=50, answers=100, same=0.9, alpha=0.82))
    'strong'
    """
    if found is None:
        return "none"
    if found.items < LEAST_ITEMS:
        return "few"
    if found.alpha is None:
        return "alike" if found.same == 1 else "unknown"
    if found.alpha >= FAIR:
        return "strong" if found.alpha >= STRONG else "fair"
    return "weak" if found.alpha > 0 else "chance"


def _same(units: Sequence[Counter[Answer]]) -> float:
    """The share of pairs within items that are the same answer."""
    pairs = sum(_pairs(unit.total()) for unit in units)
    return sum(_pairs(count) for unit in units for count in unit.values()) / pairs


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def comparable(answers: Sequence[Sequence[Answer]]) -> Sequence[Sequence[Answer]]:
    """The first items so many that alpha can be given: all of them where answers are short.

    >>> len(comparable([[Written("a" * n), Written("b" * n)] for n in range(1, 200)]))
    45
    """
    known: set[Answer] = set()
    size = 0
    for at, unit in enumerate(answers):
        fresh = set(map(canonical, unit)) - known
        known |= fresh
        size += sum(map(_size, fresh))
        if len(known) * size > 2 * MOST_WORK:
            return answers[:at]
    return answers


def _size(answer: Answer) -> int:
    """How long it takes to hold another answer of the kind against this one, two labels being 1."""
    match answer:
        case Written():
            return 20 * (1 + len(answer.text))
        case Marked():
            return 3 * (1 + len(answer.spans))
        case _:
            return 1


def _alpha(
    question: Question, units: Sequence[Counter[Answer]], pooled: Counter[Answer]
) -> float | None:
    if len(pooled) * sum(map(_size, pooled)) > 2 * MOST_WORK:
        return None
    n = pooled.total()
    expected = _distance(question, pooled) / (n - 1)
    if expected == 0:
        return None
    observed = sum(_distance(question, unit) / (unit.total() - 1) for unit in units)
    return 1 - observed / expected


def _distance(question: Question, counts: Counter[Answer]) -> float:
    """The distances of all ordered pairs of answers, summed."""
    known = list(counts.items())
    return 2 * sum(
        count * other * question.distance(a, b)
        for at, (a, count) in enumerate(known)
        for b, other in known[at + 1 :]
    )
