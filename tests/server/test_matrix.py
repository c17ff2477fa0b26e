"""Every route of the API × everybody who may call: who gets in is what the table says.

A route that is described and not in the table fails here: say below what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import pytest
from account_houses import URL, AccountHouse

from signoff.accounts.directory import DAY
from signoff.core.people import ALL_RIGHTS, RIGHTS, Account, Right, Role

Need = Literal[
    "open", "known", "in person", "site", "read", "answer", "manage", "audit", "not blind"
]
"""What a route asks of its caller.

"known": anybody with an account; "in person": with a session, not a token; "site": who runs the
site; the others a right in the project, "audit" that of reading for all but reviewers, whom the
log would tell which items are audited, "not blind" for whoever may not answer, or may manage, too.
"""

P = "/api/v1/projects/{p}"
HOOKS = f"{P}/webhooks"
TOKEN = {"name": "test", "scopes": ["read"]}
REVIEW = {"request": "none", "answers": {"answer": {"cannot_say": True}}}
PROJECT = {"name": "new", "upload": "none", "labels": ["A", "B"]}
HOOK = {"url": "https://hooks.example/x", "events": ["certificate.issued"]}

COMMENT = {"id": "0190a2b4-0000-7000-8000-000000000001", "text": "half a sentence"}
GOLD = {"items": [{"key": "k", "text": "good", "answers": {"answer": {"label": "Positive"}}}]}

ROUTES: Mapping[str, tuple[Need, Any]] = {
    "GET /healthz": ("open", None),
    "GET /metrics": ("site", None),
    "GET /api/v1/health": ("site", None),
    "POST /api/v1/worker/restart": ("site", None),
    "GET /api/v1/me": ("known", None),
    # projects and reviewing
    "POST /api/v1/begin": ("known", {}),
    "GET /api/v1/projects": ("known", None),
    "POST /api/v1/projects": ("site", PROJECT),
    f"GET {P}": ("read", None),
    f"GET {P}/progress": ("read", None),
    f"GET {P}/certificate": ("read", None),
    f"GET {P}/events": ("read", None),
    f"POST {P}/leases": ("answer", {}),
    f"DELETE {P}/leases": ("answer", {"requests": []}),
    f"POST {P}/leases/return": ("answer", {"requests": []}),
    f"PUT {P}/reviews/{{id}}": ("answer", REVIEW),
    f"POST {P}/requests/{{id}}/skip": ("answer", {}),
    f"GET {P}/requests/{{id}}/hint": ("answer", None),
    f"POST {P}/requests/{{id}}/flag": ("answer", {"note": "odd"}),
    f"POST {P}/undo": ("answer", {}),
    f"GET {P}/history": ("answer", None),
    f"GET {P}/blobs/{{digest}}": ("read", None),
    # streams
    "POST /api/v1/streams": ("site", {"name": "flow", "labels": ["A", "B"]}),
    f"POST {P}/windows/{{number}}/end": ("manage", None),
    f"POST {P}/items": ("manage", {"items": [{"key": "k", "text": "hello"}]}),
    f"GET {P}/items/{{id}}": ("manage", None),
    f"GET {P}/stream": ("not blind", None),
    # the queue and who manages it
    f"GET {P}/requests/{{id}}/comments": ("answer", None),
    f"POST {P}/requests/{{id}}/comments": ("answer", COMMENT),
    f"POST {P}/requests/{{id}}/assign": ("manage", {"tag": "medical"}),
    f"GET {P}/reviewers": ("manage", None),
    f"PUT {P}/reviewers/{{id}}/tags": ("manage", {"tags": ["medical"]}),
    f"GET {P}/gold": ("manage", None),
    f"POST {P}/gold": ("manage", GOLD),
    # long work
    "POST /api/v1/uploads": ("site", b"text\nhello\n"),
    f"POST {P}/import": ("manage", b"text\nhello\n"),
    f"GET {P}/export": ("manage", None),
    f"GET {P}/log": ("audit", None),
    f"POST {P}/verify": ("audit", None),
    "GET /api/v1/jobs": ("known", None),
    "GET /api/v1/jobs/{id}": ("known", None),
    "GET /api/v1/jobs/{id}/file": ("known", None),
    "POST /api/v1/jobs/{id}/retry": ("known", None),
    "POST /api/v1/jobs/{id}/cancel": ("known", None),
    # webhooks
    f"GET {HOOKS}": ("manage", None),
    f"POST {HOOKS}": ("manage", HOOK),
    f"PATCH {HOOKS}/{{id}}": ("manage", {"active": False}),
    f"DELETE {HOOKS}/{{id}}": ("manage", None),
    f"GET {HOOKS}/{{id}}/deliveries": ("manage", None),
    f"POST {HOOKS}/{{id}}/deliveries/{{delivery}}/redeliver": ("manage", None),
    # people
    "GET /api/v1/accounts": ("site", None),
    "PUT /api/v1/accounts/{a}/role": ("site", {"role": None}),
    "DELETE /api/v1/accounts/{a}": ("site", None),
    "GET /api/v1/invitations": ("site", None),
    "POST /api/v1/invitations": ("site", {}),
    "DELETE /api/v1/invitations/{i}": ("site", None),
    f"GET {P}/people": ("manage", None),
    f"PUT {P}/people/{{a}}": ("manage", {"role": "reviewer"}),
    f"DELETE {P}/people/{{a}}": ("manage", None),
    f"GET {P}/invitations": ("manage", None),
    f"POST {P}/invitations": ("manage", {}),
    f"DELETE {P}/invitations/{{i}}": ("manage", None),
    "GET /api/v1/tokens": ("in person", None),
    "POST /api/v1/tokens": ("in person", TOKEN),
    "DELETE /api/v1/tokens/{t}": ("in person", None),
    # the last one: it ends the session
    "DELETE /api/v1/sessions": ("in person", None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A caller: the role in the project, and what they show for it."""

    role: Role | None = None
    everywhere: bool = False
    scopes: frozenset[Right] = ALL_RIGHTS
    token: bool = False
    valid: bool = True
    after_days: int = field(default=0)


CALLERS: Mapping[str, Who] = {
    "anonymous": Who(valid=False),
    "reviewer of another project": Who(),
    "auditor": Who(role="auditor"),
    "reviewer": Who(role="reviewer"),
    "manager": Who(role="manager"),
    "admin": Who(role="admin"),
    "site admin": Who(role="admin", everywhere=True),
    "site admin's token": Who(role="admin", everywhere=True, token=True),
    "site admin's token to read": Who(
        role="admin", everywhere=True, token=True, scopes=frozenset({"read"})
    ),
    "manager's token to answer": Who(
        role="manager", token=True, scopes=frozenset({"read", "answer"})
    ),
    "reviewer's token to manage": Who(role="reviewer", token=True, scopes=frozenset({"manage"})),
    "expired token": Who(role="admin", everywhere=True, token=True, valid=False, after_days=1),
    "expired session": Who(role="admin", everywhere=True, valid=False, after_days=14),
    "reviewer of another project's token": Who(token=True),
}


def expected(need: Need, who: Who) -> int | None:
    """The refusal's status; None where the caller gets in."""
    if need == "open":
        return None
    if not who.valid:
        return 401
    if need == "known":
        return None
    if need == "in person":
        return 403 if who.token else None
    if need == "site":
        return None if who.everywhere and "manage" in who.scopes else 403
    if who.role is None:
        return 404
    may = RIGHTS[who.role] & who.scopes
    closed = (need == "audit" and who.role == "reviewer") or (
        need == "not blind" and "answer" in may and "manage" not in may
    )
    right: Right = "read" if need in ("audit", "not blind") else need
    return None if right in may and not closed else 403


def person(house: AccountHouse, who: Who) -> Account:
    """Somebody with this role in the first project, or one in the second only."""
    project = house.desk.letters if who.role is None else house.desk.reviews
    given: dict[str, Role] = {} if who.everywhere else {project.id: who.role or "reviewer"}
    return house.desk.directory.add(
        f"somebody {uuid4().hex[:6]}",
        "four unrelated plain words",
        everywhere="admin" if who.everywhere else None,
        given=given,
    )


def shown_by(house: AccountHouse, who: Who, account: Account | None) -> dict[str, str]:
    """The headers of somebody's requests: a new session or token."""
    page = {"X-Signoff": "1", "Origin": URL}
    if account is None:
        return page
    if who.token:
        minted = house.desk.directory.mint(
            account, name="test", scopes=who.scopes, by=account.id, days=who.after_days or 1
        )
        shown = {"Authorization": f"Bearer {minted.secret.text}"}
    else:
        session = house.desk.entrance.begin(account, how="password", old=None)
        shown = {**page, "Cookie": f"{house.access.cookie}={session.text}"}
    house.desk.now += who.after_days * DAY
    return shown


def got(house: AccountHouse, route: str, body: Any, headers: dict[str, str]) -> tuple[int, str]:
    """Status and code of the answer to one request."""
    method, path = route.split()
    path = path.replace("{p}", house.desk.reviews.id)
    path = path.replace("{digest}", "0" * 64).replace("{number}", "1")
    for name in ("{id}", "{delivery}", "{a}", "{i}", "{t}"):
        path = path.replace(name, str(uuid4()))
    given: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    if body is None:
        given = {}
    wait = {"wait": "0"} if path.endswith(("/export", "/log", "/verify")) else {}
    answer = house.client().request(method, path, params=wait, headers=headers, **given)
    problem = answer.headers.get("content-type", "").startswith("application/problem")
    return answer.status_code, answer.json()["code"] if problem else ""


@pytest.fixture
def site(accounts: AccountHouse) -> AccountHouse:
    """A site somebody else runs, whose streams end by themselves."""
    accounts.desk.admin("Ann who runs it")
    accounts.app.state.services.live._closed = True
    return accounts


@pytest.mark.parametrize("name", CALLERS)
def test_who_gets_in_is_what_the_table_says(site: AccountHouse, name: str) -> None:
    who = CALLERS[name]
    headers = shown_by(site, who, None if name == "anonymous" else person(site, who))
    wrong: list[str] = []
    for route, (need, body) in ROUTES.items():
        status, code = got(site, route, body, headers)
        wanted = expected(need, who)
        if wanted is None:
            right = status not in (400, 401, 403, 405, 500, 503) and code != "no_project"
        else:
            right = status == wanted and (wanted != 404 or code == "no_project")
        if not right:
            wrong.append(f"{route}: {status} {code}, not {wanted or 'let in'}")
    assert not wrong


def test_every_route_that_is_described_is_in_the_table(site: AccountHouse) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, operations in site.app.openapi()["paths"].items()
        for method in operations
    }
    assert described - ROUTES.keys() == set(), "say in ROUTES what these need"
    assert ROUTES.keys() - described == set(), "ROUTES names what there is not"


def test_the_table_tells_callers_apart() -> None:
    """Every need is asked of somebody who gets in and of somebody who does not."""
    for need in ("known", "in person", "site", "read", "answer", "manage", "audit", "not blind"):
        outcomes = {expected(need, who) for who in CALLERS.values()}
        assert None in outcomes
        assert 401 in outcomes
        assert need == "known" or 403 in outcomes


def test_a_caller_without_a_role_learns_nothing_of_a_project(site: AccountHouse) -> None:
    """What is not there and what is not theirs are told in the same words."""
    headers = shown_by(site, Who(), person(site, Who()))
    for route, (need, body) in ROUTES.items():
        if "{p}" not in route or need in ("open", "known"):
            continue
        made_up = route.replace("{p}", str(uuid4()))
        assert got(site, made_up, body, headers) == got(site, route, body, headers)
