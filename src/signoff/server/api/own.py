"""What is the caller's own: API tokens and sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from signoff.accounts.entrance import Entrance
from signoff.core.people import Account
from signoff.server.access import Caller
from signoff.server.api.context import Known, refusals
from signoff.server.api.people import Id, TheDirectory
from signoff.server.problems import Refusal
from signoff.server.wire_people import TokenList, TokenMade, TokenShown, TokenWanted

router = APIRouter(prefix="/api/v1", responses=refusals(), tags=["own"])


def _in_person(caller: Known) -> Caller:
    """The caller, signed in: a token that leaked must not make itself another one."""
    if caller.token is not None:
        raise Refusal(
            403, "not_allowed", "A token cannot do this.", hint="Sign in on the page, then do it."
        )
    return caller


InPerson = Annotated[Caller, Depends(_in_person)]


def _mine(caller: InPerson, directory: TheDirectory) -> Account:
    found = directory.store.account(str(caller.account))
    if found is None:
        raise Refusal(401, "no_session", "Nobody is signed in.", hint="Sign in on the page.")
    return found


Mine = Annotated[Account, Depends(_mine)]


@router.get("/tokens")
def tokens(mine: Mine, directory: TheDirectory) -> TokenList:
    """List the caller's tokens."""
    return TokenList(tokens=[TokenShown.of(token) for token in directory.store.tokens(mine.id)])


@router.post("/tokens", status_code=201)
def make_token(wanted: TokenWanted, mine: Mine, directory: TheDirectory) -> TokenMade:
    """Make a token that acts for the caller within its scopes. It is shown this once."""
    scopes = frozenset(wanted.scopes)
    minted = directory.mint(mine, name=wanted.name, scopes=scopes, by=mine.id, days=wanted.days)
    return TokenMade.made(minted)


@router.delete("/tokens/{t}", status_code=204)
def revoke_token(t: Id, mine: Mine, directory: TheDirectory) -> Response:
    """Revoke one of the caller's tokens."""
    if not directory.revoke(mine, t, by=mine.id):
        raise Refusal(404, "no_token", "You have no such token.", hint="List those you have.")
    return Response(status_code=204)


@router.delete("/sessions", status_code=204)
def sign_out_everywhere(mine: Mine, directory: TheDirectory) -> Response:
    """End every session of the caller, this one too; tokens go on."""
    Entrance(directory=directory).end_everywhere(mine)
    return Response(status_code=204)
