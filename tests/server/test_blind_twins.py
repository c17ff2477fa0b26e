"""Two stores that differ only in what reviewers must not know give the same responses, on every
route that whoever answers may read: why an item is asked, whether its answer is known, what the
model says of it.

The routes are the application's own table, so that a new one is read here by itself.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import polars as pl
import pytest
from starlette.concurrency import run_in_threadpool
from whole_sites import Route, WholeSite, whole_site

from signoff.core.questions import Chosen
from signoff.core.records import Project
from signoff.core.routing import Certified
from signoff.job import RunOptions
from signoff.managing import Known
from signoff.sdk import execute
from signoff.server.desks import Standing
from signoff.server.live import Live
from signoff.server.stored import StoredDesks
from signoff.store.artifacts import ArtifactFolder
from signoff.testing.fakes import LABELS, two_topics
from signoff.worker import Worker

ROWS = 120
CANARY = "137137137"
"""Digits within every confidence of the model, and nowhere else."""
PLANTED = "superb kettle, planted"
OTHERS_WORDS = "what Ben says of it"
GOAL = Certified(max_error=Decimal("0.1"), certainty=Decimal("0.9"))
LISTS = (
    "",
    "?state=waiting",
    "?state=answered&sort=newest",
    "?state=untouched",
    "?state=model&sort=doubt",
    f"?state=model&label=answer%1f{LABELS[0]}",
    *(f"?reason={reason}" for reason in ("audit", "uncertain", "review")),
)
"""What a list of items can be asked for; the blind are given less than they ask."""
EITHER = re.compile(
    r"\d{4}-\d\d-\d\d[ T][\d:.]+Z?"  # an instant
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # an id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certified project in the middle of its audit, and the sessions of its people."""

    where: Path
    sessions: Mapping[str, str]
    held: Sequence[str]
    """What Ann was given: both items of the audit and others, and one whose answer is known."""


def made(folder: Path, *, overlap: int, planted: bool) -> Made:
    """Begin it, let Ann and Ben answer what comes first, and freeze the labels."""
    where = folder / "a.signoff.db"
    folder.mkdir()
    rows = [
        {**row, "prediction": row["label"], "confidence": float(f"0.{500 + n}{CANARY}")}
        for n, row in enumerate(two_topics(ROWS, sarcasm=0.0))
    ]
    options = RunOptions(
        data=rows, labels=LABELS, text="text", key="id", project="reviews", policy=GOAL,
        model="predictions", overlap=overlap, reviewer="none",
        store=str(where), out=str(folder / "a.csv"),
    )  # fmt: skip
    execute(options)
    with whole_site(where) as site:
        project, desks = site.project("reviews"), StoredDesks(store=site.store)
        people = {
            "Ann": site.join("Ann", given={project.id: "reviewer"}),
            "Ben": site.join("Ben", given={project.id: "reviewer"}),
            "Cyd": site.join("Cyd", given={project.id: "manager"}),
        }
        right = {row["text"]: Chosen(str(row["label"])) for row in rows}
        for name in ("Ann", "Ben"):
            desk = desks(project, name, people[name].id)
            desk.answer_many([(each, right[each.item.text]) for each in desk.next_many(50)])
        Worker(store=site.store).round()
        assert site.store.pools(project.id)[-1].phase == "auditing"
        if planted:
            plant(desks, project)
        held = replace(desks(project, "Ann", people["Ann"].id), gold_share=1.0).next_many(8)
        ben = desks(project, "Ben", people["Ben"].id)
        if overlap > 1:
            for each in ben.next_many(2):
                ben.comment(each.id, OTHERS_WORDS)
                ben.answer(each, Chosen(LABELS[1]), seconds=1.0, note=OTHERS_WORDS)
            ben.leave()
        sessions = {name: site.session(each) for name, each in people.items()}
    return Made(where=where, sessions=sessions, held=[each.id for each in held])


def plant(desks: StoredDesks, project: Project) -> None:
    shown = {"text": PLANTED, "data": {"id": "0777", "text": PLANTED}}
    known = Known(key="0777", answers={"answer": Chosen(LABELS[0])}, shown=shown)
    desks.manager(project).plant([known])


# ------------------------------------------------------------------------------- twins


def twin(one: Made, name: str) -> Made:
    """The same once more."""
    folder = one.where.parent.with_name(name)
    shutil.copytree(one.where.parent, folder)
    return replace(one, where=folder / one.where.name)


def ask_for_other_reasons(other: Made) -> None:
    """Audit what was left for people, and leave for people what was audited."""
    with closing(sqlite3.connect(other.where)) as db, db:
        swapped = db.execute(
            "UPDATE requests SET reason = CASE reason WHEN 'audit' THEN 'review' ELSE 'audit' END"
            " WHERE state = 'open'"
        )
        assert swapped.rowcount > 50


def say_the_opposite(other: Made) -> None:
    """Let the model say the other label of every item, and be sure of it in another way."""
    with closing(sqlite3.connect(other.where)) as db, db:
        (row,) = db.execute("SELECT project, root, sha256 FROM artifacts WHERE name = 'rows'")
        project, root, sha256 = row
        folder = ArtifactFolder(other.where.with_name("a.signoff.artifacts"))
        frame = folder.read(project, "rows", root, sha256=sha256)
        opposite = dict(zip(LABELS, reversed(LABELS), strict=True))
        said = frame.with_columns(
            pl.col("prediction").replace_strict(opposite), 1.4 - pl.col("confidence")
        )
        folder.path(project, "rows", root, sha256).unlink()
        written = folder.write(project, "rows", root, said)
        db.execute("UPDATE artifacts SET sha256 = ? WHERE name = 'rows'", (written,))


def know_nothing(other: Made) -> None:
    """Make an ordinary item of the pool of the one whose answer was known."""
    with closing(sqlite3.connect(other.where)) as db, db:
        (row,) = db.execute("SELECT id FROM requests WHERE gold = 1")
        db.execute(
            "UPDATE requests SET gold = NULL, pool = 1, item = ?, reason = 'audit', lane = '|'"
            " WHERE id = ?",
            (ROWS, row[0]),
        )
        db.execute("DELETE FROM gold")
        db.execute("DELETE FROM tallies WHERE pool = 0")
        db.execute("UPDATE tallies SET opened = opened + 1 WHERE pool = 1 AND reviewer = ''")
        ((forecast,),) = db.execute("SELECT forecast FROM pools")
        more = json.loads(forecast)
        more["audit"] += 1
        db.execute("UPDATE pools SET items = items + 1, forecast = ?", (json.dumps(more),))


# ------------------------------------------------------------------------------- visits


class OneLook(Live):
    """Says where a project stands once, and ends."""

    async def watch(self, project: Project) -> AsyncGenerator[Standing]:
        standing = await run_in_threadpool(self._read, project)
        assert standing is not None
        yield standing


@dataclass(slots=True, kw_only=True)
class Visit:
    """Somebody's way through a store, and every response they got."""

    site: WholeSite
    browser: Any
    project: str
    heard: list[tuple[str, str]]

    def read(self, held: Sequence[str]) -> None:
        """Ask every route that gives something, of the project and of what is held."""
        for route in self.site.routes():
            if route.method == "GET":
                for path in addresses(route, self.project, held):
                    self.note(f"GET {path}", self.browser.get(path))

    def note(self, name: str, got: Any) -> None:
        told = {k: v for k, v in sorted(got.headers.items()) if k not in ("date", "server")}
        self.heard.append((name, f"{got.status_code} {json.dumps(told)} {got.text}"))

    def do(self, method: str, path: str, body: object) -> Any:
        """Change something as the page does."""
        whole = f"/api/v1/projects/{self.project}{path}"
        got = self.browser.request(method, whole, json=body)
        self.note(f"{method} {path}", got)
        assert got.status_code in (200, 204, 409), got.text
        return got


def addresses(route: Route, project: str, held: Sequence[str]) -> Iterator[str]:
    """The addresses to read of a route: those of each item held where it is about items."""
    known = {"{p}": project, "{part}": "1"}
    if "{id}" in route.path:
        for request in held[:2]:
            yield route.filled({**known, "{id}": request})
    elif "{number}" in route.path:
        for number in (20, 21, ROWS):
            yield route.filled({**known, "{number}": str(number)})
    elif route.path == "/projects/{p}/items":
        yield from (route.filled(known) + query for query in LISTS)
    elif route.path == "/projects/{p}/find":
        yield route.filled(known) + "?key=0021"
    elif route.path.startswith("/api/") and route.path.endswith(("/export", "/log")):
        yield route.filled(known) + "?wait=0"
    elif "{" not in route.path.replace("{p}", ""):
        yield route.filled(known)


def visited(site: WholeSite, one: Made, name: str) -> list[tuple[str, str]]:
    """All that somebody is told while they look around, answer, change their mind and go on."""
    with site.client(**{"X-Signoff": "1"}) as browser:
        browser.cookies.set(site.access.cookie, one.sessions[name])
        visit = Visit(site=site, browser=browser, project=site.project("reviews").id, heard=[])
        work_through(visit, one, name)
    return visit.heard


def work_through(visit: Visit, one: Made, name: str) -> None:
    """Read everything, answer, read again as a reviewer, and do what else reviewers do."""
    held = one.held
    if name != "Ann":
        leased = visit.do("POST", "/leases", {"limit": 8}).json()
        held = [each["id"] for each in leased["requests"]]
    visit.read(held)
    for at, request in enumerate(held[:4]):
        said = {"answer": {"label": LABELS[at % 2]}}
        body = {"request": request, "answers": said, "seconds": 2.0 + at}
        visit.do("PUT", f"/reviews/{uuid5(NAMESPACE_URL, name + str(at))}", body)
    if name == "Ann":
        visit.read(held)
    visit.do("POST", f"/requests/{held[4]}/flag", {"note": "odd"})
    comment = {"id": str(uuid5(NAMESPACE_URL, name)), "text": "mine"}
    visit.do("POST", f"/requests/{held[5]}/comments", comment)
    visit.do("POST", f"/requests/{held[6]}/skip", {"reason": "long"})
    for _ in range(4):
        visit.do("POST", "/undo", {})
    visit.do("POST", "/leases", {"limit": 0, "holding": list(held)})
    visit.do("DELETE", "/leases", {"requests": held[:2]})


def to_an_auditor(site: WholeSite) -> str:
    """What the pages say of why items are asked and of what the model says."""
    project = site.project("reviews").id
    browser = site.browser(site.join("Dot", given={project: "auditor"}))
    pages = [browser.get(f"/projects/{project}/items{query}").text for query in LISTS]
    asked = {each.item for each in site.store.asked_among(project, 1, range(ROWS))}
    rest = [number for number in range(ROWS) if number not in asked][:2]
    pages += [browser.get(f"/projects/{project}/items/1/{n}").text for n in (*rest, 20, 21)]
    return EITHER.sub("", "".join(pages))


@contextmanager
def opened(one: Made) -> Iterator[WholeSite]:
    """A server over a store, whose streams of events end."""
    with whole_site(one.where) as site:
        services = site.app.state.services
        site.app.state.services = replace(services, live=OneLook(services.projects.standing))
        yield site


def alike(heard: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Responses with instants and ids replaced by how many others came before."""
    seen: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"<{len(seen)}>") if "-" not in found[0][:5] else "<at>"

    return [(name, EITHER.sub(number, text)) for name, text in heard]


def differences(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> list[str]:
    """Where two people were told different things, and the first words of it."""
    assert [name for name, _ in one] == [name for name, _ in other]
    found: list[str] = []
    for (name, this), (_, that) in zip(alike(one), alike(other), strict=True):
        if this != that:
            at = next((n for n, (a, b) in enumerate(zip(this, that, strict=False)) if a != b), 0)
            around = slice(max(0, at - 60), at + 60)
            found.append(f"{name}: …{this[around]!r} or …{that[around]!r}")
    return found


# -------------------------------------------------------------------------------- tests


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether an item with a known answer comes next is chance, in both stores."""
    monkeypatch.setattr("signoff.desk.GOLD_SHARE", 0.0)
    monkeypatch.setattr("signoff.server.stored.QueueDesk", _without_gold)


def _without_gold(**fields: Any) -> Any:
    from signoff.desk import QueueDesk

    return QueueDesk(**fields, gold_share=0.0)


def test_no_route_tells_the_audit_from_the_rest_nor_what_the_model_says(tmp_path: Path) -> None:
    one = made(tmp_path / "one", overlap=2, planted=False)
    other, opposite = twin(one, "other"), twin(one, "opposite")
    ask_for_other_reasons(other)
    say_the_opposite(opposite)
    heard: dict[str, list[list[tuple[str, str]]]] = {"Ann": [], "Cyd": []}
    to_dot: list[str] = []
    for each in (one, other, opposite):
        with opened(each) as site:
            for name, told in heard.items():
                told.append(visited(site, each, name))
            to_dot.append(to_an_auditor(site))
    for name, (first, *others) in heard.items():
        found = [line for told in others for line in differences(first, told)]
        assert not found, "\n".join(found)
        assert [where for where, text in first if CANARY in text] == []
        before_answers = next(at for at, (where, _) in enumerate(first) if where.startswith("PUT"))
        assert [where for where, text in first[:before_answers] if OTHERS_WORDS in text] == []
        read = {where for where, text in first if text.startswith("200")}
        assert len(read) >= {"Ann": 14, "Cyd": 40}[name], read
    # Whoever may know sees them differ, or this would prove nothing.
    assert CANARY in to_dot[0]
    assert len(set(to_dot)) == 3


def test_no_route_tells_a_known_answer_from_an_item_of_the_pool(tmp_path: Path) -> None:
    one = made(tmp_path / "one", overlap=1, planted=True)
    other = twin(one, "other")
    know_nothing(other)
    heard: list[list[tuple[str, str]]] = []
    for each in (one, other):
        with opened(each) as site:
            heard.append(visited(site, each, "Ann"))
    assert any(PLANTED in text for _, text in heard[0])
    found = differences(*heard)
    assert not found, "\n".join(found)
