"""Live items over real stores: what leaves, what people get, and what survives a kill."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from brook import SPEC, Brook, truth

import signoff
from signoff.core.certification import standing
from signoff.core.coins import is_heads, seed_commitment
from signoff.core.questions import CANNOT_SAY
from signoff.core.streams import StreamItem
from signoff.errors import Infeasible, OtherContent, Settled, StoreChanged, UsageError
from signoff.store.schema_streams import items, window_seeds
from signoff.stream.decider import NewItem
from signoff.stream.fitting import is_due


def seed_of(brook: Brook, number: int = 1) -> bytes:
    """What only the coin may read."""
    with brook.store.reading() as db:
        return db.execute(
            sa.select(window_seeds.c.seed).where(window_seeds.c.number == number)
        ).scalar_one()


def admitted(brook: Brook, number: int = 1) -> list[StreamItem]:
    found = [i for i in brook.store.window_items(brook.project.id, number) if i.number is not None]
    return sorted(found, key=lambda item: item.number or 0)


# ------------------------------------------------------------------------- deciding


def test_before_there_are_answers_everything_goes_to_people(brook: Brook) -> None:
    sent = brook.send(brook.texts(3))
    assert {(item.route, item.why, item.number) for item in sent} == {("REVIEW", "learning", None)}
    assert brook.store.waiting(brook.project.id) == 3
    assert not is_due(brook.state)
    assert brook.state.model is None


def test_what_is_sure_leaves_and_a_known_share_of_it_is_audited(brook: Brook) -> None:
    brook.learn()
    sent = brook.send(brook.texts(20))
    left = [item for item in sent if item.route == "AUTO"]
    assert len(left) == brook.window.automatic + brook.window.open == 20
    heads = [item for item in left if item.heads]
    assert [item.state for item in left if not item.heads] == ["decided"] * (20 - len(heads))
    assert [item.state for item in heads] == ["waiting"] * len(heads)
    assert brook.store.waiting(brook.project.id) == len(heads)
    assert all(item.label == truth(item.shown["text"]) for item in left if item.shown)


def test_each_coin_is_the_one_its_committed_seed_gives(brook: Brook) -> None:
    brook.learn()
    for _ in range(6):
        brook.send(brook.texts(10))
        brook.answer()
    seed = seed_of(brook)
    assert seed_commitment(seed) == brook.window.seed_commitment
    made = admitted(brook)
    assert [item.number for item in made] == list(range(len(made)))
    assert len(made) > 30
    assert [item.heads for item in made] == [
        is_heads(seed, "1/1", item.item, item.number or 0, 0.2) for item in made
    ]


def test_what_the_model_is_unsure_of_goes_to_people(brook: Brook) -> None:
    brook.learn()
    (unsure,) = brook.send([NewItem(key="hm", text="yes hm")])
    (empty,) = brook.send([NewItem(key="empty", text="  ")])
    (odd,) = brook.send([NewItem(key="odd", text="perhaps 1")])
    assert [item.why for item in (unsure, empty, odd)] == ["unsure", "empty", "no_answer"]
    assert {item.route for item in (unsure, empty, odd)} == {"REVIEW"}


def test_automation_pauses_while_audits_wait_and_goes_on_with_their_answers(brook: Brook) -> None:
    brook.learn()
    sent = brook.send(brook.texts(100))
    window = brook.window
    assert window.open > window.plan.limit
    assert Counter(item.why for item in sent)["audits"] == 100 - window.admitted
    assert window.admitted > 0
    (paused,) = brook.send(brook.texts(1))
    assert paused.why == "audits"
    brook.answer()
    assert brook.window.open == 0
    (again,) = brook.send(brook.texts(1))
    assert again.route == "AUTO"


def test_every_label_that_left_stands_in_the_whole_order(brook: Brook) -> None:
    brook.learn()
    for lies in (False, True, False):
        brook.send(brook.texts(30, lies=lies))
        brook.answer(most=7)
    made = admitted(brook)
    heads = np.array([item.heads for item in made])
    right = [item.answer == {"label": item.label} for item in made]
    verdicts = np.array(
        [-1 if i.answer is None else int(r) for i, r in zip(made, right, strict=True)]
    )
    plan = brook.window.plan
    stands = standing(heads, verdicts, 1, plan.limit, plan.errors)
    assert all(stands[at] for at, item in enumerate(made) if item.left and not item.heads)
    assert any(item.left and not item.heads for item in made)


# -------------------------------------------------------------------------- answers


def test_a_persons_answer_decides_the_item_once_it_is_sealed(brook: Brook) -> None:
    (item,) = brook.send(brook.texts(1))
    assert brook.decider.look(item.id) == item
    brook.answer(settle=False)
    found = brook.decider.look(item.id)
    assert found is not None
    assert (found.state, found.answer, found.answered) == ("decided", {"label": "yes"}, 1)
    assert brook.events("item.decided") == ["item.decided"]


def test_an_answer_can_be_taken_back_until_it_is_sealed_and_not_after(brook: Brook) -> None:
    brook.send(brook.texts(2))
    desk = brook.desk()
    first, second = desk.next_many(2)
    desk.answer(first, brook.project.question.parse("yes"), seconds=1)
    assert desk.take_back().request.id == first.id
    desk.answer(first, brook.project.question.parse("no"), seconds=1)
    assert brook.decider.settle() == 1
    with pytest.raises(Settled):
        desk.take_back()
    desk.answer(second, CANNOT_SAY, seconds=1)
    stale = brook.store.recent(brook.project, desk.reviewer, 1)[0]
    body = {"pool": stale.pool, "item": stale.item, "answer": stale.event}
    undone = desk.recorder.event("answer.undone", body)
    assert brook.decider.settle() == 1
    with pytest.raises(Settled):
        brook.store.undo(brook.project, stale, [undone])
    answers = [item.answer for item in brook.store.window_items(brook.project.id, 1)]
    assert answers == [{"label": "no"}, {"cannot_say": True}]


def test_an_answer_waits_as_long_as_it_can_be_taken_back(store_url: str, tmp_path: Path) -> None:
    brook = Brook.open(store_url, tmp_path, spec=replace(SPEC, undo_seconds=3600))
    brook.send(brook.texts(1))
    brook.answer()
    assert brook.state.answers == 0
    assert brook.store.window_items(brook.project.id, 1)[0].state == "waiting"
    brook.close()


def test_a_text_that_a_person_answered_gets_that_answer(brook: Brook) -> None:
    brook.learn()
    (first,) = brook.send([NewItem(key="a", text="yes hm")])
    (twin,) = brook.send([NewItem(key="b", text="yes hm")])
    assert twin.why == "unsure"
    brook.answer()
    (repeat,) = brook.send([NewItem(key="c", text="yes hm")])
    assert (repeat.route, repeat.why, repeat.number) == ("AUTO", "repeat", None)
    assert (repeat.answer, repeat.repeats) == ({"label": "yes"}, first.item)
    assert brook.window.repeats == 1


# --------------------------------------------------------------- finds and the alarm


def bad(brook: Brook) -> None:
    """Labels that are wrong, until automation is off."""
    for _ in range(60):
        brook.send(brook.texts(10, lies=True))
        brook.answer()
        if brook.window.alarmed:
            return
    raise AssertionError("no alarm")


def test_a_find_corrects_its_item_and_tells(brook: Brook) -> None:
    brook.learn()
    sent = brook.send(brook.texts(40, lies=True))
    brook.answer()
    for item in [item for item in sent if item.heads]:
        found = brook.decider.look(item.id)
        assert found is not None
        assert found.is_corrected
        assert found.answer == {"label": truth(item.shown["text"])} if item.shown else False
    assert len(brook.events("item.corrected")) == brook.window.finds > 0


def test_one_find_more_than_the_limit_stops_automation_until_the_window_ends(
    brook: Brook,
) -> None:
    brook.learn()
    bad(brook)
    window = brook.window
    assert window.finds > window.plan.limit
    assert brook.events("drift.alarm") == ["drift.alarm"]
    assert brook.state.model is None
    brook.send(brook.texts(50))
    brook.answer()
    assert brook.teach(), "it learns again from what people say now"
    rest = window.plan.items - brook.window.arrived
    sent = brook.send(brook.texts(rest))
    assert {item.why for item in sent} == {"stopped"}
    brook.answer()
    (after,) = brook.send(brook.texts(1))
    assert (after.window, after.route) == (2, "AUTO")
    assert brook.window.ledger.finds == 0


def test_a_window_that_is_over_gets_its_certificate(brook: Brook) -> None:
    brook.learn()
    while brook.store.windows(brook.project.id)[0].certificate is None:
        brook.send(brook.texts(30))
        brook.answer()
    first = brook.store.windows(brook.project.id)[0]
    certificate = first.certificate
    assert certificate is not None
    assert certificate["items"] == certificate["human"] + certificate["automatic"] == 300
    assert certificate["statement"].startswith("At most 30 of 300 labels (10 %)")
    assert certificate["automatic"] == first.automatic > 50
    pool = brook.store.pools(brook.project.id)[0]
    assert pool.phase == "closed"
    told = brook.events("window.started", "seed.revealed", "certificate.issued", "pool.closed")
    assert told[:4] == ["window.started", "seed.revealed", "certificate.issued", "pool.closed"] or (
        told[:2] == ["window.started", "window.started"]
    )
    wrong = sum(
        item.label != truth(item.shown["text"])
        for item in brook.store.window_items(brook.project.id, 1)
        if item.left and item.shown
    )
    assert wrong <= 30


def test_where_effects_are_for_good_less_may_happen_before_the_audits(
    store_url: str, tmp_path: Path
) -> None:
    spec = replace(SPEC, effects="irreversible")
    brook = Brook.open(store_url, tmp_path, spec=spec)
    brook.learn()
    brook.send(brook.texts(200, lies=True))
    window = brook.window
    assert window.admitted >= window.plan.errors
    assert window.open > window.plan.limit
    assert window.open + window.automatic == window.admitted
    brook.answer()
    assert brook.window.alarmed
    brook.close()


# ------------------------------------------------------------------ keys and crashes


def test_the_same_key_is_answered_from_what_is_stored(brook: Brook) -> None:
    brook.learn()
    wanted = brook.texts(20)
    first = brook.send(wanted)
    assert brook.send(wanted) == first
    assert brook.again().send(list(reversed(wanted))) == list(reversed(first))
    assert brook.window.arrived == 80


def test_the_same_key_with_other_content_is_refused_and_nothing_is_stored(brook: Brook) -> None:
    (first,) = brook.send([NewItem(key="a", text="yes 1")])
    with pytest.raises(OtherContent, match="'a' came with other content"):
        brook.send([NewItem(key="b", text="no 1"), NewItem(key="a", text="yes 2")])
    with pytest.raises(OtherContent):
        brook.send([NewItem(key="c", text="no 1"), NewItem(key="c", text="no 2")])
    with pytest.raises(OtherContent):
        brook.send([NewItem(key="a", text="yes 1", data={"page": 2})])
    assert brook.window.arrived == 1
    assert brook.send([NewItem(key="a", text="yes 1")]) == [first]


def test_a_kill_between_admission_and_coin_changes_no_coin(brook: Brook) -> None:
    brook.learn()
    wanted, clerk = brook.texts(4), brook.decider._clerk
    arrivals = brook.decider._arrivals(wanted, brook.state)
    brook.store.arrive(brook.project.id, arrivals, clerk.receive, clerk.flip)
    in_the_air = brook.store.stream_items(brook.project.id, [item.key for item in wanted])
    assert {item.state for item in in_the_air.values()} == {"admitted"}
    again = brook.again()
    found = again.send(wanted)
    assert [item.id for item in found] == [arrival.id for arrival in arrivals]
    seed = seed_of(brook)
    assert [item.heads for item in found] == [
        is_heads(seed, "1/1", item.item, item.number or 0, 0.2) for item in found
    ]
    again.close()


def test_coins_in_the_air_fall_before_anything_else_is_admitted(brook: Brook) -> None:
    brook.learn()
    clerk = brook.decider._clerk
    lost = brook.decider._arrivals(brook.texts(4), brook.state)
    brook.store.arrive(brook.project.id, lost, clerk.receive, clerk.flip)
    brook.send(brook.texts(1))
    with brook.store.reading() as db:
        states = db.scalars(sa.select(items.c.state)).all()
    assert "admitted" not in states


def test_what_a_killed_process_left_is_tidied_up(brook: Brook) -> None:
    brook.learn()
    clerk = brook.decider._clerk
    lost = brook.decider._arrivals(brook.texts(4), brook.state)
    brook.store.arrive(brook.project.id, lost, clerk.receive, clerk.flip)
    brook.decider.tidy()
    assert brook.window.ledger.admitted == brook.window.admitted == 4


def test_several_processes_decide_in_one_order(brook: Brook) -> None:
    brook.learn()
    others = [brook.again() for _ in range(3)]
    lots = [brook.texts(5) for _ in range(24)]
    shared = brook.texts(10)
    failed: list[BaseException] = []

    def work(mine: Brook, at: int) -> None:
        try:
            for lot in lots[at::3]:
                mine.send([*lot, *shared])
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=each) for each in zip(others, range(3), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    stored = brook.store.window_items(brook.project.id, 1)
    assert [item.item for item in stored] == list(range(60 + 24 * 5 + 10))
    made = admitted(brook)
    assert [item.number for item in made] == list(range(len(made)))
    seed = seed_of(brook)
    assert [item.heads for item in made] == [
        is_heads(seed, "1/1", item.item, item.number or 0, 0.2) for item in made
    ]
    for other in others:
        other.close()


# ------------------------------------------------------------------------- blindness


def test_nothing_a_reviewer_sees_tells_an_audit_from_another_item(brook: Brook) -> None:
    brook.learn()
    brook.send([NewItem(key="hm", text="yes hm"), *brook.texts(80)])
    requests = brook.store.requests(brook.project.id, 1)[60:]
    assert {request.reason for request in requests} >= {"audit", "uncertain"}
    by_item = sorted(requests, key=lambda request: request.item)
    assert [r.id for r in by_item] == sorted(r.id for r in requests), "ids are fixed on arrival"
    assert [r.priority for r in by_item] == [r.item for r in by_item]
    shown = brook.desk().next_many(100)
    assert {frozenset(request.item.data) for request in shown} == {frozenset()}
    assert [r.id for r in shown] == [r.id for r in by_item]


def test_only_the_coin_reads_the_seeds() -> None:
    source = Path(signoff.__file__).parent
    readers = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "window_seeds.c." in path.read_text() or "stream_window_seeds" in path.read_text()
    ]
    assert sorted(readers) == [
        "store/migrations/versions/0005_streams.py",
        "store/schema_streams.py",
        "store/window_seeds.py",
    ]


def test_a_seed_stays_secret_while_its_window_runs(brook: Brook) -> None:
    from signoff.store import window_seeds as seeds

    brook.send(brook.texts(1))
    with brook.store.reading() as db, pytest.raises(ValueError, match="stays secret"):
        seeds.reveal(db, brook.project.id, 1)
    assert seed_of(brook).hex() not in "".join(
        event.canonical for event in brook.store.events(brook.project.id)
    )


# -------------------------------------------------------------------------- beginning


def test_a_stream_that_cannot_keep_its_promise_is_refused(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'brook.signoff.db'}"
    with pytest.raises(Infeasible, match="too small to certify at most 10 % wrong labels"):
        Brook.open(where, tmp_path, spec=replace(SPEC, items=50))
    brook = Brook.open(where, tmp_path)
    assert [project.name for project in brook.store.projects()] == ["brook"]
    with pytest.raises(StoreChanged, match="There is a project 'brook' already"):
        Brook.open(where, tmp_path)
    brook.close()


def test_later_windows_share_alpha_where_the_promise_is_for_all_of_them(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'brook.signoff.db'}"
    spec = replace(SPEC, items=60, together=True, audit_rate=Decimal("0.5"))
    brook = Brook.open(where, tmp_path, spec=spec)
    brook.send(brook.texts(61))
    first, second = brook.store.windows(brook.project.id)
    assert first.plan.alpha == Decimal("0.05")
    assert second.plan.alpha == Decimal("0.0166666666666")
    assert second.plan.limit < first.plan.limit
    brook.close()


def test_a_learner_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    from signoff.stream.models import model_named

    path = tmp_path / "own.py"
    path.write_text("class Own:\n    def fit(self, items, answers, *, rng):\n        return self\n")
    with pytest.raises(UsageError, match="cannot keep what"):
        model_named(f"{path}:Own", ("yes", "no"))
