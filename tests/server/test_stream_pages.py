"""The pages of a stream: its window and certificates, and no count that tells of audits."""

from __future__ import annotations

from pathlib import Path

import pytest
from offices import office, words

from signoff.live import Stream


@pytest.fixture
def where(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.signoff.db"
    with Stream.create(path, labels=["Yes", "No"], project="reviews") as stream:
        stream.decide([(f"t{n}", f"text {n}") for n in range(12)])
    return path


def test_the_overview_says_where_the_window_is_and_why_it_waits(where: Path) -> None:
    with office(where, role="auditor") as house:
        said = words(house.browser().get(house.pages()).text)
        assert "Window 1 12 of 7,600 items arrived" in said
        assert "The model is learning: 0 of 50 answers" in said
        assert "Budget left before a pause 31" in said


def test_who_may_answer_sees_no_count_of_audits(where: Path) -> None:
    with office(where, role="manager") as house:
        said = words(house.browser().get(house.pages()).text)
        assert "Window 1 12 of 7,600 items arrived" in said
        for telling in ("Audits that wait", "Found wrong", "Budget left", "Left for good"):
            assert telling not in said
