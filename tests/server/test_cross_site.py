"""Another site's page asks a signed-in browser for changes: every route refuses, nothing changes.

The routes are the application's own table, so that a new one is tried here by itself. What is sent
would do something if it came from the server's own page: the last test sends it from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from directories import PASSWORD
from offices import begin
from test_matrix import ROUTES
from whole_sites import PORT, URL, Route, WholeSite, whole_site

from signoff.core.people import Account
from signoff.core.routing import People
from signoff.live import Stream

API = "/api/v1/"
BEACON = "/leases/return"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
CSV = b"text\nhello\n"

FOREIGN = (
    "https://evil.example",
    "null",
    "file://",
    f"http://127.0.0.1:{PORT + 1}",
    f"http://localhost:{PORT}",
    f"{URL}.evil.example",
    f"https://evil.example/{URL}",
    f"http://evil@127.0.0.1:{PORT}",
    f"{URL}, https://evil.example",
    "",
)
"""Pages of other sites, by what their browser says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A person who runs the site, and all that a request of theirs needs to do something."""

    site: WholeSite
    account: Account
    session: str
    known: Mapping[str, str]
    fields: Mapping[str, str]

    def send(self, route: Route, headers: Mapping[str, str], *, bare: bool = False) -> Any:
        """Send what would do something, from wherever the headers say."""
        body = b"" if bare else self.body(route, headers.get("Content-Type", ""))
        browser = self.site.client(Cookie=f"{self.site.access.cookie}={self.session}")
        path = route.filled(self.known)
        return browser.request(route.method, path, content=body, headers=dict(headers))

    def body(self, route: Route, kind: str) -> bytes:
        """A body that the route understands, when it is called ``kind``."""
        if not route.path.startswith(API):
            return "&".join(f"{name}={value}" for name, value in self.fields.items()).encode()
        _, example = ROUTES.get(route.name, ("", {}))
        if kind == FORM:
            return f"{json.dumps(example)}=".encode() if not isinstance(example, bytes) else example
        if isinstance(example, bytes):
            return example
        text = json.dumps(example or {})
        for name, value in {"none": self.known["{request}"]}.items():
            text = text.replace(f'"request": "{name}"', f'"request": "{value}"')
        return text.encode()


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    """A served store with something to lose of each kind, and somebody who may change all of it."""
    folder = tmp_path / "site"
    folder.mkdir()
    where = folder / "site.signoff.db"
    begin(where, rows=30, policy=People())
    Stream.create(where, labels=["A", "B"], project="tickets").close()
    with whole_site(where) as site:
        ann = site.join("Ann", everywhere="admin")
        yield stocked(site, ann)


def stocked(site: WholeSite, ann: Account) -> Visitor:
    """Give every parameter of a path something that is there."""
    project = site.project("reviews").id
    ben = site.join("Ben", given={project: "reviewer"})
    browser, api = site.browser(ann), f"{API}projects/{project}"

    def made(path: str, body: object = None) -> dict[str, Any]:
        got = browser.post(path, json={} if body is None else body)
        assert got.status_code < 300, got.text
        return got.json()

    leased = [each["id"] for each in made(f"{api}/leases", {"limit": 2})["requests"]]
    answer = {"request": leased[1], "answers": {"answer": {"label": "Positive"}}}
    browser.put(f"{api}/reviews/{uuid4()}", json=answer).raise_for_status()
    hook = made(f"{api}/webhooks", {"url": "https://hooks.example/x", "events": ["drift.alarm"]})
    token = made(f"{API}tokens", {"name": "t", "scopes": ["read"]})["id"]
    invited = made(f"{api}/invitations")["id"]
    site_wide = made(f"{API}invitations")["id"]
    upload = browser.post(f"{API}uploads", content=CSV).json()["id"]
    job = browser.post(f"{api}/verify?wait=0").json()["id"]
    reviewer = browser.get(f"{api}/reviewers").json()["reviewers"][0]["id"]
    prefix = f"{API}projects/{{p}}"
    session = site.session(ann)
    return Visitor(
        site=site,
        account=ann,
        session=session,
        known={
            "{p}": project,
            "{a}": ben.id,
            "{t}": token,
            "{i}": site_wide,
            "{upload}": upload,
            "{request}": leased[0],
            f"{prefix}/invitations/{{i}}": invited,
            f"{prefix}/requests/{{id}}": leased[0],
            f"{prefix}/webhooks/{{id}}": hook["id"],
            f"{prefix}/reviewers/{{id}}": reviewer,
            f"{API}jobs/{{id}}": job,
            "{part}": "1",
            "{number}": "0",
        },
        fields={
            "form_token": hashlib.sha256(f"form|{session}".encode()).hexdigest(),
            "name": "Ann",
            "password": PASSWORD,
            "new": "another+one+altogether",
            "everywhere": "1",
            "guideline": "changed",
            "role": "manager",
            "account": ben.id,
        },
    )


def attacks(route: Route) -> Iterator[tuple[str, Mapping[str, str], bool]]:
    """What a page of another site can make a browser send, and more than that."""
    kinds = (FORM, MULTIPART, "text/plain", "application/json", "")
    for origin in FOREIGN:
        yield f"from {origin!r} with our header", {"Origin": origin, "X-Signoff": "1"}, False
    for origin in FOREIGN[:2]:
        told = {"Origin": origin}
        yield f"from {origin!r} without a body", told, True
        # Where the browser has a password for this host, it is no token.
        basic = {**told, "Authorization": "Basic QQ==", "Content-Type": FORM}
        yield f"from {origin!r} with a password", basic, False
        for kind in kinds:
            yield f"from {origin!r} as {kind!r}", {**told, **_type(kind)}, False
    for kind in kinds:
        yield f"from nowhere as {kind!r}", _type(kind), False
        if kind not in (FORM, MULTIPART) and not route.path.endswith(BEACON):
            yield f"ours as {kind!r}, no header", {"Origin": URL, **_type(kind)}, False
    if route.path.endswith(BEACON):
        yield "a beacon from nowhere", {"X-Signoff": "1"}, False
    yield "from nowhere, our header unset", {"X-Signoff": "0"}, False


def _type(kind: str) -> Mapping[str, str]:
    return {"Content-Type": kind} if kind else {}


def test_no_route_changes_anything_for_another_site_s_page(visitor: Visitor) -> None:
    wrong: list[str] = []
    routes = visitor.site.changing()
    before = visitor.site.state()
    for route in routes:
        for name, headers, bare in attacks(route):
            got = visitor.send(route, headers, bare=bare)
            told = got.headers.get("content-type", "").startswith("application/problem")
            code = got.json()["code"] if told else ""
            if (got.status_code, code) != (403, "foreign_origin") or "set-cookie" in got.headers:
                wrong.append(f"{route.name}, {name}: {got.status_code} {code}")
        after = visitor.site.state()
        wrong += [f"{route.name}: {name} changed" for name in changed(before, after)]
        before = after
    assert not wrong, "\n".join(wrong)
    assert len(routes) > 45


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[str]:
    """The tables and files that differ."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def test_the_api_is_not_read_for_another_site_s_page(visitor: Visitor) -> None:
    """Reading makes exports, which the log tells of; another port is another page's."""
    wrong: list[str] = []
    routes = [route for route in visitor.site.routes() if route.path.startswith(API)]
    before = visitor.site.state()
    for route in routes:
        for site in ("cross-site", "same-site"):
            if route.method == "GET":
                got = visitor.send(route, {"Sec-Fetch-Site": site}, bare=True)
                if got.status_code != 403:
                    wrong.append(f"{route.name}, {site}: {got.status_code}")
    assert not wrong, "\n".join(wrong)
    assert changed(before, visitor.site.state()) == []
    exported = Route(method="GET", path=f"{API}projects/{{p}}/export?wait=0")
    for site in ("same-origin", "none"):
        got = visitor.send(exported, {"Sec-Fetch-Site": site}, bare=True)
        assert got.status_code == 202
    assert "jobs" in changed(before, visitor.site.state())


def test_nothing_is_changed_by_reading_under_the_name_of_another_method(visitor: Visitor) -> None:
    before = visitor.site.state()
    for route in visitor.site.changing():
        for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
            reading = Route(method="GET", path=route.path)
            visitor.site.client(Cookie=f"{visitor.site.access.cookie}={visitor.session}").get(
                f"{reading.filled(visitor.known)}?_method={route.method}",
                headers={name: route.method},
            )
    assert changed(before, visitor.site.state()) == []


DOES = {
    "POST /account": "accounts",
    "POST /api/v1/projects/{p}/requests/{id}/flag": "events",
    "POST /api/v1/projects/{p}/requests/{id}/comments": "comments",
    "POST /api/v1/projects/{p}/requests/{id}/assign": "requests",
    "POST /api/v1/projects/{p}/undo": "reviews",
    "POST /api/v1/projects/{p}/gold": "gold",
    "POST /api/v1/projects/{p}/import": "jobs",
    "POST /api/v1/projects/{p}/webhooks": "webhooks",
    "POST /api/v1/tokens": "api_tokens",
    "POST /projects/{p}/people/invite": "invitations",
    "POST /projects/{p}/people/role": "roles",
    "POST /projects/{p}/settings": "projects",
    "POST /projects/{p}/log/verify": "jobs",
    "POST /sign-in": "sessions",
    "POST /sign-out": "sessions",
    "PUT /api/v1/projects/{p}/reviewers/{id}/tags": "reviewer_tags",
    "PUT /api/v1/projects/{p}/reviews/{id}": "reviews",
    "PUT /api/v1/projects/{p}/people/{a}": "roles",
    "DELETE /api/v1/projects/{p}/webhooks/{id}": "webhooks",
    "DELETE /api/v1/projects/{p}/invitations/{i}": "invitations",
    "DELETE /api/v1/tokens/{t}": "api_tokens",
    "DELETE /api/v1/sessions": "sessions",
    "DELETE /api/v1/accounts/{a}": "accounts",
}
"""A table that a route changes, asked in the same words from the server's own page."""


def test_the_same_requests_from_the_own_page_do_something(visitor: Visitor) -> None:
    """Or the tests above would prove nothing."""
    wrong: list[str] = []
    routes = sorted(visitor.site.changing(), key=_late)
    for route in routes:
        before = visitor.site.state()
        kind = "application/json" if route.path.startswith(API) else FORM
        visitor = renewed(visitor)
        got = visitor.send(route, {"Origin": URL, "X-Signoff": "1", "Content-Type": kind})
        if "foreign_origin" in got.text:
            wrong.append(f"{route.name} is refused: {got.text[:200]}")
        table = DOES.get(route.name)
        if table is not None and table not in changed(before, visitor.site.state()):
            wrong.append(f"{route.name} leaves {table} alone: {got.status_code} {got.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert DOES.keys() <= {route.name for route in routes}


def _late(route: Route) -> tuple[bool, bool, str]:
    """Makes what takes things away come after the rest, and a new password after signing in."""
    return route.method == "DELETE", route.path == "/account", route.name


def renewed(visitor: Visitor) -> Visitor:
    """The same person with a session that lasts, whatever was done before."""
    session = visitor.site.session(visitor.account)
    token = hashlib.sha256(f"form|{session}".encode()).hexdigest()
    return replace(visitor, session=session, fields={**visitor.fields, "form_token": token})
