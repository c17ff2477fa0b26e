"""Accounts, roles, invitations and tokens: each change with the events that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from signoff.accounts.passwords import Passwords, check_password
from signoff.accounts.secret import TOKEN_MARK, Secret
from signoff.accounts.telling import COMMAND, Telling
from signoff.bootstrap import clock, new_id
from signoff.core.events import instant
from signoff.core.people import (
    RANK,
    Account,
    ApiToken,
    Invitation,
    Person,
    Right,
    Role,
    name_key,
    read_name,
    role_body,
)
from signoff.core.records import NewEvent
from signoff.errors import InputError, StoreBusy
from signoff.store.accounts import ProjectEvents, name_taken
from signoff.store.admitting import spent
from signoff.store.store import SqlStore

DAY = 24 * 60 * 60 * 1_000_000
INVITATION_DAYS = 7
TOKEN_DAYS = 90
MOST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation, and the secret of its link, which is shown once."""

    invitation: Invitation
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A token, and its secret, which is shown once."""

    token: ApiToken
    secret: Secret


@dataclass(slots=True, kw_only=True)
class Directory:
    """Where accounts are made and changed. ``by``, everywhere: the account that acts."""

    store: SqlStore
    passwords: Passwords = field(default_factory=Passwords)
    clock: Callable[[], int] = clock
    telling: Telling = field(init=False)

    def __post_init__(self) -> None:
        self.telling = Telling(store=self.store)

    # ------------------------------------------------------------------ accounts

    def find(self, name: str) -> Account:
        """An account by name; raises :class:`InputError` where nobody has it."""
        found = self.store.account_named(name)
        if found is None:
            raise InputError(
                f"Nobody has an account named {name[:40]!r}.",
                hint="signoff user list shows them.",
                code="no_account",
            )
        return found

    def add(
        self,
        name: str,
        password: str,
        *,
        everywhere: Role | None = None,
        given: Mapping[str, Role] | None = None,
        by: str = COMMAND,
    ) -> Account:
        """Make an account; whoever answered under exactly this name before goes on as them.

        Raises :class:`InputError` where name or password cannot be taken.
        """
        name = read_name(name)
        check_password(password, name=name)
        for other in self.store.names_of_reviewers():
            if other != name and name_key(other) == name_key(name):
                raise InputError(
                    f"Somebody answered as {other!r}, which people would take for {name!r}.",
                    hint="Write it so, or take another name.",
                    code="name_taken",
                )
        account = Account(id=new_id(), name=name, everywhere=everywhere, created=self.clock())
        roles: Mapping[str, Role] = given or {}
        events = self.joining(account, roles, by=by)
        self.store.add_account(account, self.passwords.hash(password), roles, events)
        return account

    def joining(
        self,
        account: Account,
        given: Mapping[str, Role],
        *,
        by: str,
        invitation: str | None = None,
    ) -> dict[str, Sequence[NewEvent]]:
        """The events of somebody's first roles."""
        told: dict[str, list[NewEvent]] = {}
        if account.everywhere is not None:
            for project in self.store.projects_of(account):
                told[project] = [
                    self.role_event(account.id, project, account.everywhere, None, True, by=by)
                ]
        for project, role in given.items():
            event = self.role_event(
                account.id, project, role, None, False, by=by, invitation=invitation
            )
            told.setdefault(project, []).append(event)
        return dict(told)

    def change_password(
        self, account: Account, password: str, *, by: str, session: str | None = None
    ) -> None:
        """Set another password; sessions end but for one (by its digest)."""
        check_password(password, name=str(account.name))
        told = self.about(account, "password.changed", {"by": by}, by=by)
        self.store.set_password(account.id, self.passwords.hash(password), told, session=session)

    def remove(self, account: Account, *, by: str) -> None:
        """Remove a person: they can do nothing any more, and their answers stay under an id."""
        concerned = self.store.projects_of(account)

        def tell(blanked: Mapping[str, Sequence[str]]) -> ProjectEvents:
            return {
                project: [
                    self.telling.event(
                        project,
                        "person.removed",
                        {
                            "account": account.id,
                            "reviewers": list(blanked.get(project, ())),
                            "by": by,
                        },
                        by=by,
                    )
                ]
                for project in {*concerned, *blanked}
            }

        self.store.remove_account(account.id, self.clock(), tell)
        with suppress(StoreBusy):
            # Another process still reads the old bytes; they go when it lets them go.
            self.store.compact()

    def about(
        self, account: Account, type: str, body: Mapping[str, object], *, by: str
    ) -> dict[str, Sequence[NewEvent]]:
        """A fact about an account, in the logs of all the projects it has to do with."""
        projects = self.store.projects_of(account)
        return self.telling.everywhere(projects, type, {"account": account.id, **body}, by=by)

    # --------------------------------------------------------------------- roles

    def change_role(self, account: Account, project: str, role: Role | None, *, by: str) -> None:
        """Give, change or (None) take away a role in a project; the same again is harmless."""
        was = self.store.roles_of(account.id).get(project)
        if role == was:
            return
        event = self.role_event(account.id, project, role, was, False, by=by)
        self.store.change_role(account.id, project, role=role, was=was, events={project: [event]})

    def change_site_role(self, account: Account, role: Role | None, *, by: str) -> None:
        """Make somebody run the site, or (None) no longer; the same again is harmless."""
        was = account.everywhere
        if role == was:
            return
        everybody = [project.id for project in self.store.projects()]
        told = {
            project: [self.role_event(account.id, project, role, was, True, by=by)]
            for project in everybody
        }
        self.store.change_role(account.id, None, role=role, was=was, events=told)

    def role_event(
        self,
        account: str,
        project: str,
        role: Role | None,
        was: Role | None,
        everywhere: bool,
        *,
        by: str,
        invitation: str | None = None,
    ) -> NewEvent:
        """The event of a role that changes."""
        body = role_body(account, role, was, everywhere=everywhere, by=by)
        if invitation is not None:
            body["invitation"] = invitation
        return self.telling.event(project, "role.changed", body, by=by)

    def people(self, project: str) -> list[Person]:
        """Who may use a project."""
        return self.store.people(project)

    # --------------------------------------------------------------- invitations

    def invite(
        self, project: str | None, role: Role, *, by: str, days: int = INVITATION_DAYS
    ) -> Invited:
        """Make a link that lets one person in, to a project or (None) to run the site."""
        now = self.clock()
        invitation = Invitation(
            id=new_id(), project=project, role=role, by=by, created=now, expires=now + days * DAY
        )
        secret = Secret.new()
        body: dict[str, object] = {
            "invitation": invitation.id,
            "role": role,
            "everywhere": project is None,
            "expires": instant(invitation.expires),
            "by": by,
        }
        told = self.telling.everywhere(self._logs(project), "invitation.made", body, by=by)
        self.store.add_invitation(invitation, secret.digest, told)
        return Invited(invitation=invitation, secret=secret)

    def _logs(self, project: str | None) -> list[str]:
        """The logs that hear of a project's, or (None) of the site's, invitations."""
        return [each.id for each in self.store.projects()] if project is None else [project]

    def invitations(self, project: str | None) -> list[Invitation]:
        """Invitations that wait, to a project or (None) to the site."""
        return self.store.invitations(project, now=self.clock())

    def take_back(self, id: str, project: str | None, *, by: str) -> bool:
        """Take an invitation back; False where it does not wait any more."""
        body: dict[str, object] = {"invitation": id, "by": by}
        told = self.telling.everywhere(self._logs(project), "invitation.revoked", body, by=by)
        return self.store.revoke_invitation(id, project, now=self.clock(), events=told)

    def join(self, secret: str, name: str, password: str) -> Account:
        """Make the account an invitation offers; raises :class:`InputError` where that fails.

        The name must be nobody's, also no reviewer's who never had an account.
        """
        invitation = self.offered(secret)
        name = read_name(name)
        check_password(password, name=name)
        if name_key(name) in map(name_key, self.store.names_of_reviewers()):
            raise name_taken(name)
        site = invitation.project is None
        account = Account(
            id=new_id(),
            name=name,
            everywhere=invitation.role if site else None,
            created=self.clock(),
        )
        given: dict[str, Role] = {}
        if invitation.project is not None:
            given[invitation.project] = invitation.role
        events = self.joining(account, given, by=invitation.by, invitation=invitation.id)
        kept = self.passwords.hash(password)
        digest = Secret(secret).digest
        self.store.add_account(account, kept, given, events, invitation=digest)
        return account

    def accept(self, secret: str, account: Account) -> None:
        """Give somebody who has an account what an invitation offers; never less than they have."""
        invitation = self.offered(secret)
        project = invitation.project
        if project is None:
            was = account.everywhere
        else:
            was = self.store.roles_of(account.id).get(project)
        if was is not None and RANK[was] >= RANK[invitation.role]:
            return
        told = {
            each: [
                self.role_event(
                    account.id, each, invitation.role, was, project is None,
                    by=invitation.by, invitation=invitation.id,
                )
            ]
            for each in self._logs(project)
        }  # fmt: skip
        self.store.accept_invitation(
            Secret(secret).digest,
            account.id,
            project,
            role=invitation.role,
            was=was,
            now=self.clock(),
            events=told,
        )

    def offered(self, secret: str) -> Invitation:
        """An invitation by its link's secret; raises :class:`InputError` where it is spent."""
        found = self.store.invitation(Secret(secret).digest, now=self.clock())
        if found is None:
            raise spent()
        return found

    # -------------------------------------------------------------------- tokens

    def mint(
        self,
        account: Account,
        *,
        name: str,
        scopes: frozenset[Right],
        by: str,
        days: int = TOKEN_DAYS,
    ) -> Minted:
        """Make an API token that acts for an account."""
        now = self.clock()
        secret = Secret.new(TOKEN_MARK)
        token = ApiToken(
            id=new_id(),
            account=account.id,
            name=name,
            prefix=secret.prefix,
            scopes=scopes,
            created=now,
            expires=now + days * DAY,
        )
        body: dict[str, object] = {
            "token": token.id, "scopes": sorted(scopes), "expires": instant(token.expires),
        }  # fmt: skip
        told = self.about(account, "token.made", body, by=by)
        self.store.add_token(token, secret.digest, told)
        return Minted(token=token, secret=secret)

    def revoke(self, account: Account, token: str, *, by: str) -> bool:
        """Revoke one of an account's tokens; False where there is none such."""
        told = self.about(account, "token.revoked", {"token": token, "by": by}, by=by)
        return self.store.revoke_token(account.id, token, now=self.clock(), events=told)
