"""Who may come in, and who answers: how much, how fast, how far they agree with one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import get_args

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from signoff.accounts.directory import INVITATION_DAYS, Directory
from signoff.core.people import Invitation, Role, may_give
from signoff.core.people import Person as Member
from signoff.core.questions import Form
from signoff.core.records import Json
from signoff.errors import InputError
from signoff.server.problems import Refusal
from signoff.server.site.context import Changing, Overseeing, PageRoute, Visit
from signoff.server.site.forms import Form as Sent
from signoff.server.site.forms import Posted
from signoff.store.browsing import ReviewerWork

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SHOWN_OF_ID = 8
NOBODY = "none"
"""What a form says to take a role away."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who may come in, for somebody who may change that; ``roles`` are those they may give, and
    ``changeable`` the accounts whose role they may change: not their own, lest they lock themselves
    out, nor a role somebody has everywhere."""

    members: Sequence[Member]
    changeable: frozenset[str]
    invitations: Sequence[Invitation]
    roles: Sequence[Role]
    days: int = INVITATION_DAYS


@router.get("/projects/{p}/people")
def people(visit: Overseeing) -> Response:
    """List the reviewers with what they did, and who may come in."""
    return _shown(visit)


@router.post("/projects/{p}/people/invite")
def invite(visit: Changing, form: Posted) -> Response:
    """Make a link that lets one person in, and show it this once."""
    directory, role = _directory(visit), _role(form)
    _check_may_give(visit, role, None)
    made = directory.invite(visit.id, role, by=visit.place.caller.actor)
    link = f"{str(visit.request.base_url).rstrip('/')}/join?token={made.secret.text}"
    return _shown(visit, link=link)


@router.post("/projects/{p}/people/take-back")
def take_back(visit: Changing, form: Posted) -> Response:
    """Take an invitation back; one that was used or ran out meanwhile is gone as well."""
    invitation = form.text("invitation")
    _directory(visit).take_back(invitation, visit.id, by=visit.place.caller.actor)
    return _back(visit)


@router.post("/projects/{p}/people/role")
def change_role(visit: Changing, form: Posted) -> Response:
    """Change somebody's role in the project, or take it away."""
    directory = _directory(visit)
    role = None if form.text("role") == NOBODY else _role(form)
    account = directory.store.account(form.text("account"))
    held = None if account is None else directory.store.roles_of(account.id).get(visit.id)
    if account is None or held is None:
        raise InputError("They have no role here any more.", hint="Load the page again.")
    _check_may_give(visit, role, held)
    directory.change_role(account, visit.id, role, by=visit.place.caller.actor)
    return _back(visit)


def _shown(visit: Visit, *, link: str | None = None) -> Response:
    agreements = agreement(visit.place.project.form, visit.store.overlaps(visit.id))
    return visit.show(
        "people.html",
        here="people",
        people=[
            Person(work=work, agreement=agreements.get(work.id, Agreement()))
            for work in visit.store.reviewers_work(visit.id)
        ],
        overlap=any(each.pairs for each in agreements.values()),
        team=_team(visit),
        link=link,
    )


def _team(visit: Visit) -> Team | None:
    directory = visit.place.services.people
    if directory is None or not visit.manages:
        return None
    members = directory.people(visit.id)
    roles = [role for role in get_args(Role) if may_give(visit.place.role, role, None)]
    return Team(
        members=members,
        changeable=frozenset(
            each.account
            for each in members
            if each.account != visit.place.caller.actor
            and directory.store.roles_of(each.account).get(visit.id) in roles
        ),
        invitations=directory.invitations(visit.id),
        roles=roles,
    )


def _directory(visit: Visit) -> Directory:
    found = visit.place.services.people
    if found is None:
        raise Refusal(404, "no_accounts", "This server has no accounts.", hint="signoff user add.")
    return found


def _role(form: Sent) -> Role:
    wanted = form.text("role")
    for role in get_args(Role):
        if role == wanted:
            return role
    raise InputError(f"{wanted[:20]!r} is no role.", hint="Choose one of the list.")


def _check_may_give(visit: Visit, role: Role | None, held: Role | None) -> None:
    if not may_give(visit.place.role, role, held):
        raise Refusal(
            403, "not_allowed", "Only admins make, change or remove admins.", hint="Ask one."
        )


def _back(visit: Visit) -> Response:
    return RedirectResponse(f"/projects/{visit.id}/people", 303)


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
