"""The loop, phase by phase: what may be undone, skipped, budgeted, interrupted; and the promise."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import binom

from signoff.bootstrap import add_rows, make_engine, seat
from signoff.core.questions import CANNOT_SAY, Chosen
from signoff.core.routing import Certified, People, Policy, Threshold
from signoff.desk import QueueDesk
from signoff.engine import Engine
from signoff.job import RunOptions, new_rows, prepare
from signoff.ports import Request
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, ColumnModel, KeywordModel, two_topics

Rows = list[dict[str, str]]
TEN = Certified(max_error=Decimal("0.1"))
HARD = [
    *two_topics(120, sarcasm=0.05),
    *({**row, "text": f"odd {row['text']}", "id": f"odd{row['id']}"} for row in two_topics(80)),
]
"""Praise, blame, and eighty items that the model has no answer to."""


@dataclass
class Bench:
    """An engine on a store of its own, and a person's desk at it."""

    folder: Path
    rows: Rows
    policy: Policy
    model: object = field(default_factory=KeywordModel)
    budget: int | None = None
    seed: int | None = 1
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        hidden = [{name: row[name] for name in row if name != "label"} for row in self.rows]
        self.known = {row["text"]: row["label"] for row in self.rows}
        job = prepare(
            RunOptions(
                data=pl.DataFrame(hidden),
                text="text",
                labels=LABELS,
                policy=self.policy,
                model=self.model,
                store=str(self.folder / "run.signoff.db"),
                **self.options,
            )
        )
        self.job, self.store = job, job.store
        self.engine = self.make_engine()
        rows, _ = new_rows(job)
        if rows is not None:
            add_rows(self.engine, rows)
        self.desk = self.sit_down("Ada")

    def make_engine(self) -> Engine:
        return make_engine(
            self.store,
            self.job.project,
            automations=self.job.automations,
            hidden=frozenset(),
            actor="test",
            budget=self.budget,
            seed=self.seed,
        )

    def sit_down(self, name: str) -> QueueDesk:
        return seat(self.engine, name=name, kind="person")

    def truth(self, request: Request) -> Chosen:
        return Chosen(self.known[request.item.text])

    def answer(self, request: Request) -> None:
        self.desk.answer(request, self.truth(request), seconds=1.0)

    def answer_all(self) -> None:
        while requests := self.desk.next_many(500):
            self.desk.answer_many([(request, self.truth(request)) for request in requests])

    def go_to(self, phase: str) -> None:
        """Work and answer until a phase begins, with its requests open."""
        while self.engine.advance().phase != phase:
            assert self.engine.progress().phase != "closed", f"there was no {phase}"
            self.answer_all()

    def view(self) -> StoreView:
        return StoreView(self.store, self.job.project, self.engine.views)

    def verify(self) -> None:
        verdict = self.view().verify()
        assert verdict.ok, str(verdict.problem)

    def finish(self) -> pl.DataFrame:
        while self.engine.advance().phase != "closed":
            self.answer_all()
        self.verify()
        return self.view().results()


MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(policy: Policy | None = None, *, rows: Rows | None = None, **options: Any) -> Bench:
        folder = options.pop("folder", tmp_path / str(len(made)))
        folder.mkdir(exist_ok=True)
        chosen = policy or Certified(max_error=Decimal("0.2"))
        made.append(Bench(folder, two_topics(120) if rows is None else rows, chosen, **options))
        return made[-1]

    yield make
    for each in made:
        each.store.close()


# ------------------------------------------------------------------------------ phases


def test_a_pool_learns_is_audited_finished_and_closed(bench: MakeBench) -> None:
    run, phases = bench(TEN, rows=HARD), list[str]()
    while (progress := run.engine.advance()).phase != "closed":
        phases.append(progress.phase)
        assert progress.open > 0
        run.answer_all()
    assert list(dict.fromkeys(phases)) == ["learning", "auditing", "finishing"]
    run.verify()


def test_a_closed_pool_stays_closed(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(5))
    run.finish()
    before = list(run.store.events(run.job.project.id))
    assert run.engine.advance().phase == "closed"
    assert list(run.store.events(run.job.project.id)) == before
    assert run.desk.next() is None


@pytest.mark.parametrize("phase", ["learning", "auditing", "finishing"])
def test_another_engine_goes_on_where_one_stopped(bench: MakeBench, phase: str) -> None:
    run = bench(TEN, rows=HARD)
    run.go_to(phase)
    first = run.desk.next()
    assert first is not None
    run.answer(first)
    run.engine = run.make_engine()
    run.desk = run.sit_down("Ada")
    results = run.finish()
    assert results["signoff_answer"].null_count() == 0


def test_nothing_in_a_request_tells_why_it_is_asked(bench: MakeBench) -> None:
    run = bench()
    run.go_to("auditing")
    request = run.desk.next()
    assert request is not None
    shown = f"{request} {request.item}"
    for word in ("audit", "review", "uncertain", "confidence", "KeywordModel", "keywords-1"):
        assert word not in shown
    assert set(request.item.data) == {"id", "text"}


def test_audited_items_are_hidden_among_others_that_people_answer_anyway(
    bench: MakeBench,
) -> None:
    rows = two_topics(200, sarcasm=0.3)
    run = bench(rows=rows, options={"ask_always": tuple(("id", f"{n:04}") for n in range(20))})
    run.go_to("auditing")
    reasons: set[str] = set()
    while (request := run.desk.next()) is not None:
        run.answer(request)
    reviews = run.store.reviews(run.job.project, 1)
    reasons = {review.reason for review in reviews if review.phase == "auditing"}
    assert "audit" in reasons
    assert reasons & {"rule", "review"}


# ------------------------------------------------------------------------- undo and skip


@pytest.mark.parametrize("phase", ["learning", "auditing", "finishing"])
def test_an_answer_can_be_taken_back_in_the_phase_it_was_given_in(
    bench: MakeBench, phase: str
) -> None:
    run = bench(TEN, rows=HARD)
    run.go_to(phase)
    request = run.desk.next()
    assert request is not None
    answered = run.engine.progress().answered
    run.desk.answer(request, CANNOT_SAY, seconds=1.0)
    again = run.desk.undo()
    assert again is not None
    assert again.item == request.item
    assert run.engine.progress().answered == answered
    run.answer(again)
    results = run.finish()
    row = results.filter(pl.col("text") == request.item.text)
    assert row["signoff_answer"].item() == run.known[request.item.text]


def test_an_undone_answer_comes_back_first_also_for_the_next_session(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    request = run.desk.next()
    assert request is not None
    run.answer(request)
    run.desk.undo()
    run.desk.leave()
    run.desk = run.sit_down("Ada")
    again = run.desk.next()
    assert again is not None
    assert again.item == request.item


@pytest.mark.parametrize(("given", "later"), [("learning", "auditing"), ("auditing", "finishing")])
def test_an_answer_stays_once_labels_were_frozen_or_verdicts_sealed(
    bench: MakeBench, given: str, later: str
) -> None:
    run = bench(TEN, rows=HARD)
    run.go_to(given)
    run.answer_all()
    while run.engine.advance().phase == given:
        run.answer_all()
    assert run.engine.progress().phase == later
    assert run.desk.undo() is None
    run.finish()
    assert run.desk.undo() is None


def test_nobody_takes_back_what_another_person_said(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    request = run.desk.next()
    assert request is not None
    run.answer(request)
    assert run.sit_down("Ben").undo() is None


def test_answers_can_be_taken_back_one_after_the_other(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    given: list[Request] = []
    for _ in range(3):
        request = run.desk.next()
        assert request is not None
        run.answer(request)
        given.append(request)
    for request in reversed(given):
        again = run.desk.undo()
        assert again is not None
        assert again.item == request.item
    assert run.desk.undo() is None
    assert run.finish()["signoff_answer"].null_count() == 0


def test_a_skipped_item_comes_back_after_the_others(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    skipped = run.desk.next()
    assert skipped is not None
    run.desk.skip(skipped)
    asked: list[Request] = []
    while (request := run.desk.next()) is not None:
        run.answer(request)
        asked.append(request)
    assert len(asked) == 10
    assert asked[-1].item == skipped.item
    run.finish()


def test_skips_are_counted_on_the_certificate(bench: MakeBench) -> None:
    run = bench()
    run.go_to("auditing")
    for _ in range(3):
        request = run.desk.next()
        assert request is not None
        run.desk.skip(request)
    run.finish()
    certificate = run.view().certificate()
    assert certificate is not None
    assert certificate["skipped"] == 3


def test_two_people_share_the_queue_and_nobody_gets_the_others_item(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    ben = run.sit_down("Ben")
    mine = {request.id for request in run.desk.next_many(4)}
    his = {request.id for request in ben.next_many(4)}
    assert len(mine) == len(his) == 4
    assert not mine & his
    ben.leave()
    assert len(run.desk.next_many(10)) == 10


def test_answers_of_several_people_say_whose_they_are(bench: MakeBench) -> None:
    run = bench(People(), rows=two_topics(10))
    run.engine.advance()
    ben = run.sit_down("Ben")
    for request in ben.next_many(4):
        ben.answer(request, run.truth(request), seconds=2.0)
    results = run.finish()
    assert sorted(results["signoff_reviewers"].to_list()) == ["Ada"] * 6 + ["Ben"] * 4


# ------------------------------------------------------------------------- certificates


def test_the_seed_is_committed_to_before_and_revealed_after_the_audit(bench: MakeBench) -> None:
    run = bench(seed=None)
    run.finish()
    order = [event.type for event in run.store.events(run.job.project.id)]
    committed, revealed = order.index("audit.committed"), order.index("seed.revealed")
    assert committed < order.index("verdicts.sealed") < revealed
    assert revealed < order.index("certificate.issued")
    audit = run.store.audits(run.job.project.id, 1)["answer"]
    assert audit is not None
    seen = [
        event.canonical
        for event in run.store.events(run.job.project.id)
        if audit.seed.hex() in event.canonical
    ]
    assert [json.loads(text)["type"] for text in seen] == ["seed.revealed"]


def test_two_runs_without_a_seed_draw_different_audits(bench: MakeBench) -> None:
    seeds = set[bytes]()
    for _ in range(2):
        run = bench(seed=None)
        run.go_to("auditing")
        audit = run.store.audits(run.job.project.id, 1)["answer"]
        assert audit is not None
        seeds.add(audit.seed)
    assert len(seeds) == 2


def test_a_threshold_freezes_only_what_it_lets_through(bench: MakeBench) -> None:
    run = bench(Threshold(confidence=0.7), rows=two_topics(200))
    results = run.finish()
    model = results.filter(pl.col("signoff_by") == "model")
    assert model.height > 0
    assert (model["signoff_confidence"] >= 0.7).all()
    assert run.view().certificate() is None


# ------------------------------------------------------------------------------ validity


def noisy_pool(rng: random.Random, n: int, error: float, *, honest: bool) -> Rows:
    """A model's guesses with this share of errors; its scores know where they are, or lie."""
    rows: Rows = []
    for number in range(n):
        label = rng.choice(LABELS)
        right = rng.random() >= error
        other = LABELS[1 - LABELS.index(label)]
        score = rng.uniform(0.5, 1.0) if not honest else rng.betavariate(8 if right else 2, 2)
        rows.append(
            {
                "text": f"item {number}",
                "label": label,
                "guess": label if right else other,
                "score": f"{min(1.0, max(0.0, score)):.6f}",
            }
        )
    return rows


def violations(bench: MakeBench, folder: Path, *, runs: int, certainty: str, seed: int) -> int:
    """Certified runs in which more labels are wrong than promised."""
    rng, broken = random.Random(seed), 0
    policy = Certified(max_error=Decimal("0.1"), certainty=Decimal(certainty))
    for number in range(runs):
        # just too many errors for all labels to stand: where a promise is hardest to keep
        rows = noisy_pool(rng, 100, rng.choice([0.12, 0.16, 0.25]), honest=bool(number % 2))
        run = bench(
            policy,
            rows=rows,
            model=ColumnModel(),
            seed=rng.getrandbits(60),
            folder=folder,
            options={"project": str(number)},
        )
        while run.engine.advance().phase != "closed":
            run.answer_all()
        results = run.view().results()
        wrong = sum(
            answer != run.known[text]
            for answer, text in zip(results["signoff_answer"], results["text"], strict=True)
        )
        broken += wrong > math.floor(0.1 * 100)
        run.store.close()
    return broken


def test_promises_are_broken_no_more_often_than_they_say(bench: MakeBench, tmp_path: Path) -> None:
    broken = violations(bench, tmp_path, runs=40, certainty="0.8", seed=4)
    assert binom.sf(broken - 1, 40, 0.2) > 0.01


@pytest.mark.soak
@pytest.mark.parametrize(("certainty", "alpha"), [("0.95", 0.05), ("0.8", 0.2), ("0.5", 0.5)])
def test_over_many_runs_promises_are_broken_no_more_often_than_they_say(
    bench: MakeBench, tmp_path: Path, certainty: str, alpha: float
) -> None:
    broken = violations(bench, tmp_path, runs=1000, certainty=certainty, seed=9)
    # one-sided at 1 %, shared by the three settings
    assert binom.sf(broken - 1, 1000, alpha) > 0.01 / 3
