"""Webhooks: signed, tried again, sent nowhere they must not go. Real servers on this computer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from workplace import Workplace, workplace

from signoff.bootstrap import clock, recorder_for, sign_with_its_key
from signoff.store.store import SqlStore
from signoff.work import outbox
from signoff.work.addresses import Refused, check, networks, parse_target
from signoff.work.outbox import MOST_ATTEMPTS, Outbox, wait_after

HERE = ("127.0.0.0/8", "::1/128")
DAY = 86_400_000_000


@dataclass(slots=True)
class Receiver:
    """Somebody's server: answers with ``statuses``, the last one for ever; remembers what came."""

    port: int
    statuses: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?x=1"

    @property
    def said(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]


class Patient(ThreadingHTTPServer):
    """Lets as many connections wait as senders open at once; the system resets further ones."""

    request_queue_size = 128


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.path, dict(self.headers), body))
            time.sleep(receiver.seconds)
            status = receiver.statuses[min(len(receiver.got), len(receiver.statuses)) - 1]
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Patient(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with workplace(tmp_path, webhook_networks=HERE) as made:
        made.works()
        made.found(made.browser(), key="id")
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def add(place: Workplace, url: str, *events: str) -> dict[str, Any]:
    wanted = {"url": url, "events": list(events) or ["item.decided"]}
    got = place.browser().post(f"{place.path()}/webhooks", json=wanted)
    assert got.status_code == 201, got.text
    return dict(got.json())


def deliveries(place: Workplace, hook: dict[str, Any]) -> list[dict[str, Any]]:
    got = place.browser().get(f"{place.path()}/webhooks/{hook['id']}/deliveries")
    return list(got.json()["deliveries"])


def send(place: Workplace, **changes: Any) -> Outbox:
    """Send everything that is due now."""
    sender = Outbox(store=place.store, settings=place.settings, **changes)
    while sender.round():
        pass
    return sender


def tell(place: Workplace, type: str, body: dict[str, object]) -> None:
    """Log an event, as another room does."""
    recorder = recorder_for(place.store, place.project().id, actor="test")
    place.store.record(place.project().id, [recorder.event(type, body)])


def certificate(place: Workplace, n: int = 1) -> None:
    body = {"pool": 1, "question": "answer", "attempt": n, "certificate": {"n": n}}
    tell(place, "certificate.issued", body)


def test_decisions_are_told_with_keys_and_answers(place: Workplace, receiver: Receiver) -> None:
    add(place, receiver.url)
    place.finish()
    send(place)
    (said,) = receiver.said
    assert (said["type"], said["project"]["name"]) == ("item.decided", "letters")
    data = said["data"]
    assert (data["pool"], data["by"], data["part"], data["parts"]) == (1, "reviewers", 0, 1)
    items = sorted(data["items"], key=lambda item: item["item"])
    assert items[3]["keys"] == ["r3"]
    assert items[3]["answer"] == "A"
    assert len(items) == 20
    assert "Ada" not in json.dumps(said)


def test_many_decisions_come_in_parts(
    place: Workplace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.work.payloads.PART", 8)
    hook = add(place, receiver.url)
    place.finish()
    send(place)
    assert sorted(said["data"]["part"] for said in receiver.said) == [0, 1, 2]
    keys = [key for said in receiver.said for item in said["data"]["items"] for key in item["keys"]]
    assert sorted(keys) == sorted(f"r{n}" for n in range(20))
    assert {each["state"] for each in deliveries(place, hook)} == {"sent"}


def test_what_was_erased_is_not_sent_later(place: Workplace, receiver: Receiver) -> None:
    from signoff.project.views import PoolViews
    from signoff.storeview import StoreView

    receiver.statuses = [500, 200]
    add(place, receiver.url)
    place.finish()
    sender = send(place)
    project = place.project()
    view = StoreView(place.store, project, PoolViews(place.store, project, frozenset(), {}))
    view.erase("r3")
    sender.clock = lambda: clock() + DAY
    sender.round()
    first, second = receiver.said
    assert "r3" in json.dumps(first)
    assert "r3" not in json.dumps(second)
    assert [item["answer"] for item in second["data"]["items"]].count(None) == 1


def test_each_event_goes_to_those_who_asked_for_it(place: Workplace, receiver: Receiver) -> None:
    with receiving() as other:
        add(place, receiver.url, "certificate.issued")
        add(place, other.url, "item.decided")
        place.finish()
        certificate(place)
        send(place)
        assert [said["type"] for said in receiver.said] == ["certificate.issued"]
        assert receiver.said[0]["data"]["certificate"] == {"n": 1}
        assert [said["type"] for said in other.said] == ["item.decided"]


def test_only_what_happens_after_it_was_added_is_told(place: Workplace, receiver: Receiver) -> None:
    place.finish()
    send(place)
    add(place, receiver.url, "item.decided", "certificate.issued")
    certificate(place)
    send(place)
    assert [said["type"] for said in receiver.said] == ["certificate.issued"]


def test_a_receiver_can_check_who_sent_it(place: Workplace, receiver: Receiver) -> None:
    """As documented: only what stands in the docs is used here."""
    hook = add(place, receiver.url, "certificate.issued")
    certificate(place)
    send(place)
    ((path, headers, body),) = receiver.got
    assert path == "/hook?x=1"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    right = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert hmac.compare_digest(headers["webhook-signature"], right)
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    assert headers["webhook-id"] == deliveries(place, hook)[0]["id"]


def test_it_is_tried_again_ever_later_until_it_arrives(
    place: Workplace, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503, 302, 200]
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    hook = add(place, receiver.url, "certificate.issued")
    certificate(place)
    now = [clock()]
    sender = Outbox(
        store=place.store, settings=place.settings, clock=lambda: now[0], luck=lambda: 1.0
    )
    waits: list[int] = []
    for attempt in range(1, 4):
        while sender.round():
            pass
        (one,) = deliveries(place, hook)
        assert (one["state"], one["attempts"]) == ("waiting", attempt)
        assert one["status"] == receiver.statuses[attempt - 1]
        waits.append(wait_after(attempt, 1.0))
        now[0] += waits[-1] - 1
        assert not sender.round()
        now[0] += 1
    sender.round()
    (one,) = deliveries(place, hook)
    assert (one["state"], one["attempts"], one["status"]) == ("sent", 4, 200)
    assert waits == sorted(set(waits))
    assert {path for path, _, _ in receiver.got} == {"/hook?x=1"}
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1


def test_after_so_many_attempts_it_is_dead_and_can_be_sent_again(
    place: Workplace, receiver: Receiver
) -> None:
    receiver.statuses = [500] * MOST_ATTEMPTS + [200]
    hook = add(place, receiver.url, "certificate.issued")
    certificate(place)
    now = [clock()]
    sender = Outbox(store=place.store, settings=place.settings, clock=lambda: now[0])
    for _ in range(MOST_ATTEMPTS):
        while sender.round():
            pass
        now[0] += DAY
    (one,) = deliveries(place, hook)
    assert (one["state"], one["attempts"]) == ("dead", MOST_ATTEMPTS)
    assert not sender.round()
    path = f"{place.path()}/webhooks/{hook['id']}/deliveries/{one['id']}/redeliver"
    again = place.browser().post(path).json()
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert place.browser().post(path).json()["code"] == "waiting"
    sender.round()
    assert deliveries(place, hook)[0]["state"] == "sent"


def test_a_receiver_that_is_not_there_or_never_answers_counts_as_a_failure(
    place: Workplace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as gone:
        pass
    monkeypatch.setattr(outbox.post, "__kwdefaults__", {"seconds": 1.5})
    receiver.seconds = 4.0
    hooks = [add(place, each.url, "certificate.issued") for each in (gone, receiver)]
    certificate(place)
    send(place)
    errors = [deliveries(place, hook)[0]["error"] for hook in hooks]
    assert errors[0].startswith("ConnectError")
    assert errors[1] == "no answer within 1.5 seconds"


def test_a_long_answer_is_not_read_to_its_end(place: Workplace) -> None:
    sent: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pour() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b"x" * 100_000)
                sent.append(100_000)
        except OSError:
            pass
        connection.close()

    thread = threading.Thread(target=pour)
    thread.start()
    port = listener.getsockname()[1]
    hook = add(place, f"http://127.0.0.1:{port}/", "certificate.issued")
    certificate(place)
    send(place)
    thread.join()
    listener.close()
    assert deliveries(place, hook)[0]["state"] == "sent"
    assert sum(sent) < 50_000_000


def test_two_senders_send_nothing_twice(place: Workplace, receiver: Receiver) -> None:
    add(place, receiver.url, "certificate.issued")
    for n in range(30):
        certificate(place, n)
    other = SqlStore(place.store.name, artifacts=place.store._folder, create=False)
    senders = [Outbox(store=store, settings=place.settings) for store in (place.store, other)]

    def work(sender: Outbox) -> None:
        while sender.round():
            pass

    threads = [threading.Thread(target=work, args=[sender]) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(said["data"]["attempt"] for said in receiver.said) == list(range(30))


def test_a_webhook_that_is_off_is_told_nothing_of_that_time(
    place: Workplace, receiver: Receiver
) -> None:
    hook = add(place, receiver.url, "certificate.issued")
    path = f"{place.path()}/webhooks/{hook['id']}"
    assert place.browser().patch(path, json={"active": False}).json()["active"] is False
    certificate(place, 1)
    send(place)
    sign_with_its_key(place.store, place.project())
    place.store.checkpoint(place.project().id)
    place.browser().patch(path, json={"active": True})
    certificate(place, 2)
    send(place)
    assert [said["data"]["attempt"] for said in receiver.said] == [2]


def test_a_webhook_that_was_removed_is_gone_with_its_deliveries(
    place: Workplace, receiver: Receiver
) -> None:
    hook = add(place, receiver.url, "certificate.issued")
    certificate(place)
    path = f"{place.path()}/webhooks/{hook['id']}"
    assert place.browser().delete(path).status_code == 204
    assert place.browser().delete(path).status_code == 404
    assert place.browser().get(f"{path}/deliveries").status_code == 404
    send(place)
    assert receiver.got == []


def test_adding_and_removing_are_events_and_the_secret_is_shown_once(
    place: Workplace, receiver: Receiver
) -> None:
    hook = add(place, receiver.url)
    listed = place.browser().get(f"{place.path()}/webhooks").json()["webhooks"]
    assert [each["id"] for each in listed] == [hook["id"]]
    assert "secret" not in listed[0]
    place.browser().delete(f"{place.path()}/webhooks/{hook['id']}")
    store = place.store
    sign_with_its_key(store, place.project())
    assert store.checkpoint(place.project().id)
    events = list(store.events(place.project().id, ["webhook.added", "webhook.removed"]))
    assert [event.type for event in events] == ["webhook.added", "webhook.removed"]
    assert receiver.url not in events[0].canonical
    assert hook["secret"] not in str(events)
    got = place.browser().post(f"{place.path()}/verify", params={"wait": 60}).json()
    assert got["result"]["ok"] is True


# ---------------------------------------------------------------------- where it may go


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "gopher://x/", "//example.org/", "example.org",
        "https://", "https:///path", "https://user:pw@example.org/", "https://example.org/#x",
        "https://exa mple.org/", "https://example.org\\@evil.test/", "https://example.org:99999/",
        "https://example.org:x/", "https://[::1/", "https://a" + "b" * 2000 + ".org/",
        "https://" + "a" * 70 + ".org/", "http://\x00/", "https://exa\nmple.org/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_when_it_is_added(place: Workplace, url: str) -> None:
    got = place.browser().post(
        f"{place.path()}/webhooks", json={"url": url, "events": ["item.decided"]}
    )
    assert got.status_code in (400, 422), got.text
    assert place.store.webhooks() == []


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:0:0:0:0:0:80ff:fffe",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_reached_not_even_beside_a_public_one(address: str) -> None:
    target = parse_target("https://example.org/")
    with pytest.raises(Refused, match="no public address"):
        check(target, [address], ())
    with pytest.raises(Refused):
        check(target, ["93.184.215.14", address], ())


def test_public_addresses_are_reached_over_https_alone() -> None:
    assert check(parse_target("https://example.org/"), ["93.184.215.14"], ()) == "93.184.215.14"
    six = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
    assert check(parse_target("https://example.org/"), [six], ()) == six
    with pytest.raises(Refused, match="https"):
        check(parse_target("http://example.org/"), ["93.184.215.14"], ())


def test_a_named_network_is_reached_and_no_other() -> None:
    office = networks(["10.1.0.0/16"])
    target = parse_target("https://hooks.office.test/")
    assert check(target, ["10.1.2.3"], office) == "10.1.2.3"
    with pytest.raises(Refused):
        check(target, ["10.2.2.3"], office)
    with pytest.raises(Refused, match="https"):
        check(parse_target("http://hooks.office.test/"), ["10.1.2.3"], office)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]",
     "[::ffff:127.0.0.1]"],
)  # fmt: skip
def test_this_computer_is_not_reached_however_it_is_written(
    place: Workplace, receiver: Receiver, host: str
) -> None:
    for scheme in ("http", "https"):
        url = f"{scheme}://{host}:{receiver.port}/"
        hook = add(place, url, "certificate.issued")
        certificate(place)
        place.settings.webhook_networks = ()
        send(place)
        (one, *_) = deliveries(place, hook)
        assert one["state"] == "dead", one
        assert "public" in one["error"] or "https" in one["error"], one
    assert receiver.got == []


def test_a_name_is_asked_once_and_the_connection_goes_to_what_was_checked(
    place: Workplace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes between check and connection (DNS rebinding) changes nothing."""
    asked: list[str] = []

    async def resolve(target: Any) -> Sequence[str]:
        asked.append(target.host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    monkeypatch.setattr(outbox, "_resolve", resolve)
    add(place, f"http://hooks.test:{receiver.port}/", "certificate.issued")
    certificate(place)
    send(place)
    assert asked == ["hooks.test"]
    ((_, headers, _),) = receiver.got
    assert headers["Host"] == f"hooks.test:{receiver.port}"


def test_proxies_of_the_environment_are_not_used(
    place: Workplace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(place, receiver.url, "certificate.issued")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    certificate(place)
    send(place)
    assert len(receiver.got) == 1
