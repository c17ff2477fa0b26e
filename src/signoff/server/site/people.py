"""Who answers: how much, how fast, and how far they agree with one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from fastapi import APIRouter, Response

from signoff.core.questions import Form
from signoff.core.records import Json
from signoff.errors import InputError
from signoff.server.site.context import Overseeing, PageRoute
from signoff.store.browsing import ReviewerWork

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SHOWN_OF_ID = 8


@dataclass(slots=True)
class Agreement:
    """How often somebody said the same as others about the same item."""

    same: int = 0
    pairs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A reviewer on the page."""

    work: ReviewerWork
    agreement: Agreement

    @property
    def name(self) -> str:
        """Their name; whoever was removed goes by the beginning of an id."""
        return reviewer_name(self.work.id, self.work.name)


def reviewer_name(id: str, name: str | None) -> str:
    """What a reviewer is called on these pages."""
    return f"removed ({id[-SHOWN_OF_ID:]})" if name is None else name


@router.get("/projects/{p}/people")
def people(visit: Overseeing) -> Response:
    """List the reviewers with what they did."""
    agreements = agreement(visit.place.project.form, visit.store.overlaps(visit.id))
    return visit.show(
        "people.html",
        here="people",
        people=[
            Person(work=work, agreement=agreements.get(work.id, Agreement()))
            for work in visit.store.reviewers_work(visit.id)
        ],
        overlap=any(each.pairs for each in agreements.values()),
    )


def agreement(form: Form, overlaps: Sequence[Mapping[str, Json]]) -> Mapping[str, Agreement]:
    """For each reviewer how many pairs of answers are the same, "cannot say" included; question by
    question.

    ``overlaps``: for each item that several answered, reviewer to answers. Not corrected for
    chance, so that two people's number says what it seems to.
    """
    found: dict[str, Agreement] = {}
    for answers in overlaps:
        try:
            parsed = {who: form.from_json(given) for who, given in answers.items()}
        except InputError:
            continue  # answers to an earlier version of a question
        for one, other in combinations(parsed, 2):
            for question in form.questions:
                name = question.name
                same = question.same(parsed[one][name], parsed[other][name])
                for who in (one, other):
                    mine = found.setdefault(who, Agreement())
                    mine.pairs += 1
                    mine.same += same
    return found
