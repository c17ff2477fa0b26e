"""Requests and responses about people: accounts, roles, invitations, tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from signoff.accounts.directory import INVITATION_DAYS, MOST_DAYS, TOKEN_DAYS, Invited, Minted
from signoff.core.events import instant
from signoff.core.people import Account, ApiToken, Invitation, Person, Right, Role
from signoff.server.wire import PLAIN, Asking, Instant, Told, plain_text, whole

Days = Annotated[int, Field(ge=1, le=MOST_DAYS), BeforeValidator(whole)]
Label = Annotated[
    str,
    Field(min_length=1, max_length=200, json_schema_extra=PLAIN),
    AfterValidator(plain_text),
]

# -------------------------------------------------------------------------- requests


class RoleWanted(Asking):
    """The role somebody is to have in a project."""

    role: Role


class SiteRoleWanted(Asking):
    """Whether somebody is to run the site; null: no longer."""

    role: Literal["admin"] | None


class InvitationWanted(Asking):
    """A link that lets one person into a project."""

    role: Role = "reviewer"
    days: Days = Field(default=INVITATION_DAYS, description="How long it works.")


class SiteInvitationWanted(Asking):
    """A link that lets one person run the site."""

    days: Days = Field(default=INVITATION_DAYS, description="How long it works.")


class TokenWanted(Asking):
    """A token that acts for whoever asks for it."""

    name: Label = Field(description="What it is for.", examples=["nightly export"])
    scopes: list[Right] = Field(min_length=1, max_length=3)
    days: Days = Field(default=TOKEN_DAYS, description="How long it works.")


# ------------------------------------------------------------------------- responses


class AccountShown(Told):
    """Somebody who may sign in."""

    id: str
    name: str
    everywhere: Role | None = Field(description="The role in every project, if any.")
    created: Instant

    @classmethod
    def of(cls, account: Account) -> AccountShown:
        """An account as told."""
        return cls(
            id=account.id,
            name=str(account.name),
            everywhere=account.everywhere,
            created=instant(account.created),
        )


class AccountList(Told):
    """Accounts, oldest first; ``next``: pass it as ``after`` for those that follow."""

    accounts: list[AccountShown]
    next: str | None


class PersonShown(Told):
    """Somebody who may use a project."""

    account: str
    name: str
    role: Role

    @classmethod
    def of(cls, person: Person) -> PersonShown:
        """A person as told."""
        return cls(account=person.account, name=person.name, role=person.role)


class PersonList(Told):
    """Everybody who may use a project."""

    people: list[PersonShown]


class InvitationShown(Told):
    """An invitation that waits; its link was shown once."""

    id: str
    role: Role
    created: Instant
    expires: Instant

    @classmethod
    def of(cls, invitation: Invitation) -> InvitationShown:
        """An invitation as told."""
        return cls(
            id=invitation.id,
            role=invitation.role,
            created=instant(invitation.created),
            expires=instant(invitation.expires),
        )


class InvitationList(Told):
    """The invitations that wait."""

    invitations: list[InvitationShown]


class InvitationMade(InvitationShown):
    """A new invitation, with the end of its link: what comes after the server's address."""

    path: str = Field(examples=["/join?token=…"])

    @classmethod
    def made(cls, invited: Invited) -> InvitationMade:
        """A new invitation as told, this once."""
        shown = InvitationShown.of(invited.invitation).model_dump()
        return cls(**shown, path=f"/join?token={invited.secret.text}")


class TokenShown(Told):
    """A token of the caller's; ``prefix`` is how it begins."""

    id: str
    name: str
    prefix: str
    scopes: list[Right]
    created: Instant
    expires: Instant
    last_used: Instant | None

    @classmethod
    def of(cls, token: ApiToken) -> TokenShown:
        """A token as told."""
        return cls(
            id=token.id,
            name=token.name,
            prefix=token.prefix,
            scopes=sorted(token.scopes),
            created=instant(token.created),
            expires=instant(token.expires),
            last_used=None if token.last_used is None else instant(token.last_used),
        )


class TokenList(Told):
    """The caller's tokens, oldest first; without those that were revoked."""

    tokens: list[TokenShown]


class TokenMade(TokenShown):
    """A new token, with its secret: shown this once."""

    secret: str

    @classmethod
    def made(cls, minted: Minted) -> TokenMade:
        """A new token as told, this once."""
        return cls(**TokenShown.of(minted.token).model_dump(), secret=minted.secret.text)
