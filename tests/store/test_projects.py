"""Projects, pools, rounds, audits and people: what was stored comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storeroom import Room, make_project

from signoff.core.commitment import TestResult
from signoff.core.questions import Choice, Form, Label, Rating
from signoff.core.records import Audit, Round
from signoff.core.routing import AskAlways, Certified, People, Threshold
from signoff.errors import StoreBusy
from signoff.testing.stores import new_id

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
policies = st.one_of(
    st.just(Certified(max_error=Decimal("0.0500"), certainty=Decimal("0.9"), slice="kind")),
    st.floats(0.01, 1).map(lambda p: Threshold(confidence=p)),
    st.just(People()),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=words,
    policy=policies,
    rules=st.lists(st.builds(AskAlways, column=words, value=words), max_size=2),
    column=st.none() | words,
    hidden=st.lists(words, max_size=2),
    text=words,
)
def test_a_project_comes_back_as_it_was(
    room: Room,
    name: str,
    policy: Certified | Threshold | People,
    rules: list[AskAlways],
    column: str | None,
    hidden: list[str],
    text: str,
) -> None:
    labels = (Label(id="a", name="A " + text, description=text), Label(id="b", name="B"))
    project = replace(
        make_project(f"{name} {new_id()}"),
        policy=policy,
        rules=tuple(rules),
        text_column=column,
        key_column=column,
        hidden=tuple(hidden),
        process={"reviewers": 2, "joined": [1.5, None, text]},
        form=Form((Choice(labels=labels, text=text, version=3), Rating(name="how sure"))),
    )
    room.store.create_project(project, [])
    assert room.store.find_project(project.name) == project


def test_without_a_name_the_only_project_is_meant_and_of_two_none(room: Room) -> None:
    assert room.store.find_project(None) == room.project
    second = make_project("second", created=room.project.created + 1)
    room.store.create_project(second, [])
    assert room.store.find_project(None) is None
    assert room.store.find_project("second") == second
    assert room.store.find_project("third") is None
    assert room.store.project_names() == ["reviews", "second"]


def test_pools_come_in_order_and_keep_their_rows(room: Room) -> None:
    made = [room.add_pool(number, items=number + 1) for number in (1, 2, 3)]
    assert room.store.pools(room.project.id) == made
    assert [room.store.rows(pool).height for pool in made] == [2, 3, 4]
    assert room.store.rows(made[1])["text"].to_list()[0] == "text of item 0"


def test_a_pool_number_is_given_once(room: Room) -> None:
    """Two runs that add rows at once cannot make one pool of them."""
    room.add_pool()
    with pytest.raises(StoreBusy, match="another process"):
        room.add_pool()
    assert len(room.store.pools(room.project.id)) == 1


def test_rounds_come_back_in_order_and_the_last_forecast_is_the_pools(room: Room) -> None:
    room.add_pool()
    rounds = [
        Round(
            pool=1,
            number=number,
            answers=10 * number,
            reason="uncertain",
            model="m" if number else None,
            forecast={"answered": number, "learning": 0, "audit": 1, "review": 2, "automatic": 3},
            scores={"held_out_accuracy": 1 / 3},
        )
        for number in range(3)
    ]
    for each in rounds:
        room.store.ask(room.project.id, 1, [], [], undone=0, round=each, phase="learning")
    assert room.store.rounds(room.project.id, 1) == rounds
    assert room.store.pools(room.project.id)[0].forecast == rounds[-1].forecast
    assert room.store.rounds(room.project.id, 2) == []


def test_a_round_is_recorded_once(room: Room) -> None:
    room.add_pool()
    once = Round(pool=1, number=1, answers=0, reason="start", model=None, forecast=None, scores={})
    room.store.ask(room.project.id, 1, [], [], undone=0, round=once)
    with pytest.raises(StoreBusy):
        room.store.ask(room.project.id, 1, [], [], undone=0, round=once, phase="closed")
    assert room.store.pools(room.project.id)[0].phase == "learning"


def test_an_audit_comes_back_as_it_was_and_the_newest_counts(room: Room) -> None:
    room.add_pool()
    found = TestResult(name="all", finds=1, open=2, automatic=3)
    audits = [
        Audit(
            pool=1,
            question="answer",
            attempt=attempt,
            committed={"tests": [{"alpha": 0.05, "name": "all"}], "max_error": "0.05"},
            seed=bytes(range(attempt, attempt + 32)),
            seed_chosen_by="operator",
            tokens={"Positive": [("good", 1.25)]},
        )
        for attempt in (1, 2)
    ]
    for number, audit in enumerate(audits):
        frozen = room.decisions({number: room.project.question.parse("Positive")})
        learned = Round(
            pool=1, number=number, answers=0, reason="audit", model=None, forecast=None, scores={}
        )
        room.store.commit_audit(
            room.project.id, [audit], {"answer": frozen}, [], [], undone=0, round=learned
        )
        pool = room.store.pools(room.project.id)[0]
        assert (pool.phase, pool.frozen_roots) == ("auditing", {"answer": frozen.root})
    back = room.store.audits(room.project.id, 1)["answer"]
    assert replace(back, tokens=None) == replace(audits[1], tokens=None)
    assert back.tokens is not None
    assert [tuple(pair) for pair in back.tokens["Positive"]] == [("good", 1.25)]
    done = replace(audits[1], certificate={"holds": True}, results=(found,))
    batch = room.decisions({3: room.project.question.parse("Positive")})
    decided = {"answer": batch}
    room.store.decide(
        room.project.id, 1, decided, [], by="model", phase="finishing", undone=0, audits=[done]
    )
    judged = room.store.audits(room.project.id, 1)["answer"]
    assert (judged.certificate, judged.results) == ({"holds": True}, (found,))
    assert room.store.pools(room.project.id)[0].model_roots == {"answer": batch.root}


def test_reviewers_are_known_by_name_in_each_project(room: Room) -> None:
    second = make_project("second")
    room.store.create_project(second, [])
    other = Room(store=room.store, project=second, where="", folder=room.folder)
    ann, ben, guest = room.add_reviewer("Ann"), room.add_reviewer("Ben"), other.add_reviewer("Ann")
    assert room.store.reviewer_names(room.project.id) == {ann: "Ann", ben: "Ben"}
    assert room.store.find_reviewer(room.project.id, "Ann") == ann
    assert room.store.find_reviewer(second.id, "Ann") == guest
    assert room.store.find_reviewer(second.id, "Ben") is None


def test_one_name_is_one_reviewer(room: Room) -> None:
    room.add_reviewer("Ann")
    with pytest.raises(StoreBusy):
        room.add_reviewer("Ann")
    assert list(room.store.reviewer_names(room.project.id).values()) == ["Ann"]
