"""Clients that send a byte now and then are let go, and keep nobody out meanwhile."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import PAGE, LocalHouse, new_id, running

from signoff.server import patience

BEGIN = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"


@pytest.fixture
def house(static: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHouse]:
    """A server that loses its patience soon."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(patience, "LOOK_SECONDS", 0.2)
    with running(lambda port: LocalHouse.build(static=static, port=port)) as built:
        yield built


def connect(house: LocalHouse) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", house.port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def trickle(connection: socket.socket, piece: bytes) -> bool:
    """Send a little every tenth of a second; whether the server hung up within ten seconds."""
    connection.settimeout(0.1)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            connection.sendall(piece)
            if connection.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


def test_headers_that_never_end_are_cut_off(house: LocalHouse) -> None:
    with connect(house) as connection:
        connection.sendall(BEGIN % house.port)
        assert trickle(connection, b"X-A: b\r\n")


def test_a_connection_that_says_nothing_is_closed(house: LocalHouse) -> None:
    with connect(house) as connection:
        assert connection.recv(1) == b""


def test_a_body_that_drips_is_cut_off(house: LocalHouse) -> None:
    with connect(house) as connection:
        head = f"POST {house.path}/undo HTTP/1.1\r\nHost: 127.0.0.1:{house.port}\r\n"
        connection.sendall(
            head.encode()
            + b"X-Signoff: 1\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
        )
        assert trickle(connection, b" ")


def test_many_slow_ones_keep_nobody_out(house: LocalHouse) -> None:
    slow = [connect(house) for _ in range(200)]
    try:
        for connection in slow:
            connection.sendall(BEGIN % house.port)
        client = house.client(**PAGE)
        assert client.get("/healthz").status_code == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_listener_who_waits_for_events_is_not_slow(house: LocalHouse) -> None:
    """Its request is complete: only the answer takes long."""
    browser = house.browser()
    with browser.stream("GET", f"{house.path}/events") as stream:
        lines = stream.iter_lines()
        assert any(line.startswith("data:") for line in lines)
        time.sleep(1.6)
        (asked,) = browser.post(f"{house.path}/leases", json={"limit": 1}).json()["requests"]
        body = {"request": asked["id"], "answers": {"answer": {"label": "Positive"}}}
        assert browser.put(f"{house.path}/reviews/{new_id()}", json=body).status_code == 200
        assert any(line.startswith("data:") for line in lines)
