"""Access with accounts: sessions for browsers, tokens for programs, and the pages of getting in."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from signoff.accounts.entrance import SESSION_DAYS, Entrance
from signoff.accounts.passwords import SHORTEST
from signoff.accounts.secret import Secret
from signoff.core.people import Account, Identity, Invitation, name_key
from signoff.core.records import Project
from signoff.errors import InputError
from signoff.server.access import Caller, give_session
from signoff.server.guard import RateLimit
from signoff.server.problems import Refusal
from signoff.server.templates import page

NAME_TRIES = 10
ADDRESS_TRIES = 60
TRY_SECONDS = 300.0
MOST_FIELDS = 8
FORM = "application/x-www-form-urlencoded"

WRONG = "That name and password do not belong together."


class AccountAccess:
    """People with accounts. ``secure``: browsers reach this server over TLS.

    ``clock`` gives seconds, for the limits on tries.
    """

    def __init__(
        self,
        entrance: Entrance,
        *,
        port: int,
        secure: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entrance = entrance
        self.secure = secure
        # Cookies know no ports: the name keeps two servers on one computer apart.
        self.cookie = "__Host-signoff" if secure else f"signoff-{port}"
        self.tries = Tries(clock)
        self.routers: Sequence[APIRouter] = (_Doors(self).router,)

    def caller(self, connection: HTTPConnection) -> Caller | None:
        """Whoever the token belongs to, or where there is none the browser's session."""
        authorization = connection.headers.get("authorization")
        if authorization is None:
            identity = self.signed_in(connection)
        else:
            scheme, _, secret = authorization.partition(" ")
            right = scheme.lower() == "bearer"
            identity = self.entrance.of_token(secret.strip()) if right else None
        return None if identity is None else as_caller(identity)

    def signed_in(self, connection: HTTPConnection) -> Identity | None:
        """Whose session the browser holds."""
        given = connection.cookies.get(self.cookie)
        return None if given is None else self.entrance.of_session(given)

    def welcome(self, request: Request) -> Response:
        """The way to the form."""
        return RedirectResponse("/sign-in", 303)

    def let_in(self, request: Request, account: Account, *, how: str, then: str = "/") -> Response:
        """Begin a new session, whatever the browser held before: nobody can have fixed it."""
        old = request.cookies.get(self.cookie)
        session = self.entrance.begin(account, how=how, old=old)
        response = RedirectResponse(then, 303)
        self.give(response, session)
        return response

    def give(self, response: Response, session: Secret) -> None:
        """Hand a browser its session, for as long as it lasts."""
        seconds = SESSION_DAYS * 24 * 60 * 60
        give_session(response, self.cookie, session.text, secure=self.secure, seconds=seconds)


def as_caller(identity: Identity) -> Caller:
    """An account as routes meet it."""
    return Caller(
        name=str(identity.account.name),
        kind="account",
        roles=identity.roles,
        everywhere=identity.account.everywhere,
        scopes=identity.scopes,
        account=identity.account.id,
        token=identity.token,
    )


class Tries:
    """How often a name's password and an address may be tried."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._names = RateLimit(NAME_TRIES, TRY_SECONDS, clock=clock)
        self._addresses = RateLimit(ADDRESS_TRIES, TRY_SECONDS, clock=clock)
        self._refused = RateLimit(1, TRY_SECONDS, clock=clock)
        self._lock = threading.Lock()

    def check(self, name: str, request: Request) -> None:
        """Count a try; raises :class:`Refusal` where it is one too many."""
        with self._lock:
            self._addresses.check(address_of(request))
            self._names.check(name_key(name))

    def count(self, request: Request) -> None:
        """Count a try that names nobody."""
        with self._lock:
            self._addresses.check(address_of(request))

    def right(self, name: str) -> None:
        """Forget the tries of a name: the last one was right."""
        with self._lock:
            self._names.clear(name_key(name))

    def is_news(self, name: str) -> bool:
        """Whether it was not yet told in this window that a name is refused."""
        with self._lock:
            try:
                self._refused.check(name_key(name))
            except Refusal:
                return False
            return True


def address_of(request: Request) -> str:
    """Who tries, as far as an address tells: of IPv6 the network, which one person has whole."""
    host = "" if request.client is None else request.client.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


# --------------------------------------------------------------------------- pages


class _Doors:
    """The pages around signing in: forms that work without scripts."""

    def __init__(self, access: AccountAccess) -> None:
        self._access = access
        self._directory = access.entrance.directory
        self.router = APIRouter(include_in_schema=False)
        for path, show, take in (
            ("/sign-in", self._show_sign_in, self._take_sign_in),
            ("/join", self._show_join, self._take_join),
        ):
            self.router.add_api_route(path, show, methods=["GET"])
            self.router.add_api_route(path, take, methods=["POST"])
        self.router.add_api_route("/account", self._show_account, methods=["GET"])
        self.router.add_api_route("/account", self._take_password, methods=["POST"])
        self.router.add_api_route("/sign-out", self._take_sign_out, methods=["POST"])

    # ------------------------------------------------------------------ sign in

    def _show_sign_in(self, request: Request) -> Response:
        join = request.query_params.get("join", "")
        if self._access.signed_in(request) is not None:
            return RedirectResponse(_join_address(join) if join else "/", 303)
        return page("sign_in.html", name="", join=join, wrong=None)

    async def _take_sign_in(self, request: Request) -> Response:
        given = await _form(request)
        return await run_in_threadpool(self._sign_in, request, given)

    def _sign_in(self, request: Request, given: dict[str, str]) -> Response:
        name, join = given.get("name", ""), given.get("join", "")

        def again(wrong: str, status: int) -> Response:
            return page("sign_in.html", status, name=name, join=join, wrong=wrong)

        try:
            self._access.tries.check(name, request)
        except Refusal as refusal:
            response = again(f"{refusal.detail} {refusal.hint}", 429)
            response.headers.update(refusal.headers or {})
            if self._access.tries.is_news(name):
                # After the answer, so that it takes as long for a name nobody has.
                refused = self._access.entrance.refused
                response.background = BackgroundTask(refused, name, NAME_TRIES)
            return response
        account = self._access.entrance.sign_in(name, given.get("password", ""))
        if account is None:
            return again(WRONG, 401)
        self._access.tries.right(name)
        then = _join_address(join) if join else "/"
        return self._access.let_in(request, account, how="password", then=then)

    # ----------------------------------------------------------------- sign out

    async def _take_sign_out(self, request: Request) -> Response:
        given = await _form(request)
        return await run_in_threadpool(self._sign_out, request, given)

    def _sign_out(self, request: Request, given: dict[str, str]) -> Response:
        session = request.cookies.get(self._access.cookie)
        known = None if session is None else self._access.entrance.of_session(session)
        if session is not None and known is not None:
            if given.get("everywhere"):
                self._access.entrance.end_everywhere(known.account)
            else:
                self._access.entrance.end(session)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(
            self._access.cookie, path="/", secure=self._access.secure, httponly=True,
            samesite="strict",
        )  # fmt: skip
        return response

    # --------------------------------------------------------------------- join

    def _show_join(self, request: Request) -> Response:
        self._access.tries.count(request)
        token = request.query_params.get("token", "")
        invitation = self._offered(token)
        if invitation is None:
            return page("invitation_spent.html", 410)
        return self._join_page(token, invitation, self._access.signed_in(request))

    def _join_page(
        self,
        token: str,
        invitation: Invitation,
        known: Identity | None,
        *,
        status: int = 200,
        name: str = "",
        wrong: str | None = None,
    ) -> Response:
        return page(
            "join.html",
            status,
            token=token,
            place=self._place(invitation),
            role=invitation.role,
            me=None if known is None else known.account.name,
            name=name,
            wrong=wrong,
            shortest=SHORTEST,
        )

    def _offered(self, token: str) -> Invitation | None:
        try:
            return self._directory.offered(token)
        except InputError:
            return None

    def _place(self, invitation: Invitation) -> str | None:
        """The project an invitation leads to, by name; None: the whole site."""
        if invitation.project is None:
            return None
        project: Project | None = self._directory.store.project(invitation.project)
        return "" if project is None else project.name

    async def _take_join(self, request: Request) -> Response:
        given = await _form(request)
        return await run_in_threadpool(self._join, request, given)

    def _join(self, request: Request, given: dict[str, str]) -> Response:
        self._access.tries.count(request)
        token, name = given.get("token", ""), given.get("name", "")
        invitation = self._offered(token)
        if invitation is None:
            return page("invitation_spent.html", 410)
        # What was typed counts: somebody else may have signed in here since the form was shown.
        known = None if given.get("password") else self._access.signed_in(request)
        try:
            if known is None:
                account = self._directory.join(token, name, given.get("password", ""))
            else:
                account = known.account
                self._directory.accept(token, account)
        except InputError as error:
            if error.code == "invitation_spent":
                return page("invitation_spent.html", 410)
            wrong = f"{error.message} {error.hint}"
            return self._join_page(token, invitation, known, status=422, name=name, wrong=wrong)
        # Also for who was signed in: a session that had fewer rights does not get more.
        return self._access.let_in(request, account, how="invitation")

    # ------------------------------------------------------------------ account

    def _show_account(self, request: Request) -> Response:
        known = self._access.signed_in(request)
        if known is None:
            return RedirectResponse("/sign-in", 303)
        return self._account_page(known)

    def _account_page(
        self, known: Identity, *, status: int = 200, wrong: str | None = None, done: bool = False
    ) -> Response:
        projects = [
            (project.name, known.roles.get(project.id, known.account.everywhere))
            for project in self._directory.store.projects()
            if project.id in known.roles or known.account.everywhere is not None
        ]
        return page(
            "account.html",
            status,
            name=known.account.name,
            site=known.account.everywhere,
            projects=projects,
            wrong=wrong,
            done=done,
            shortest=SHORTEST,
        )

    async def _take_password(self, request: Request) -> Response:
        given = await _form(request)
        return await run_in_threadpool(self._change_password, request, given)

    def _change_password(self, request: Request, given: dict[str, str]) -> Response:
        known = self._access.signed_in(request)
        if known is None:
            return RedirectResponse("/sign-in", 303)
        name = str(known.account.name)
        try:
            self._access.tries.check(name, request)
            if self._access.entrance.sign_in(name, given.get("password", "")) is None:
                raise InputError("The present password is another one.", hint="Type it again.")
            session = Secret(request.cookies[self._access.cookie]).digest
            self._directory.change_password(
                known.account, given.get("new", ""), by=known.account.id, session=session
            )
        except InputError as error:
            return self._account_page(known, status=422, wrong=f"{error.message} {error.hint}")
        except Refusal as refusal:
            wrong = f"{refusal.detail} {refusal.hint}"
            return self._account_page(known, status=429, wrong=wrong)
        self._access.tries.right(name)
        return self._account_page(known, done=True)


def _join_address(token: str) -> str:
    return f"/join?token={quote(token, safe='')}"


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, the first of each name; raises :class:`Refusal` on anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        if kind != FORM and body:
            raise ValueError("no form")
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise Refusal(
            400, "invalid", "The request is no form of this page.", hint="Load the page again."
        ) from None
    return {name: values[0] for name, values in fields.items()}
