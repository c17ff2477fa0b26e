"""Equal texts of later pools: what a person answered once is never asked again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from signoff.bootstrap import recorder_for
from signoff.core.items import Item
from signoff.core.routing import Certified, People
from signoff.desk import sign_in
from signoff.errors import Settled
from signoff.project.carrying import carried_otherwise
from signoff.sdk import Result, run
from signoff.store.schema import requests
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, KeywordModel, two_topics

Rows = list[dict[str, str]]
AT_TEN = Certified(max_error=Decimal("0.1"))


class Person:
    """Answers by the truth and remembers what was asked."""

    def __init__(self, rows: Rows) -> None:
        self.known = {row["text"].strip(): row["label"] for row in rows}
        self.asked: Counter[str] = Counter()

    def __call__(self, item: Item) -> str | None:
        self.asked[item.text.strip()] += 1
        return self.known.get(item.text.strip())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "run.signoff.db"


@pytest.fixture
def view(store: Path) -> Iterator[Callable[[], StoreView]]:
    opened: list[StoreView] = []

    def open() -> StoreView:
        opened.append(StoreView.open(str(store)))
        return opened[-1]

    yield open
    for each in opened:
        each.close()


def hidden(rows: Rows) -> Rows:
    return [{name: row[name] for name in row if name != "label"} for row in rows]


def label(rows: Rows, store: Path, person: Person, **options: Any) -> Result:
    given: dict[str, Any] = {"labels": LABELS, "policy": AT_TEN, "seed": 1, "text": "text"}
    return run(hidden(rows), reviewer=person, store=store, **{**given, **options})


def again(rows: Rows, prefix: str) -> Rows:
    """The same texts in new rows."""
    return [{**row, "id": prefix + row["id"]} for row in rows]


def test_a_text_that_a_person_answered_is_not_asked_again_in_a_later_pool(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(300)
    fresh = [{**row, "id": f"n{row['id']}", "text": f"new {row['text']}"} for row in rows[:200]]
    person = Person([*rows, *fresh])
    first = label(rows, store, person)
    asked = set(person.asked)
    more = [*again(rows, "again"), *fresh]
    second = label([*rows, *more], store, person)
    assert second.finished
    assert set(person.asked.values()) == {1}
    later = second.results.tail(len(more))
    carried = later.filter(pl.col("signoff_reason") == "answered before")
    assert set(carried["text"]) == asked
    assert set(carried["signoff_by"]) == {"reviewers"}
    before = dict(first.results.select("text", "signoff_answer").iter_rows())
    assert all(before[text] == said for text, said in carried["text", "signoff_answer"].iter_rows())
    assert second.certificate is not None
    assert second.certificate["answered_before"] == carried.height
    assert second.certificate["items"] == len(more)
    assert second.certificate["human"] == (later["signoff_by"] == "reviewers").sum()
    assert f"{carried.height:,} items hold answers" in str(second.certificate["notes"])
    assert any(f"{carried.height} of its {len(more)} items" in said for said in second.messages)
    wrong = second.results["signoff_answer"] != pl.Series([r["label"] for r in [*rows, *more]])
    assert wrong.sum() <= 30 + 50
    verdict = view().verify()
    assert verdict.ok, str(verdict.problem)
    assert len(verdict.certificates) == 2


def test_carried_answers_are_neither_frozen_nor_audited(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(300)
    fresh = [{**row, "id": f"n{row['id']}", "text": f"new {row['text']}"} for row in rows]
    person = Person([*rows, *fresh])
    label(rows, store, person)
    label([*rows, *again(rows, "again"), *fresh], store, person)
    opened = view()
    pool = opened.pools[1]
    (root,) = pool.frozen_roots.values()
    frozen = opened.store.batch(opened.project.id, "frozen", root).ints[:, 1].tolist()
    reviews = opened.store.reviews(opened.project, 2)
    carried = {each.item for each in reviews if each.reason == "answered before"}
    audited = {each.item for each in reviews if each.reason == "audit"}
    assert carried
    assert not carried & set(frozen)
    assert not carried & audited
    assert audited <= set(frozen)


def test_texts_that_the_model_decided_are_admitted_anew(store: Path) -> None:
    rows = two_topics(300)
    person = Person(rows)
    first = label(rows, store, person)
    by_model = set(first.results.filter(pl.col("signoff_by") == "model")["text"])
    second = label([*rows, *again(rows, "again")], store, person)
    later = second.results.tail(300).filter(pl.col("text").is_in(list(by_model)))
    assert later.height == len(by_model) > 0
    assert "answered before" not in set(later["signoff_reason"])


def test_a_pool_of_nothing_but_answered_texts_asks_nobody(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(40)
    person = Person(rows)
    for policy in (People(), AT_TEN):
        name = type(policy).__name__
        options: dict[str, Any] = {"policy": policy, "project": name, "model": KeywordModel()}
        first = label(rows, store, person, **options)
        answered = [r for r in rows if r["text"] in set(
            first.results.filter(pl.col("signoff_by") == "reviewers")["text"]
        )]  # fmt: skip
        asked = person.asked.total()
        second = label([*rows, *again(answered, "x")], store, person, **options)
        assert second.finished
        assert person.asked.total() == asked
        assert set(second.results.tail(len(answered))["signoff_reason"]) == {"answered before"}
        opened = StoreView.open(str(store), name)
        assert opened.verify().ok
        opened.close()


def test_without_grouping_rows_are_rows_and_nothing_is_carried_over(store: Path) -> None:
    rows = two_topics(30)
    person = Person(rows)
    label(rows, store, person, policy=People(), group=False)
    second = label([*rows, *again(rows, "x")], store, person, policy=People(), group=False)
    assert set(person.asked.values()) == {2}
    assert "answered before" not in set(second.results["signoff_reason"])


def test_texts_without_content_are_asked_each_time(store: Path) -> None:
    rows = [{**row, "text": "  "} if at < 3 else row for at, row in enumerate(two_topics(20))]
    person = Person(rows)
    label(rows, store, person, policy=People())
    label([*rows, *again(rows[:3], "x")], store, person, policy=People())
    assert person.asked[""] == 6


def test_cannot_say_is_carried_over_like_any_answer(store: Path) -> None:
    rows = two_topics(20)
    person = Person(rows[5:])
    label(rows, store, person, policy=People())
    second = label([*rows, *again(rows, "x")], store, person, policy=People())
    assert set(second.results.tail(20).head(5)["signoff_answer"]) == {"(cannot say)"}
    assert set(person.asked.values()) == {1}


def test_equal_means_equal_after_white_space_and_within_slice_and_rule(store: Path) -> None:
    rows = [{**row, "shop": "north", "vip": "no"} for row in two_topics(120)]
    policy = Certified(max_error=Decimal("0.1"), slice="shop")
    person = Person(rows)
    options: dict[str, Any] = {"policy": policy, "ask_always": [("vip", "yes")]}
    first = label(rows, store, person, **options)
    known = first.results.filter(pl.col("signoff_by") == "reviewers").head(3)
    texts = known["text"].to_list()
    one, other, ruled = ({**rows[0], "text": text} for text in texts)
    new = [
        {**one, "id": "a", "text": f" {texts[0]}\n"},
        {**other, "id": "b", "shop": "south"},
        {**ruled, "id": "c", "vip": "yes"},
    ]
    second = label([*rows, *new], store, person, **options)
    assert second.results.tail(3)["signoff_reason"].to_list()[0] == "answered before"
    assert "answered before" not in second.results.tail(2)["signoff_reason"].to_list()
    assert [person.asked[text] for text in texts] == [1, 2, 2]


def test_a_carried_answer_spends_no_budget(store: Path) -> None:
    rows = two_topics(40)
    person = Person(rows)
    label(rows[:30], store, person, policy=People())
    second = label([*rows[:30], *again(rows, "x")], store, person, policy=People(), budget=10)
    assert second.finished
    assert person.asked.total() == 40


def test_the_newest_answer_counts_and_may_be_carried_on(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(12)
    person = Person(rows)
    data = list(rows)
    for prefix in ("", "x", "y"):
        data = data if not prefix else [*data, *again(rows, prefix)]
        last = label(data, store, person, policy=People())
    assert person.asked.total() == 12
    assert last.results["signoff_reason"].to_list()[24:] == ["answered before"] * 12
    opened = view()
    bodies = [
        json.loads(event.canonical)["body"]
        for event in opened.store.events(opened.project.id, types=["answer.carried"])
    ]
    assert [body["pool"] for body in bodies] == [2] * 12 + [3] * 12
    assert opened.verify().ok


def test_a_carried_answer_is_nobodys_last_answer_and_cannot_be_taken_back(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(20)
    person = Person(rows)
    label(rows, store, person, policy=People())
    more = [*again(rows, "x"), {**rows[0], "id": "n", "text": "something new"}]
    run(hidden([*rows, *more]), reviewer="none", store=store)
    opened = view()
    desk_of = opened.store.reviewer_names(opened.project.id)
    (reviewer,) = desk_of
    recorder = recorder_for(opened.store, opened.project.id, actor="test")
    assert sign_in(opened.store, recorder, name="Person", kind="callable") != reviewer
    recent = opened.store.recent(opened.project, reviewer, 100)
    assert {each.pool for each in recent} == {1}
    assert opened.store.answered_by(opened.project.id, 2, reviewer) == 0
    (carried, *_) = opened.store.reviews(opened.project, 2)
    with pytest.raises(Settled):
        opened.store.undo(opened.project, carried, [recorder.event("run.started", {"signoff": ""})])


# ------------------------------------------------------------------ erasing and tampering


def test_erasing_either_row_leaves_a_log_that_verifies(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(20)
    person = Person(rows)
    options: dict[str, Any] = {"policy": People(), "key": "id"}
    label(rows, store, person, **options)
    label([*rows, *again(rows, "x")], store, person, **options)
    opened = view()
    assert opened.erase(rows[0]["id"]) == 1
    assert opened.erase("x" + rows[1]["id"]) == 1
    verdict = opened.verify()
    assert verdict.ok, str(verdict.problem)
    left = opened.results()
    assert left["signoff_answer"].null_count() == 2
    # The copy that was not erased keeps its answer; a third copy takes it from there.
    third = label([*rows, *again(rows, "x"), *again(rows, "y")], store, person, **options)
    assert third.results.tail(20)["signoff_reason"].to_list() == ["answered before"] * 20
    assert person.asked.total() == 20


def test_an_answer_carried_to_another_text_is_found(
    store: Path, view: Callable[[], StoreView]
) -> None:
    rows = two_topics(20)
    person = Person(rows)
    label(rows, store, person, policy=People())
    label([*rows, *again(rows, "x")], store, person, policy=People())
    opened = view()
    views = opened.views
    assert list(carried_otherwise(opened.store, opened.project, views)) == []
    pool = opened.pools[1]
    texts = views(pool).items.texts
    swapped = dict(zip(texts, [*texts[1:], texts[0]], strict=True))
    moved = pl.DataFrame({"text": [swapped[text] for text in texts]})

    def other_rows(pool: Any) -> Any:
        from dataclasses import replace

        from signoff.core.items import Items

        found = views(pool)
        if pool.number == 1:
            return found
        return replace(found, items=Items({"text": moved["text"].to_list()}, text_column="text"))

    problems = list(carried_otherwise(opened.store, opened.project, other_rows))
    assert len(problems) == 20
    assert "not equal to it" in problems[0]


@pytest.mark.parametrize("change", [{"reason": "review"}, {"state": "open"}])
def test_a_carried_request_that_was_changed_is_found_and_changes_no_result(
    store: Path, view: Callable[[], StoreView], change: dict[str, str]
) -> None:
    rows = two_topics(10)
    person = Person(rows)
    label(rows, store, person, policy=People())
    label([*rows, *again(rows, "x")], store, person, policy=People())
    opened = view()
    with opened.store.transaction() as db:
        db.execute(sa.update(requests).where(requests.c.pool == 2).values(**change))
    problem = opened.verify().problem
    assert problem is not None
    assert "Pool 2 is counted" in problem.reason
    # The results come from answers and decisions, which still agree.
    assert set(opened.results().tail(10)["signoff_reason"]) == {"answered before"}
