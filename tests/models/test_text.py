from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.core.items import Answers, Items
from signoff.models import text_features
from signoff.models.text import TextLearner, TextModel
from signoff.models.text_features import Vectoriser, ngram_matrix, read_stream
from signoff.ports import Explains, Learner, Model

GOOD = ["lovely", "great", "superb", "delightful", "works"]
BAD = ["awful", "broken", "terrible", "useless", "refund"]
FILLER = ["the", "kettle", "arrived", "on", "monday", "and", "box", "was", "blue", "my"]
LABELS = ("Positive", "Negative", "Neither")


def pool(n: int, seed: int = 0) -> tuple[Items, np.ndarray]:
    """Texts of three classes that a linear model can tell apart, mostly."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    texts = []
    for code in codes.tolist():
        words = list(rng.choice(FILLER, 6))
        words += list(rng.choice((GOOD, BAD, FILLER)[code], 2))
        texts.append(" ".join(rng.permutation(words)))
    return Items({"text": texts}, text_column="text"), codes


def fitted(items: Items, codes: np.ndarray, n: int = 60) -> TextModel:
    answers = Answers(labels=LABELS, codes=codes[:n])
    return TextLearner().fit(items.take(np.arange(n)), answers, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def model() -> TextModel:
    return fitted(*pool(300))


def test_it_learns_what_a_linear_model_can_learn(model: TextModel) -> None:
    items, codes = pool(300)
    assert (model.predict(items).answer == codes)[60:].mean() > 0.95


def test_it_satisfies_the_ports(model: TextModel) -> None:
    assert isinstance(model, Model)
    assert isinstance(model, Explains)
    assert isinstance(TextLearner(), Learner)


def test_probabilities_are_distributions_whose_best_is_the_answer(model: TextModel) -> None:
    said = model.predict(pool(300)[0])
    assert said.probabilities is not None
    assert said.probabilities.shape == (300, 3)
    assert said.probabilities.sum(axis=1) == pytest.approx(np.ones(300), abs=1e-5)
    assert np.array_equal(said.probabilities.argmax(axis=1), said.answer)


text = st.lists(st.sampled_from([*GOOD, *BAD, *FILLER, "unheard-of", "!", "ünï"]), max_size=12)


@given(text, st.integers(0, 2))
@settings(deadline=None, max_examples=50)
def test_contributions_and_bias_sum_to_the_score(
    model: TextModel, words: list[str], label: int
) -> None:
    shown = " ".join(words)
    parts = model.explain(shown, label, 10_000)
    total = sum(part for _, part in parts) + float(model.bias[label])
    assert total == pytest.approx(model.score(shown, label), abs=1e-5)
    assert len({token for token, _ in parts}) == len(parts)


def test_the_score_that_is_explained_is_the_score_that_decides(model: TextModel) -> None:
    items, _ = pool(300)
    said = model.predict(items.take([70]))
    assert said.probabilities is not None
    scores = np.array([model.score(items.texts[70], label) for label in range(3)])
    weight = np.exp(model.factor * (scores - scores.max()))
    assert said.probabilities[0] == pytest.approx(weight / weight.sum(), abs=1e-4)


def test_the_strongest_tokens_of_a_label_are_its_own(model: TextModel) -> None:
    top = [token for token, _ in model.top_tokens(1, 4)]
    assert set(top) <= set(BAD)
    assert model.explain("my superb kettle", 0, 1)[0][0] == "superb"


def test_texts_of_another_pool_are_predicted_the_same(model: TextModel) -> None:
    items, _ = pool(300)
    copy = Items({"text": items.texts}, text_column="text")
    here, there = model.predict(items), model.predict(copy)
    assert np.array_equal(here.answer, there.answer)
    assert here.raw_score == pytest.approx(there.raw_score, abs=1e-5)


def test_arrays_hold_the_whole_model(model: TextModel, tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", **model.to_arrays())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        copy = TextModel.from_arrays(arrays)
    assert copy.version == model.version
    copied = Items({"text": pool(50, seed=3)[0].texts}, text_column="text")
    assert np.array_equal(copy.predict(copied).answer, model.predict(copied).answer)


def test_warm_and_cold_learners_give_the_same_model() -> None:
    items, codes = pool(200)
    warm = TextLearner()
    for n in (10, 30, 90):
        answers = Answers(labels=LABELS, codes=codes[:n])
        rng = np.random.default_rng(0)
        again = warm.fit(items.take(np.arange(n)), answers, rng=rng)
        assert again.version == fitted(items, codes, n).version


def test_another_answer_gives_another_version(model: TextModel) -> None:
    items, codes = pool(300)
    changed = codes.copy()
    changed[0] = (changed[0] + 1) % 3
    assert fitted(items, changed).version != model.version


def test_held_out_probabilities_are_those_of_a_fit_without_the_answer() -> None:
    items, codes = pool(120)
    whole = fitted(items, codes, 80)
    assert whole.held_out is not None
    right = (whole.held_out.argmax(axis=1) == codes[:80]).mean()
    seen = (whole.predict(items.take(np.arange(80))).answer == codes[:80]).mean()
    assert right <= seen
    noise = np.random.default_rng(1).integers(0, 3, 80)
    lost = fitted(items, noise, 80)
    assert lost.held_out is not None
    assert (lost.held_out.argmax(axis=1) == noise).mean() < 0.55


def test_one_class_so_far_is_predicted_without_confidence() -> None:
    items, _ = pool(50)
    answers = Answers(labels=LABELS, codes=np.array([2, 2, 2]))
    model = TextLearner().fit(items.take([0, 1, 2]), answers, rng=np.random.default_rng(0))
    said = model.predict(items)
    assert set(said.answer.tolist()) == {2}
    assert said.raw_score.max() <= 0.51


ODD = [
    ["", "", "a"],
    ["x"] * 5,
    ["\ud800 lone", "日本語のテキスト", "مرحبا"],
    [" ".join("ab" * 40_000)] * 3,
]


@pytest.mark.parametrize("texts", ODD)
def test_odd_texts_are_only_texts(texts: list[str]) -> None:
    items = Items({"text": texts}, text_column="text")
    answers = Answers(labels=LABELS, codes=np.array([0, 1]))
    said = (
        TextLearner().fit(items.take([0, 1]), answers, rng=np.random.default_rng(0)).predict(items)
    )
    assert np.isfinite(said.raw_score).all()


def test_a_large_pool_lives_on_disk_and_is_transformed_in_chunks_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items, codes = pool(200)
    small = fitted(items, codes)
    monkeypatch.setattr(text_features, "ON_DISK", 10)
    monkeypatch.setattr("signoff.models.text.CHUNK", 7)
    monkeypatch.setattr("signoff.models.text.KEEP_ROWS", 10)
    large = fitted(items, codes)
    assert isinstance(TextLearner().features(items).stream.ids, np.memmap)
    assert large.version == small.version
    assert np.array_equal(large.predict(items).answer, small.predict(items).answer)


def ngrams_by_hand(word: str) -> int:
    edged = f"<{word}>"
    return sum(max(0, len(edged) - size + 1) for size in (3, 4, 5))


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8))
@settings(deadline=None)
def test_a_word_has_every_ngram_it_holds_and_no_other(words: list[str]) -> None:
    matrix = ngram_matrix(words)
    assert np.asarray(matrix.sum(axis=1)).ravel().tolist() == [ngrams_by_hand(w) for w in words]
    alone = ngram_matrix(words[-1:])
    assert (matrix[len(words) - 1] != alone[0]).nnz == 0


def test_each_part_of_a_row_has_its_fixed_length() -> None:
    items, _ = pool(100)
    stream = read_stream(iter([items.texts]))
    vectoriser = Vectoriser.learn(stream, most=1000)
    rows = vectoriser.transform(stream, vectoriser.local(stream), np.arange(100)).toarray()
    words, pairs = len(vectoriser.words), len(vectoriser.pairs)
    parts = np.split(np.square(rows), [words, words + pairs], axis=1)
    assert parts[0].sum(axis=1) == pytest.approx(np.ones(100), abs=1e-5)
    assert parts[2].sum(axis=1) == pytest.approx(np.ones(100), abs=1e-5)


def test_versions_do_not_depend_on_the_process(model: TextModel) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_text import fitted, pool\nprint(fitted(*pool(300)).version)"
    )
    here = Path(__file__).parent
    source = here.parents[1] / "src"
    done = subprocess.run(
        [sys.executable, "-c", code, str(here), str(source)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == model.version


def test_more_labels_leave_room_for_fewer_columns() -> None:
    items = Items(
        {"text": [f"{a} {b}" for a in "abcdefgh" for b in "ijklmnop"]}, text_column="text"
    )
    few = TextLearner(labels=1_000_000).features(items).vectoriser
    assert 0 < len(few.words) <= 13
    assert len(few.buckets) <= 13
    assert len(TextLearner(labels=2).features(items).vectoriser.words) == 16
