"""A stream's project pages: its window, what waits, and nothing that tells of a coin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from brook import Brook
from starlette.testclient import TestClient

from signoff.project.views import PoolViews
from signoff.server.access import LocalAccess, Role
from signoff.server.app import create_app
from signoff.server.guard import loopback_hosts
from signoff.server.site.context import Office
from signoff.server.stored import StoredDesks, StoredProjects
from signoff.storeview import StoreView

PORT = 8765


def browser(brook: Brook, role: Role) -> Any:
    access = LocalAccess("ann", port=PORT, role=role)
    app = create_app(
        StoredProjects(store=brook.store, stale=0),
        StoredDesks(store=brook.store),
        access=access,
        hosts=loopback_hosts(PORT),
        static=Path(__file__).parent,
        office=Office.over(brook.store),
    )
    client = TestClient(app, base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
    assert client.get("/", params={"token": access.token}).status_code == 303
    return client


@pytest.fixture
def busy(sqlite_brook: Brook) -> Brook:
    """A stream whose audits wait."""
    sqlite_brook.learn()
    sqlite_brook.send(sqlite_brook.texts(100))
    assert sqlite_brook.window.open
    return sqlite_brook


@pytest.mark.parametrize("role", ["auditor", "manager"])
def test_every_page_of_a_stream_opens(busy: Brook, role: Role) -> None:
    ann, pages = browser(busy, role), f"/projects/{busy.project.id}"
    for path in ("", "/items", "/items?state=waiting&q=yes", "/people", "/settings", "/log"):
        assert ann.get(pages + path).status_code == 200, path
    listed = ann.get(f"{pages}/items?state=waiting").text
    one = re.search(r'href="(/projects/[^"]+/items/\d+/\d+)"', listed)
    assert one is not None
    assert ann.get(one[1]).status_code == 200
    assert ann.get(f"{pages}/items/1/999999").status_code == 404


def test_the_overview_shows_the_window_and_to_auditors_what_it_has_spent(busy: Brook) -> None:
    page = browser(busy, "auditor").get(f"/projects/{busy.project.id}").text
    assert re.search(r"<dt>Audits that wait</dt>\s*<dd>[1-9]", page)
    assert "Budget left before a pause" in page
    mine = browser(busy, "manager").get(f"/projects/{busy.project.id}").text
    assert "items arrived" in mine
    for telling in ("Audits that wait", "Budget left", "Found wrong", "audits wait"):
        assert telling not in mine


def test_who_may_answer_a_stream_is_told_no_coin(busy: Brook) -> None:
    ann, pages = browser(busy, "manager"), f"/projects/{busy.project.id}"
    for path in ("/items?state=waiting", "/items?reason=audit&state=waiting"):
        listed = ann.get(pages + path).text
        assert listed.count(">waits") == ann.get(f"{pages}/items?state=waiting").text.count(
            ">waits"
        )
        assert not re.search(r">\s*audit\s*<", listed)
        assert 'name="reason"' not in listed
    assert "audit" not in ann.get(f"{pages}/log").text.lower().replace("items are audited", "")


def test_results_for_who_may_answer_tell_no_coin_and_no_label_of_what_waits(busy: Brook) -> None:
    views = PoolViews(busy.store, busy.project, frozenset(), {})
    view = StoreView(busy.store, busy.project, views)
    whole, blind = view.results(), view.results(blind=True)
    waiting = {each.key for each in busy.store.requests(busy.project.id, 1) if each.state == "open"}
    assert waiting
    assert "audit" in set(whole["signoff_reason"])
    assert set(blind["signoff_reason"]) == {None}
    told = [name for name in blind.columns if name.startswith("signoff_")]
    covered = blind.filter(blind["key"].is_in(list(waiting)))
    assert covered.height == len(waiting)
    assert covered.select(told).unique().rows() == [(None,) * len(told)]
    others = ~whole["key"].is_in(list(waiting))
    kept = ["key", "signoff_answer", "signoff_by", "signoff_confidence"]
    assert blind.filter(others).select(kept).equals(whole.filter(others).select(kept))
