from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.items import Items, Predictions
from signoff.models.callable import CallableModel

LABELS = ("yes", "no")
ITEMS = Items({"text": ["a", "b", "c"]}, text_column="text")


def ask(answers: object, items: Items = ITEMS) -> Predictions:
    return CallableModel(lambda _: answers, labels=LABELS).predict(items)


@pytest.mark.parametrize(
    "answers",
    [
        ["no", "yes", "no"],
        [("no", 0.9), ("yes", 0.8), ("no", 0.7)],
        [{"label": "NO", "score": 0.9}, {"label": "yes"}, {"label": "no", "confidence": 1}],
        [{"yes": 0.2, "no": 0.8}, {"yes": 1.0}, {"no": 1}],
        [[0.1, 0.9], [0.9, 0.1], [0.3, 0.7]],
        np.array([[0.1, 0.9], [0.9, 0.1], [0.3, 0.7]]),
        np.array(["no", "yes", "no"]),
        (answer for answer in ("no", "yes", "no")),
    ],
)
def test_every_form_of_answer_is_understood(answers: object) -> None:
    said = ask(answers)
    assert said.answer.tolist() == [1, 0, 1]
    assert np.all((said.raw_score >= 0) & (said.raw_score <= 1))
    assert said.why is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("maybe", "unknown label 'maybe'"),
        (("yes", 1.2), "no number between 0 and 1"),
        (("yes", float("nan")), "no number between 0 and 1"),
        (("yes", "high"), "no number between 0 and 1"),
        (("yes", None), "no number between 0 and 1"),
        ({"label": None}, "no answer"),
        ({"maybe": 1.0}, "unknown label 'maybe'"),
        (None, "no answer"),
        ([0.5, 0.2], "no distribution"),
        ([float("inf"), 0.0], "no distribution"),
        ([0.2, 0.3, 0.5], "3 probabilities for 2 labels"),
    ],
)
def test_what_cannot_be_trusted_goes_to_people_with_the_reason(bad: object, reason: str) -> None:
    said = ask([("yes", 0.9), bad, ("no", 0.9)])
    assert said.answer.tolist() == [0, -1, 1]
    assert said.why is not None
    assert reason in said.why[1]
    assert said.why[0] == ""
    assert np.isnan(said.raw_score[1])


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(LABELS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.lists(junk, min_size=3, max_size=3))
@settings(deadline=None)
def test_no_answer_of_any_kind_is_a_crash(answers: list[object]) -> None:
    said = ask(answers)
    trusted = said.answer >= 0
    assert len(said) == 3
    assert np.all((said.raw_score[trusted] >= 0) & (said.raw_score[trusted] <= 1))


def test_one_bad_row_does_not_stop_the_others() -> None:
    def fragile(texts: list[str]) -> list[str]:
        if "b" in texts:
            raise ZeroDivisionError("cannot divide a b")
        return ["yes"] * len(texts)

    said = CallableModel(fragile, labels=LABELS).predict(ITEMS)
    assert said.answer.tolist() == [0, -1, 0]
    assert said.why is not None
    assert "ZeroDivisionError: cannot divide a b" in said.why[1]


@pytest.mark.parametrize("answers", [[], ["yes"] * 4, 7, "yes", {"label": "yes"}])
def test_the_wrong_number_of_answers_is_no_answer(answers: object) -> None:
    assert ask(answers).answer.tolist() == [-1, -1, -1]


def test_an_object_is_asked_for_probabilities_first() -> None:
    class Guesser:
        def predict(self, texts: list[str]) -> list[str]:
            raise AssertionError("predict_proba comes first")

        def predict_proba(self, texts: list[str]) -> list[list[float]]:
            return [[0.8, 0.2] for _ in texts]

    assert CallableModel(Guesser(), labels=LABELS).predict(ITEMS).answer.tolist() == [0, 0, 0]


def test_rows_come_as_dicts_where_there_is_no_text() -> None:
    items = Items({"a": [1, 2], "b": ["x", "y"]})
    model = CallableModel(
        lambda rows: ["yes" if r == {"a": 1, "b": "x"} else "no" for r in rows], labels=LABELS
    )
    assert model.predict(items).answer.tolist() == [0, 1]


def test_the_version_changes_with_the_code_and_the_labels() -> None:
    def one(texts: list[str]) -> list[str]:
        return ["yes" for _ in texts]

    def two(texts: list[str]) -> list[str]:
        return ["no" for _ in texts]

    versions = {
        CallableModel(one, labels=LABELS).version,
        CallableModel(two, labels=LABELS).version,
        CallableModel(one, labels=("a", "b")).version,
    }
    assert len(versions) == 3
    assert CallableModel(one, labels=LABELS).version in versions


def test_a_chain_of_langchain_is_a_function_whose_failed_calls_are_no_answers() -> None:
    runnables = pytest.importorskip("langchain_core.runnables", reason="not installed")

    def judge(text: str) -> dict[str, object]:
        if "broken" in text:
            raise ConnectionError("no network")
        return {"label": "Positive", "score": 0.9}

    chain = runnables.RunnableLambda(judge)

    def guess(texts: list[str]) -> list[dict[str, object]]:
        said = chain.batch(texts, return_exceptions=True)
        return [each if isinstance(each, dict) else {"label": "", "score": None} for each in said]

    model = CallableModel(guess, labels=("Positive", "Negative"))
    found = model.predict(Items({"text": ["fine", "broken", "nice"]}, text_column="text"))
    assert found.answer.tolist() == [0, -1, 0]
