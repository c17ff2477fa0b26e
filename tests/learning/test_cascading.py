"""A stronger model is asked where its calls cost less than the answers that they spare."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from signoff.core.items import Items, Predictions
from signoff.learning.cascading import FEWEST_ANSWERS, Cascade
from signoff.learning.fixed import FixedModelStrategy
from signoff.ports import Ask, Freeze, PoolState, SliceTest
from signoff.testing.fakes import LABELS

N, KNOWN = 2000, 0.5


@dataclass(slots=True, eq=False)
class Recorded:
    """Says what is written down, and remembers what it was asked about."""

    answer: NDArray[np.int64]
    score: NDArray[np.float64]
    stronger: Recorded | None = None
    cost: float = 0.01
    version: str = "recorded-1"
    asked: set[int] = field(default_factory=set[int])

    def predict(self, items: Items) -> Predictions:
        self.asked |= set(items.index.tolist())
        return Predictions(answer=self.answer[items.index], raw_score=self.score[items.index])

    def stronger_costs(self, items: Items) -> float:
        return self.cost


GOLD = np.random.default_rng(1).integers(0, 2, N)
ITEMS = Items({"text": [f"text{n}" for n in range(N)]}, text_column="text")
UNSURE = np.random.default_rng(2).random(N) > KNOWN


def wrong_at(share: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    flipped = np.random.default_rng(seed).random(N) < share
    return np.where(flipped, 1 - GOLD, GOLD)


def cheap(stronger: Recorded | None, *, cost: float = 0.01) -> Recorded:
    """Right where it is sure, and a coin in the half where it is not."""
    score = np.where(UNSURE, 0.6, 0.95) + np.random.default_rng(3).uniform(0, 0.04, N)
    return Recorded(wrong_at(np.where(UNSURE, 0.5, 0.01), 4), score, stronger, cost)


def strong(wrong: float = 0.01) -> Recorded:
    return Recorded(wrong_at(np.full(N, wrong), 5), np.full(N, 0.97))


def state(asked: NDArray[np.int64]) -> PoolState:
    return PoolState(
        items=ITEMS,
        labels=LABELS,
        eligible=np.ones(N, dtype=np.bool_),
        asked=asked,
        codes=GOLD[asked],
        reasons=["random"] * len(asked),
        slices=np.zeros(N, dtype=np.int64),
        tests=[SliceTest(name="all", size=N, errors=N // 20, alpha=0.05)],
    )


def frozen(model: Recorded) -> tuple[Freeze, int]:
    """The strategy with people behind it, up to the freeze; and how many answered."""
    strategy, now = FixedModelStrategy(model=model, labels=LABELS), state(np.zeros(0, np.int64))
    luck = np.random.default_rng(6)
    while isinstance(step := strategy.step(now, rng=luck), Ask):
        reasons = [*now.reasons, *[step.reason] * len(step.positions)]
        now = state(np.concatenate([now.asked, step.positions]))
        now.reasons[:] = reasons  # pyright: ignore[reportIndexIssue]
    return step, len(now.asked)


def people(found: tuple[Freeze, int]) -> float:
    forecast = found[0].forecast
    return found[1] + forecast.audit + forecast.review


def test_a_stronger_model_is_asked_about_what_the_first_is_unsure_of() -> None:
    alone, behind = people(frozen(cheap(None))), strong()
    together = frozen(cheap(behind, cost=0.1))
    assert people(together) < 0.6 * alone
    assert 0.9 * UNSURE.sum() < len(behind.asked) < UNSURE.sum() + 250
    merged = together[0].predictions
    assert (merged.answer == GOLD).mean() > 0.97


@pytest.mark.parametrize(
    ("behind", "cost"),
    [(strong(0.5), 0.01), (strong(0.3), 0.5), (strong(), 5.0)],
    ids=["a coin", "hardly better", "dearer than people"],
)
def test_it_is_not_asked_where_that_does_not_pay(behind: Recorded, cost: float) -> None:
    asked_before = frozen(cheap(None))[1]
    behind.asked.clear()
    _, asked = frozen(cheap(behind, cost=cost))
    assert len(behind.asked) <= asked == asked_before


def test_the_same_answers_give_the_same_plan_and_one_only() -> None:
    asked = np.random.default_rng(7).permutation(N)[:200]
    plans = list[set[int]]()
    for _ in range(2):
        model = cheap(strong())
        cascade = Cascade(model=model, labels=LABELS)
        first = model.predict(ITEMS)
        assert cascade.plan(state(asked), first)
        assert not cascade.plan(state(asked), first)
        assert cascade.of(first) is not first
        assert model.stronger is not None
        plans.append(model.stronger.asked)
    assert plans[0] == plans[1]


def test_too_few_answers_plan_nothing() -> None:
    model = cheap(strong())
    cascade = Cascade(model=model, labels=LABELS)
    first = model.predict(ITEMS)
    assert not cascade.plan(state(np.arange(FEWEST_ANSWERS - 1)), first)
    assert cascade.of(first) is first
    assert model.stronger is not None
    assert model.stronger.asked == set()


def test_replaced_predictions_keep_what_each_model_told() -> None:
    first = Predictions(
        answer=np.array([0, 1, 0]),
        raw_score=np.array([0.5, 0.6, 0.7]),
        signals={"weight": np.array([0.1, 0.2, 0.3])},
    )
    second = Predictions(
        answer=np.array([1, -1]),
        raw_score=np.array([0.9, np.nan]),
        why=["", "a refusal"],
        signals={"stated": np.array([0.8, np.nan])},
        versions=np.array([1, -1]),
    )
    both = first.replaced(np.array([0, 2]), second)
    assert both.answer.tolist() == [1, 1, -1]
    assert both.why == ["", "", "a refusal"]
    np.testing.assert_equal(both.signals["weight"], [np.nan, 0.2, np.nan])
    np.testing.assert_equal(both.signals["stated"], [0.8, np.nan, np.nan])
    assert [part.answer.tolist() for part in both.by_version()] == [[-1, 1, -1], [1, -1, -1]]
