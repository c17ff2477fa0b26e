from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC

from signoff.core.items import IMAGE, Answers, Items
from signoff.errors import InputError, UsageError
from signoff.models.callable import CallableModel
from signoff.models.estimator import EstimatorLearner, EstimatorModel, features_of
from signoff.models.loading import load_model, load_model_spec
from signoff.models.text import TextLearner

LABELS = ("red", "green", "blue")


def numbers(n: int = 120) -> tuple[Items, np.ndarray]:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, n)
    x = rng.normal(codes, 0.2)
    columns = {"x": x.tolist(), "noise": rng.normal(size=n).tolist(), "name": ["n"] * n}
    return Items(columns), codes


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), SVC(), LinearSVC(), RidgeClassifier(), RandomForestClassifier(20)],
    ids=lambda e: type(e).__name__,
)
def test_estimators_are_learners_as_they_are(estimator: BaseEstimator) -> None:
    items, codes = numbers()
    answers = Answers(labels=LABELS, codes=codes[:60])
    model = EstimatorLearner(estimator).fit(
        items.take(np.arange(60)), answers, rng=np.random.default_rng(0)
    )
    said = model.predict(items)
    assert (said.answer == codes)[60:].mean() > 0.6
    assert said.probabilities is not None
    assert said.probabilities.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)
    assert not hasattr(estimator, "classes_"), "the user's own object must not be fitted"


def test_a_label_without_answers_has_no_probability() -> None:
    items, codes = numbers()
    two = np.flatnonzero(codes != 1)
    answers = Answers(labels=LABELS, codes=codes[two])
    model = EstimatorLearner(LogisticRegression()).fit(
        items.take(two), answers, rng=np.random.default_rng(0)
    )
    said = model.predict(items)
    assert said.probabilities is not None
    assert set(said.answer.tolist()) <= {0, 2}
    assert said.probabilities[:, 1].max() == 0


def test_texts_reach_a_pipeline_as_texts() -> None:
    items = Items({"text": ["good day", "bad day"] * 10}, text_column="text")
    answers = Answers(labels=("+", "-"), codes=np.arange(10) % 2)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    model = EstimatorLearner(pipeline).fit(
        items.take(np.arange(10)), answers, rng=np.random.default_rng(0)
    )
    assert model.predict(items).answer.tolist() == [0, 1] * 10


def test_one_class_so_far_is_predicted_without_confidence() -> None:
    items, _ = numbers()
    answers = Answers(labels=LABELS, codes=np.array([1, 1]))
    model = EstimatorLearner(LogisticRegression()).fit(
        items.take([0, 1]), answers, rng=np.random.default_rng(0)
    )
    said = model.predict(items)
    assert set(said.answer.tolist()) == {1}
    assert said.raw_score.max() <= 0.5


def test_equal_answers_give_an_equal_model_even_of_a_random_one() -> None:
    items, codes = numbers()
    answers = Answers(labels=LABELS, codes=codes[:60])
    learner = EstimatorLearner(RandomForestClassifier(10))
    a, b = (
        learner.fit(items.take(np.arange(60)), answers, rng=np.random.default_rng(4))
        for _ in range(2)
    )
    assert a.version == b.version
    assert np.array_equal(a.predict(items).raw_score, b.predict(items).raw_score)


def test_words_and_missing_numbers() -> None:
    table = Items({"size": ["1", "", "3"], "colour": ["red", "blue", "red"], "n": [1, None, 2]})
    features = features_of(table)
    assert isinstance(features, np.ndarray)
    assert features.shape == (3, 2)
    assert np.isnan(features[1]).all()
    with pytest.raises(InputError, match="no column of numbers"):
        features_of(Items({"colour": ["red", "blue"]}))


# ------------------------------------------------------------------------------ loading


def test_the_built_in_model_goes_by_its_name() -> None:
    assert isinstance(load_model("text", labels=LABELS), TextLearner)
    assert isinstance(load_model(None, labels=LABELS), TextLearner)


def test_each_kind_of_object_becomes_what_it_is() -> None:
    learner = TextLearner()
    assert load_model(learner, labels=LABELS) is learner
    assert isinstance(load_model(TextLearner, labels=LABELS), TextLearner)
    assert isinstance(load_model(LogisticRegression(), labels=LABELS), EstimatorLearner)
    assert isinstance(load_model(lambda rows: rows, labels=LABELS), CallableModel)
    fitted = LogisticRegression().fit([[0.0], [1.0]], ["red", "blue"])
    model = load_model(fitted, labels=LABELS)
    assert isinstance(model, EstimatorModel)
    assert model.predict(Items({"x": [0.0, 1.0]})).answer.tolist() == [0, 2]


def test_a_fitted_model_with_other_labels_is_refused() -> None:
    fitted = LogisticRegression().fit([[0.0], [1.0]], ["red", "mauve"])
    with pytest.raises(InputError, match="'mauve'"):
        load_model(fitted, labels=LABELS)


def test_a_file_is_run_and_its_name_taken(tmp_path: Path) -> None:
    (tmp_path / "mine_helper.py").write_text("ANSWER = 'red'\n")
    file = tmp_path / "mine.py"
    file.write_text(
        "from mine_helper import ANSWER\ndef guess(rows): return [ANSWER] * len(rows)\n"
    )
    model = load_model(f"{file}:guess", labels=LABELS)
    assert isinstance(model, CallableModel)
    assert model.predict(Items({"x": [1, 2]})).answer.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("texts", "not known"),
        ("mine.txt:guess", "not known"),
        ("missing.py:guess", "does not exist"),
        ("mine.py:other", "not in .*has: guess"),
        ("broken.py:guess", "failed: ZeroDivisionError"),
        ("mine.py:number", "A int is no model"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("guess = len\nnumber = 3\n")
    Path("broken.py").write_text("guess = 1 / 0\n")
    with pytest.raises(UsageError, match=message):
        load_model(spec, labels=LABELS)


def test_a_name_is_looked_up_without_making_a_model(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("value = 7\n")
    assert load_model_spec(f"{tmp_path / 'plain.py'}:value") == 7


def test_an_estimator_of_pictures_is_given_their_files() -> None:
    columns = {"file": ["a.png", "b.png"], IMAGE: ["aa", None]}
    items = Items(
        columns, text_column="file", image_path=lambda digest: f"/blobs/{digest}" if digest else ""
    )
    assert features_of(items) == ["/blobs/aa", ""]
    assert features_of(items.take([1])) == [""]
