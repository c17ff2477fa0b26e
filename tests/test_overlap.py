"""Several blind answers an item: the loop goes on when they are joined, and proves it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from signoff.audit.verify import verify_log
from signoff.bootstrap import add_rows, make_engine, seat
from signoff.cli import main
from signoff.core.questions import Chosen
from signoff.core.routing import Certified, People, Policy
from signoff.desk import QueueDesk
from signoff.errors import StoreChanged, UsageError
from signoff.job import Job, RunOptions, new_rows, prepare
from signoff.project.evidence import log_lines
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, KeywordModel, two_topics

OTHER = {LABELS[0]: LABELS[1], LABELS[1]: LABELS[0]}


@dataclass
class Panel:
    """An engine whose items two people answer; each errs by themselves in one of ten."""

    folder: Path
    policy: Policy
    rows: list[dict[str, str]]
    overlap: int = 2
    errs: float = 0.1
    budget: int | None = None
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self.known = {row["text"]: row["label"] for row in self.rows}
        self.job: Job = prepare(self.options())
        self.engine = make_engine(
            self.job.store,
            self.job.project,
            automations=self.job.automations,
            hidden=frozenset(),
            actor="test",
            budget=self.budget,
            seed=1,
        )
        rows, _ = new_rows(self.job)
        if rows is not None:
            add_rows(self.engine, rows)
        self.people = [
            seat(self.engine, name=name, kind="person") for name in ("Ann", "Ben", "Cid")
        ]

    def options(self, **further: object) -> RunOptions:
        hidden = [{"id": row["id"], "text": row["text"]} for row in self.rows]
        return RunOptions(
            data=pl.DataFrame(hidden),
            text="text",
            labels=LABELS,
            policy=self.policy,
            model=KeywordModel(),
            overlap=self.overlap,
            store=str(self.folder / "run.signoff.db"),
            **further,  # pyright: ignore[reportArgumentType]
        )

    def said(self, text: str) -> Chosen:
        label = self.known[text]
        return Chosen(OTHER[label] if self.chance.random() < self.errs else label)

    def answer_all(self, desk: QueueDesk) -> int:
        count = 0
        while requests := desk.next_many(500):
            desk.answer_many([(each, self.said(each.item.text)) for each in requests])
            count += len(requests)
        return count

    def finish(self) -> pl.DataFrame:
        while self.engine.advance().phase != "closed":
            assert sum(self.answer_all(desk) for desk in self.people)
        return self.view().results()

    def view(self) -> StoreView:
        return StoreView(self.job.store, self.job.project, self.engine.views)

    def log(self, *, content: bool) -> list[bytes]:
        return list(log_lines(self.job.store, self.job.project, content=content))


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    made = Panel(tmp_path, Certified(max_error=Decimal("0.2")), [*two_topics(120, sarcasm=0.05)])
    yield made
    made.job.store.close()


def test_a_certificate_rests_on_the_majority_of_blind_answers(panel: Panel) -> None:
    results = panel.finish()
    assert results["signoff_answer"].null_count() == 0
    certificate = panel.view().certificate()
    assert certificate is not None
    assert certificate["process"] == {
        "kind": "person",
        "answers_per_item": 2,
        "joined": "majority",
    }
    by_people = results.filter(pl.col("signoff_by") == "reviewers")
    assert set(by_people["signoff_reviewers"]) >= {"Ann, Ben", "Ann, Ben, Cid"}
    verdict = panel.view().verify()
    assert verdict.ok, str(verdict.problem)
    for content in (True, False):
        exported = verify_log(panel.log(content=content))
        assert exported.ok, str(exported.problem)
        assert len(exported.certificates) == 1


def test_an_answer_that_the_tables_no_longer_count_is_missed(panel: Panel) -> None:
    panel.finish()
    with panel.job.store.transaction() as db:
        db.exec_driver_sql("UPDATE reviews SET counted = 0 WHERE n = (SELECT max(n) FROM reviews)")
    assert not panel.view().verify().ok


def test_a_request_that_counts_too_many_answers_is_refused(panel: Panel) -> None:
    panel.finish()
    for change in (
        "UPDATE requests SET given = 0 WHERE item = (SELECT min(item) FROM requests)",
        "UPDATE tallies SET answers = answers + 1 WHERE reviewer <> ''",
    ):
        with panel.job.store.transaction() as db:
            db.exec_driver_sql(change)
        verdict = panel.view().verify()
        assert not verdict.ok
        assert "counts" in str(verdict.problem) or "counted" in str(verdict.problem)


def test_one_person_alone_cannot_finish_what_two_answer(tmp_path: Path) -> None:
    panel = Panel(tmp_path, People(), [*two_topics(6)])
    panel.engine.advance()
    assert panel.answer_all(panel.people[0]) == 6
    assert panel.answer_all(panel.people[0]) == 0
    progress = panel.engine.advance()
    assert (progress.phase, progress.open, progress.answered) == ("finishing", 6, 0)
    assert progress.forecast is not None
    panel.answer_all(panel.people[1])
    panel.answer_all(panel.people[2])
    assert panel.engine.advance().phase == "closed"
    panel.job.store.close()


def test_a_budget_counts_every_answer(tmp_path: Path) -> None:
    panel = Panel(tmp_path, People(), [*two_topics(20)], budget=8, errs=0.0)
    panel.engine.advance()
    given = sum(panel.answer_all(desk) for desk in panel.people)
    assert given == 8
    assert panel.engine.progress().budget_left == 0
    panel.job.store.close()


def test_the_overlap_is_fixed_by_the_first_run(panel: Panel, tmp_path: Path) -> None:
    panel.job.store.close()
    panel.overlap = 3
    with pytest.raises(StoreChanged, match=r"overlap: 2 -> 3"):
        prepare(panel.options())


def test_an_overlap_of_nobody_or_of_a_crowd_is_refused(tmp_path: Path) -> None:
    for overlap in (0, 21):
        with pytest.raises(UsageError, match=f"An overlap of {overlap} is not possible"):
            Panel(tmp_path, People(), [*two_topics(6)], overlap=overlap)


def test_a_stores_answers_join_by_how_reliable_people_are(tmp_path: Path) -> None:
    panel = Panel(folder=tmp_path, policy=People(), rows=two_topics(60, sarcasm=0.0), overlap=3)
    panel.finish()
    panel.job.store.close()
    store = str(tmp_path / "run.signoff.db")
    assert main(["consensus", store, "--people", str(tmp_path / "people.csv")]) == 0
    found = pl.read_csv(tmp_path / "run.signoff.consensus.csv")
    assert found.height == 60
    assert found["signoff_votes"].min() >= 3
    assert set(pl.read_csv(tmp_path / "people.csv")["reviewer"]) == {"Ann", "Ben", "Cid"}
    truth = [row["label"] for row in panel.rows]
    by_row = dict(zip(found["item"], found["signoff_answer"], strict=True))
    said = [by_row[f"row:{number}"] for number in range(1, 61)]
    assert sum(one == other for one, other in zip(said, truth, strict=True)) > 54
