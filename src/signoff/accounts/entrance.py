"""Signing in and out: sessions that begin with a password and end by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.accounts.directory import DAY, Directory
from signoff.accounts.secret import Secret
from signoff.core.people import Account, Identity, digest
from signoff.core.records import NewEvent
from signoff.errors import InputError

SESSION_DAYS = 14


@dataclass(slots=True, kw_only=True)
class Entrance:
    """Lets people in and out."""

    directory: Directory

    def sign_in(self, name: str, password: str) -> Account | None:
        """Whose name and password these are; None takes as long, whatever was wrong."""
        store, passwords = self.directory.store, self.directory.passwords
        account = store.account_named(name)
        kept = None if account is None else store.kept_password(account.id)
        if not passwords.matches(kept, password):
            return None
        if account is not None and kept is not None and passwords.outdated(kept):
            store.renew_password(account.id, passwords.hash(password))
        return account

    def begin(self, account: Account, *, how: str, old: str | None) -> Secret:
        """A new session, in place of the one the browser came with (``old``: its secret).

        Raises :class:`InputError` where the account was removed meanwhile.
        """
        session = Secret.new()
        now = self.directory.clock()
        self.directory.store.begin_session(
            session.digest,
            account.id,
            now=now,
            until=now + SESSION_DAYS * DAY,
            old="" if old is None else digest(old),
            events=self.directory.about(account, "session.begun", {"how": how}, by=account.id),
        )
        return session

    def of_session(self, secret: str) -> Identity | None:
        """Whose session it is, while it lasts."""
        return self.directory.store.session(digest(secret), now=self.directory.clock())

    def of_token(self, secret: str) -> Identity | None:
        """Whose API token it is, while it lasts."""
        return self.directory.store.token(digest(secret), now=self.directory.clock())

    def end(self, secret: str) -> None:
        """Sign out."""
        known = self.of_session(secret)
        if known is None:
            return
        told = self._ended(known.account, "sign-out")
        self.directory.store.end_session(digest(secret), told)

    def end_everywhere(self, account: Account) -> None:
        """Sign out of every browser."""
        self.directory.store.end_sessions(account.id, self._ended(account, "everywhere"))

    def _ended(self, account: Account, why: str) -> dict[str, Sequence[NewEvent]]:
        return self.directory.about(account, "session.ended", {"why": why}, by=account.id)

    def refused(self, name: str, tries: int) -> None:
        """Note that nobody may try this name's password for a while, where somebody has it."""
        account = self.directory.store.account_named(name)
        if account is None:
            return
        told = self.directory.about(account, "session.refused", {"tries": tries}, by="page")
        try:
            self.directory.store.record_about(account.id, told)
        except InputError:
            return  # removed at this very moment
