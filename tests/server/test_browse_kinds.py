"""Browsing where more than one choice is asked, and of who answered among others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from offices import OfficeHouse, begin, office, send, words
from servers import new_id

from signoff.core.questions import Choice, Chosen, Form, MultiChoice, Pairwise, Rated, Rating, Text
from signoff.core.routing import Certified, People
from signoff.errors import InputError
from signoff.server.site.options import (
    MOST_VALUES,
    choosings,
    chosen,
    label_options,
    labels_in,
    wanted_label,
)
from signoff.server.stored import StoredDesks

TOPIC = Choice.of(["Camping", "Music"])
TONE = Rating(name="tone", low=0, high=1, step=0.5)
BOTH = Form((TOPIC, TONE))
GOOD, BAD = Chosen("Positive"), Chosen("Negative")


def items_of(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'href="/projects/[^/]+/items/1/(\d+)"', page)]


# ------------------------------------------------------------------------------ options


def test_everything_that_can_be_said_in_one_choice_is_an_option() -> None:
    names = {each.value: (each.question, each.label, each.name) for each in label_options(BOTH)}
    assert names == {
        "0.0": ("answer", "Camping", "answer: Camping"),
        "0.1": ("answer", "Music", "answer: Music"),
        "0.-": ("answer", "", "answer: (cannot say)"),
        "1.0": ("tone", "0", "tone: 0"),
        "1.1": ("tone", "0.5", "tone: 0.5"),
        "1.2": ("tone", "1", "tone: 1"),
        "1.-": ("tone", "", "tone: (cannot say)"),
    }
    sides = [each.label for each in label_options(Form((Pairwise(a="x", b="y"),)))]
    assert sides == ["a", "b", "tie", "both_bad", ""]
    assert wanted_label("1.1", BOTH) == ("tone", "0.5")
    assert wanted_label("1.9", BOTH) is None


def test_what_was_said_is_named_as_the_options_are() -> None:
    answers = {
        "one": {"label": "A"},
        "many": {"labels": ["A", "B"]},
        "number": {"value": 0.5},
        "pair": {"preferred": "tie"},
        "none": {"cannot_say": True},
        "text": {"text": "free"},
    }
    assert labels_in(answers) == {
        ("one", "A"),
        ("many", "A"),
        ("many", "B"),
        ("number", "0.5"),
        ("pair", "tie"),
        ("none", ""),
    }
    assert labels_in(None) == frozenset()


def test_many_items_are_answered_at_once_where_no_answer_depends_on_the_item() -> None:
    assert [each.field for each in choosings(BOTH)] == ["label0", "label1"]
    assert [each.field for each in choosings(Form((TONE,)))] == ["label"]
    for question in (Text(), MultiChoice.of(["A", "B"]), Rating(low=0, high=MOST_VALUES + 1)):
        assert choosings(Form((question,))) == []
    given = chosen(BOTH, {"label0": "0.1", "label1": "1.2"})
    assert given == {"answer": Chosen("Music"), "tone": Rated(1)}
    for missing in ({"label0": "0.1"}, {"label0": "1.1", "label1": "1.2"}, {}):
        with pytest.raises(InputError, match="No answer was chosen"):
            chosen(BOTH, missing)
    with pytest.raises(InputError, match="one by one"):
        chosen(Form((Text(),)), {"label": "0.-"})


# -------------------------------------------------------------------------------- pages


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficeHouse]:
    """A project that asks for a topic and a tone."""
    where = tmp_path_factory.mktemp("both") / "reviews.signoff.db"
    begin(where, rows=20, form=BOTH, policy=People())
    with office(where) as house:
        yield house


def test_several_items_get_an_answer_to_every_question_and_are_found_by_each(
    both: OfficeHouse,
) -> None:
    browser, page = both.browser(), f"{both.pages()}/items?state=waiting"
    first = browser.get(page).text
    assert 'name="label0"' in first
    assert 'name="label1"' in first
    ids = re.findall(r'name="request" value="([^"]+)"', first)
    fields = {"request": ids[:2], "label0": "0.1", "label1": "1.1", "once": new_id()}
    got = send(both, browser, f"{both.pages()}/items/answer", fields, page)
    assert got.headers["location"].endswith("done=2-0")
    fields = {"request": ids[2:4], "label0": "0.1", "once": new_id()}
    assert send(both, browser, f"{both.pages()}/items/answer", fields, page).status_code == 422
    wanted = [each.item for each in both.store.reviews(both.project(), 1)]
    for state in ("any", "answered"):
        for option, found in (("0.1", wanted), ("1.1", wanted), ("1.2", []), ("0.0", [])):
            listed = browser.get(f"{both.pages()}/items?state={state}&label={option}").text
            assert items_of(listed) == found, (state, option)


@pytest.mark.parametrize(
    "query",
    ["state=untouched&sort=newest", "state=model&sort=newest"],
)
def test_what_nobody_answered_has_no_newest_answer(both: OfficeHouse, query: str) -> None:
    plain = both.browser().get(f"{both.pages()}/items?{query.partition('&')[0]}").text
    assert items_of(both.browser().get(f"{both.pages()}/items?{query}").text) == items_of(plain)


@pytest.mark.parametrize("state", ["untouched", "model"])
@pytest.mark.parametrize("filter", ["reviewer=anybody", "reason=start"])
def test_nobody_answered_what_nobody_was_asked(both: OfficeHouse, state: str, filter: str) -> None:
    page = both.browser().get(f"{both.pages()}/items?state={state}&{filter}").text
    assert items_of(page) == []
    assert "No item fits." in words(page)


# ------------------------------------------------------------------------ one's own answer


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certified project where three answer each item; Ann and two others answered the first."""
    where = tmp_path_factory.mktemp("certified") / "reviews.signoff.db"
    begin(where, rows=400, policy=Certified(), overlap=3)
    with office(where) as house:
        for name, answer in (("ann", GOOD), ("bob", BAD), ("eve", BAD)):
            desk = StoredDesks(store=house.store)(house.project(), name)
            desk.gold_share = 0
            (request,) = desk.lease(1).requests
            desk.answer(request, answer, seconds=1.0, note=f"{name} thinks so")
            desk.leave()
    return where


def test_who_answered_and_can_take_it_back_is_not_told_what_others_said(certified: Path) -> None:
    with office(certified, role="manager") as house:
        browser = house.browser()
        (item,) = {each.item for each in house.store.reviews(house.project(), 1)}
        for path in (f"items/1/{item}", "items?state=answered", "items?sort=newest"):
            said = words(browser.get(f"{house.pages()}/{path}").text.partition("</form>")[2])
            said = said or words(browser.get(f"{house.pages()}/{path}").text)
            assert "Positive ann" in said, path
            assert "Negative bob" not in said, path
            assert "bob thinks so" not in said, path
        for option, found in (("0.0", [item]), ("0.1", [])):
            listed = browser.get(f"{house.pages()}/items?state=answered&label={option}").text
            assert items_of(listed) == found, option


def test_an_auditor_sees_what_everybody_said(certified: Path) -> None:
    with office(certified, role="auditor") as house:
        browser = house.browser()
        (item,) = {each.item for each in house.store.reviews(house.project(), 1)}
        said = words(browser.get(f"{house.pages()}/items/1/{item}").text)
        for each in ("Positive ann", "Negative bob", "bob thinks so", "ann thinks so"):
            assert each in said
        listed = browser.get(f"{house.pages()}/items?state=answered&label=0.1").text
        assert items_of(listed) == [item]
