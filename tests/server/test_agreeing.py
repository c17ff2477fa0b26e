"""How far people agree and how often they are right, as the People page tells each visitor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from offices import OfficeHouse, begin, office, send, words

from signoff.bootstrap import recorder_for
from signoff.core.questions import Answer, Choice, Chosen, Form, Rating
from signoff.core.questions.kinds import KINDS
from signoff.core.routing import Certified
from signoff.desk import QueueDesk, sign_in
from signoff.managing import Known
from signoff.server.access import Role
from signoff.server.site.agreeing import (
    MEASURES,
    READINGS,
    Pairs,
    answers_of,
    by_person,
    by_question,
)
from signoff.server.stored import StoredDesks

FORM = Form((Choice.of(["Yes", "No"]), Rating(name="tone")))
GOOD, BAD = Chosen("Positive"), Chosen("Negative")
KNOWN = 12
LIKE_KNOWN = "planted"


def said(label: str, tone: int) -> dict[str, object]:
    return {"answer": {"label": label}, "tone": {"value": tone}}


# ------------------------------------------------------------------------------ counting


def test_agreement_counts_every_pair_of_people_and_every_question() -> None:
    overlaps = [
        {"a": said("Yes", 3), "b": said("Yes", 4)},
        {"a": said("No", 3), "b": said("No", 3), "c": said("Yes", 3)},
    ]
    found = by_person(FORM, answers_of(FORM, overlaps))
    assert found["a"] == found["b"] == Pairs(same=1 + 2 + 1, pairs=2 + 4)
    assert found["c"] == Pairs(same=2, pairs=4)


def test_answers_to_an_earlier_question_and_items_of_one_person_are_left_out() -> None:
    earlier = {"a": said("Perhaps", 3), "b": said("Yes", 3)}
    assert answers_of(FORM, [earlier]) == []
    overlaps = [{"a": said("Yes", 3), "b": said("No", 3)}, {"b": said("No", 1), "c": said("No", 1)}]
    assert by_person(FORM, answers_of(FORM, overlaps, without="a")) == {
        "b": Pairs(same=2, pairs=2),
        "c": Pairs(same=2, pairs=2),
    }


def test_each_question_is_measured_by_its_own_kind_and_says_what_it_means() -> None:
    overlaps = [
        {"a": said("Yes" if n % 2 else "No", 1 + n % 5), "b": said("Yes", 1 + n % 5)}
        for n in range(40)
    ]
    answer, tone = by_question(FORM, answers_of(FORM, overlaps))
    assert answer.found is not None
    assert (answer.found.items, answer.found.same) == (40, 0.5)
    assert answer.says == READINGS["chance"]
    assert (tone.alpha, tone.says) == (1.0, READINGS["strong"])
    assert tone.measure == MEASURES["rating"] != answer.measure
    few, _ = by_question(FORM, answers_of(FORM, overlaps[:5]))
    assert few.says == READINGS["few"]
    nothing, _ = by_question(FORM, [])
    assert (nothing.found, nothing.says) == (None, READINGS["none"])


def test_every_measure_is_of_a_kind_there_is() -> None:
    assert set(MEASURES) <= set(KINDS)


# ------------------------------------------------------------------------------ the page


def desk_of(house: OfficeHouse, name: str) -> QueueDesk:
    """A place at the queue that gets known answers whenever it can."""
    recorder = recorder_for(house.store, house.project().id, actor="test")
    return QueueDesk(
        store=house.store,
        project=house.project(),
        recorder=recorder,
        reviewer=sign_in(house.store, recorder, name=name, kind="person"),
        gold_share=0.9,
    )


def answer_all(house: OfficeHouse, name: str, answer: Answer) -> None:
    """Say the same of every item that waits for somebody; known ones are "Positive"."""
    desk = desk_of(house, name)
    while asked := desk.next_many(10):
        for request in asked:
            desk.answer(request, answer, seconds=4.0)


def reviewers_over_http(house: OfficeHouse) -> dict[str, tuple[int, int | None, int | None]]:
    """What a program is told of everybody: answers, those to known items, and those right."""
    told = house.browser().get(f"/api/v1/projects/{house.project().id}/reviewers").json()
    return {
        each["name"]: (each["answers"], each["gold_answers"], each["gold_right"])
        for each in told["reviewers"]
    }


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certified project where three people answer each item, with known answers; two have
    answered all that there is, and of two items all three."""
    where = tmp_path_factory.mktemp("agreeing") / "reviews.signoff.db"
    begin(where, rows=400, policy=Certified(), overlap=3)
    with office(where) as house:
        StoredDesks(store=house.store).manager(house.project()).plant(
            [
                Known(
                    key=f"known-{n}",
                    answers={"answer": GOOD},
                    shown={"text": f"{LIKE_KNOWN} {n}", "data": {}},
                )
                for n in range(KNOWN)
            ]
        )
        answer_all(house, "bob", GOOD)
        answer_all(house, "eve", BAD)
        recorder = recorder_for(house.store, house.project().id, actor="test")
        desk = desk_of(house, "cyd")
        desk.gold_share = 0
        for request in desk.next_many(2):
            desk.answer(request, GOOD, seconds=9.0)
        house.store.set_tags(
            house.project().id,
            desk.reviewer,
            ["medic"],
            [recorder.event("reviewer.tagged", {"reviewer": desk.reviewer, "tags": ["medic"]})],
        )
    return where


@pytest.fixture(params=["auditor", "manager"])
def house(request: pytest.FixtureRequest, waiting: Path) -> Iterator[OfficeHouse]:
    role: Role = request.param
    with office(waiting, role=role) as opened:
        yield opened


def row_of(page: str, name: str) -> str:
    """A person's line."""
    found = re.search(rf'<tr>\s*<th scope="row"><bdi>{name}</bdi>.*?</tr>', page, re.DOTALL)
    assert found is not None, name
    return words(found[0])


def test_the_page_tells_how_each_person_answers(house: OfficeHouse) -> None:
    page = house.browser().get(f"{house.pages()}/people").text
    bob, eve, cyd = (row_of(page, name) for name in ("bob", "eve", "cyd"))
    answered = house.store.reviewers_work(house.project().id)
    assert {each.name: each.answers for each in answered} == {"bob": 28, "eve": 28, "cyd": 2}
    assert "28 4.0 s" in bob
    assert "100 % right of 12" in bob
    assert "0 % right of 12" in eve
    assert "0 % of 4 0 % right of 12" in eve
    assert cyd.startswith("cyd medic 2 9.0 s 50 % of 4 –")


def test_items_that_wait_for_a_further_person_tell_nothing(house: OfficeHouse) -> None:
    """Bob and Eve answered sixteen items each; fourteen of them wait for somebody yet."""
    page = words(house.browser().get(f"{house.pages()}/people").text)
    assert [len(said) for said in house.store.overlaps(house.project().id)] == [3, 3]
    assert "Too few items have answers of two people" in page
    assert "2 items with 6 answers" in page


def test_a_manager_changes_tags_on_the_page_and_an_auditor_does_not(waiting: Path) -> None:
    with office(waiting, role="manager") as house:
        browser, page = house.browser(), f"{house.pages()}/people"
        (cyd,) = (
            each.id for each in house.store.reviewers_work(house.project().id) if each.name == "cyd"
        )
        for written, kept in (
            ("nurse,  medic", ["medic", "nurse"]),
            ("", []),
            ("medic", ["medic"]),
        ):
            fields = {"reviewer": cyd, "tags": written}
            assert send(house, browser, f"{page}/tags", fields, page).status_code == 303
            assert house.store.reviewer_tags(house.project().id).get(cyd, []) == kept
        many = " ".join(f"t{n}" for n in range(51))
        for who, tags in ((cyd, "no tag!"), (cyd, many), ("x", "medic")):
            fields = {"reviewer": who, "tags": tags}
            assert send(house, browser, f"{page}/tags", fields, page).status_code == 422
        assert house.store.reviewer_tags(house.project().id) == {cyd: ["medic"]}
    with office(waiting, role="auditor") as house:
        browser = house.browser()
        assert "Skills" not in browser.get(f"{house.pages()}/people").text
        origin = {"Origin": house.url}
        assert browser.post(f"{house.pages()}/people/tags", headers=origin).status_code == 403


def test_whoever_may_answer_is_told_nothing_of_what_they_could_mend(waiting: Path) -> None:
    """Ann is the third who answers three items: she could take that back and say what others do."""
    with office(waiting) as house:
        desk = desk_of(house, "ann")
        desk.gold_share = 0
        for request in desk.next_many(3):
            desk.answer(request, GOOD, seconds=1.0)
        page = house.browser().get(f"{house.pages()}/people").text
        assert row_of(page, "ann").startswith("ann 3 1.0 s after the certificate")
        assert "you are not shown how well you do" in words(page)
        assert "2 items with 6 answers" in words(page)
        listed = reviewers_over_http(house)
        assert listed["ann"] == (3, None, None)
        assert None not in listed["bob"]
    with office(waiting, role="auditor") as house:
        page = words(house.browser().get(f"{house.pages()}/people").text)
        assert "after the certificate" not in page
        assert "ann 3 1.0 s 50 % of 6" in page
        assert "5 items with 15 answers" in page


def test_somebody_who_answers_known_items_cannot_tell_them_by_a_number_that_grows(
    waiting: Path,
) -> None:
    with office(waiting) as house:
        desk = desk_of(house, "ann")
        before, *_ = reviewers_over_http(house)["ann"]
        for request in desk.next_many(5):
            desk.answer(request, GOOD, seconds=1.0)
        listed = reviewers_over_http(house)
        assert listed["ann"] == (before + 5, None, None)
        known = sum(
            each.gold_answers
            for each in StoredDesks(store=house.store).manager(house.project()).people()
            if each.name == "ann"
        )
        assert known > 0
        assert listed["bob"][1:] == (KNOWN, KNOWN)
