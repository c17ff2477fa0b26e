"""People: who may use a project or run the site, and inviting them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from signoff.accounts.directory import Directory
from signoff.core.people import Account, Role, may_give
from signoff.server.api.context import Managing, Place, SiteAdmin, refusals, services
from signoff.server.problems import Refusal
from signoff.server.wire_people import (
    AccountList,
    AccountShown,
    InvitationList,
    InvitationMade,
    InvitationShown,
    InvitationWanted,
    PersonList,
    PersonShown,
    RoleWanted,
    SiteInvitationWanted,
    SiteRoleWanted,
)

router = APIRouter(prefix="/api/v1", responses=refusals(), tags=["people"])
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z-]+$")]


def _directory(request: Request) -> Directory:
    found = services(request).people
    if found is None:
        raise Refusal(404, "no_accounts", "This server has no accounts.", hint="signoff user add.")
    return found


TheDirectory = Annotated[Directory, Depends(_directory)]

# -------------------------------------------------------------------------- the site


@router.get("/accounts")
def accounts(
    _: SiteAdmin,
    directory: TheDirectory,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    after: Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z-]*$")] = "",
) -> AccountList:
    """List who may sign in, oldest first."""
    found = directory.store.accounts(after=after, limit=limit)
    return AccountList(
        accounts=[AccountShown.of(account) for account in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.put("/accounts/{a}/role", status_code=204, responses=refusals(422))
def change_site_role(
    a: Id, wanted: SiteRoleWanted, caller: SiteAdmin, directory: TheDirectory
) -> Response:
    """Let somebody run the site, or no longer."""
    directory.change_site_role(_account(a, directory), wanted.role, by=caller.actor)
    return Response(status_code=204)


@router.delete("/accounts/{a}", status_code=204, responses=refusals(422))
def remove_account(a: Id, caller: SiteAdmin, directory: TheDirectory) -> Response:
    """Remove a person for ever; their answers stay, without their name."""
    directory.remove(_account(a, directory), by=caller.actor)
    return Response(status_code=204)


@router.get("/invitations")
def site_invitations(_: SiteAdmin, directory: TheDirectory) -> InvitationList:
    """List the invitations to run the site that wait."""
    return _listed(directory, None)


@router.post("/invitations", status_code=201)
def invite_to_the_site(
    wanted: SiteInvitationWanted, caller: SiteAdmin, directory: TheDirectory
) -> InvitationMade:
    """Make a link that lets one person run the site. It is shown this once."""
    return InvitationMade.made(directory.invite(None, "admin", by=caller.actor, days=wanted.days))


@router.delete("/invitations/{i}", status_code=204)
def take_back_site_invitation(i: Id, caller: SiteAdmin, directory: TheDirectory) -> Response:
    """Take an invitation to the site back."""
    return _taken_back(directory.take_back(i, None, by=caller.actor))


# ------------------------------------------------------------------------- a project


@router.get("/projects/{p}/people")
def people(place: Managing, directory: TheDirectory) -> PersonList:
    """List everybody who may use a project."""
    found = directory.people(place.project.id)
    return PersonList(people=[PersonShown.of(person) for person in found])


@router.put("/projects/{p}/people/{a}", status_code=204, responses=refusals(422))
def change_role(a: Id, wanted: RoleWanted, place: Managing, directory: TheDirectory) -> Response:
    """Give somebody who has an account a role in a project, or change it."""
    return _change_role(a, wanted.role, place, directory)


@router.delete("/projects/{p}/people/{a}", status_code=204, responses=refusals(422))
def take_role_away(a: Id, place: Managing, directory: TheDirectory) -> Response:
    """Take somebody's role in a project away; the account stays."""
    return _change_role(a, None, place, directory)


def _change_role(a: str, role: Role | None, place: Place, directory: Directory) -> Response:
    account = _account(a, directory)
    held = directory.store.roles_of(account.id).get(place.project.id)
    if role is None and held is None:
        raise Refusal(404, "no_person", "They have no role in this project.", hint="List them.")
    _check_may_give(place, role, held)
    directory.change_role(account, place.project.id, role, by=place.caller.actor)
    return Response(status_code=204)


def _check_may_give(place: Place, role: Role | None, held: Role | None) -> None:
    if not may_give(place.role, role, held):
        raise Refusal(
            403, "not_allowed", "Only admins make, change or remove admins.", hint="Ask one."
        )


@router.get("/projects/{p}/invitations")
def invitations(place: Managing, directory: TheDirectory) -> InvitationList:
    """List the invitations to a project that wait."""
    return _listed(directory, place.project.id)


@router.post("/projects/{p}/invitations", status_code=201)
def invite(wanted: InvitationWanted, place: Managing, directory: TheDirectory) -> InvitationMade:
    """Make a link that lets one person into a project. It is shown this once."""
    _check_may_give(place, wanted.role, None)
    made = directory.invite(place.project.id, wanted.role, by=place.caller.actor, days=wanted.days)
    return InvitationMade.made(made)


@router.delete("/projects/{p}/invitations/{i}", status_code=204)
def take_back_invitation(i: Id, place: Managing, directory: TheDirectory) -> Response:
    """Take an invitation to a project back."""
    return _taken_back(directory.take_back(i, place.project.id, by=place.caller.actor))


# --------------------------------------------------------------------------- helpers


def _account(id: str, directory: Directory) -> Account:
    found = directory.store.account(id)
    if found is None:
        raise Refusal(404, "no_account", "There is no such account.", hint="List them.")
    return found


def _listed(directory: Directory, project: str | None) -> InvitationList:
    return InvitationList(
        invitations=[InvitationShown.of(each) for each in directory.invitations(project)]
    )


def _taken_back(done: bool) -> Response:
    if not done:
        raise Refusal(404, "no_invitation", "No such invitation waits.", hint="List them.")
    return Response(status_code=204)
