"""No response tells why an item is asked or what the model says of it."""

from __future__ import annotations

import json

import pytest
from queues import PREDICTED, REASON
from servers import LocalHouse, new_id

from signoff.core.records import Phase

TELLING = {"reason", "reasons", "prediction", "predicted", "confidence", "priority", "raw_score"}
TELLING |= {"machine", "words", "alike"}


def names(value: object) -> set[str]:
    """Every name of every object within a value."""
    if isinstance(value, dict):
        return set(value).union(*(names(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(names(each) for each in value))
    return set()


def everything(house: LocalHouse) -> list[str]:
    """The text of every response a reviewer can get, refusals included."""
    browser = house.browser()
    path, id = house.path, new_id()
    said = [browser.post(f"{path}/leases", json={"limit": 5})]
    requests = [each["id"] for each in said[0].json()["requests"]]
    body = {"request": requests[0], "answers": {"answer": {"label": "Positive"}}}
    other = {**body, "answers": {"answer": {"label": "Negative"}}}
    said += [
        browser.put(f"{path}/reviews/{id}", json=body),
        browser.put(f"{path}/reviews/{id}", json=other),
        browser.get(f"{path}/history"),
        browser.post(f"{path}/undo", json={}),
        browser.post(f"{path}/undo", json={}),
        browser.post(f"{path}/requests/{requests[1]}/skip", json={}),
        browser.post(f"{path}/requests/{requests[2]}/flag", json={"note": "odd"}),
        browser.post(f"{path}/requests/{new_id()}/flag", json={"note": "odd"}),
        browser.post(f"{path}/requests/{requests[2]}/comments", json={"id": id, "text": "odd"}),
        browser.get(f"{path}/requests/{requests[2]}/comments"),
        browser.get(f"{path}/requests/{requests[2]}/comments?all=true"),
        browser.get(f"{path}/requests/{requests[0]}/hint"),
        browser.get(f"{path}/requests/{requests[2]}/hint"),
        browser.request("DELETE", f"{path}/leases", json={"requests": requests}),
        browser.post(f"{path}/leases", json={"limit": 50, "holding": [new_id()]}),
        browser.get("/api/v1/me"),
        browser.get("/api/v1/projects"),
        browser.get(path),
        browser.get(f"{path}/progress"),
        browser.get(f"{path}/certificate"),
        browser.get("/metrics"),
    ]
    with_bodies = [each for each in said if each.status_code != 204]
    assert len(with_bodies) == len(said) - 4
    return [each.text for each in with_bodies]


@pytest.mark.parametrize("phase", ["learning", "auditing", "finishing"])
def test_no_response_holds_a_reason_or_a_prediction(house: LocalHouse, phase: Phase) -> None:
    house.queue.phase = phase
    for text in everything(house):
        assert REASON not in text
        assert PREDICTED not in text
        if text.startswith("{"):
            assert not TELLING & names(json.loads(text))


def test_a_certified_project_looks_the_same_in_every_phase(house: LocalHouse) -> None:
    browser = house.browser()
    seen: list[object] = []
    phases: list[Phase] = ["learning", "auditing", "finishing"]
    for phase in phases:
        house.queue.phase = phase
        seen.append(browser.get(f"{house.path}/progress").json())
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["phase"] == "asking"  # type: ignore[index]


def test_the_marks_would_be_found() -> None:
    """The queue that these tests use does hold what must not get out."""
    from queues import Queue, make_project

    waiting = next(iter(Queue.of(make_project()).waiting.values()))
    assert (waiting.reason, waiting.predicted) == (REASON, PREDICTED)
    assert names({"a": [{"reason": 1}]}) & TELLING
