from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from signoff.core.certification import sample_limit, standing
from signoff.core.items import Answers, Items, Predictions
from signoff.learning.fixed import FixedModelStrategy
from signoff.learning.supervised import LearningStrategy, strategy_for
from signoff.models.estimator import EstimatorLearner
from signoff.models.text import TextLearner
from signoff.ports import Ask, AskReason, Freeze, PoolState, PoolStrategy, SliceTest

LABELS = ("good", "bad", "odd")
WORDS = (["lovely", "great", "superb"], ["awful", "broken", "useless"], ["green", "seven", "cube"])
FILLER = ["the", "kettle", "box", "was", "on", "monday", "and", "my", "shop", "parcel"]


def texts(n: int, seed: int = 0, *, rare: float = 0.2) -> tuple[Items, np.ndarray]:
    """Mostly easy texts; one in five says nothing of its class."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, n, p=[(1 - rare) / 2, (1 - rare) / 2, rare])
    made = []
    for code in codes.tolist():
        telling = list(rng.choice(WORDS[code], 2)) if rng.random() > 0.2 else []
        made.append(" ".join(rng.permutation([*rng.choice(FILLER, 6), *telling])))
    return Items({"text": made}, text_column="text"), codes


def state_of(items: Items, *, errors: int | None = None, budget: int | None = None) -> PoolState:
    n = len(items)
    test = SliceTest(name="all", size=n, errors=n // 10 if errors is None else errors, alpha=0.05)
    return PoolState(
        items=items,
        labels=LABELS,
        eligible=np.ones(n, dtype=np.bool_),
        asked=np.zeros(0, dtype=np.int64),
        codes=np.zeros(0, dtype=np.int64),
        reasons=[],
        slices=np.zeros(n, dtype=np.int64),
        tests=[test],
        budget=budget,
    )


def answered(state: PoolState, step: Ask, gold: np.ndarray) -> PoolState:
    """The state once people gave what was asked."""
    reasons: list[AskReason] = [*state.reasons, *[step.reason] * len(step.positions)]
    return replace(
        state,
        asked=np.concatenate([state.asked, step.positions]),
        codes=np.concatenate([state.codes, gold[step.positions]]),
        reasons=reasons,
        budget=None if state.budget is None else state.budget - len(step.positions),
    )


def step_of(strategy: PoolStrategy, state: PoolState) -> Ask | Freeze:
    return strategy.step(state, rng=np.random.default_rng([1, len(state.asked)]))


def work(
    strategy: PoolStrategy,
    state: PoolState,
    gold: np.ndarray,
    seen: Callable[[PoolState, Ask], None] = lambda state, step: None,
) -> tuple[PoolState, Freeze]:
    """Answer until the strategy freezes."""
    for _ in range(200):
        step = step_of(strategy, state)
        if isinstance(step, Freeze):
            return state, step
        seen(state, step)
        state = answered(state, step, gold)
    raise AssertionError("the strategy never froze")


def learner() -> LearningStrategy:
    return LearningStrategy(learner=TextLearner(), labels=LABELS)


class Oracle:
    """A fixed model: right where its score says so, mostly."""

    version = "oracle"

    def __init__(self, gold: np.ndarray, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.score = rng.uniform(0.4, 1.0, len(gold))
        right = rng.random(len(gold)) < self.score
        self.answer = np.where(right, gold, (gold + 1) % 3)

    def predict(self, items: Items) -> Predictions:
        return Predictions(answer=self.answer[items.index], raw_score=self.score[items.index])


POOL = texts(900)


@pytest.fixture(scope="module")
def finished() -> tuple[PoolState, Freeze]:
    return work(learner(), state_of(POOL[0]), POOL[1])


def test_the_frozen_order_holds_each_unanswered_item_once(
    finished: tuple[PoolState, Freeze],
) -> None:
    state, frozen = finished
    left = np.setdiff1d(np.arange(900), state.asked)
    assert np.array_equal(np.sort(frozen.order), left)
    assert np.all(np.diff(frozen.confidence) <= 0)
    ties = np.diff(frozen.confidence) == 0
    assert np.all(np.diff(frozen.order)[ties] > 0)


def test_most_of_an_easy_pool_is_left_to_the_model(finished: tuple[PoolState, Freeze]) -> None:
    state, frozen = finished
    right = frozen.codes == POOL[1][frozen.order]
    assert len(state.asked) < 450
    assert right.mean() > 0.85
    assert abs(frozen.confidence.mean() - right.mean()) < 0.08
    assert 0 < frozen.audits[0] < len(frozen.order)
    assert frozen.forecast.automatic > 300


def test_the_same_state_gives_the_same_step_whatever_was_cached() -> None:
    items, gold = POOL
    warm = learner()

    def agrees(state: PoolState, step: Ask) -> None:
        if len(state.asked) % 3 == 0 or len(state.asked) > 150:
            cold = step_of(learner(), state)
            assert isinstance(cold, Ask)
            assert cold.positions.tolist() == step.positions.tolist()
            assert (cold.reason, cold.model_version) == (step.reason, step.model_version)

    state, frozen = work(warm, state_of(items), gold, agrees)
    again = step_of(learner(), state)
    assert isinstance(again, Freeze)
    assert np.array_equal(again.order, frozen.order)
    assert np.array_equal(again.confidence, frozen.confidence)
    assert list(again.audits) == list(frozen.audits)


def test_nothing_is_asked_twice_and_nothing_that_is_not_eligible() -> None:
    items, gold = POOL
    state = state_of(items)
    state.eligible[::3] = False

    def fresh(state: PoolState, step: Ask) -> None:
        assert len(set(step.positions.tolist())) == len(step.positions) > 0
        assert not set(step.positions.tolist()) & set(state.asked.tolist())
        assert state.eligible[step.positions].all()

    _, frozen = work(learner(), state, gold, fresh)
    assert state.eligible[frozen.order].all()


def test_at_least_four_of_each_class_are_looked_for_first() -> None:
    items, gold = texts(1500, rare=0.02)
    counts: list[Counter[int]] = []

    def watch(state: PoolState, step: Ask) -> None:
        if step.reason != "start" and not counts:
            counts.append(Counter(state.codes.tolist()))

    work(learner(), state_of(items), gold, watch)
    assert min(counts[0][code] for code in range(3)) >= 4


def test_a_label_nobody_ever_gives_does_not_keep_the_start_going() -> None:
    items, gold = texts(600, rare=0.0)
    state, _ = work(learner(), state_of(items), gold)
    assert sum(reason == "start" for reason in state.reasons) <= 60


def test_one_class_only_still_ends() -> None:
    items, _ = POOL
    _, frozen = work(learner(), state_of(items), np.zeros(900, dtype=np.int64))
    assert set(frozen.codes.tolist()) <= {0}


def test_cannot_say_teaches_nothing_but_lowers_confidence() -> None:
    items, gold = POOL
    unsaid = gold.copy()
    unsaid[np.random.default_rng(0).random(900) < 0.3] = -1
    _, sure = work(learner(), state_of(items), gold)
    _, doubting = work(learner(), state_of(items), unsaid)
    assert -1 not in doubting.codes
    assert doubting.confidence.mean() < sure.confidence.mean() - 0.1


def test_nobody_who_can_say_anything_means_everything_goes_to_people() -> None:
    _, frozen = work(learner(), state_of(POOL[0]), np.full(900, -1))
    assert len(frozen.order) == 0
    assert frozen.model is None
    assert frozen.forecast.automatic == 0


@pytest.mark.parametrize("budget", [20, 80, 250])
def test_a_budget_is_kept_and_leaves_room_for_the_audit(budget: int) -> None:
    items, gold = POOL
    state, frozen = work(learner(), state_of(items, budget=budget), gold)
    assert len(state.asked) + sum(frozen.audits) <= budget
    if budget == 250:
        assert sum(frozen.audits) > 0
        assert len(state.asked) > 60


def test_each_slice_has_an_audit_of_its_own_and_tiny_ones_none() -> None:
    items, gold = POOL
    slices = np.repeat([0, 1, 2], [500, 380, 20])
    tests = [
        SliceTest(name=str(at), size=size, errors=size // 10 - 2 * (at == 2), alpha=0.05 / 3)
        for at, size in enumerate((500, 380, 20))
    ]
    state = replace(state_of(items), slices=slices.astype(np.int64), tests=tests)
    _, frozen = work(learner(), state, gold)
    assert len(frozen.audits) == 3
    assert frozen.audits[0] > 0
    assert frozen.audits[2] == 0
    sizes = np.bincount(slices[frozen.order], minlength=3)
    assert all(m <= size for m, size in zip(frozen.audits, sizes, strict=True))


def test_a_threshold_stops_when_confidence_is_calibrated() -> None:
    items, gold = POOL
    strategy = LearningStrategy(learner=TextLearner(), labels=LABELS, threshold=0.9)
    state, frozen = work(strategy, replace(state_of(items), tests=[]), gold)
    sure = frozen.confidence >= 0.9
    assert list(frozen.audits) == []
    assert len(state.asked) >= 90
    assert (frozen.codes == gold[frozen.order])[sure].mean() > 0.88
    assert frozen.forecast.automatic == int(sure.sum())


def test_a_scikit_learn_estimator_is_taught_the_same_way() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, 700)
    items = Items({"x": rng.normal(gold, 0.4).tolist(), "y": rng.normal(size=700).tolist()})
    strategy = LearningStrategy(learner=EstimatorLearner(LogisticRegression()), labels=LABELS)
    state, frozen = work(strategy, state_of(items), gold)
    assert len(state.asked) < 350
    assert (frozen.codes == gold[frozen.order]).mean() > 0.8


def test_what_earlier_pools_taught_is_used() -> None:
    items, gold = POOL
    before, known = texts(300, seed=5)
    earlier = (before, Answers(labels=LABELS, codes=known))
    state, frozen = work(learner(), replace(state_of(items), earlier=earlier), gold)
    alone, _ = work(learner(), state_of(items), gold)
    assert len(state.asked) < len(alone.asked)
    assert (frozen.codes == gold[frozen.order]).mean() > 0.8
    assert len(frozen.predictions) == len(items)


# -------------------------------------------------------------------------- fixed models


def test_a_fixed_model_is_calibrated_on_random_answers_and_audited() -> None:
    _, gold = texts(2000)
    items = Items({"row": list(range(2000))})
    strategy = FixedModelStrategy(model=Oracle(gold), labels=LABELS)
    state, frozen = work(strategy, state_of(items), gold)
    assert set(state.reasons) == {"random"}
    assert 0 < len(state.asked) <= 200
    assert frozen.audits[0] > 0
    assert abs(frozen.confidence.mean() - (frozen.codes == gold[frozen.order]).mean()) < 0.08


def test_what_a_model_cannot_score_goes_to_people() -> None:
    _, gold = texts(600)
    model = Oracle(gold)
    model.score[:100] = np.nan
    model.score[100:200] = 1.5
    model.answer[200:300] = -1
    strategy = FixedModelStrategy(model=model, labels=LABELS)
    state, frozen = work(strategy, state_of(Items({"row": list(range(600))})), gold)
    assert frozen.order.min() >= 300
    assert np.isnan(frozen.pool_confidence[:300]).all()
    assert state.asked.min() >= 300


def test_the_promise_holds_over_many_pools() -> None:
    broken = 0
    for seed in range(30):
        _, gold = texts(600, seed)
        items = Items({"row": list(range(600))})
        strategy = FixedModelStrategy(model=Oracle(gold, seed), labels=LABELS)
        _, frozen = work(strategy, state_of(items), gold)
        n, m, r = len(frozen.order), frozen.audits[0], 60
        heads = np.zeros(n, dtype=np.bool_)
        heads[np.random.default_rng([seed, 9]).permutation(n)[:m]] = True
        wrong = frozen.codes != gold[frozen.order]
        stands = standing(heads, np.where(wrong, 0, 1), 1, sample_limit(n, m, r, 0.05), r)
        broken += int((stands & wrong).sum()) > r
    assert broken <= 7  # P(Binomial(30, 5 %) > 7) < 1e-4


def test_the_strategy_follows_from_what_is_handed_in() -> None:
    assert isinstance(strategy_for("text", labels=LABELS), LearningStrategy)
    assert isinstance(strategy_for(LogisticRegression(), labels=LABELS), LearningStrategy)
    assert isinstance(strategy_for(len, labels=LABELS), FixedModelStrategy)
    threshold = strategy_for(Oracle(POOL[1]), labels=LABELS, threshold=0.8)
    assert isinstance(threshold, FixedModelStrategy)
    assert threshold.threshold == 0.8
