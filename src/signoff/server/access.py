"""Who is calling and what they may do; how somebody at this computer gets in.

A caller has a role per project, a role gives rights, and an API token may narrow them. Nobody
without a role in a project learns that it exists.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from starlette.requests import HTTPConnection, Request

from signoff.accounts.secret import Secret
from signoff.core.people import ALL_RIGHTS, RIGHTS, Right, Role, digest, role_in
from signoff.server.templates import page


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody known to be who they are.

    ``name`` is the reviewer's name in projects. ``roles`` maps project ids; ``everywhere`` is a
    role in all of them: the one of more rights counts. ``scopes`` is what the session or token may
    be used for; ``token`` is the id of the token, None for a session.
    """

    name: str
    kind: Literal["local", "account"]
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])
    everywhere: Role | None = None
    scopes: frozenset[Right] = ALL_RIGHTS
    account: str | None = None
    token: str | None = None

    def role(self, project: str) -> Role | None:
        """The role in a project."""
        return role_in(self.roles.get(project), self.everywhere)

    def may(self, right: Right, project: str) -> bool:
        """Whether a right is given in a project, to the person and to the token they came with."""
        role = self.role(project)
        return role is not None and right in RIGHTS[role] and right in self.scopes

    @property
    def actor(self) -> str:
        """Whom events name: an account by its id, since names can be removed and taken anew."""
        return self.account or self.name

    @property
    def runs_the_site(self) -> bool:
        """Whether accounts and the server's numbers are this caller's business."""
        return self.everywhere == "admin" and "manage" in self.scopes


class Access(Protocol):
    """How callers are known, and what somebody without a session is shown."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        ...

    @property
    def routers(self) -> Sequence[APIRouter]:
        """The routes of getting in and out."""
        ...

    def caller(self, connection: HTTPConnection) -> Caller | None: ...
    def welcome(self, request: Request) -> Response:
        """What the page's address gives somebody without a session."""
        ...


def give_session(
    response: Response, cookie: str, secret: str, *, secure: bool, seconds: int | None = None
) -> None:
    """Hand a browser its session; without ``seconds`` it ends with the browser."""
    response.set_cookie(
        cookie, secret, max_age=seconds, httponly=True, samesite="strict", path="/", secure=secure
    )


class LocalAccess:
    """One person at this computer, who opens the link that the terminal shows.

    The link works once; after that the browser holds a session for as long as this process runs.
    """

    def __init__(self, name: str, *, port: int, role: Role = "reviewer") -> None:
        # Cookies know no ports: the name keeps two servers on one computer apart.
        self.cookie = f"signoff-{port}"
        self.routers: Sequence[APIRouter] = ()
        self.token = Secret.new().text
        self._caller = Caller(name=name, kind="local", everywhere=role)
        self._spent = False
        self._sessions: set[str] = set()
        self._lock = threading.Lock()

    def caller(self, connection: HTTPConnection) -> Caller | None:
        """The person, where the browser holds a session."""
        given = connection.cookies.get(self.cookie)
        if "authorization" in connection.headers or given is None:
            return None
        return self._caller if digest(given) in self._sessions else None

    def welcome(self, request: Request) -> Response:
        """The page, for whoever brings the link's token first; else how to get in."""
        given = request.query_params.get("token")
        if given is None or request.method != "GET":
            return page("open_link.html", 401)
        session = self._spend(given)
        if session is None:
            return page("link_spent.html", 401)
        response = RedirectResponse("/", 303)
        give_session(response, self.cookie, session, secure=False)
        return response

    def _spend(self, given: str) -> str | None:
        """A new session for the token, the first time."""
        with self._lock:
            right = secrets.compare_digest(given.encode(), self.token.encode())
            if self._spent or not right:
                return None
            self._spent = True
            session = Secret.new()
            self._sessions.add(session.digest)
            return session.text
