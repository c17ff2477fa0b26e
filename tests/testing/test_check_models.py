"""The suites for models and learners pass the built-in ones and find what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from signoff.core.items import Answers, Items, Predictions
from signoff.models.text import TextLearner
from signoff.testing import check_learner, check_model

WORDS = ["good", "bad", "fine", "awful", "lovely", "poor", "great", "weak"]
TEXTS = [f"{word} {kind}" for kind in ("film", "plot", "cast") for word in WORDS]
ITEMS = Items({"text": TEXTS}, text_column="text")
TAUGHT = ITEMS.take(np.arange(16))
OTHERS = ITEMS.take(np.arange(16, 24))
ANSWERS = Answers(labels=("Positive", "Negative"), codes=np.arange(16, dtype=np.int64) % 2)


def said(items: Items) -> Predictions:
    """Labels by the length of the text."""
    sure = np.array([0.6 + len(text) / 100 for text in items.texts])
    answer = np.array([len(text) % 2 for text in items.texts], dtype=np.int64)
    probabilities = np.empty((len(items), 2), dtype=np.float32)
    probabilities[np.arange(len(items)), answer] = sure
    probabilities[np.arange(len(items)), 1 - answer] = 1 - sure
    return Predictions(answer=answer, raw_score=sure, probabilities=probabilities)


@dataclass
class Sound:
    version: str = "1"

    def predict(self, items: Items) -> Predictions:
        return said(items)


class OutOfRange(Sound):
    def predict(self, items: Items) -> Predictions:
        right = said(items)
        return Predictions(answer=right.answer + 1, raw_score=right.raw_score)


class Unsure(Sound):
    def predict(self, items: Items) -> Predictions:
        right = said(items)
        return Predictions(answer=right.answer, raw_score=np.full(len(items), np.nan))


class NotADistribution(Sound):
    def predict(self, items: Items) -> Predictions:
        right = said(items)
        assert right.probabilities is not None
        return Predictions(
            answer=right.answer, raw_score=right.raw_score, probabilities=right.probabilities * 2
        )


class Relative(Sound):
    """Scores each item by its place among those it is shown with."""

    def predict(self, items: Items) -> Predictions:
        right = said(items)
        return Predictions(answer=right.answer, raw_score=np.arange(len(items)) / 10)


class Forgetful(Sound):
    """A fresh score at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def predict(self, items: Items) -> Predictions:
        self.calls += 1
        right = said(items)
        return Predictions(answer=right.answer, raw_score=right.raw_score + self.calls)


class TooFew(Sound):
    def predict(self, items: Items) -> Predictions:
        return said(items.take(np.arange(max(0, len(items) - 1))))


class Nameless(Sound):
    def __init__(self) -> None:
        super().__init__(version="")


def test_a_sound_model_passes() -> None:
    check_model(Sound(), ITEMS, labels=2)


def test_a_model_without_probabilities_or_with_no_answer_passes() -> None:
    class Silent(Sound):
        def predict(self, items: Items) -> Predictions:
            n = len(items)
            nothing = np.full(n, -1, dtype=np.int64)
            return Predictions(answer=nothing, raw_score=np.full(n, np.nan), why=["no idea"] * n)

    check_model(Silent(), ITEMS, labels=2)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (OutOfRange(), "must lie in"),
        (Unsure(), "must be finite"),
        (NotADistribution(), "between 0 and 1|sum to 1"),
        (Relative(), "must not depend on the items beside"),
        (Forgetful(), "twice must give the same"),
        (TooFew(), "must have shape"),
        (Nameless(), "version must be"),
    ],
)
def test_the_suite_finds_what_is_wrong_with_a_model(model: Sound, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_model(model, ITEMS, labels=2)


@dataclass
class FromMemory:
    """Gives another model when it was called before."""

    taught: list[int] = field(default_factory=list[int])

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> Sound:
        self.taught.append(len(answers))
        return Sound(version=str(len(self.taught)))


class Drifting(Sound):
    bias = 0.0

    def predict(self, items: Items) -> Predictions:
        right = said(items)
        return Predictions(answer=right.answer, raw_score=right.raw_score + self.bias)


class Cumulative:
    """Hands out the same object again and again, changed by each fit."""

    def __init__(self) -> None:
        self.model = Drifting()

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> Sound:
        self.model.bias += 1
        return self.model


def test_the_built_in_text_learner_passes() -> None:
    check_learner(TextLearner(), TAUGHT, ANSWERS, others=OTHERS, atol=1e-4)


def test_a_learner_that_remembers_earlier_calls_is_found() -> None:
    with pytest.raises(AssertionError, match="whatever came before"):
        check_learner(FromMemory(), TAUGHT, ANSWERS, others=OTHERS)


def test_a_learner_that_changes_its_earlier_models_is_found() -> None:
    with pytest.raises(AssertionError, match=r"whatever came before|earlier models alone"):
        check_learner(Cumulative(), TAUGHT, ANSWERS, others=OTHERS)
