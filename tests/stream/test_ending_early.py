"""A window that is ended before it is full: what it promises then, and that the log says so."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from brook import Brook

from signoff.errors import WindowOver
from signoff.store.schema_streams import windows
from signoff.storeview import StoreView


def view(brook: Brook) -> StoreView:
    return StoreView(brook.store, brook.project, lambda _: None)  # type: ignore[arg-type]


def test_a_window_ends_early_with_the_errors_it_began_with(brook: Brook) -> None:
    brook.learn()
    brook.send(brook.texts(100))
    assert brook.window.open
    brook.decider.end_window(1, by="ann")
    assert (brook.window.ended, brook.window.size) == (160, 160)
    assert brook.window.certificate is None
    brook.answer()
    certificate = brook.window.certificate
    assert certificate is not None
    said = {name: certificate[name] for name in ("planned", "items", "errors", "open")}
    assert said == {"planned": 300, "items": 160, "errors": 30, "open": 0}
    assert certificate["human"] + certificate["automatic"] == 160  # type: ignore[operator]
    assert "At most 30 of 160 labels (18.75 %)" in str(certificate["statement"])
    assert "ended early, at 160 of 300 labels" in " ".join(certificate["notes"])  # type: ignore[arg-type]
    verdict = view(brook).verify()
    assert verdict.ok, verdict.problem


def test_a_window_that_the_tables_say_goes_on_does_not_verify(sqlite_brook: Brook) -> None:
    sqlite_brook.send(sqlite_brook.texts(3))
    sqlite_brook.decider.end_window(1, by="ann")
    assert view(sqlite_brook).verify().ok
    with sqlite_brook.store.transaction() as db:
        db.execute(sa.update(windows).values(ended=None))
    problem = view(sqlite_brook).verify().problem
    assert problem is not None
    assert "ended is null in the table, 3 in the log" in problem.reason


def test_the_next_item_begins_the_next_window_and_automation_goes_on(brook: Brook) -> None:
    brook.learn()
    while not brook.window.alarmed:
        brook.send(brook.texts(10, lies=True))
        brook.answer()
    brook.decider.end_window(1, by="ann")
    brook.answer()
    assert brook.window.certificate is not None
    (item,) = brook.send(brook.texts(1))
    assert (item.window, brook.window.number, brook.window.arrived) == (2, 2, 1)
    (pool, _) = brook.store.pools(brook.project.id)
    assert (pool.items, pool.phase) == (brook.store.windows(brook.project.id)[0].size, "closed")
    verdict = view(brook).verify()
    assert verdict.ok, verdict.problem


def test_ending_twice_is_ending_once_and_what_cannot_end_is_refused(brook: Brook) -> None:
    with pytest.raises(WindowOver, match="Nothing arrived in window 1"):
        brook.decider.end_window(1, by="ann")
    brook.send(brook.texts(3))
    for number in (0, 2):
        with pytest.raises(WindowOver, match=f"no window {number}"):
            brook.decider.end_window(number, by="ann")
    for _ in range(2):
        brook.decider.end_window(1, by="ann")
    assert brook.events("window.ended") == ["window.ended"]
    brook.send(brook.texts(1))
    with pytest.raises(WindowOver, match="Window 1 has all its items"):
        brook.decider.end_window(1, by="ann")
