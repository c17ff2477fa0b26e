"""How far people agree with one another, as a page says it: for each person, and for each question.

Who may still answer a certified project sees nothing of the items they answered themselves: an
answer can be taken back, and must not be given again by somebody who knows what others said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from signoff.core.agreement import Agreement, Reading, agreement, comparable, reading
from signoff.core.questions import Form, Question
from signoff.core.records import Answers, Json
from signoff.errors import InputError

READINGS: Mapping[Reading, str] = {
    "none": "No item has answers of two people yet, so nothing can be said.",
    "few": "Too few items have answers of two people to say how far they agree.",
    "alike": "Everybody said the same of every item; nothing is left to compare with chance.",
    "unknown": "The answers are too long to be compared with chance.",
    "strong": "People agree: the question and its guideline lead to the same answers.",
    "fair": "People agree more or less: conclusions from these answers are tentative.",
    "weak": "People agree little: make the guideline clearer, or ask more people of each item.",
    "chance": "People agree no more than chance would: the question is not understood alike.",
}
DEFAULT_MEASURE = "Two answers are alike or they are not."
MEASURES: Mapping[str, str] = {
    "multichoice": "Two answers are closer the more labels they share (Jaccard’s distance).",
    "rating": "Two answers are closer the nearer their numbers (squared difference).",
    "text": "Two texts are closer the fewer edits lie between them.",
    "spans": "Two answers are closer the more characters and spans they share (F1).",
}
"""What makes two answers close, by kind of question."""


@dataclass(slots=True)
class Pairs:
    """How often somebody said the same as others about the same item."""

    same: int = 0
    pairs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How far people agree on one question; ``found``: None where no item has two answers.

    ``alpha`` compares the newest ``alpha_items`` items with chance: fewer than all where answers
    are long.
    """

    question: Question
    found: Agreement | None
    alpha: float | None
    alpha_items: int
    says: str

    @property
    def measure(self) -> str:
        """What makes two answers close."""
        return MEASURES.get(self.question.kind, DEFAULT_MEASURE)


def answers_of(
    form: Form, overlaps: Sequence[Mapping[str, Json]], *, without: str | None = None
) -> list[Mapping[str, Answers]]:
    """Items that several people answered: reviewer to answers, as asked now.

    ``without``: a reviewer whose items are left out. Left out as well are answers to an earlier
    version of a question.
    """
    found: list[Mapping[str, Answers]] = []
    for answers in overlaps:
        if without in answers:
            continue
        try:
            found.append({who: form.from_json(given) for who, given in answers.items()})
        except InputError:
            continue
    return found


def by_person(form: Form, items: Sequence[Mapping[str, Answers]]) -> Mapping[str, Pairs]:
    """For each reviewer how many pairs of answers are the same, "cannot say" included; question by
    question. Not corrected for chance, so that two people's number says what it seems to."""
    found: dict[str, Pairs] = {}
    for said in items:
        for one, other in combinations(said, 2):
            for question in form.questions:
                same = question.same(said[one][question.name], said[other][question.name])
                for who in (one, other):
                    mine = found.setdefault(who, Pairs())
                    mine.pairs += 1
                    mine.same += same
    return found


def by_question(form: Form, items: Sequence[Mapping[str, Answers]]) -> Sequence[Measured]:
    """For each question how far people agree beyond chance; ``items``: the newest first."""
    return [_measured(question, items) for question in form.questions]


def _measured(question: Question, items: Sequence[Mapping[str, Answers]]) -> Measured:
    units = [[answers[question.name] for answers in said.values()] for said in items]
    some = comparable(units)
    found, compared = agreement(question, units), agreement(question, some)
    return Measured(
        question=question,
        found=found,
        alpha=None if compared is None else compared.alpha,
        alpha_items=0 if compared is None else compared.items,
        says=READINGS[reading(found if compared is None else compared)],
    )
