"""Who may come in, and who answers: how much, how fast, how well, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from signoff.accounts.directory import INVITATION_DAYS, Directory
from signoff.core.people import Invitation, Role, may_give
from signoff.core.people import Person as Member
from signoff.core.process import PERSON
from signoff.core.records import GoldScore
from signoff.errors import InputError
from signoff.server.problems import Refusal
from signoff.server.site.agreeing import Pairs, answers_of, by_person, by_question
from signoff.server.site.context import Changing, Overseeing, PageRoute, Visit
from signoff.server.site.forms import Form as Sent
from signoff.server.site.forms import Posted
from signoff.server.site.naming import shown_name
from signoff.store.answerers import ReviewerWork

router = APIRouter(route_class=PageRoute, include_in_schema=False)

NOBODY = "none"
"""What a form says to take a role away."""


FEW_KNOWN = 10
"""Known answers below which a share of right ones says too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A reviewer on the page. ``known``: how often they were right where the answer is known.

    ``kept``: how well they do is kept from them until the certificate is issued, lest they learn
    which items check them and mend their answers. ``role``: None without a role, or an account.
    """

    work: ReviewerWork
    agreement: Pairs
    known: GoldScore | None = None
    role: Role | None = None
    tags: Sequence[str] = ()
    kept: bool = False

    @property
    def name(self) -> str:
        """Their name; whoever was removed goes by the end of an id."""
        return shown_name(self.work.id, self.work.name)

    @property
    def is_person(self) -> bool:
        """Whether somebody answers under this name who is not a column or a function."""
        return self.work.kind == PERSON


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


@router.post("/projects/{p}/people/tags")
def change_tags(visit: Changing, form: Posted) -> Response:
    """Let a reviewer have the skills that were written down, and no other."""
    tags = form.text("tags").replace(",", " ").split()
    visit.place.manager.tag(form.text("reviewer"), tags)
    return _back(visit)


def _shown(visit: Visit, *, link: str | None = None) -> Response:
    form, overlaps = visit.place.project.form, visit.store.overlaps(visit.id)
    own = visit.store.find_reviewer(visit.id, visit.place.caller.name) if visit.blind else None
    items = answers_of(form, overlaps, without=own)
    team = visit.place.services.people
    members = [] if team is None else team.people(visit.id)
    return visit.show(
        "people.html",
        here="people",
        people=_people(visit, by_person(form, items), members, own),
        agreed=by_question(form, items),
        several=visit.place.project.overlap > 1 or bool(items),
        few=FEW_KNOWN,
        kept=own is not None,
        has_accounts=team is not None,
        team=_team(visit, members),
        link=link,
    )


def _people(
    visit: Visit, pairs: Mapping[str, Pairs], members: Sequence[Member], own: str | None
) -> Sequence[Person]:
    known = {each.reviewer: each for each in visit.store.gold_scores(visit.place.project)}
    tags = visit.store.reviewer_tags(visit.id)
    roles: Mapping[str, Role] = {each.name: each.role for each in members}
    return [
        Person(
            work=work,
            agreement=pairs.get(work.id, Pairs()),
            known=None if work.id == own else known.get(work.id),
            role=None if work.name is None else roles.get(work.name),
            tags=tags.get(work.id, ()),
            kept=work.id == own,
        )
        for work in visit.store.reviewers_work(visit.id)
    ]


def _team(visit: Visit, members: Sequence[Member]) -> Team | None:
    directory = visit.place.services.people
    if directory is None or not visit.manages:
        return None
    roles = [role for role in get_args(Role) if may_give(visit.place.role, role, None)]
    return Team(
        members=members,
        changeable=frozenset(
            each.account
            for each in members
            if each.account != visit.place.caller.actor
            and not each.everywhere
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
