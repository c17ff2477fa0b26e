"""Who answers is part of the promise: another reviewer is refused, or named on the certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from signoff.core.items import Item
from signoff.core.routing import Certified, People
from signoff.errors import StoreChanged, UsageError
from signoff.sdk import Result, run
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, two_topics

Rows = list[dict[str, str]]
ROWS = two_topics(200)
TRUTH = {row["text"]: row["label"] for row in ROWS}


class Stops:
    """A person who gives so many answers and leaves."""

    name, kind = "ada", "person"

    def __init__(self, after: int, name: str = "ada") -> None:
        self.left, self.name = after, name

    def review(self, desk: Any) -> bool:
        while (request := desk.next()) is not None:
            if not self.left:
                return False
            self.left -= 1
            answer = request.question.parse(TRUTH[request.item.text])
            desk.answer(request, answer, seconds=0.1)
        return True


def by_truth(item: Item) -> str:
    return TRUTH[item.text]


def label(store: Path, reviewer: object, rows: Rows = ROWS, **options: Any) -> Result:
    given: dict[str, Any] = {
        "labels": LABELS,
        "policy": Certified(max_error=Decimal("0.1")),
        "seed": 1,
        "text": "text",
    }
    return run(rows, reviewer=reviewer, store=store, **{**given, **options})  # type: ignore[arg-type]


def verify(store: Path) -> Any:
    view = StoreView.open(str(store))
    verdict = view.verify()
    view.close()
    return verdict


def sources(certificate: Any) -> dict[str, int]:
    return {part["name"]: part["answers"] for part in certificate["answered_by"]}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "run.signoff.db"


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (Stops(20), "column:label", "was answered by people, not by column:label"),
        ("column:label", Stops(5), "was answered by column:label, not by people"),
        ("column:label", "column:other", "was answered by column:label, not by column:other"),
        ("column:label", by_truth, "was answered by column:label, not by by_truth"),
    ],
    ids=["person then column", "column then person", "another column", "column then function"],
)
def test_another_kind_of_reviewer_is_refused_with_the_difference_and_nothing_changes(
    store: Path, first: object, second: object, said: str
) -> None:
    rows = [{**row, "other": row["label"]} for row in ROWS]
    before = label(store, first, rows, budget=20)
    assert not before.finished
    with pytest.raises(StoreChanged, match=said) as refused:
        label(store, second, rows)
    assert "--mix-reviewers" in refused.value.hint
    assert label(store, "none", rows).counts == before.counts


def test_other_people_and_other_functions_go_on(store: Path) -> None:
    label(store, Stops(20))
    assert not label(store, Stops(20, name="bob")).finished
    with pytest.raises(StoreChanged):
        label(store, by_truth)
    other = store.with_name("other.signoff.db")
    label(other, by_truth, budget=10)
    renamed: Callable[[Item], str] = lambda item: by_truth(item)  # noqa: E731
    assert label(other, renamed).finished


def test_before_anybody_answered_the_reviewer_is_free(store: Path) -> None:
    label(store, "none")
    done = label(store, "column:label")
    assert done.finished
    assert done.certificate is not None
    assert done.certificate["process"] == {
        "kind": "column", "name": "column:label", "answers_per_item": 1,
    }  # fmt: skip
    assert sources(done.certificate) == {"column:label": done.counts["human"]}
    assert "Answers came from" not in str(done.certificate["notes"])


def test_a_mixture_is_named_on_the_certificate_and_recomputed(store: Path) -> None:
    label(store, Stops(30))
    done = label(store, "column:label", mix_reviewers=True)
    assert done.finished
    certificate = done.certificate
    assert certificate is not None
    human = done.counts["human"]
    assert sources(certificate) == {"people": 30, "column:label": human - 30}
    assert certificate["process"] == {
        "kind": "mixed",
        "of": [{"kind": "column", "name": "column:label"}, {"kind": "person"}],
        "answers_per_item": 1,
    }
    assert f"Answers came from column:label ({human - 30}) and people (30)." in str(
        certificate["notes"]
    )
    assert verify(store).ok


def test_who_joins_after_the_audit_was_drawn_is_named_too(store: Path) -> None:
    label(store, Stops(60))
    view = StoreView.open(str(store))
    phase = view.pools[-1].phase
    view.close()
    assert phase != "learning"
    done = label(store, "column:label", mix_reviewers=True)
    assert done.certificate is not None
    assert done.certificate["process"]["kind"] == "mixed"  # type: ignore[index]
    assert sources(done.certificate)["people"] == 60
    assert "and people (60)" in str(done.certificate["notes"])
    assert verify(store).ok


def test_a_finished_project_may_be_looked_at_by_anybody_but_new_rows_are_asked_as_begun(
    store: Path,
) -> None:
    label(store, "column:label", ROWS[:100], policy=People())
    assert label(store, Stops(0), ROWS[:100], policy=People()).finished
    with pytest.raises(StoreChanged, match="answered by column:label"):
        label(store, Stops(5), ROWS, policy=People())
    view = StoreView.open(str(store))
    assert len(view.pools) == 1
    view.close()


def test_several_people_are_one_part_of_the_process(store: Path) -> None:
    label(store, Stops(20))
    done = label(store, Stops(1000, name="bob"))
    assert done.certificate is not None
    (part,) = done.certificate["answered_by"]  # type: ignore[union-attr]
    assert part == {
        "kind": "person", "name": "people", "reviewers": 2, "answers": done.counts["human"],
    }  # fmt: skip
    names = json.dumps(done.certificate)
    assert "ada" not in names
    assert "bob" not in names


def test_a_person_cannot_answer_under_the_name_of_a_column(store: Path) -> None:
    label(store, "column:label", budget=20)
    with pytest.raises(UsageError, match="answers this project as a column already"):
        label(store, Stops(5, name="column:label"), mix_reviewers=True)
