"""Hints: what the machine says of an item, decided items like it, and who sees that when."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from signoff.bootstrap import add_rows, make_engine, recorder_for, seat
from signoff.core.hints import ShownHint
from signoff.core.questions import Chosen
from signoff.core.records import PageSettings
from signoff.core.routing import Certified, Policy, Threshold
from signoff.core.showing import HintTime
from signoff.desk import QueueDesk, Receipt
from signoff.errors import InputError, UsageError
from signoff.formats.table import read_table
from signoff.job import RunOptions, new_rows, prepare
from signoff.job.first_run import incoming_rows
from signoff.loop.revealing import ANSWER_FIRST, OFF, SEALED
from signoff.managing import Known, Manager
from signoff.ports import Request
from signoff.testing.fakes import LABELS, two_topics

ROWS = two_topics(240, seed=3, sarcasm=0.1)
TRUTH = {row["text"]: row["label"] for row in ROWS}
OPEN = Threshold(confidence=0.99)
LOOSE = Certified(max_error=Decimal("0.25"), certainty=Decimal("0.9"))


@dataclass
class Shop:
    """A project worked on by Ann, who knows every answer."""

    folder: Path
    policy: Policy
    hints: HintTime
    leased: list[Request] = field(default_factory=list[Request])
    receipts: list[Receipt] = field(default_factory=list[Receipt])
    phases: set[str] = field(default_factory=set[str])

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

    def with_alike(self) -> Request:
        """The newest request that came with decided items."""
        return next(each for each in self.leased[::-1] if each.hint and each.hint.alike)

    def change(self, hints: HintTime) -> None:
        recorder = recorder_for(self.store, self.project.id, actor="test")
        told = {"changed": ["hints"], "blur": False, "text_direction": "auto", "hints": hints}
        settings = PageSettings(hints=hints)
        self.store.change_page(self.project.id, settings, [recorder.event("page.changed", told)])
        self.ann.project = self.project = replace(self.project, page=settings)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Policy, HintTime], Shop]]:
    made: list[Shop] = []
    home = pytest.MonkeyPatch()
    home.setenv("SIGNOFF_HOME", str(tmp_path_factory.mktemp("home")))

    def make(policy: Policy, hints: HintTime) -> Shop:
        made.append(Shop(tmp_path_factory.mktemp("shop"), policy, hints))
        return made[-1]

    yield make
    for each in made:
        each.store.close()
    home.undo()


@pytest.fixture(scope="module")
def nudged(shop: Callable[[Policy, HintTime], Shop]) -> Shop:
    """A project that promises nothing and shows hints before an answer, some rounds on."""
    there = shop(OPEN, "before")
    there.work(until=lambda: len(there.leased) > 40)
    return there


@pytest.fixture(scope="module")
def sealed(shop: Callable[[Policy, HintTime], Shop]) -> Shop:
    """A certified project with its certificate, whose hints were tried for at every step."""
    there = shop(LOOSE, "after")

    def hidden() -> bool:
        there.phases.add(there.engine.progress().phase)
        for receipt in there.receipts:
            found = there.ann.hint(receipt.request)
            assert (found.hint, found.why) == (None, SEALED)
        return False

    there.work(until=hidden)
    return there


def machine(hint: ShownHint | None) -> Chosen:
    assert hint is not None
    answer = hint.machine["answer"].answer
    assert isinstance(answer, Chosen)
    return answer


# ------------------------------------------------------------------------- without a promise


def test_hints_before_come_with_the_item_and_tell_why(nudged: Shop) -> None:
    hinted = [each for each in nudged.leased if each.hint is not None]
    assert nudged.leased[0].hint is None  # nothing was learned yet
    assert len(hinted) > 10
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


def test_alike_are_decided_items_with_what_people_decided(nudged: Shop) -> None:
    alike = [
        (each.item.text, near)
        for each in nudged.leased
        if each.hint is not None
        for near in each.hint.alike
    ]
    assert alike
    for text, near in alike:
        assert near.item.text != text
        assert near.answers == {"answer": Chosen(TRUTH[near.item.text])}
        words = {word for word in text.split() if not word.isdigit()} - {"number"}
        assert words & set(near.item.text.split())


def test_hints_are_no_part_of_the_log(nudged: Shop) -> None:
    """They are derived from what the log has: the answers, and the model's version."""
    with sqlite3.connect(nudged.folder / "run.signoff.db") as db:
        texts = [text for (text,) in db.execute("SELECT canonical FROM events")]
    assert texts
    assert not any('"alike"' in text or '"words"' in text for text in texts)


def test_an_answer_taken_back_is_no_decided_item(nudged: Shop) -> None:
    with_alike = nudged.with_alike()
    assert with_alike.hint is not None
    first = with_alike.hint.alike[0].item
    review = next(each for each in nudged.ann.recent(200) if each.item.key == first.key)
    nudged.ann.take_back(review.id)
    again = nudged.ann.hint(with_alike.id).hint
    assert again is not None
    assert first.key not in [each.item.key for each in again.alike]
    (waiting,) = nudged.ann.next_many(1)
    nudged.ann.answer(waiting, Chosen(TRUTH[waiting.item.text]), seconds=1.0)


def test_an_erased_item_leaves_its_hint_and_is_alike_to_none(nudged: Shop) -> None:
    hinted = nudged.with_alike()
    assert hinted.hint is not None
    near = hinted.hint.alike[0].item
    recorder = recorder_for(nudged.store, nudged.project.id, actor="test")
    for gone in (near.number, hinted.item.number):
        told = {"pool": 1, "item": gone, "rows": [gone]}
        nudged.store.erase(nudged.project.id, 1, gone, [], recorder.event("item.erased", told))
        if gone == near.number:
            kept = nudged.ann.hint(hinted.id).hint
            assert kept is not None
            assert near.key not in [each.item.key for each in kept.alike]
    assert nudged.ann.hint(hinted.id).hint is None


def test_hints_after_come_with_the_receipt_and_not_before(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "after")
    there.work(until=lambda: len(there.leased) > 30)
    assert all(each.hint is None for each in there.leased)
    assert any(each.hint is not None for each in there.receipts)
    waiting, answered = there.ann.next_many(1)[0], there.receipts[-1]
    assert there.ann.hint(waiting.id).why == ANSWER_FIRST
    assert there.ann.hint(waiting.id).hint is None
    assert there.ann.hint(answered.request).hint == answered.hint


def test_nothing_is_kept_nor_shown_until_a_manager_changes_that(
    shop: Callable[[Policy, HintTime], Shop],
) -> None:
    there = shop(OPEN, "off")
    there.work(until=lambda: len(there.leased) > 30)
    before = len(there.leased)
    assert there.ann.hint(there.receipts[-1].request).why == OFF
    assert all(each.hint is None for each in there.store.requests(there.project.id, 1)[:before])
    there.change("before")
    while requests := there.ann.next_many(50):
        there.ann.answer_many([(each, Chosen(TRUTH[each.item.text])) for each in requests])
    there.work(until=lambda: len(there.leased) > before)
    assert all(each.hint is None for each in [*there.leased[:before], *there.receipts[:before]])
    assert any(each.hint is not None for each in there.leased[before:])


# --------------------------------------------------------------------------- with a promise


def test_a_certified_project_shows_nothing_until_its_certificate(sealed: Shop) -> None:
    """Not with items, not with receipts, not for those asked about by id, in no phase."""
    assert {"learning", "auditing"} <= sealed.phases
    assert all(each.hint is None for each in [*sealed.leased, *sealed.receipts])


def test_after_the_certificate_no_hint_tells_which_items_were_audited(sealed: Shop) -> None:
    """All that were asked once there was a model have one, audited or not."""
    by_reason: dict[str, list[bool]] = {}
    for request in sealed.store.requests(sealed.project.id, 1):
        shown = sealed.ann.hint(request.id).hint is not None
        by_reason.setdefault(request.reason, []).append(shown)
    assert all(by_reason["audit"])
    others = [reason for reason in by_reason if reason not in ("start", "audit")]
    assert others
    assert all(all(by_reason[reason]) for reason in others)


def test_new_rows_hide_all_hints_again(sealed: Shop) -> None:
    answered = sealed.receipts[-1].request
    assert sealed.ann.hint(answered).hint is not None
    more = pl.DataFrame(
        {"id": [f"new {n}" for n in range(9)], "text": [f"a {n}" for n in range(9)]}
    )
    add_rows(sealed.engine, incoming_rows(read_table(more), sealed.project))
    assert sealed.ann.hint(answered).why == SEALED


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
