"""What a model saw in a text, by taking words out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.items import Answers, Items, Predictions
from signoff.learning.explain import (
    Edit,
    deletion_curve,
    occlusion,
    smallest_edit,
    without,
    words_of,
)
from signoff.models.text import TextLearner, TextModel
from signoff.ports import Model
from signoff.testing.fakes import BLAME, LABELS, PRAISE, two_topics


def ask(text: str) -> int:
    return int(Counts().predict(Items({"text": [text]}, text_column="text")).answer[0])


@dataclass(frozen=True, slots=True)
class Counts:
    """Says Positive where praise outweighs blame; sure as far as it does."""

    version: str = "counts-1"

    def predict(self, items: Items) -> Predictions:
        scores = []
        for text in items.texts:
            words = [word.lower() for word in words_of(text)]
            praise = sum(word in PRAISE for word in words)
            scores.append(praise - sum(word in BLAME for word in words))
        edge = 1 / (1 + np.exp(-np.array(scores, dtype=np.float64)))
        both = np.column_stack([edge, 1 - edge]).astype(np.float32)
        answer = np.where(edge > 0.5, 0, 1).astype(np.int64)
        return Predictions(
            answer=answer, raw_score=both.max(axis=1).astype(np.float64), probabilities=both
        )


def edit_of(model: Model, text: str, code: int) -> Edit | None:
    return smallest_edit(model, text, code, occlusion(model, text, code))


def taught() -> TextModel:
    rows = two_topics(400, sarcasm=0.0)
    items = Items({"text": [row["text"] for row in rows]}, text_column="text")
    codes = np.array([LABELS.index(row["label"]) for row in rows], dtype=np.int64)
    answers = Answers(labels=tuple(LABELS), codes=codes)
    return TextLearner(labels=2).fit(items, answers, rng=np.random.default_rng(0))


def test_the_words_that_count_come_first() -> None:
    ranked = occlusion(Counts(), "a great happy lamp, sad but great", 0)
    assert [word for word, drop in ranked if drop > 0] == ["great", "happy"]
    assert ranked[-1][0] == "sad"
    assert ranked[-1][1] < 0


def test_the_smallest_edit_changes_the_answer_and_spares_no_word() -> None:
    model, text = Counts(), "great happy superb lamp, sad"
    edit = edit_of(model, text, 0)
    assert edit is not None
    assert edit.becomes == 1
    assert len(edit.removed) == 2
    assert ask(without(text, edit.removed)) == 1
    for word in edit.removed:
        assert ask(without(text, [other for other in edit.removed if other != word])) == 0


@pytest.mark.parametrize("text", ["", "…!", "lamp", "one two three"])
def test_where_no_word_counts_there_is_nothing_to_change(text: str) -> None:
    assert edit_of(Counts(), text, ask(text)) is None


def test_the_built_in_models_own_words_are_those_that_taking_out_finds() -> None:
    model, text = taught(), "superb elegant lamp, but sad"
    exact = [word for word, weight in model.explain(text, 0, 10) if weight > 0][:2]
    found = [word for word, _ in occlusion(model, text, 0)[:2]]
    assert set(exact) == set(found) == {"superb", "elegant"}
    edit = edit_of(model, text, 0)
    assert edit is not None
    assert set(edit.removed) <= {"superb", "elegant"}


def test_a_true_ranking_falls_faster_than_its_reverse() -> None:
    model, text = taught(), "superb elegant lamp number 12"
    ranked = [word for word, _ in occlusion(model, text, 0)]
    down, up = (deletion_curve(model, text, 0, order) for order in (ranked, ranked[::-1]))
    assert len(down) == len(ranked) + 1
    assert down[0] == up[0]
    assert down.mean() < up.mean()


@given(st.text(max_size=60))
def test_no_word_survives_being_taken_out(text: str) -> None:
    words = words_of(text)
    assert len({word.lower() for word in words}) == len(words)
    assert words_of(without(text, words)) == []
