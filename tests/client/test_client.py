"""The typed client against a real server with its worker."""

from __future__ import annotations

import asyncio
import csv
import inspect
import socket
import threading
from pathlib import Path

import polars as pl
import pytest

import signoff
from signoff.client import AsyncClient, AsyncRemoteProject, Client, RemoteProject
from signoff.client.calls import Call
from signoff.client.transport import wait_before
from signoff.core.questions import Choice, Chosen, Form, Rated, Rating
from signoff.errors import InputError, RemoteError, UsageError
from signoff.server import wire
from signoff.testing.fakes import LABELS, two_topics

from .conftest import Served

ROWS = two_topics(60, sarcasm=0)
TRUTH = {row["text"]: row["label"] for row in ROWS}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "text"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def client(served: Served) -> signoff.Client:
    return signoff.Client(served.site.url, token=served.token)


def finish(project: RemoteProject) -> int:
    """Answer whatever waits until all is decided; how many answers that took."""
    given = 0
    for _ in range(400):
        leased = project.lease(20)
        for asked in leased.requests:
            project.answer(asked.id, {"answer": Chosen(TRUTH[asked.item.text])}, seconds=1.0)
            given += 1
        if leased.progress.phase == "closed":
            return given
        if not leased.requests:
            threading.Event().wait(0.1)
    raise AssertionError("the project did not end")


def test_a_program_does_a_whole_project(client: Client, tmp_path: Path) -> None:
    project = client.create_project(
        write(tmp_path / "rows.csv", ROWS),
        name="whole",
        labels=LABELS,
        text="text",
        key="id",
        policy={"kind": "people"},
    )
    assert client.project("whole").id == project.id
    assert project.describe().name == "whole"
    assert finish(project) == len(ROWS)
    assert project.progress().phase == "closed"
    project.export(tmp_path / "out.csv")
    out = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert dict(zip(out["text"], out["signoff_answer"], strict=True)) == TRUTH
    project.log(tmp_path / "log.jsonl")
    assert (tmp_path / "log.jsonl").stat().st_size > 1000
    assert project.verify()["ok"] is True
    more = two_topics(70, sarcasm=0)
    job = project.add_rows(write(tmp_path / "more.csv", more))
    assert job.state == "done"


def test_an_answer_under_one_id_is_stored_once_and_can_be_taken_back(
    client: Client, tmp_path: Path
) -> None:
    project = client.create_project(
        write(tmp_path / "rows.csv", ROWS), name="once", labels=LABELS, policy={"kind": "people"}
    )
    asked = first_of(project)
    one = "0190a2b4-0000-7000-8000-000000000001"
    first = project.answer(asked.id, {"answer": {"label": "Positive"}}, id=one)
    again = project.answer(asked.id, {"answer": {"label": "Positive"}}, id=one)
    assert (first.id, again.id, again.counted) == (one, one, True)
    with pytest.raises(RemoteError) as refused:
        project.answer(asked.id, {"answer": {"label": "Negative"}}, id=one)
    assert (refused.value.status, refused.value.code) == (409, "other_answer")
    assert refused.value.problem["first"] == {"answer": {"label": "Positive"}}
    assert project.undo(one).request.id == asked.id
    assert project.history() == []
    project.flag(asked.id, "half a sentence")
    project.give_back([asked.id])


def test_a_program_asks_a_form_of_several_people(client: Client, tmp_path: Path) -> None:
    form = Form((Choice.of(list(LABELS)), Rating(name="tone", high=3)))
    project = client.create_project(
        write(tmp_path / "rows.csv", ROWS),
        name="form",
        question=form,
        policy=signoff.People(),
        overlap=2,
        assign=[("text", ROWS[0]["text"], "expert")],
        due=("2h", "everybody"),
        guideline="Be *kind*.",
        item_kind="markdown",
    )
    told = project.describe()
    assert [question.kind for question in told.questions] == ["choice", "rating"]
    assert told.guideline == "Be *kind*."
    asked = first_of(project)
    assert asked.item.kind == "markdown"
    stored = project.answer(asked.id, {"answer": Chosen("Positive"), "tone": Rated(3)})
    assert stored.counted
    with pytest.raises(UsageError, match="labels already"):
        client.create_project(tmp_path / "rows.csv", name="x", question=form, labels=LABELS)


def test_a_program_makes_a_stream_and_ends_its_window(client: Client) -> None:
    stream = client.create_stream("tickets", labels=["Yes", "No"], window=2000, undo_seconds=0)
    assert client.create_stream("tickets", labels=["Yes", "No"], window=2000, undo_seconds=0) == (
        stream
    )
    reply = stream.decide("Where is it?", key="one")
    assert (reply.route, reply.window) == ("REVIEW", 1)
    assert stream.end_window(1).ended
    assert stream.decide("And now?", key="two").window == 2


def first_of(project: RemoteProject) -> wire.RequestShown:
    """The first item that comes; the worker must open it first."""
    for _ in range(100):
        if found := project.lease(1).requests:
            return found[0]
        threading.Event().wait(0.1)
    raise AssertionError("nothing is asked")


def test_a_refusal_is_an_error_in_the_servers_words(served: Served, client: Client) -> None:
    stranger = Client(served.site.url, token="wrong")
    with pytest.raises(RemoteError) as refused:
        stranger.me()
    assert refused.value.status == 401
    assert refused.value.code == "no_session"
    assert "wrong" not in str(refused.value)
    with pytest.raises(InputError, match="no project 'nobody'"):
        client.project("nobody")
    with pytest.raises(InputError, match=r"report\.pdf"):
        client.project("whole").export(served.folder / "report.pdf")


def test_a_server_that_is_not_there_is_said_after_some_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("signoff.client.sync.time.sleep", waits.append)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RemoteError, match="cannot be reached") as refused:
        Client(f"http://127.0.0.1:{port}", token="t").me()
    assert refused.value.code == "unreachable"
    assert len(waits) == 4


@pytest.mark.parametrize("url", ["", "ftp://example.org", "nothing", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(InputError, match="no address"):
        Client(url, token="t")


def test_a_token_is_needed_and_shown_nowhere() -> None:
    with pytest.raises(InputError, match="no token"):
        Client("http://localhost:1", token="")
    client = Client("http://localhost:1", token="very-secret")
    assert "very-secret" not in repr(client)


def test_waiting_doubles_is_random_and_follows_the_server() -> None:
    assert all(0 <= wait_before(attempt) <= 0.2 * 2**attempt for attempt in range(5))
    import httpx2

    assert wait_before(0, httpx2.Response(503, headers={"Retry-After": "3"})) == 3
    assert wait_before(0, httpx2.Response(503, headers={"Retry-After": "9999"})) == 10


def test_the_asynchronous_client_does_the_same(served: Served) -> None:
    async def work() -> tuple[str, str, int]:
        async with AsyncClient(served.site.url, token=served.token) as client:
            me, projects = await asyncio.gather(client.me(), client.projects())
            project = await client.project(projects[0].name)
            await project.export(served.folder / "async.jsonl")
            lines = (served.folder / "async.jsonl").read_text().splitlines()
            progress = await project.progress()
            return me.name, project.id, progress.items - len(lines)

    name, id, missing = asyncio.run(work())
    assert name == "ada"
    assert id
    assert missing <= 0


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    for one, other in ((Client, AsyncClient), (RemoteProject, AsyncRemoteProject)):
        names = {name for name in vars(one) if not name.startswith("_")}
        assert names == {name for name in vars(other) if not name.startswith("_")}
        for name in sorted(names):
            mine, theirs = getattr(one, name), getattr(other, name)
            if callable(mine):
                mine_takes = list(inspect.signature(mine).parameters)
                assert mine_takes == list(inspect.signature(theirs).parameters), name


def test_a_call_that_changes_something_twice_is_not_sent_again() -> None:
    from signoff.client.calls import ProjectCalls
    from signoff.client.transport import may_repeat

    calls = ProjectCalls(id="p")
    skip: Call[None] = calls.skip("r", None)
    assert not may_repeat(skip, None)
    assert may_repeat(calls.lease(1, ()), None)
    assert not may_repeat(calls.undo(None), None)
    assert may_repeat(calls.undo("x"), None)
