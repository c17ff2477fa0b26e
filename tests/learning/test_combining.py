"""What tells how sure a fixed model is, weighed by people's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from signoff.core.items import Items, Predictions
from signoff.learning.combining import FEWEST_ANSWERS, Combiner
from signoff.learning.fixed import FEWEST_OF_A_VERSION, FixedModelStrategy
from signoff.ports import Ask, AskReason, Freeze, PoolState, SliceTest
from signoff.testing.fakes import LABELS, two_topics

N = 600


def pool(n: int = N, *, seed: int = 1) -> tuple[Items, NDArray[np.int64]]:
    rows = two_topics(n, sarcasm=0.0, seed=seed)
    texts = [row["text"] for row in rows]
    gold = np.array([LABELS.index(row["label"]) for row in rows], dtype=np.int64)
    return Items({"text": texts}, text_column="text"), gold


def answers_of(
    gold: NDArray[np.int64], *, wrong: float, seed: int = 2
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A model's labels, so many of them wrong at random."""
    flipped = np.random.default_rng(seed).random(len(gold)) < wrong
    return np.where(flipped, 1 - gold, gold), flipped


def state(
    items: Items,
    gold: NDArray[np.int64],
    asked: NDArray[np.int64],
    reason: AskReason = "random",
    *,
    certified: bool = True,
) -> PoolState:
    n = len(items)
    test = SliceTest(name="all", size=n, errors=n // 20, alpha=0.05)
    return PoolState(
        items=items,
        labels=tuple(LABELS),
        eligible=np.ones(n, dtype=np.bool_),
        asked=asked,
        codes=gold[asked],
        reasons=[reason] * len(asked),
        slices=np.zeros(n, dtype=np.int64),
        tests=[test] if certified else [],
    )


def predictions(
    answer: NDArray[np.int64],
    score: float = 0.9,
    signals: Mapping[str, NDArray[np.float64]] | None = None,
    versions: NDArray[np.int64] | None = None,
) -> Predictions:
    return Predictions(
        answer=answer,
        raw_score=np.full(len(answer), score),
        signals=dict(signals or {}),
        versions=versions,
    )


def separation(confidence: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """How often a right label has more confidence than a wrong one."""
    right, bad = confidence[~wrong], confidence[wrong]
    return float((right[:, None] > bad[None, :]).mean())


def test_texts_tell_wrong_labels_where_the_score_tells_nothing() -> None:
    items, gold = pool()
    answer, wrong = answers_of(gold, wrong=0.2)
    asked = np.random.default_rng(3).permutation(N)[:100]
    found = Combiner(labels=tuple(LABELS)).confidence(
        state(items, gold, asked), predictions(answer)
    )
    assert found is not None
    assert separation(found, wrong) > 0.9
    assert np.all((found > 0) & (found < 1))


def test_a_signal_of_the_models_own_is_heard() -> None:
    _, gold = pool()
    noise = Items({"text": [f"word{n}" for n in range(N)]}, text_column="text")
    answer, wrong = answers_of(gold, wrong=0.2)
    luck = np.random.default_rng(4)
    signal = np.clip(np.where(wrong, 0.4, 0.8) + luck.normal(0, 0.15, N), 0, 1)
    signal[luck.random(N) < 0.2] = np.nan
    asked = luck.permutation(N)[:150]
    combiner = Combiner(labels=tuple(LABELS))
    with_it = combiner.confidence(
        state(noise, gold, asked), predictions(answer, signals={"samples": signal})
    )
    assert with_it is not None
    assert separation(with_it, wrong) > 0.75


@pytest.mark.parametrize("count", [0, 1, FEWEST_ANSWERS - 1])
def test_few_answers_say_nothing(count: int) -> None:
    items, gold = pool()
    answer, _ = answers_of(gold, wrong=0.2)
    asked = np.arange(count, dtype=np.int64)
    found = Combiner(labels=tuple(LABELS)).confidence(
        state(items, gold, asked), predictions(answer)
    )
    assert found is None


def test_nobody_is_weighed_who_is_never_or_always_wrong() -> None:
    items, gold = pool()
    asked = np.arange(200, dtype=np.int64)
    for answer in (gold, 1 - gold):
        found = Combiner(labels=tuple(LABELS)).confidence(
            state(items, gold, asked), predictions(answer)
        )
        assert found is None


def test_items_without_a_label_have_no_confidence() -> None:
    items, gold = pool()
    answer, _ = answers_of(gold, wrong=0.2)
    answer[::3] = -1
    found = Combiner(labels=tuple(LABELS)).confidence(
        state(items, gold, np.arange(300)), predictions(answer)
    )
    assert found is not None
    assert np.array_equal(np.isnan(found), answer < 0)


def test_nothing_is_weighed_where_there_is_no_text() -> None:
    items, gold = pool()
    bare = Items({"number": list(range(N))})
    answer, _ = answers_of(gold, wrong=0.2)
    found = Combiner(labels=tuple(LABELS)).confidence(
        state(bare, gold, np.arange(200)), predictions(answer)
    )
    assert found is None
    assert len(items) == N


def test_signals_that_are_never_there_or_always_the_same_do_no_harm() -> None:
    items, gold = pool()
    answer, wrong = answers_of(gold, wrong=0.2)
    signals = {"a": np.full(N, np.nan), "b": np.ones(N), "c": np.zeros(N)}
    found = Combiner(labels=tuple(LABELS)).confidence(
        state(items, gold, np.arange(150)), predictions(answer, signals=signals)
    )
    assert found is not None
    assert separation(found, wrong) > 0.9


# ----------------------------------------------------------------------------- strategy


class Recorded:
    version = "recorded"

    def __init__(self, said: Predictions) -> None:
        self.said = said
        self.seen: list[int] = []

    def predict(self, items: Items) -> Predictions:
        self.seen += items.index.tolist()
        return self.said.take(items.index)


def frozen(model: Recorded, items: Items, gold: NDArray[np.int64]) -> tuple[int, Freeze]:
    strategy = FixedModelStrategy(model=model, labels=tuple(LABELS))
    asked, reasons = np.zeros(0, dtype=np.int64), list[AskReason]()
    while True:
        now = replace(state(items, gold, asked), reasons=reasons)
        step = strategy.step(now, rng=np.random.default_rng(len(asked)))
        if isinstance(step, Freeze):
            return len(asked), step
        assert len(step.positions)
        asked = np.concatenate([asked, step.positions])
        reasons = [*reasons, *[step.reason] * len(step.positions)]


def test_a_strategy_asks_the_least_sure_as_long_as_people_get_them_anyway() -> None:
    items, gold = pool(1_000)
    answer, wrong = answers_of(gold, wrong=0.25)
    asked, step = frozen(Recorded(predictions(answer)), items, gold)
    assert 100 < asked <= 260
    order = step.order
    assert wrong[order[: len(order) // 2]].mean() < 0.05 < wrong[order].mean()


def test_a_model_sees_only_what_it_may_decide() -> None:
    items, gold = pool(200)
    model = Recorded(predictions(gold))
    now = state(items, gold, np.zeros(0, dtype=np.int64))
    now.eligible[:50] = False
    step = FixedModelStrategy(model=model, labels=tuple(LABELS)).step(
        now, rng=np.random.default_rng(1)
    )
    assert isinstance(step, Ask)
    assert model.seen == list(range(50, 200))
    assert step.positions.min() >= 50


def test_a_version_is_judged_by_answers_about_its_own_labels() -> None:
    items, gold = pool(1_000)
    answer, _ = answers_of(gold, wrong=0.05)
    answer[500:] = 1 - answer[500:]
    versions = np.repeat([0, 1], 500)
    said = predictions(answer, versions=versions)
    strategy = FixedModelStrategy(model=Recorded(said), labels=tuple(LABELS))
    asked = np.concatenate([np.arange(60), np.arange(500, 500 + FEWEST_OF_A_VERSION - 1)])
    few = strategy.advise(state(items, gold, asked), np.arange(1_000)).confidence
    assert np.isfinite(few[:500]).all()
    assert np.isnan(few[500:]).all()
    asked = np.concatenate([np.arange(60), np.arange(500, 560)])
    enough = strategy.advise(state(items, gold, asked), np.arange(1_000)).confidence
    assert enough[:500].mean() > 0.8
    assert enough[500:].mean() < 0.2
