"""What every request passes and every response carries."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import PAGE, House, LocalHouse

from signoff.server.guard import MOST_BODY_BYTES, RateLimit, is_loopback
from signoff.server.problems import Refusal

WANTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


# ------------------------------------------------------------------------------ headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/assets/index-4f5a1b2c.js", 200),
        ("GET", "/page.css", 200),
        ("GET", "/healthz", 200),
        ("GET", "/api/v1/me", 200),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("PATCH", "/api/v1/me", 405),
        ("POST", "{p}/leases", 200),
        ("POST", "{p}/undo", 409),
        ("DELETE", "{p}/leases", 400),
        ("GET", "{p}/progress", 500),
    ],
)
def test_every_response_keeps_browsers_strict(
    house: LocalHouse, method: str, path: str, status: int
) -> None:
    browser = house.browser()
    if status == 500:
        house.queue.failure = RuntimeError("broken")
    body = {} if method == "POST" else None
    got = browser.request(method, path.replace("{p}", house.path), json=body)
    assert got.status_code == status
    assert {name: got.headers.get(name) for name in WANTED} == WANTED
    assert "server" not in got.headers


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", "no-store"),
        ("/favicon.svg", "no-store"),
        ("/api/v1/me", "no-store"),
        ("/assets/index-4f5a1b2c.js", "private, max-age=31536000, immutable"),
        ("/assets/gone.js", "no-store"),
    ],
)
def test_only_what_has_its_hash_in_its_name_is_kept(
    house: LocalHouse, path: str, caching: str
) -> None:
    assert house.browser().get(path).headers["cache-control"] == caching


def test_what_strangers_get_is_strict_too(house: LocalHouse) -> None:
    for path in ("/", "/api/v1/me", "/assets/index-4f5a1b2c.js"):
        got = house.client().get(path)
        assert got.status_code == 401
        assert {name: got.headers.get(name) for name in WANTED} == WANTED


# -------------------------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "localhost:{port}.evil.example",
        "",
    ],
)
def test_a_foreign_host_name_is_refused_even_with_a_session(house: LocalHouse, host: str) -> None:
    browser = house.browser()
    got = browser.get("/api/v1/me", headers={"Host": host.format(port=house.port)})
    assert (got.status_code, got.json()["code"]) == (400, "wrong_host")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}"])
def test_the_own_names_are_let_in(house: LocalHouse, host: str) -> None:
    got = house.client().get("/healthz", headers={"Host": host.format(port=house.port)})
    assert got.status_code == 200


def test_two_host_headers_are_refused(served: House) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.putrequest("GET", "/healthz", skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{served.port}")
    connection.putheader("Host", "evil.example")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("reviews.example", False),
    ],
)
def test_what_can_be_reached_from_this_computer_only(address: str, own: bool) -> None:
    assert is_loopback(address) is own


# ------------------------------------------------------------------------------ origins


def lease(house: LocalHouse, **headers: str) -> int:
    browser = house.browser()
    del browser.headers["X-Signoff"]
    return browser.post(f"{house.path}/leases", json={}, headers=headers).status_code


@pytest.mark.parametrize(("header", "status"), [(None, 403), ("0", 403), ("1", 200)])
def test_a_change_needs_the_page_s_header(
    house: LocalHouse, header: str | None, status: int
) -> None:
    assert lease(house, **({} if header is None else {"X-Signoff": header})) == status


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://localhost:{port}"]
)
def test_a_change_from_another_origin_is_refused(house: LocalHouse, origin: str) -> None:
    headers = {**PAGE, "Origin": origin.format(port=house.port)}
    assert lease(house, **headers) == 403
    assert house.queue.given == []


def test_a_change_from_the_own_page_is_let_in(house: LocalHouse) -> None:
    assert lease(house, **PAGE, Origin=house.url) == 200


@pytest.mark.parametrize(("origin", "status"), [(None, 403), ("https://evil.example", 403)])
def test_a_beacon_must_say_where_it_comes_from(
    house: LocalHouse, origin: str | None, status: int
) -> None:
    browser = house.browser()
    headers = {} if origin is None else {"Origin": origin}
    body = json.dumps({"requests": []})
    got = browser.post(f"{house.path}/leases/return", content=body, headers=headers)
    assert got.status_code == status


# --------------------------------------------------------------------------------- sizes


def chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // 65536 + 1):
        yield b" " * 65536


def test_a_body_that_says_it_is_too_large_is_refused(house: LocalHouse) -> None:
    body = b" " * (MOST_BODY_BYTES + 1)
    got = house.browser().post(f"{house.path}/leases", content=body)
    assert (got.status_code, got.json()["code"]) == (413, "too_large")


def test_a_body_that_grows_too_large_is_refused(served: LocalHouse) -> None:
    headers = {"Content-Type": "application/json"}
    browser = served.browser()
    got = browser.post(f"{served.path}/leases", content=chunks(MOST_BODY_BYTES), headers=headers)
    assert (got.status_code, got.json()["code"]) == (413, "too_large")


# ------------------------------------------------------------------------------ nonsense


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"limit": "10"}',
        b'{"limit": 10, "limit2": 1}',
        b'{"limit": -1}',
        b'{"limit": 51}',
        b'{"limit": true}',
        b'{"holding": ["../../etc"]}',
        b"[" * 100_000,
        b'{"limit": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: body[:20],
)
def test_a_malformed_body_is_a_problem(house: LocalHouse, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    got = house.browser().post(f"{house.path}/leases", content=body, headers=headers)
    assert got.status_code == 400
    assert got.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "hint"} <= set(got.json())


def test_json_must_be_called_json(house: LocalHouse) -> None:
    headers = {"Content-Type": "text/plain"}
    got = house.browser().post(f"{house.path}/leases", content=b"{}", headers=headers)
    assert got.status_code == 400


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ('{"answer": {"label": "a\\u0000b"}}', 422),
        ('{"answer": {"label": "\\ud800"}}', 422),
        ('{"answer": {"value": NaN}}', 422),
        ('{"answer": {"value": [1e999]}}', 422),
        ('{"answer": {"\\u0000": true}}', 422),
        ('{"answer\\u0000": {"cannot_say": true}}', 422),
        ('{"answer": ' + '{"a":' * 300 + "1" + "}" * 300 + "}", 400),
        ("{}", 400),
    ],
    ids=["nul", "surrogate", "nan", "infinity", "nul in a name", "other name", "deep", "none"],
)
def test_an_answer_that_no_database_keeps_is_refused(
    house: LocalHouse, answers: str, status: int
) -> None:
    request = next(iter(house.queue.waiting))
    got = house.browser().put(
        f"{house.path}/reviews/2b0c1c36-6a1b-4a6e-8a39-1a1c2a8a9f10",
        content=f'{{"request": "{request}", "answers": {answers}}}',
        headers={"Content-Type": "application/json"},
    )
    assert got.status_code == status
    assert house.queue.given == []


@pytest.mark.parametrize("note", ["a\\u0000b", "\\ud800", "n" * 10_001])
def test_a_note_that_no_database_keeps_is_refused(house: LocalHouse, note: str) -> None:
    request = next(iter(house.queue.waiting))
    got = house.browser().post(
        f"{house.path}/requests/{request}/flag",
        content=f'{{"note": "{note}"}}',
        headers={"Content-Type": "application/json"},
    )
    assert got.status_code == 400
    assert house.queue.flags == []


def test_a_problem_does_not_repeat_what_was_sent(house: LocalHouse) -> None:
    request = next(iter(house.queue.waiting))
    got = house.browser().put(
        f"{house.path}/reviews/2b0c1c36-6a1b-4a6e-8a39-1a1c2a8a9f10",
        json={"request": request, "answers": {"answer": {}}, "seconds": "my secret"},
    )
    assert got.status_code == 400
    assert "secret" not in got.text


# ------------------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..\\..\\secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/assets/%00",
        "/index.html",
        "/assets",
        "/assets/",
    ],
)
def test_no_address_leads_out_of_the_page_s_folder(served: LocalHouse, path: str) -> None:
    session = served.browser().cookies[served.access.cookie]
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", path, headers={"Cookie": f"{served.access.cookie}={session}"})
    got = connection.getresponse()
    assert got.status == 404
    assert b"beside" not in got.read()
    connection.close()


def test_links_in_the_folder_are_not_followed(static: Path) -> None:
    (static / "assets" / "leak.txt").symlink_to(static.parent / "secret.txt")
    house = LocalHouse.build(static=static)
    assert house.browser().get("/assets/leak.txt").status_code == 404


def test_a_copy_without_its_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    house = LocalHouse.build(static=tmp_path / "empty")
    got = house.browser().get("/")
    assert got.status_code == 503
    assert "not built" in got.text


# -------------------------------------------------------------------------------- rates


def test_too_many_tries_of_one_key_wait_and_others_do_not() -> None:
    now = [0.0]
    limit = RateLimit(3, 60, clock=lambda: now[0])
    for _ in range(3):
        limit.check("ann")
    with pytest.raises(Refusal) as refused:
        limit.check("ann")
    assert (refused.value.status_code, refused.value.headers["Retry-After"]) == (429, "60")
    limit.check("ben")
    now[0] = 60.0
    limit.check("ann")


def test_a_right_try_forgets_the_wrong_ones() -> None:
    limit = RateLimit(1, 60, clock=lambda: 0.0)
    limit.check("ann")
    limit.clear("ann")
    limit.check("ann")


def test_many_keys_do_not_fill_the_memory() -> None:
    limit = RateLimit(3, 60, clock=lambda: 0.0, keys=10)
    for number in range(100):
        limit.check(str(number))
    assert len(limit._tries) <= 11
