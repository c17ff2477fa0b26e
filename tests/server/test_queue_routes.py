"""A reviewer's work over HTTP: lease, answer, undo, look back."""

from __future__ import annotations

import pytest
from queues import Queue
from servers import LocalHouse, new_id

from signoff.errors import StoreBusy, StoreError


def leased(house: LocalHouse, limit: int = 1) -> tuple[object, list[dict[str, object]]]:
    browser = house.browser()
    got = browser.post(f"{house.path}/leases", json={"limit": limit}).json()
    return browser, got["requests"]


def review(request: object, label: str = "Positive") -> dict[str, object]:
    return {"request": request, "answers": {"answer": {"label": label}}, "seconds": 1.5}


def test_a_lease_gives_items_as_people_read_them(house: LocalHouse) -> None:
    browser = house.browser()
    got = browser.post(f"{house.path}/leases", json={"limit": 2})
    assert got.status_code == 200
    first = got.json()["requests"][0]
    assert first["item"] == {
        "key": "key-0",
        "text": "text of item 0",
        "kind": "text",
        "fields": {"stars": 0},
        "image": None,
    }
    assert first["lease_until"] == "2023-11-14T22:13:20.000000Z"
    assert len(got.json()["requests"]) == 2
    assert got.json()["why"] is None


def test_what_is_held_is_renewed_and_what_is_lost_is_named(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    stranger = new_id()
    got = browser.post(
        f"{house.path}/leases", json={"limit": 0, "holding": [first["id"], stranger]}
    )
    assert got.json()["lost"] == [stranger]
    assert got.json()["requests"] == []
    assert got.json()["why"] is None


def test_nothing_to_lease_comes_with_a_reason_and_a_time(house: LocalHouse) -> None:
    browser, _ = leased(house, limit=50)
    got = browser.post(f"{house.path}/leases", json={}).json()
    assert got["why"].startswith("Others are answering")
    assert got["retry_seconds"] > 0


def test_a_closed_project_says_so_and_asks_nobody_back(house: LocalHouse) -> None:
    browser, _ = leased(house, limit=50)
    house.queue.phase = "closed"
    got = browser.post(f"{house.path}/leases", json={}).json()
    assert (got["why"], got["retry_seconds"]) == ("Every item is decided.", None)
    assert got["progress"]["phase"] == "closed"


def test_a_paused_project_says_why(house: LocalHouse) -> None:
    browser, _ = leased(house, limit=50)
    house.queue.paused = "Nobody runs signoff on this project."
    got = browser.post(f"{house.path}/leases", json={}).json()
    assert got["why"] == "Nobody runs signoff on this project."


@pytest.mark.parametrize("how", ["delete", "beacon"])
def test_leases_are_given_back(house: LocalHouse, how: str) -> None:
    browser, (first,) = leased(house)
    body = {"requests": [first["id"]]}
    if how == "delete":
        got = browser.request("DELETE", f"{house.path}/leases", json=body)
    else:
        got = house.client(
            Cookie=f"{house.access.cookie}={browser.cookies[house.access.cookie]}"
        ).post(
            f"{house.path}/leases/return",
            content=f'{{"requests": ["{first["id"]}"]}}',
            headers={"Content-Type": "text/plain;charset=UTF-8", "Origin": house.url},
        )
    assert got.status_code == 204
    assert house.queue.waiting[str(first["id"])].state == "open"


def test_a_beacon_that_is_no_json_is_refused(house: LocalHouse) -> None:
    browser, _ = leased(house)
    got = browser.post(
        f"{house.path}/leases/return", content="requests=1", headers={"Origin": house.url}
    )
    assert (got.status_code, got.json()["code"]) == (400, "invalid")


def test_an_answer_is_stored_once_however_often_it_is_sent(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    id = new_id()
    sent = [browser.put(f"{house.path}/reviews/{id}", json=review(first["id"])) for _ in range(3)]
    assert [each.status_code for each in sent] == [200, 200, 200]
    assert all(each.json()["counted"] for each in sent)
    assert len(house.queue.given) == 1
    assert sent[-1].json()["progress"]["mine"] == 1


def test_another_answer_under_the_same_id_is_refused_with_both(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    id = new_id()
    browser.put(f"{house.path}/reviews/{id}", json=review(first["id"]))
    got = browser.put(f"{house.path}/reviews/{id}", json=review(first["id"], "Negative"))
    assert got.status_code == 409
    assert got.headers["content-type"] == "application/problem+json"
    problem = got.json()
    assert problem["code"] == "other_answer"
    assert problem["first"] == {"answer": {"label": "Positive"}}
    assert problem["second"] == {"answer": {"label": "Negative"}}


def test_an_answer_after_another_persons_is_kept_and_not_counted(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    house.memory(house.queue.project, "ben").answer(
        str(first["id"]), {"answer": house.queue.project.question.parse("Negative")}, seconds=None
    )
    got = browser.put(f"{house.path}/reviews/{new_id()}", json=review(first["id"]))
    assert got.json()["counted"] is False
    assert len(house.queue.given) == 2


def test_cannot_say_is_an_answer(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    body = {"request": first["id"], "answers": {"answer": {"cannot_say": True}}}
    assert browser.put(f"{house.path}/reviews/{new_id()}", json=body).status_code == 200


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"answer": {"label": "Neutral"}}, "unknown_label"),
        ({"answer": {"label": "Positive", "sure": True}}, "unknown_label"),
        ({"other": {"label": "Positive"}}, "not_an_answer"),
        (
            {"answer": {"label": "Positive"}, "other": {"label": "Positive"}},
            "not_an_answer",
        ),
    ],
)
def test_an_answer_that_the_question_does_not_allow_is_refused(
    house: LocalHouse, answers: object, code: str
) -> None:
    browser, (first,) = leased(house)
    body = {"request": first["id"], "answers": answers}
    got = browser.put(f"{house.path}/reviews/{new_id()}", json=body)
    assert (got.status_code, got.json()["code"]) == (422, code)
    assert house.queue.given == []


def test_a_skipped_item_goes_behind_the_others(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    got = browser.post(f"{house.path}/requests/{first['id']}/skip", json={"reason": "too long"})
    assert got.status_code == 204
    assert house.queue.skipped_why == ["too long"]
    again = browser.post(f"{house.path}/leases", json={"limit": 1}).json()["requests"]
    assert again[0]["id"] != first["id"]


def test_a_flag_is_noted_and_the_item_waits_on(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    got = browser.post(f"{house.path}/requests/{first['id']}/flag", json={"note": "wrong language"})
    assert got.status_code == 204
    assert house.queue.flags == [(first["id"], "wrong language")]


def test_an_answer_is_taken_back_with_its_item(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    browser.put(f"{house.path}/reviews/{new_id()}", json=review(first["id"]))
    got = browser.post(f"{house.path}/undo", json={})
    assert got.status_code == 200
    assert got.json()["request"]["id"] == first["id"]
    assert got.json()["answers"] == {"answer": {"label": "Positive"}}
    assert house.queue.given == []


def test_a_settled_answer_stays(house: LocalHouse) -> None:
    browser, (first,) = leased(house)
    id = new_id()
    browser.put(f"{house.path}/reviews/{id}", json=review(first["id"]))
    house.queue.given[0].settled = True
    got = browser.post(f"{house.path}/undo", json={"review": id})
    assert (got.status_code, got.json()["code"]) == (409, "settled")
    assert len(house.queue.given) == 1


def test_history_lists_ones_own_answers_newest_first(house: LocalHouse) -> None:
    browser, requests = leased(house, limit=3)
    for request in requests:
        browser.put(f"{house.path}/reviews/{new_id()}", json=review(request["id"]))
    house.memory(house.queue.project, "ben").answer(
        list(house.queue.waiting)[4],
        {"answer": house.queue.project.question.parse("Negative")},
        seconds=None,
    )
    got = browser.get(f"{house.path}/history", params={"limit": 2}).json()["reviews"]
    assert [each["request"] for each in got] == [requests[2]["id"], requests[1]["id"]]
    assert got[0]["item"] == {"text": "text of item 2"}
    assert got[0]["undoable"] is True


@pytest.mark.parametrize("what", ["skip", "flag", "answer"])
def test_a_request_that_is_not_there_is_a_conflict(house: LocalHouse, what: str) -> None:
    browser, stranger = house.browser(), new_id()
    if what == "answer":
        got = browser.put(f"{house.path}/reviews/{new_id()}", json=review(stranger))
    else:
        body = {"note": "odd"} if what == "flag" else {}
        got = browser.post(f"{house.path}/requests/{stranger}/{what}", json=body)
    assert (got.status_code, got.json()["code"]) == (409, "not_leased")


def test_a_busy_store_is_a_problem_to_try_again(house: LocalHouse) -> None:
    browser = house.browser()
    house.queue.failure = StoreBusy("/srv/secret/reviews.db is busy in another process.")
    got = browser.get(f"{house.path}/progress")
    assert (got.status_code, got.json()["code"]) == (503, "store_busy")
    assert got.headers["retry-after"] == "1"
    assert "/srv" not in got.text


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (StoreError("/srv/secret/reviews.db is damaged.", code="damaged"), "damaged"),
        (RuntimeError("text of item 3"), "internal"),
    ],
)
def test_what_goes_wrong_here_tells_callers_nothing(
    house: LocalHouse, failure: Exception, code: str
) -> None:
    browser = house.browser()
    house.queue.failure = failure
    got = browser.get(f"{house.path}/progress")
    assert (got.status_code, got.json()["code"]) == (500, code)
    assert "/srv" not in got.text
    assert "item 3" not in got.text


def test_items_without_a_text_are_their_fields() -> None:
    from dataclasses import replace

    from queues import make_project

    from signoff.server.render import item_shown

    project = replace(make_project(), text_column=None)
    item = Queue.of(project).waiting.popitem()[1].item
    shown = item_shown(item, project)
    assert (shown.kind, shown.text) == ("fields", "")
    assert shown.fields == {"text": "text of item 5", "stars": 5}
