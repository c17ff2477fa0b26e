"""A form of every kind of question, answered over HTTP on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from servers import LocalHouse, make_house

from signoff.core.questions import Choice, Form, MultiChoice, Pairwise, Rating, Spans, Text
from signoff.core.routing import People
from signoff.sdk import run
from signoff.server.stored import StoredDesks, StoredProjects, open_served
from signoff.storeview import StoreView

FORM = Form(
    (
        Choice(labels=Choice.of(["Yes", "No"]).labels, name="useful"),
        MultiChoice(labels=MultiChoice.of(["A", "B"]).labels, name="topics"),
        Rating(name="tone"),
        Text(name="fix", field="draft"),
        Spans(labels=Spans.of(["Owl"]).labels, name="where"),
        Pairwise(name="better", a="draft", b="other"),
    )
)
ROWS = [
    {"text": f"🦉 number {at}", "draft": f"d{at}", "other": f"o{at}", "useful": "Yes"}
    for at in range(4)
]
ANSWERS: dict[str, Any] = {
    "useful": {"label": "No"},
    "topics": {"labels": ["A", "B"]},
    "tone": {"value": 4},
    "fix": {"text": "قهوة"},
    "where": {"spans": [{"start": 0, "end": 1, "label": "Owl"}]},
    "better": {"preferred": "both_bad"},
}


def work(where: str) -> Any:
    return run(
        ROWS,
        question=FORM,
        policy=People(),
        reviewer="none",
        text="text",
        store=where,
        guideline="# Rules",
        blur=True,
        item_kind="markdown",
        text_direction="rtl",
    )


@pytest.fixture
def where(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(tmp_path / "artifacts"))
    assert not work(store_url).finished
    return store_url


@pytest.fixture
def house(where: str) -> Iterator[LocalHouse]:
    with open_served(where) as store:
        yield make_house(StoredProjects(store=store), StoredDesks(store=store))


def path_of(browser: Any) -> str:
    (project,) = browser.get("/api/v1/projects").json()["projects"]
    return f"/api/v1/projects/{project['id']}"


def lease(browser: Any, path: str) -> Any:
    return browser.post(f"{path}/leases", json={"limit": 1}).json()["requests"][0]


def send(browser: Any, path: str, request: Any, answers: Any) -> Any:
    body = {"request": request["id"], "answers": answers}
    return browser.put(f"{path}/reviews/{uuid4()}", json=body)


def test_a_form_is_answered_undone_and_finished(house: LocalHouse, where: str) -> None:
    browser = house.browser()
    path = path_of(browser)
    shown = browser.get(path).json()
    assert [each["kind"] for each in shown["questions"]] == [each.kind for each in FORM.questions]
    assert (shown["guideline"], shown["blur"], shown["text_direction"]) == ("# Rules", True, "rtl")
    for at in range(len(ROWS)):
        request = lease(browser, path)
        assert request["item"]["kind"] == "markdown"
        assert request["item"]["fields"]["draft"] == ROWS[at]["draft"]
        assert "useful" not in request["item"]["fields"], "a column of labels would answer"
        assert send(browser, path, request, ANSWERS).status_code == 200
    undone = browser.post(f"{path}/undo", json={}).json()
    assert undone["answers"] == ANSWERS
    assert send(browser, path, undone["request"], ANSWERS).status_code == 200
    (last, *_) = browser.get(f"{path}/history").json()["reviews"]
    assert last["answers"] == ANSWERS
    done = work(where)
    assert done.finished
    for name, text in {
        "useful": "No",
        "topics": "A, B",
        "tone": "4",
        "fix": "قهوة",
        "where": '[{"start":0,"end":1,"label":"Owl"}]',
        "better": "both_bad",
    }.items():
        assert done.results[f"signoff_answer.{name}"].to_list() == [text] * len(ROWS)
    view = StoreView.open(where)
    verdict = view.verify()
    view.close()
    assert verdict.ok, str(verdict.problem)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"where": {"spans": [{"start": 0, "end": 99, "label": "Owl"}]}}, "ends beyond the text"),
        ({"tone": {"value": 7}}, "'tone'"),
        ({"tone": None}, "tone"),
        ({"other": {"label": "Yes"}}, "no question 'other'"),
    ],
)
def test_answers_that_are_none_are_refused_and_the_item_waits_on(
    house: LocalHouse, change: dict[str, Any], said: str
) -> None:
    browser = house.browser()
    path = path_of(browser)
    request = lease(browser, path)
    answers = {name: each for name, each in {**ANSWERS, **change}.items() if each is not None}
    refused = send(browser, path, request, answers)
    assert refused.status_code == 422
    assert said in refused.json()["detail"]
    assert lease(browser, path)["id"] == request["id"]


def test_another_answer_to_one_question_under_the_same_id_conflicts(house: LocalHouse) -> None:
    browser = house.browser()
    path, id = path_of(browser), uuid4()
    request = lease(browser, path)
    body = {"request": request["id"], "answers": ANSWERS}
    assert browser.put(f"{path}/reviews/{id}", json=body).status_code == 200
    assert browser.put(f"{path}/reviews/{id}", json=body).status_code == 200
    other = {**ANSWERS, "tone": {"value": 1}}
    refused = browser.put(f"{path}/reviews/{id}", json={**body, "answers": other})
    assert refused.status_code == 409
    assert (refused.json()["first"], refused.json()["second"]) == (ANSWERS, other)
