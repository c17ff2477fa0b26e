"""Joining: one answer per item from what several people said, blind to each other.

An item is answered once ``least`` people did and one answer has more of them behind it than any
other. While two answers lead together, one more person is asked: a majority is never made up. Pure,
and shared by the queue, the loop, results and verification, so that all of them call the same
items answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from signoff.core.questions import Answer, Form
from signoff.core.records import Answers, AskReason, Phase, Project, Review

A = TypeVar("A")
Same = Callable[[A, A], bool]

MOST_OVERLAP = 20
"""How many people one item may be asked of by a project's settings."""


def wanted(answers: Sequence[A], least: int, same: Same[A]) -> int:
    """How many answers an item needs, given those that stand: one more while two lead together.

    >>> def same(a, b): return a == b
    >>> wanted(["A"], 2, same), wanted(["A", "B"], 2, same), wanted(["A", "B", "A"], 2, same)
    (2, 3, 3)
    """
    if len(answers) < least:
        return least
    return len(answers) + (_leader(answers, same) is None)


def joined(answers: Sequence[A], least: int, same: Same[A]) -> A | None:
    """The answer that most people gave; None before ``least`` answered, or where two lead.

    Of answers that are the same, the first stands for all. An answer is never None itself.

    >>> def same(a, b): return a == b
    >>> joined(["A", "B", "A"], 3, same), joined(["A", "B"], 2, same), joined(["A"], 2, same)
    ('A', None, None)
    """
    return None if len(answers) < max(1, least) else _leader(answers, same)


def _leader(answers: Sequence[A], same: Same[A]) -> A | None:
    groups: list[tuple[A, int]] = []
    for answer in answers:
        at = next((at for at, (first, _) in enumerate(groups) if same(first, answer)), None)
        if at is None:
            groups.append((answer, 1))
        else:
            groups[at] = (groups[at][0], groups[at][1] + 1)
    most = max((count for _, count in groups), default=0)
    leading = [answer for answer, count in groups if count == most]
    return leading[0] if len(leading) == 1 else None


# ------------------------------------------------------------------------------ forms


def form_wants(said: Sequence[Answers], least: int, form: Form) -> int:
    """How many answers to a form an item needs: as many as the question that needs most."""
    return max(
        wanted([answers[question.name] for answers in said], least, question.same)
        for question in form.questions
    )


def form_joined(said: Sequence[Answers], least: int, form: Form) -> dict[str, Answer] | None:
    """The joined answer to every question; None before each of them has one."""
    found: dict[str, Answer] = {}
    for question in form.questions:
        one = joined([answers[question.name] for answers in said], least, question.same)
        if one is None:
            return None
        found[question.name] = one
    return found


# ------------------------------------------------------------------------------ items


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An item that people answered: their reviews in order, and the answers joined from them, by
    question.

    ``answers`` is None once the item was erased.
    """

    item: int
    answers: Answers | None
    reviews: tuple[Review, ...]

    def to(self, question: str) -> Answer | None:
        """The joined answer to one question; None once the item was erased."""
        return None if self.answers is None else self.answers[question]

    @property
    def reason(self) -> AskReason:
        """Why the item was asked."""
        return self.reviews[0].reason

    @property
    def phase(self) -> Phase:
        """The phase in which it became answered."""
        return self.reviews[-1].phase

    @property
    def event(self) -> str:
        """The event of the answer that made it answered."""
        return self.reviews[-1].event

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Who answered, in order."""
        return tuple(review.reviewer for review in self.reviews)

    def names(self, names: Mapping[str, str]) -> str:
        """Who answered, by name."""
        return ", ".join(names[reviewer] for reviewer in self.reviewers)


def answered_items(reviews: Iterable[Review], project: Project) -> list[Answered]:
    """The items of a pool that are answered, in the order in which they became so.

    ``reviews``: the pool's standing answers, in order. An erased item with enough answers counts:
    what they said is gone, and with it whether two led.
    """
    by_item: dict[int, list[Review]] = {}
    for review in reviews:
        # Moved to the end: an item is answered when its last answer comes.
        by_item[review.item] = [*by_item.pop(review.item, []), review]
    found = [_answered(item, given, project) for item, given in by_item.items()]
    return [each for each in found if each is not None]


def _answered(item: int, given: Sequence[Review], project: Project) -> Answered | None:
    known = [review.answers for review in given if review.answers is not None]
    if len(known) < len(given):
        enough = len(given) >= project.overlap
        return Answered(item=item, answers=None, reviews=tuple(given)) if enough else None
    answers = form_joined(known, project.overlap, project.form)
    return None if answers is None else Answered(item=item, answers=answers, reviews=tuple(given))
