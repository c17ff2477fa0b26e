"""The part of the store that lets people in: accounts, roles, sessions, invitations, tokens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from signoff.core.people import Account, ApiToken, Identity, Invitation, Person, Role
from signoff.errors import InputError
from signoff.store import accounts, credentials
from signoff.store.accounts import ProjectEvents
from signoff.store.connections import Database

TellRemoval = Callable[[Mapping[str, Sequence[str]]], ProjectEvents]
"""The events of a removal, given which reviewers lose their name, by project."""
USE_MICROSECONDS = 60 * 1_000_000
"""How exactly a token's last use is known: one write a minute is enough."""


class Admitting(Database):
    """Who may do what; every method is one transaction."""

    # ------------------------------------------------------------------ accounts

    def count_accounts(self, *, everywhere: Role | None = None) -> int:
        """How many people may sign in; of them those with a role everywhere."""
        with self.reading() as db:
            return accounts.count_accounts(db, everywhere=everywhere)

    def add_account(
        self,
        account: Account,
        password: str,
        given: Mapping[str, Role],
        events: ProjectEvents,
        *,
        invitation: str | None = None,
    ) -> None:
        """Store a new account with its roles; ``invitation``: the digest of the one it accepts.

        Raises :class:`InputError` where the name is taken or the invitation is spent.
        """
        with self.transaction() as db:
            if invitation is not None and not credentials.use_invitation(
                db, invitation, account.created
            ):
                raise spent()
            accounts.insert_account(db, account, password, given)
            accounts.append_all(db, events)

    def account(self, id: str) -> Account | None:
        """An account by its id."""
        with self.reading() as db:
            return accounts.find_account(db, id)

    def account_named(self, name: str) -> Account | None:
        """An account by its name, however its letters are written."""
        with self.reading() as db:
            return accounts.find_by_name(db, name)

    def account_names(self, ids: Collection[str]) -> dict[str, str | None]:
        """The names of those of these ids that are accounts; None for whoever was removed."""
        with self.reading() as db:
            return accounts.names_of(db, ids)

    def accounts(self, *, after: str = "", limit: int = 1000) -> list[Account]:
        """The accounts after one by its id, oldest first."""
        with self.reading() as db:
            return accounts.list_accounts(db, after, limit)

    def kept_password(self, account: str) -> str | None:
        """The hash of an account's password."""
        with self.reading() as db:
            return accounts.kept_password(db, account)

    def set_password(
        self, account: str, password: str, events: ProjectEvents, *, session: str | None = None
    ) -> None:
        """Change a password's hash and end every session but one, by its digest."""
        with self.transaction() as db:
            accounts.alive(db, account)
            accounts.write_password(db, account, password)
            credentials.delete_sessions(db, account, but=session)
            accounts.append_all(db, events)

    def renew_password(self, account: str, password: str) -> None:
        """Keep a password under a stronger hash."""
        with self.transaction() as db:
            accounts.alive(db, account)
            accounts.write_password(db, account, password)

    def names_of_reviewers(self) -> set[str]:
        """The names that people answered under, in any project."""
        with self.reading() as db:
            return accounts.names_of_reviewers(db)

    def remove_account(self, account: str, now: int, tell: TellRemoval) -> None:
        """Remove a person: name, password, sessions, tokens, roles. Their answers stay.

        Raises :class:`InputError` where nobody else runs the site.
        """
        with self.transaction() as db:
            known = accounts.alive(db, account)
            accounts.keep_an_admin(db, known)
            blanked = accounts.blank_reviewers(db, str(known.name))
            accounts.blank_account(db, account, now)
            accounts.append_all(db, tell(blanked))

    # --------------------------------------------------------------------- roles

    def roles_of(self, account: str) -> dict[str, Role]:
        """An account's roles by project."""
        with self.reading() as db:
            return accounts.roles_of(db, account)

    def people(self, project: str) -> list[Person]:
        """Who may use a project."""
        with self.reading() as db:
            return accounts.list_people(db, project)

    def projects_of(self, account: Account) -> list[str]:
        """The ids of the projects an account has to do with."""
        with self.reading() as db:
            return accounts.projects_of(db, account)

    def change_role(
        self,
        account: str,
        project: str | None,
        *,
        role: Role | None,
        was: Role | None,
        events: ProjectEvents,
    ) -> None:
        """Change a role in a project or (None) everywhere from what it ``was``.

        Raises :class:`StoreBusy` where it is something else by now, :class:`InputError` where
        nobody would be left to run the site.
        """
        with self.transaction() as db:
            accounts.change_role(db, account, project, role, was)
            accounts.append_all(db, events)

    # ------------------------------------------------------------------ sessions

    def begin_session(
        self, digest: str, account: str, *, now: int, until: int, old: str, events: ProjectEvents
    ) -> None:
        """Begin a session in place of the one the browser had (``old``: its digest, or "").

        Raises :class:`InputError` where the account was removed.
        """
        with self.transaction() as db:
            accounts.alive(db, account)
            credentials.delete_session(db, old)
            credentials.insert_session(db, digest, account, now, until)
            accounts.append_all(db, events)

    def session(self, digest: str, *, now: int) -> Identity | None:
        """Whose session it is, while it lasts."""
        with self.reading() as db:
            return credentials.identity_of_session(db, digest, now)

    def end_session(self, digest: str, events: ProjectEvents) -> None:
        """End a session; twice is harmless."""
        with self.transaction() as db:
            if credentials.delete_session(db, digest):
                accounts.append_all(db, events)

    def end_sessions(self, account: str, events: ProjectEvents) -> None:
        """End all sessions of an account."""
        with self.transaction() as db:
            if credentials.delete_sessions(db, account):
                accounts.append_all(db, events)

    def record_about(self, account: str, events: ProjectEvents) -> None:
        """Append events about an account that change nothing, unless it was removed."""
        with self.transaction() as db:
            accounts.alive(db, account)
            accounts.append_all(db, events)

    # --------------------------------------------------------------- invitations

    def add_invitation(self, invitation: Invitation, digest: str, events: ProjectEvents) -> None:
        """Store a new invitation."""
        with self.transaction() as db:
            credentials.insert_invitation(db, invitation, digest)
            accounts.append_all(db, events)

    def invitation(self, digest: str, *, now: int) -> Invitation | None:
        """An invitation that can still be accepted."""
        with self.reading() as db:
            return credentials.open_invitation(db, digest, now)

    def invitations(self, project: str | None, *, now: int) -> list[Invitation]:
        """The invitations to a project, or to the site (None), that wait."""
        with self.reading() as db:
            return credentials.open_invitations(db, project, now)

    def accept_invitation(
        self,
        digest: str,
        account: str,
        project: str | None,
        *,
        role: Role,
        was: Role | None,
        now: int,
        events: ProjectEvents,
    ) -> None:
        """Give somebody who has an account what an invitation offers.

        Raises :class:`InputError` where it is spent.
        """
        with self.transaction() as db:
            if not credentials.use_invitation(db, digest, now):
                raise spent()
            accounts.change_role(db, account, project, role, was)
            accounts.append_all(db, events)

    def revoke_invitation(
        self, id: str, project: str | None, *, now: int, events: ProjectEvents
    ) -> bool:
        """Take an invitation back; False where it does not wait any more."""
        with self.transaction() as db:
            revoked = credentials.revoke_invitation(db, id, project, now)
            if revoked:
                accounts.append_all(db, events)
            return revoked

    # -------------------------------------------------------------------- tokens

    def add_token(self, token: ApiToken, digest: str, events: ProjectEvents) -> None:
        """Store a new token; raises :class:`InputError` where its owner was removed."""
        with self.transaction() as db:
            accounts.alive(db, token.account)
            credentials.insert_token(db, token, digest)
            accounts.append_all(db, events)

    def token(self, digest: str, *, now: int) -> Identity | None:
        """Whose token it is, while it lasts; notes that it was used."""
        with self.reading() as db:
            found = credentials.identity_of_token(db, digest, now)
        if found is None:
            return None
        identity, last_used = found
        if now - last_used > USE_MICROSECONDS:
            id = str(identity.token)
            self.write(lambda db: credentials.touch_token(db, id, now), durable=False)
        return identity

    def tokens(self, account: str) -> list[ApiToken]:
        """An account's tokens that were not revoked, oldest first."""
        with self.reading() as db:
            return credentials.tokens_of(db, account)

    def revoke_token(self, account: str, id: str, *, now: int, events: ProjectEvents) -> bool:
        """Revoke one of an account's tokens; False where there is none such."""
        with self.transaction() as db:
            accounts.alive(db, account)
            revoked = credentials.revoke_token(db, account, id, now)
            if revoked:
                accounts.append_all(db, events)
            return revoked


def spent() -> InputError:
    """An invitation works once, until it expires."""
    return InputError(
        "This invitation does not work any more.",
        hint="It works once, and not for long: ask for a new one.",
        code="invitation_spent",
    )
