"""Hints: what the machine says of an item, decided items like it, and who sees that when."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest

from signoff.bootstrap import add_rows, make_engine, recorder_for, seat
from signoff.core.hints import ShownHint
from signoff.core.questions import Chosen
from signoff.core.records import PageSettings
from signoff.core.routing import Certified, Policy, Threshold
from signoff.core.showing import HintTime
from signoff.desk import QueueDesk, Receipt
from signoff.errors import InputError, UsageError
from signoff.job import RunOptions, new_rows, prepare
from signoff.loop.revealing import ANSWER_FIRST, OFF, SEALED
from signoff.managing import Known, Manager
from signoff.ports import Request
from signoff.testing.fakes import LABELS, two_topics

ROWS = two_topics(240, seed=3)
TRUTH = {row["text"]: row["label"] for row in ROWS}
OPEN = Threshold(confidence=0.99)
LOOSE = Certified(max_error=Decimal("0.3"), certainty=Decimal("0.9"))


@dataclass
class Shop:
    """A project worked on by Ann, who knows every answer."""

    folder: Path
    policy: Policy
    hints: HintTime
    leased: list[Request] = field(default_factory=list[Request])
    receipts: list[Receipt] = field(default_factory=list[Receipt])

    def __post_init__(self) -> None:
        self.job = prepare(
            RunOptions(
                data=[{"id": row["id"], "text": row["text"]} for row in ROWS],
                text="text",
                key="id",
                labels=LABELS,
                policy=self.policy,
                hints=self.hints,
                store=str(self.folder / "run.signoff.db"),
            )
        )
        self.store, self.project = self.job.store, self.job.project
        self.engine = make_engine(
            self.store,
            self.project,
            automations=self.job.automations,
            hidden=frozenset(),
            actor="test",
            budget=None,
            seed=1,
        )
        rows, _ = new_rows(self.job)
        if rows is not None:
            add_rows(self.engine, rows)
        self.ann: QueueDesk = seat(self.engine, name="Ann", kind="person")

    def work(self, until: Callable[[], bool] = lambda: False) -> None:
        """Answer all that is asked, until something is so or all is decided."""
        while self.engine.advance().phase != "closed" and not until():
            while requests := self.ann.next_many(50):
                self.leased += requests
                for each in requests:
                    answer = Chosen(TRUTH[each.item.text])
                    self.receipts.append(self.ann.answer(each, answer, seconds=1.0))

    def change(self, hints: HintTime) -> None:
        recorder = recorder_for(self.store, self.project.id, actor="test")
        told = {"changed": ["hints"], "blur": False, "text_direction": "auto", "hints": hints}
        settings = PageSettings(hints=hints)
        self.store.change_page(self.project.id, settings, [recorder.event("page.changed", told)])
        self.ann.project = self.project = replace(self.project, page=settings)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[[Policy, HintTime], Shop]]:
    made: list[Shop] = []

    def make(policy: Policy, hints: HintTime) -> Shop:
        made.append(Shop(tmp_path, policy, hints))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


def machine(hint: ShownHint | None) -> Chosen:
    assert hint is not None
    answer = hint.machine["answer"].answer
    assert isinstance(answer, Chosen)
    return answer


# ------------------------------------------------------------------------- without a promise


def test_hints_before_come_with_the_item_and_tell_why(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 60)
    hinted = [each for each in there.leased if each.hint is not None]
    assert there.leased[0].hint is None  # nothing was learned yet
    assert len(hinted) > 20
    right = sum(machine(each.hint).label == TRUTH[each.item.text] for each in hinted)
    assert right > len(hinted) / 2
    said = hinted[-1].hint
    assert said is not None
    told = said.machine["answer"]
    assert told.confidence is not None
    assert 0 <= told.confidence <= 1
    words = [word for word, _ in told.words]
    assert words
    assert set(words) <= set(hinted[-1].item.text.split())
    weights = [abs(weight) for _, weight in told.words]
    assert weights == sorted(weights, reverse=True)


def test_alike_are_decided_items_with_what_people_decided(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 60)
    alike = [
        (each.item.text, near)
        for each in there.leased
        if each.hint is not None
        for near in each.hint.alike
    ]
    assert alike
    for text, near in alike:
        assert near.item.text != text
        assert near.answers == {"answer": Chosen(TRUTH[near.item.text])}
        words = {word for word in text.split() if not word.isdigit()} - {"number"}
        assert words & set(near.item.text.split())


def test_an_answer_taken_back_is_no_decided_item(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 60)
    requests = there.ann.next_many(50) or there.leased
    with_alike = next(each for each in requests if each.hint is not None and each.hint.alike)
    assert with_alike.hint is not None
    first = with_alike.hint.alike[0].item
    review = next(each for each in there.ann.recent(200) if each.item.key == first.key)
    there.ann.take_back(review.id)
    again = there.ann.hint(with_alike.id).hint
    assert again is not None
    assert first.key not in [each.item.key for each in again.alike]


def test_hints_after_come_with_the_receipt_and_not_before(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "after")
    there.work(until=lambda: len(there.leased) > 60)
    assert all(each.hint is None for each in there.leased)
    assert sum(each.hint is not None for each in there.receipts) > 20
    there.engine.advance()
    waiting, answered = there.ann.next_many(1)[0], there.receipts[-1]
    assert there.ann.hint(waiting.id).why == ANSWER_FIRST
    assert there.ann.hint(waiting.id).hint is None
    assert there.ann.hint(answered.request).hint == answered.hint


def test_without_hints_nothing_is_kept_nor_shown(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "off")
    there.work(until=lambda: len(there.leased) > 60)
    assert all(each.hint is None for each in [*there.leased, *there.receipts])
    assert there.ann.hint(there.receipts[-1].request).why == OFF
    asked = there.store.requests(there.project.id, 1)
    assert all(each.hint is None for each in asked)


def test_a_change_reaches_the_loop_that_runs(shop: Callable[[Policy, HintTime], Shop]) -> None:
    there = shop(OPEN, "off")
    there.work(until=lambda: len(there.leased) > 30)
    before = len(there.leased)
    there.change("before")
    there.work(until=lambda: len(there.leased) > 90)
    assert all(each.hint is None for each in there.leased[:before])
    assert any(each.hint is not None for each in there.leased[before:])


def test_an_erased_item_leaves_its_hint_and_is_alike_to_none(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 60)
    hinted = next(each for each in there.leased[::-1] if each.hint and each.hint.alike)
    near = hinted.hint.alike[0].item if hinted.hint else hinted.item
    recorder = recorder_for(there.store, there.project.id, actor="test")
    for gone in (near.number, hinted.item.number):
        told = {"pool": 1, "item": gone, "rows": [gone]}
        there.store.erase(there.project.id, 1, gone, [], recorder.event("item.erased", told))
        if gone == near.number:
            kept = there.ann.hint(hinted.id).hint
            assert kept is not None
            assert near.key not in [each.item.key for each in kept.alike]
    assert there.ann.hint(hinted.id).hint is None


# --------------------------------------------------------------------------- with a promise


def test_a_certified_project_shows_nothing_until_its_certificate(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    """Not with items, not with receipts, not for those asked about by id, in no phase."""
    there = shop(LOOSE, "after")
    phases: set[str] = set()

    def hidden() -> bool:
        phases.add(there.engine.progress().phase)
        for receipt in there.receipts:
            found = there.ann.hint(receipt.request)
            assert (found.hint, found.why) == (None, SEALED)
        return False

    there.work(until=hidden)
    assert {"learning", "auditing"} <= phases
    assert all(each.hint is None for each in [*there.leased, *there.receipts])


def test_after_the_certificate_no_hint_tells_which_items_were_audited(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    """All that were asked once there was a model have one, audited or not."""
    there = shop(LOOSE, "after")
    there.work()
    by_reason: dict[str, list[bool]] = {}
    for request in there.store.requests(there.project.id, 1):
        shown = there.ann.hint(request.id).hint is not None
        by_reason.setdefault(request.reason, []).append(shown)
    assert all(by_reason["audit"])
    others = [reason for reason in by_reason if reason not in ("start", "audit")]
    assert others
    assert all(all(by_reason[reason]) for reason in others)


def test_new_rows_hide_all_hints_again(shop: Callable[[Policy, HintTime], Shop]) -> None:
    there = shop(LOOSE, "after")
    there.work()
    answered = there.receipts[-1].request
    assert there.ann.hint(answered).hint is not None
    more = [{"id": f"new {row['id']}", "text": f"new {row['text']}"} for row in ROWS]
    job = replace(there.job, rows=None)
    del job
    from signoff.formats.table import read_table
    from signoff.job.first_run import incoming_rows

    add_rows(there.engine, incoming_rows(read_table(more), there.project))
    assert there.ann.hint(answered).why == SEALED


def test_hints_before_an_answer_and_a_certificate_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody nudged"):
        Shop(tmp_path, LOOSE, "before")
    assert not (tmp_path / "run.signoff.db").exists()


# ------------------------------------------------------------------------------ known answers


def test_known_answers_and_hints_exclude_each_other(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    """An item with a known answer has no hint: lacking one would tell it from the others."""
    there = shop(OPEN, "after")
    manager = Manager(
        store=there.store,
        project=there.project,
        recorder=recorder_for(there.store, there.project.id, actor="test"),
    )
    known = Known(
        key="check", answers={"answer": Chosen("Positive")}, shown={"text": "great", "data": {}}
    )
    with pytest.raises(InputError, match="shows hints"):
        manager.plant([known])
    there.change("off")
    manager.plant([known])
    for wanted in ("after", "before"):
        with pytest.raises(InputError, match="Known answers"):
            there.change(wanted)
    assert there.store.hint_time(there.project.id) == "off"


def test_what_was_known_of_an_item_stands_in_no_log(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    """Hints are derived: the log has what the machine fixed, and when a setting changed."""
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 60)
    with sqlite3.connect(there.folder / "run.signoff.db") as db:
        texts = [text for (text,) in db.execute("SELECT canonical FROM events")]
    assert texts
    assert not any('"alike"' in text or '"words"' in text for text in texts)
