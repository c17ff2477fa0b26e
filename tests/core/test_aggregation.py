"""One answer from many: what each method must do, whatever the votes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from signoff.core.aggregation import (
    Pooling,
    Votes,
    crowdlab,
    dawid_skene,
    mace,
    majority,
    one_coin,
    reliability,
    weighted,
)

Method = Callable[[Votes], NDArray[np.float64]]
METHODS: dict[str, Method] = {
    "majority": majority,
    "weighted": weighted,
    "pooled": lambda votes: dawid_skene(votes).posterior,
    "dawid-skene": lambda votes: dawid_skene(votes, pooling=None).posterior,
    "one-coin": lambda votes: one_coin(votes).posterior,
    "mace": lambda votes: mace(votes, restarts=2)[0],
    "crowdlab": lambda votes: (
        crowdlab(votes, np.full((votes.items, votes.labels), 1 / votes.labels)).posterior
    ),
}
CROWDS = Path(__file__).parents[3] / "shared" / "data" / "crowd_gold"


@st.composite
def any_votes(draw: st.DrawFn) -> Votes:
    items, people, labels = (
        draw(st.integers(1, 6)),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 4)),
    )
    cast = draw(
        st.lists(
            st.tuples(
                st.integers(0, items - 1), st.integers(0, people - 1), st.integers(0, labels - 1)
            ),
            max_size=30,
        )
    )
    columns = [[vote[at] for vote in cast] for at in range(3)]
    return Votes.of(*columns, labels=labels, items=items, people=people)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@given(votes=any_votes())
@settings(max_examples=60, deadline=None)
def test_every_row_is_a_distribution(method: Method, votes: Votes) -> None:
    found = method(votes)
    assert found.shape == (votes.items, votes.labels)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@given(votes=any_votes(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_the_order_of_votes_says_nothing(method: Method, votes: Votes, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(votes))
    other = Votes.of(
        votes.item[order],
        votes.person[order],
        votes.label[order],
        labels=votes.labels,
        items=votes.items,
        people=votes.people,
    )
    np.testing.assert_allclose(method(other), method(votes), atol=1e-6)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_all_of_one_mind_are_believed(method: Method) -> None:
    truth = np.arange(40) % 3
    item, person = np.repeat(np.arange(40), 4), np.tile(np.arange(4), 40)
    votes = Votes.of(item, person, truth[item], labels=3)
    assert (method(votes).argmax(axis=1) == truth).all()


def made_up(
    rights: NDArray[np.float64], items: int, each: int, *, seed: int, labels: int = 3
) -> tuple[Votes, NDArray[np.int64]]:
    """Votes of people who are right so often, ``each`` on every item."""
    luck = np.random.default_rng(seed)
    truth = luck.integers(0, labels, items)
    person = np.concatenate([luck.permutation(len(rights))[:each] for _ in range(items)])
    item = np.repeat(np.arange(items), each)
    is_right = luck.random(len(item)) < rights[person]
    other = (truth[item] + luck.integers(1, labels, len(item))) % labels
    said = np.where(is_right, truth[item], other)
    return Votes.of(item, person, said, labels=labels, people=len(rights)), truth


@pytest.mark.parametrize("name", ["pooled", "dawid-skene", "one-coin", "mace", "weighted"])
def test_three_who_know_outweigh_five_who_guess(name: str) -> None:
    rights = np.array([0.95] * 3 + [0.4] * 5)
    votes, truth = made_up(rights, 600, 8, seed=1)
    counted = (majority(votes).argmax(axis=1) == truth).mean()
    assert (METHODS[name](votes).argmax(axis=1) == truth).mean() > counted + 0.01


def test_an_error_that_is_a_habit_is_undone() -> None:
    """One person always writes 0 for 1 and 1 for 0: that tells as much as being right."""
    votes, truth = made_up(np.array([0.8, 0.8, 0.8, 0.0]), 800, 4, seed=2, labels=2)
    found = dawid_skene(votes)
    assert found.confusion[3, 0, 1] > 0.9
    coins = one_coin(votes).posterior.argmax(axis=1)
    assert (found.posterior.argmax(axis=1) == truth).mean() >= (coins == truth).mean() - 1e-9
    assert (found.posterior.argmax(axis=1) == truth).mean() > 0.9


def test_three_thousand_votes_on_one_item_underflow_nothing() -> None:
    label = np.array([1] * 1600 + [0] * 1400)
    votes = Votes.of(np.zeros(3000, np.int64), np.arange(3000), label, labels=2)
    for method in METHODS.values():
        found = method(votes)
        assert np.isfinite(found).all()
        assert found[0].argmax() == 1


def test_restarts_are_different_starts() -> None:
    votes, _ = made_up(np.full(8, 0.7), 100, 3, seed=3)
    one, two = mace(votes, restarts=1, rounds=1)[0], mace(votes, restarts=1, rounds=1, seed=1)[0]
    assert not np.allclose(one, two)
    np.testing.assert_array_equal(mace(votes, seed=5)[0], mace(votes, seed=5)[0])


def test_known_items_stay_known_and_teach_who_errs() -> None:
    votes, truth = made_up(np.array([0.9, 0.9, 0.5, 0.5]), 300, 4, seed=4)
    gold = {item: int(truth[item]) for item in range(100)}
    found = dawid_skene(votes, gold=gold)
    assert all(found.posterior[item, label] == 1 for item, label in gold.items())
    right = found.confusion[:, np.arange(3), np.arange(3)].mean(axis=1)
    assert right[:2].min() > right[2:].max() + 0.2


def test_reliability_is_what_people_are_and_nobody_speaks_for_themselves() -> None:
    rights = np.linspace(0.5, 0.97, 20)
    inside, bias = list[float](), list[float]()
    for seed in range(5):
        votes, _ = made_up(rights, 400, 5, seed=seed)
        found = reliability(votes, dawid_skene(votes))
        assert np.abs(found.share - rights).mean() < 0.06
        bias.append(float((found.share - rights).mean()))
        assert np.abs(found.share - rights).max() < 0.2
        inside.append(float(((found.low <= rights) & (rights <= found.high)).mean()))
    assert np.mean(inside) > 0.75
    assert abs(np.mean(bias)) < 0.02
    alone = Votes.of([0, 1, 2, 2], [0, 0, 1, 2], [0, 0, 1, 1], labels=2)
    told = reliability(alone, dawid_skene(alone))
    assert told.judged.tolist() == [0, 1, 1]
    assert np.isnan(told.share[0])
    assert np.isnan(told.low[0])


def test_a_model_that_agrees_with_people_weighs_and_one_that_does_not_hardly() -> None:
    votes, truth = made_up(np.full(10, 0.75), 500, 2, seed=6)
    luck = np.random.default_rng(7)
    good = np.full((500, 3), 0.05)
    good[np.arange(500), np.where(luck.random(500) < 0.9, truth, 0)] = 0.9
    bad = luck.dirichlet(np.ones(3), 500)
    helped, hindered = crowdlab(votes, good), crowdlab(votes, bad)
    counted = (majority(votes).argmax(axis=1) == truth).mean()
    assert (helped.posterior.argmax(axis=1) == truth).mean() > counted + 0.05
    assert helped.model > 3 * hindered.model


@pytest.mark.parametrize(
    ("item", "person", "label"),
    [([0, -1], [0, 0], [0, 0]), ([0], [5], [0]), ([0], [0], [2]), ([0, 1], [0], [0])],
)
def test_codes_out_of_range_are_refused(
    item: list[int], person: list[int], label: list[int]
) -> None:
    with pytest.raises(ValueError, match=r"codes|length"):
        Votes.of(item, person, label, labels=2, items=2, people=2)


def test_without_pooling_people_are_by_themselves() -> None:
    votes, _ = made_up(np.full(6, 0.8), 200, 3, seed=8)
    faint = dawid_skene(votes, pooling=Pooling(strength=1e-9, crowd=1e-9, flat=0.0))
    alone = dawid_skene(votes, pooling=None, close=0.0)
    np.testing.assert_allclose(faint.posterior, alone.posterior, atol=0.02)


# ------------------------------------------------------------------------------ real crowds


def crowd(name: str) -> tuple[Votes, NDArray[np.int64]]:
    """Votes of a crowd, and the known labels (-1: unknown)."""
    if not CROWDS.is_dir():
        pytest.skip("../shared/data/crowd_gold is not here")
    with gzip.open(CROWDS / "answers.csv.gz", "rt", encoding="utf-8", newline="") as file:
        said = [row for row in csv.DictReader(file) if row["dataset"] == name]
    with gzip.open(CROWDS / "gold.csv.gz", "rt", encoding="utf-8", newline="") as file:
        gold = {row["task"]: row["gold"] for row in csv.DictReader(file) if row["dataset"] == name}
    known = [sorted({row[column] for row in said}) for column in ("task", "worker")]
    labels = sorted({row["label"] for row in said} | set(gold.values()))
    place = [{name: at for at, name in enumerate(names)} for names in (*known, labels)]
    columns = [
        np.array([where[row[column]] for row in said])
        for column, where in zip(("task", "worker", "label"), place, strict=True)
    ]
    truth = np.array([place[2][gold[task]] if task in gold else -1 for task in known[0]])
    return Votes.of(*columns, labels=len(labels)), truth


def some(votes: Votes, each: int, seed: int) -> Votes:
    """At most so many votes of every item, at random."""
    order = np.random.default_rng(seed).permutation(len(votes))
    taken = np.zeros(votes.items, dtype=np.int64)
    kept = list[int]()
    for at in order.tolist():
        if taken[votes.item[at]] < each:
            taken[votes.item[at]] += 1
            kept.append(at)
    return Votes.of(
        votes.item[kept],
        votes.person[kept],
        votes.label[kept],
        labels=votes.labels,
        items=votes.items,
        people=votes.people,
    )


def accuracy(posterior: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    known = truth >= 0
    return float((posterior.argmax(axis=1)[known] == truth[known]).mean())


@pytest.mark.parametrize(
    ("name", "plain"), [("bluebird", 0.889), ("rte", 0.928), ("temp", 0.942), ("dog", 0.843)]
)
def test_with_all_votes_real_crowds_are_as_right_as_dawid_and_skene_say(
    name: str, plain: float
) -> None:
    votes, truth = crowd(name)
    assert accuracy(dawid_skene(votes, pooling=None).posterior, truth) == pytest.approx(
        plain, abs=0.002
    )
    assert accuracy(dawid_skene(votes).posterior, truth) >= plain - 0.01


@pytest.mark.parametrize("name", ["bluebird", "rte", "temp", "dog", "web"])
@pytest.mark.parametrize("each", [1, 2, 3, 5])
def test_with_few_votes_pooling_is_no_worse_than_counting(name: str, each: int) -> None:
    votes, truth = crowd(name)
    few = [some(votes, each, seed) for seed in range(5)]
    pooled = np.mean([accuracy(dawid_skene(part).posterior, truth) for part in few])
    counted = np.mean([accuracy(majority(part), truth) for part in few])
    assert pooled >= counted - 0.005
