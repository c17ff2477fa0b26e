"""What a log tells of the people who could get at a project: roles that follow one another, and
nobody who acts after they were removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import NoReturn, cast

from signoff.core.events import Event
from signoff.errors import VerificationFailed

Teller = Callable[[Event, Mapping[str, str]], None]


@dataclass(slots=True)
class PeopleHistory:
    """Roles so far, by account and whether they count everywhere.

    A site's role may be older than the project: the first one told of is taken as it is.
    """

    roles: dict[tuple[str, bool], object] = field(default_factory=dict[tuple[str, bool], object])
    removed: set[str] = field(default_factory=set[str])
    revoked: set[str] = field(default_factory=set[str])

    def tellers(self, reviewers: Set[str]) -> Mapping[str, Teller]:
        """What each type of event changes; ``reviewers``: those the log knows by then."""
        return {
            "role.changed": self._change_role,
            "session.begun": self._act,
            "session.ended": self._act,
            "session.refused": self._act,
            "password.changed": self._act,
            "token.made": self._act,
            "token.revoked": self._revoke_token,
            "invitation.revoked": self._revoke_invitation,
            "person.removed": lambda event, _: self._remove(event, reviewers),
        }

    def _act(self, event: Event, _: Mapping[str, str]) -> None:
        account = str(event.body["account"])
        if account in self.removed:
            _refuse(f"account {account} does something after it was removed")

    def _change_role(self, event: Event, content: Mapping[str, str]) -> None:
        self._act(event, content)
        body = event.body
        account, everywhere = str(body["account"]), bool(body["everywhere"])
        place = (account, everywhere)
        held = self.roles.get(place, body["was"] if everywhere else None)
        if held != body["was"]:
            _refuse(f"account {account} was {body['was']} says the log, and is {held}")
        if body["role"] == held:
            _refuse(f"the role of account {account} is changed to what it is")
        self.roles[place] = body["role"]

    def _revoke_token(self, event: Event, _: Mapping[str, str]) -> None:
        self._once(f"token {event.body['token']}")

    def _revoke_invitation(self, event: Event, _: Mapping[str, str]) -> None:
        self._once(f"invitation {event.body['invitation']}")

    def _once(self, what: str) -> None:
        if what in self.revoked:
            _refuse(f"{what} is revoked twice")
        self.revoked.add(what)

    def _remove(self, event: Event, reviewers: Set[str]) -> None:
        self._act(event, {})
        unknown = set(cast("list[str]", event.body["reviewers"])) - reviewers
        if unknown:
            _refuse(f"a person is removed who was reviewer {min(unknown)}, whom the log lacks")
        self.removed.add(str(event.body["account"]))


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"{what[0].upper()}{what[1:]}.", code="log")
