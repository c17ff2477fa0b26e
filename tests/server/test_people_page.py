"""Who answered: counts, pace, agreement, names that were removed."""

from __future__ import annotations

from pathlib import Path

from offices import begin, office, words

from signoff.core.events import EVENT_TYPES
from signoff.core.questions import Choice, Form, Rating
from signoff.core.routing import People
from signoff.server.site.log import WORDS
from signoff.server.site.people import Agreement, agreement, reviewer_name

FORM = Form((Choice.of(["Yes", "No"]), Rating(name="tone")))


def said(label: str, tone: int) -> dict[str, object]:
    return {"answer": {"label": label}, "tone": {"value": tone}}


def test_agreement_counts_every_pair_of_people_and_every_question() -> None:
    overlaps = [
        {"a": said("Yes", 3), "b": said("Yes", 4)},
        {"a": said("No", 3), "b": said("No", 3), "c": said("Yes", 3)},
    ]
    found = agreement(FORM, overlaps)
    assert found["a"] == Agreement(same=1 + 2 + 1, pairs=2 + 4)
    assert found["b"] == Agreement(same=1 + 2 + 1, pairs=2 + 4)
    assert found["c"] == Agreement(same=2, pairs=4)


def test_answers_to_an_earlier_question_are_left_out() -> None:
    assert agreement(FORM, [{"a": said("Perhaps", 3), "b": said("Yes", 3)}]) == {}


def test_whoever_was_removed_goes_by_the_end_of_an_id() -> None:
    assert reviewer_name("0190-abcdefgh", None) == "removed (abcdefgh)"


def test_the_page_lists_who_answered(tmp_path: Path) -> None:
    where = tmp_path / "reviews.signoff.db"
    begin(where, reviewer="column:label", policy=People())
    with office(where, role="auditor") as house:
        page = words(house.browser().get(f"{house.pages()}/people").text)
        assert "column:label column 60 –" in page
        assert "nobody has answered the same item yet" in page


def test_every_event_has_words_on_the_log_page() -> None:
    """One without would be named by its type, and be kept from whoever may answer."""
    assert [name for name in EVENT_TYPES if name not in WORDS] == []
