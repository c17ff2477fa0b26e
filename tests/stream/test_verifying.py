"""The log of a stream is redone from its first event; what was tampered with is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from brook import Brook
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signoff.audit.checkpoint import LogSigner
from signoff.audit.export import checkpoint_line, event_line, header_line
from signoff.audit.keys import SigningKey
from signoff.audit.verify import Verdict, verify_log
from signoff.core.canonical import canonical_json
from signoff.core.events import parse_event
from signoff.core.merkle import Frontier
from signoff.project.evidence import log_lines
from signoff.store.schema import reviews
from signoff.store.schema_streams import items, windows
from signoff.storeview import StoreView
from signoff.stream.decider import NewItem

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
Body = dict[str, Any]
Change = Callable[[Body], None]


def lived(brook: Brook) -> Brook:
    """A stream with a window of finds and an alarm behind it, and one under way."""
    brook.learn()
    brook.send([NewItem(key="once", text="yes hm"), *brook.texts(30)])
    brook.answer()
    (repeat,) = brook.send([NewItem(key="twice", text="yes hm")])
    assert repeat.why == "repeat"
    while not brook.window.alarmed:
        brook.send(brook.texts(10, lies=True))
        brook.answer()
    while brook.window.number == 1:
        brook.send(brook.texts(30))
        brook.answer()
    brook.teach()
    brook.send(brook.texts(40))
    brook.answer(most=2)
    brook.store.checkpoint(brook.project.id)
    return brook


@pytest.fixture
def old(sqlite_brook: Brook) -> Brook:
    return lived(sqlite_brook)


def view(brook: Brook) -> StoreView:
    return StoreView(brook.store, brook.project, lambda _: None)  # type: ignore[arg-type]


def forged(
    brook: Brook, type: str, change: Change, *, nth: int = 0, content: bool = True
) -> Verdict:
    """The verdict on the log as its key holder would sign it with one event changed."""
    return verify_log(list(_forged(brook, type, change, nth, content)))


def _forged(brook: Brook, type: str, change: Change, nth: int, content: bool) -> Iterator[bytes]:
    yield header_line(brook.project.id, KEY.public, content=content)
    tree, seen = Frontier(), 0
    for stored in brook.store.events(brook.project.id):
        value = json.loads(stored.canonical)
        opened = {part.name: (part.salt, part.value) for part in stored.content}
        if stored.type == "project.created":
            value["body"]["public_key"] = KEY.public.text
        if stored.type == type:
            if seen == nth:
                change(value["body"])
            seen += 1
        if value["body"].get("left_out"):
            continue
        text = canonical_json(value).decode()
        yield event_line(text, opened if content else None)
        tree.append(parse_event(text).leaf)
    assert seen > nth, f"there is no {type} number {nth}"
    note = LogSigner(KEY).sign(project=brook.project.id, size=tree.size, root=tree.root())
    yield checkpoint_line(note)


def test_a_stream_verifies_in_both_databases(brook: Brook) -> None:
    verdict = view(lived(brook)).verify()
    assert verdict.problem is None
    assert verdict.ok
    assert [certificate["pool"] for certificate in verdict.certificates] == [1]
    assert any("Window 2" in note for note in verdict.notes)


def test_the_log_alone_is_enough(old: Brook) -> None:
    for content in (False, True):
        verdict = verify_log(list(log_lines(old.store, old.project, content=content)))
        assert verdict.problem is None
        assert len(verdict.certificates) == 1
    unchanged = forged(old, "coins.drawn", lambda body: None)
    assert unchanged.problem is None


def leave_out(body: Body) -> None:
    body["left_out"] = True


FORGERIES: dict[str, tuple[str, Change, str]] = {
    "an answer of nobody's": (
        "items.arrived",
        lambda b: b.update(repeats=[[b["first"], 0]]),
        "",
    ),
    "a larger limit": ("window.started", lambda b: b.update(limit=9), "says limit 9"),
    "more errors": ("window.started", lambda b: b.update(errors=99), "says errors 99"),
    "another rate": ("window.started", lambda b: b.update(audit_rate="0.1"), "says audit_rate"),
    "another process": ("window.started", lambda b: b.update(process={}), "human process"),
    "another seed": (
        "window.started",
        lambda b: b.update(seed_commitment="0" * 64),
        "not the one committed to",
    ),
    "a window left out": ("window.started", leave_out, "not in the log"),
    "an admission left out": (
        "items.arrived",
        lambda b: b.update(admitted=b["admitted"][1:]),
        "fall that are not in the air",
    ),
    "items out of turn": ("items.arrived", lambda b: b.update(first=7), "out of turn"),
    "a coin turned round": (
        "coins.drawn",
        lambda b: b.update(heads=b["heads"][1:]),
        "",
    ),
    "a held label that leaves": (
        "coins.drawn",
        lambda b: b.update(left=b["left"][1:]),
        "is held, which does not follow",
    ),
    "a verdict turned round": (
        "verdicts.sealed",
        lambda b: b.update(verdicts=[[b["verdicts"][0][0], "right"], *b["verdicts"][1:]]),
        "is right, which label and answer do not make it",
    ),
    "a verdict left out": ("verdicts.sealed", leave_out, ""),
    "a correction left out": ("item.corrected", leave_out, "is not corrected"),
    "no alarm": ("drift.alarm", leave_out, "no alarm"),
    "an early alarm": ("drift.alarm", lambda b: b.update(finds=b["finds"] - 1), "does not follow"),
    "a decision left out": ("item.decided", leave_out, "decided"),
    "another certificate": (
        "certificate.issued",
        lambda b: b["certificate"].update(automatic=b["certificate"]["automatic"] + 1),
        "says automatic",
    ),
    "a sentence of one's own": (
        "certificate.issued",
        lambda b: b["certificate"].update(statement="All is well."),
        "says statement",
    ),
    "an early end left out": ("window.ended", leave_out, "before the window is over"),
    "an early end of more": (
        "window.ended",
        lambda b: b.update(items=b["items"] + 1),
        "is ended with",
    ),
    "an early end of another": (
        "window.ended",
        lambda b: b.update(pool=1),
        "is ended early out of turn",
    ),
    "no seed": ("seed.revealed", leave_out, "comes too early"),
    "another coin's seed": (
        "seed.revealed",
        lambda b: b.update(seed="ab" * 32),
        "not the one committed to",
    ),
}


@pytest.fixture(scope="module")
def ancient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brook]:
    """One stream for all forgeries: they change copies of its log."""
    folder: Path = tmp_path_factory.mktemp("ancient")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        brook = lived(Brook.open(f"sqlite:///{folder / 'old.signoff.db'}", folder))
        brook.decider.end_window(2, by="ann")
        brook.answer()
    yield brook
    brook.close()


@pytest.mark.parametrize("name", FORGERIES)
def test_every_forgery_is_named(ancient: Brook, name: str) -> None:
    type, change, reason = FORGERIES[name]
    nth = 0
    if name == "an admission left out":
        nth = _first(ancient, type, lambda body: len(body["admitted"]) > 1)
    if type == "coins.drawn":
        nth = _first(ancient, type, lambda body: bool(body["heads"]))
    if name == "a verdict turned round":
        nth = _first(ancient, type, lambda body: body["verdicts"][0][1] == "wrong")
    verdict = forged(ancient, type, change, nth=nth)
    assert verdict.problem is not None, name
    assert reason in verdict.problem.reason
    assert verdict.problem.event is not None


def _first(brook: Brook, type: str, holds: Callable[[Body], bool]) -> int:
    bodies = [
        json.loads(event.canonical)["body"]
        for event in brook.store.events(brook.project.id, [type])
    ]
    return next(at for at, body in enumerate(bodies) if holds(body))


def test_a_coin_turned_round_is_found_without_private_values(ancient: Brook) -> None:
    """An audit that was wrong becomes an unaudited label: the seed gives it away."""
    nth = _first(ancient, "coins.drawn", lambda body: len(body["heads"]) < body["count"])

    def turn(body: Body) -> None:
        tails = next(item for item in body["left"] if item not in body["heads"])
        body["heads"] = sorted([*body["heads"], tails])

    verdict = forged(ancient, "coins.drawn", turn, nth=nth, content=False)
    assert verdict.problem is not None


TAMPERINGS: dict[str, tuple[str, Any]] = {
    "an admission's label": ("label", lambda old: "no" if old == "yes" else "yes"),
    "a coin": ("heads", lambda old: not old),
    "who decided": ("left", lambda old: not old),
    "what people read": ("shown", lambda old: {**old, "text": "something else"}),
    "an admission number": ("number", lambda old: old + 1000),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_every_change_of_an_item_in_the_tables_is_named(old: Brook, name: str) -> None:
    column, change = TAMPERINGS[name]
    with old.store.transaction() as db:
        row = db.execute(
            sa.select(items).where(items.c.number.is_not(None), items.c.window == 1).limit(1)
        ).one()
        db.execute(
            sa.update(items)
            .where(items.c.window == 1, items.c.item == row.item)
            .values({column: change(getattr(row, column))})
        )
    verdict = view(old).verify()
    assert verdict.problem is not None
    assert f"Item {row.item} of window 1" in verdict.problem.reason


def test_a_changed_answer_or_count_in_the_tables_is_named(old: Brook) -> None:
    with old.store.transaction() as db:
        db.execute(sa.update(windows).where(windows.c.number == 1).values(finds=0))
    verdict = view(old).verify()
    assert verdict.problem is not None
    assert "Window 1: finds is 0 in the table" in verdict.problem.reason
    with old.store.transaction() as db:
        db.execute(sa.update(windows).where(windows.c.number == 1).values(finds=99))
        db.execute(
            sa.update(reviews)
            .where(reviews.c.item == 3)
            .values(answers={"answer": {"label": "maybe"}})
        )
    assert not view(old).verify().ok


def test_the_results_of_a_stream_are_a_table(old: Brook) -> None:
    frame = view(old).results()
    assert frame.columns[:3] == ["key", "text", "window"]
    assert frame.height == sum(w.arrived for w in old.store.windows(old.project.id))
    decided = frame.filter(frame["signoff_by"].is_not_null())
    assert set(decided["signoff_by"].unique()) == {"model", "reviewers"}
    assert set(decided["signoff_answer"].unique()) == {"yes", "no"}
    corrected = old.events("item.corrected")
    left = [i for i in old.store.window_items(old.project.id, 1) if i.is_corrected]
    assert len(left) == len(corrected)
    assert view(old).status()["window"] == 2
    certificate = view(old).certificate()
    assert certificate is not None
    assert certificate["statement"].startswith("At most 30 of 300 labels")
