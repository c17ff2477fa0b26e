"""``signoff.run`` from data to certificate: every policy, kind of data, model and reviewer."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from signoff.core.items import Answers, Item, Items, Predictions
from signoff.core.questions import CANNOT_SAY, Chosen
from signoff.core.routing import Certified, People, Policy, Threshold
from signoff.errors import Infeasible, InputError, StoreChanged, Unfinished, UsageError
from signoff.ports import Desk
from signoff.sdk import Result, run
from signoff.storeview import StoreView
from signoff.testing.fakes import LABELS, KeywordModel, two_topics

Rows = list[dict[str, str]]
AT_TEN = Certified(max_error=Decimal("0.1"))
SIGNOFF_COLUMNS = [
    f"signoff_{name}"
    for name in ("answer", "by", "confidence", "reason", "reviewers", "model", "event")
]


def label(data: object, **options: Any) -> Result:
    """A run that the column ``label`` answers, at 10 %."""
    given: dict[str, Any] = {
        "labels": LABELS,
        "reviewer": "column:label",
        "policy": AT_TEN,
        "seed": 1,
    }
    return run(data, **{**given, **options})


def by_label(said: Item) -> str:
    """A person who knows the truth."""
    return str(said.data["label"])


def truth(rows: Rows) -> Callable[[Item], str]:
    """A person who knows the labels that the data does not show."""
    known = {row["text"]: row["label"] for row in rows}
    return lambda item: known[item.text]


def hidden(rows: Rows) -> Rows:
    """The rows without their label."""
    return [{name: row[name] for name in row if name != "label"} for row in rows]


def wrong(result: Result) -> int:
    return int((result.results["signoff_answer"] != result.results["label"]).sum())


def answers_given(store: Path) -> Counter[tuple[int, int]]:
    """How often each (pool, item) was answered, by the log."""
    view = StoreView.open(str(store))
    try:
        bodies = [
            json.loads(event.canonical)["body"]
            for event in view.store.events(view.project.id, types=["answer.given"])
        ]
    finally:
        view.close()
    return Counter((body["pool"], body["item"]) for body in bodies)


def verified(store: Path) -> None:
    view = StoreView.open(str(store))
    try:
        verdict = view.verify()
    finally:
        view.close()
    assert verdict.ok, str(verdict.problem)


# --------------------------------------------------------------------------- policies


def test_a_certified_run_keeps_its_promise_and_spares_people_most_items() -> None:
    result = label(two_topics(400))
    assert result.finished
    assert result.counts["undecided"] == 0
    assert result.counts["human"] < 0.7 * 400
    assert wrong(result) <= 40
    assert result.certificate is not None
    assert result.certificate["human"] == result.counts["human"]
    assert result.certificate["automatic"] == result.counts["automatic"]


def test_without_a_seed_the_system_chooses_one() -> None:
    result = label(two_topics(100), seed=None)
    assert result.certificate is not None
    assert result.certificate["seed_chosen_by"] == "system"
    assert "Seed chosen" not in str(result.certificate["notes"])


def test_a_seed_that_the_operator_chose_is_printed_and_repeats_the_run() -> None:
    first, second = (label(two_topics(150), seed=7) for _ in range(2))
    assert first.certificate is not None
    assert second.certificate is not None
    assert first.certificate["seed_chosen_by"] == "operator"
    assert "Seed chosen by the operator." in str(first.certificate["notes"])
    assert first.counts == second.counts
    assert first.results["signoff_by"].to_list() == second.results["signoff_by"].to_list()


def test_a_threshold_lets_confident_labels_pass_and_promises_nothing() -> None:
    result = label(two_topics(150), policy=Threshold(confidence=0.8))
    assert result.finished
    assert result.certificate is None
    assert result.counts["automatic"] > 0
    automatic = result.results.filter(pl.col("signoff_by") == "model")
    assert automatic["signoff_confidence"].min() >= 0.8  # type: ignore[operator]
    assert set(automatic["signoff_reason"]) == {"confident"}


def test_two_pools_in_which_the_model_decided_nothing_are_told_apart(tmp_path: Path) -> None:
    rows, store = two_topics(40), tmp_path / "a.db"
    for some in (rows[:20], rows):
        result = label(some, policy=Threshold(confidence=0.999), store=store)
    assert (result.counts["pools"], result.counts["automatic"]) == (2, 0)
    verified(store)


def test_with_the_people_policy_everybody_answers_everything() -> None:
    result = label(two_topics(60), policy=People())
    assert result.finished
    assert result.certificate is None
    assert set(result.results["signoff_by"]) == {"reviewers"}
    assert wrong(result) == 0


# ---------------------------------------------------------------------------- results


def test_results_have_all_columns_as_they_came_in_and_ours_behind_them() -> None:
    rows = [{**row, "zip": "007", "na": "NA", "space": " x "} for row in two_topics(60)]
    result = label(pl.DataFrame(rows), text="text", policy=People())
    assert result.results.columns == [*rows[0], *SIGNOFF_COLUMNS]
    assert result.results.select(list(rows[0])).to_dicts() == rows


def test_columns_say_who_decided_and_which_event_tells_of_it(tmp_path: Path) -> None:
    store = tmp_path / "run.signoff.db"
    result = label(two_topics(150), store=store)
    view = StoreView.open(str(store))
    types = {event.id: event.type for event in view.store.events(view.project.id)}
    view.close()
    for row in result.results.to_dicts():
        if row["signoff_by"] == "model":
            assert types[row["signoff_event"]] == "decisions.made"
            assert row["signoff_model"].startswith("text-")
            assert row["signoff_reviewers"] is None
            assert 0 <= row["signoff_confidence"] <= 1
        else:
            assert types[row["signoff_event"]] == "answer.given"
            assert row["signoff_reviewers"] == "column:label"
            assert row["signoff_model"] is None
            assert row["signoff_confidence"] is None


def test_the_result_gives_pandas_a_report_and_a_certificate(tmp_path: Path) -> None:
    result = label(two_topics(150))
    frame: Any = result.to_pandas()
    assert list(frame.columns)[-7:] == SIGNOFF_COLUMNS
    result.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert str(result.certificate and result.certificate["statement"]) in page


def test_equal_texts_are_one_item_and_every_row_gets_its_answer() -> None:
    rows = two_topics(300)
    twice = [*rows, *({**row, "id": f"again-{row['id']}"} for row in rows[:100])]
    result = label(twice)
    assert result.counts["rows"] == 400
    assert result.counts["items"] == 300
    assert result.results.height == 400
    assert result.certificate is not None
    assert result.certificate["items"] == 300
    assert "stand for 400 rows" in str(result.certificate["notes"])
    answers = result.results.group_by("text").agg(pl.col("signoff_answer").n_unique())
    assert answers["signoff_answer"].max() == 1


def test_without_grouping_every_row_is_an_item() -> None:
    rows = two_topics(200)
    result = label([*rows, *({**row, "id": f"x{row['id']}"} for row in rows[:20])], group=False)
    assert result.counts["items"] == 220


# ------------------------------------------------------------------------------- data


@pytest.fixture
def rows() -> Rows:
    return two_topics(40)


@pytest.mark.parametrize("kind", ["path", "polars", "pandas", "arrow", "dicts", "generator"])
def test_data_may_be_a_path_a_frame_or_dicts(kind: str, rows: Rows, tmp_path: Path) -> None:
    frame = pl.DataFrame(rows)
    frame.write_csv(tmp_path / "data.csv")
    data: dict[str, Callable[[], object]] = {
        "path": lambda: tmp_path / "data.csv",
        "polars": lambda: frame,
        "pandas": frame.to_pandas,
        "arrow": frame.to_arrow,
        "dicts": lambda: rows,
        "generator": lambda: (row for row in rows),
    }
    result = label(data[kind](), policy=People())
    assert result.results.select(list(rows[0])).to_dicts() == rows
    assert wrong(result) == 0


# -------------------------------------------------------------------- running it again


def test_a_finished_project_asks_nothing_and_changes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "run.signoff.db"
    rows = two_topics(150)
    first = label(rows, store=store)
    given = answers_given(store)

    def nobody(_: Item) -> str:
        raise AssertionError("asked again")

    second = run(rows, reviewer=nobody, store=store)
    assert second.finished
    assert second.results.equals(first.results)
    assert second.certificate == first.certificate
    assert answers_given(store) == given


def test_rows_that_are_added_are_a_new_pool_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    store = tmp_path / "run.signoff.db"
    rows = two_topics(300)
    first = label(rows, store=store)
    more = [{**row, "id": f"b{row['id']}", "text": f"later {row['text']}"} for row in rows]
    second = label([*rows, *more], store=store)
    assert second.finished
    assert second.counts["pools"] == 2
    assert any("300 new rows" in message for message in second.messages)
    assert first.certificate is not None
    assert second.certificate is not None
    assert (first.certificate["pool"], second.certificate["pool"]) == (1, 2)
    assert second.certificate["items"] == 300
    assert second.certificate["earlier_pools"][0]["window"] == first.certificate["window"]  # type: ignore[index]
    assert second.results.head(300).equals(first.results)
    assert max(answers_given(store).values()) == 1
    verified(store)


def test_new_rows_wait_until_the_open_pool_is_finished(tmp_path: Path) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(300)
    label(rows[:200], store=store, reviewer="none")
    with pytest.raises(Unfinished, match="not finished, and the data holds new rows"):
        label(rows, store=store)
    assert label(rows[:200], store=store).finished
    assert label(rows, store=store).counts["pools"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": ("Positive", "Bad")}, "labels: Positive,Negative -> Positive,Bad"),
        ({"policy": Certified(max_error=Decimal("0.2"))}, "max error 0.1"),
        ({"policy": Certified(max_error=Decimal("0.1"), certainty=Decimal("0.9"))}, "0.95"),
        ({"policy": People()}, "policy"),
        ({"question": "Is it good?"}, "question: Which label fits? -> Is it good?"),
        ({"ask_always": [("id", "0001")]}, "ask-always"),
        ({"group": False}, "grouping"),
        ({"text": "id"}, "text column: text -> id"),
        ({"key": "id"}, "key column"),
    ],
)
def test_another_target_is_refused_with_the_difference_and_nothing_changes(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(60)
    label(rows, store=store, reviewer="none")
    with pytest.raises(StoreChanged) as refused:
        label(rows, store=store, **change)
    assert said in refused.value.message
    assert "--project" in refused.value.hint
    assert label(rows, store=store, reviewer="none").counts["human"] == 0


def test_a_rerun_may_leave_out_what_the_first_run_fixed(tmp_path: Path) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(150)
    label(rows, store=store, budget=20)
    assert run(rows, reviewer="column:label", store=store).finished


def test_another_project_lives_in_the_same_store(tmp_path: Path) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(60)
    label(rows, store=store, policy=People())
    other = label(rows, store=store, policy=Threshold(confidence=0.9), project="second")
    assert other.finished
    for name, policy in (("default", People()), ("second", Threshold(confidence=0.9))):
        view = StoreView.open(str(store), name)
        assert view.project.policy == policy
        assert view.verify().ok
        view.close()


# ----------------------------------------------------------- what only people may decide


def test_empty_texts_and_ruled_rows_go_to_people_and_never_to_the_model() -> None:
    rows = two_topics(300)
    for at, empty in enumerate(["", "  ", "\t", "NaN", None]):
        rows[at]["text"] = empty  # type: ignore[assignment]
    for row in rows[5:15]:
        row["country"] = "DE"
    rows = [{"country": "FR", **row} for row in rows]
    model = KeywordModel()
    result = label(pl.DataFrame(rows), text="text", model=model, ask_always=[("country", "DE")])
    assert result.finished
    frame = result.results
    assert set(frame.head(15)["signoff_by"]) == {"reviewers"}
    assert "model" in set(frame["signoff_by"])
    assert set(frame.head(5)["signoff_reason"]) <= {"empty", "audit"}
    assert set(frame.slice(5, 10)["signoff_reason"]) == {"rule"}


def test_a_model_never_sees_the_column_that_answers() -> None:
    names: set[str] = set()

    class Spy:
        version = "spy-1"

        def predict(self, items: Items) -> Predictions:
            names.update(items.names)
            n = len(items)
            return Predictions(answer=np.zeros(n, np.int64), raw_score=np.full(n, 0.9))

    label(two_topics(200), model=Spy())
    assert names == {"id", "text"}


def test_cannot_say_is_an_answer_and_a_label_given_there_is_wrong() -> None:
    rows = two_topics(300, sarcasm=0.0)
    known = truth(rows)
    unsure = {row["text"] for row in rows[::3]}
    result = run(
        hidden(rows),
        labels=LABELS,
        policy=AT_TEN,
        seed=1,
        model=KeywordModel(),
        reviewer=lambda item: None if item.text in unsure else known(item),
    )
    assert result.finished
    by_people = result.results.filter(pl.col("signoff_by") == "reviewers")
    said = by_people.filter(pl.col("signoff_answer") == "(cannot say)")
    assert 0 < said.height <= 100
    assert set(said["text"]) <= unsure
    automatic = result.results.filter(pl.col("signoff_by") == "model")
    assert sum(text in unsure for text in automatic["text"]) <= 30


# ------------------------------------------------------------------------------ slices


def test_every_slice_has_its_own_promise_and_one_that_is_too_small_goes_to_people() -> None:
    rows = [
        {**row, "shop": "tiny" if at >= 600 else "north" if at % 2 else "south"}
        for at, row in enumerate(two_topics(606))
    ]
    policy = Certified(max_error=Decimal("0.1"), slice="shop")
    result = label(rows, policy=policy, model=KeywordModel())
    assert result.finished
    assert result.certificate is not None
    tests: Any = result.certificate["tests"]
    sizes = {test["name"]: (test["size"], test["automatic"]) for test in tests}
    assert {name: size for name, (size, _) in sizes.items()} == {
        "north": 300,
        "south": 300,
        "tiny": 6,
    }
    assert sizes["north"][1] > 0
    assert sizes["south"][1] > 0
    assert sizes["tiny"][1] == 0
    tiny = result.results.filter(pl.col("shop") == "tiny")
    assert set(tiny["signoff_by"]) == {"reviewers"}


def test_equal_texts_of_two_slices_are_two_items() -> None:
    rows = [{**row, "shop": shop} for shop in ("a", "b") for row in two_topics(200)]
    policy = Certified(max_error=Decimal("0.1"), slice="shop")
    assert label(rows, policy=policy, model=KeywordModel()).counts["items"] == 400


# ------------------------------------------------------------------------------ budget


def test_a_budget_keeps_back_the_audit_and_exports_the_rest_undecided(tmp_path: Path) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(300, sarcasm=0.3)
    short = label(rows, store=store, budget=60)
    assert not short.finished
    assert short.counts["human"] <= 60
    assert short.counts["automatic"] > 0
    assert short.counts["undecided"] > 0
    undecided = short.results.filter(pl.col("signoff_answer").is_null())
    assert undecided.height == short.counts["undecided"]
    assert set(undecided["signoff_by"]) == {None}
    assert "--budget" in short.messages[-1]
    full = label(rows, store=store, budget=1000)
    assert full.finished
    assert wrong(full) <= 30
    assert max(answers_given(store).values()) == 1
    verified(store)


@pytest.mark.parametrize("budget", [0, 1, 5, 17, 40])
def test_people_never_answer_more_than_the_budget(budget: int) -> None:
    result = label(two_topics(150), budget=budget)
    assert result.counts["human"] <= budget
    assert not result.finished


def test_a_smaller_budget_than_what_waits_is_kept_too(tmp_path: Path) -> None:
    store, rows = tmp_path / "run.signoff.db", two_topics(200)
    waiting = label(rows, store=store, reviewer="none", policy=People())
    assert waiting.counts["undecided"] == 200
    few = label(rows, store=store, policy=People(), budget=7)
    assert few.counts["human"] == 7
    assert not few.finished


# ---------------------------------------------------------------------------- reviewers


def test_nobody_to_ask_leaves_items_in_the_queue(tmp_path: Path) -> None:
    result = label(two_topics(150), reviewer="none", store=tmp_path / "run.signoff.db")
    assert not result.finished
    assert result.counts["human"] == 0
    assert "wait for people" in result.messages[-1]
    assert result.certificate is None


@pytest.mark.parametrize("form", ["label", "answer", "capitals"])
def test_a_function_answers_with_a_label_or_a_typed_answer(form: str) -> None:
    rows = two_topics(30)
    known = truth(rows)
    said: dict[str, Callable[[Item], object]] = {
        "label": known,
        "answer": lambda item: Chosen(known(item)),
        "capitals": lambda item: known(item).upper(),
    }
    result = run(hidden(rows), labels=LABELS, policy=People(), reviewer=said[form])  # type: ignore[arg-type]
    assert result.results["signoff_answer"].to_list() == [row["label"] for row in rows]


def test_a_function_may_say_that_it_cannot_say() -> None:
    nothing = run(
        two_topics(5), labels=LABELS, policy=People(), text="text", reviewer=lambda _: CANNOT_SAY
    )
    assert set(nothing.results["signoff_answer"]) == {"(cannot say)"}


def test_a_function_that_answers_with_no_label_is_refused_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    rows, store = two_topics(20), tmp_path / "run.signoff.db"
    known, asked = truth(rows), Counter[str]()

    def slip(item: Item) -> str:
        asked[item.text] += 1
        return known(item) if asked.total() < 8 else "Maybe"

    with pytest.raises(InputError, match="Allowed: Positive, Negative"):
        run(hidden(rows), labels=LABELS, policy=People(), reviewer=slip, store=store)
    assert sum(answers_given(store).values()) == 7
    done = run(hidden(rows), reviewer=known, store=store)
    assert done.finished
    assert max(answers_given(store).values()) == 1


@pytest.mark.parametrize("stop_after", [0, 1, 20, 37])
def test_an_interrupt_while_a_person_answers_is_resumed_where_it_was(
    tmp_path: Path, stop_after: int
) -> None:
    rows, store = two_topics(100), tmp_path / "run.signoff.db"
    known, asked = truth(rows), Counter[str]()

    def leaves(item: Item) -> str:
        if asked.total() == stop_after:
            raise KeyboardInterrupt
        asked[item.text] += 1
        return known(item)

    stopped = run(
        hidden(rows), labels=LABELS, policy=AT_TEN, reviewer=leaves, store=store, text="text"
    )
    assert not stopped.finished
    assert stopped.counts["human"] == stop_after
    assert "go on" in stopped.messages[-1]
    verified(store)

    def goes_on(item: Item) -> str:
        asked[item.text] += 1
        return known(item)

    done = run(hidden(rows), reviewer=goes_on, store=store)
    assert done.finished
    assert set(asked.values()) == {1}
    assert max(answers_given(store).values()) == 1
    verified(store)


# ------------------------------------------------------------- refused before a store exists


@pytest.mark.parametrize(
    ("rows", "options", "error"),
    [
        ([*two_topics(20), {"id": "x", "text": "y", "label": "Maybe"}], {}, InputError),
        (two_topics(20), {"reviewer": "column:gold"}, InputError),
        (two_topics(20), {"text": "body"}, InputError),
        (two_topics(20), {"labels": ("Positive",)}, UsageError),
        (two_topics(20), {"labels": ("Positive", "positive")}, UsageError),
        (two_topics(20), {"ask_always": [("country", "DE")]}, InputError),
        (two_topics(20), {"policy": Certified(slice="shop")}, InputError),
        (two_topics(20), {"reviewer": "nobody"}, UsageError),
        (two_topics(200), {"model": "nowhere.py:model"}, UsageError),
        (two_topics(200), {"model": 7}, UsageError),
        (two_topics(20), {"labels": None, "reviewer": "none"}, UsageError),
        (two_topics(12), {"policy": Certified(max_error=Decimal("0.01"))}, Infeasible),
        ([], {}, InputError),
    ],
    ids=[
        "unknown label in the column",
        "no such reviewer column",
        "no such text column",
        "one label",
        "a label twice",
        "no such rule column",
        "no such slice column",
        "unknown reviewer",
        "no such model file",
        "no model at all",
        "no labels",
        "infeasible",
        "no rows",
    ],
)
def test_what_cannot_work_is_refused_before_a_store_exists(
    tmp_path: Path, rows: Rows, options: dict[str, Any], error: type[Exception]
) -> None:
    store = tmp_path / "run.signoff.db"
    with pytest.raises(error) as refused:
        label(rows, store=store, **options)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_infeasible_promise_names_the_three_numbers_that_would_do(tmp_path: Path) -> None:
    with pytest.raises(Infeasible) as refused:
        label(two_topics(20), policy=Certified(max_error=Decimal("0.01")), store=tmp_path / "s.db")
    assert refused.value.exit_code == 4
    for offer in ("items", "--max-error", "--certainty", "--policy people"):
        assert offer in refused.value.hint


# ------------------------------------------------------------------------------- models


def test_one_class_only_so_far_still_finishes() -> None:
    rows = [{**row, "label": "Positive"} for row in two_topics(150)]
    result = label(rows, labels=LABELS)
    assert result.finished
    assert wrong(result) <= 15
    assert set(result.results["signoff_answer"]) == {"Positive"}


def test_a_class_with_two_rare_items_still_finishes() -> None:
    rows = [{**row, "label": "Positive"} for row in two_topics(200)]
    rows[3]["label"] = rows[77]["label"] = "Negative"
    result = label(rows, labels=LABELS)
    assert result.finished
    assert wrong(result) <= 20


class MeanWordLearner:
    """A learner of a user's own: how often a word was seen with each label."""

    def fit(self, items: Items, answers: Answers, *, rng: np.random.Generator) -> WordModel:
        counts: dict[str, np.ndarray[Any, Any]] = {}
        for text, code in zip(items.texts, answers.codes.tolist(), strict=True):
            for word in text.split()[:2]:
                counts.setdefault(word, np.ones(len(answers.labels)))[code] += 3
        return WordModel(counts, len(answers.labels))


class WordModel:
    def __init__(self, counts: dict[str, np.ndarray[Any, Any]], labels: int) -> None:
        self._counts, self._labels = counts, labels
        self.version = f"words-{len(counts)}"

    def predict(self, items: Items) -> Predictions:
        plain = np.ones(self._labels)
        scores = [
            np.prod([self._counts.get(word, plain) for word in text.split()[:2]], axis=0)
            for text in items.texts
        ]
        p = np.array([score / score.sum() for score in scores], dtype=np.float32)
        return Predictions(
            answer=p.argmax(axis=1).astype(np.int64),
            raw_score=p.max(axis=1).astype(np.float64),
            probabilities=p,
        )


def probabilities_of_texts(texts: Sequence[str]) -> list[list[float]]:
    """A callable model: praise, blame, or fifty-fifty."""
    model = KeywordModel()
    codes = [model.code(text) for text in texts]
    return [
        [0.5, 0.5] if code < 0 else [0.95, 0.05] if code == 0 else [0.05, 0.95] for code in codes
    ]


def users_model(kind: str) -> object:
    if kind == "learner":
        return MeanWordLearner()
    if kind == "callable":
        return probabilities_of_texts
    if kind == "model":
        return KeywordModel()
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(), LogisticRegression())


@pytest.mark.parametrize("kind", ["learner", "estimator", "callable", "model"])
def test_a_model_of_the_users_own_does_the_job(kind: str) -> None:
    result = label(two_topics(300), model=users_model(kind))
    assert result.finished
    assert result.counts["automatic"] > 0
    assert wrong(result) <= 30


def test_a_model_that_is_never_sure_or_never_answers_leaves_everything_to_people() -> None:
    def broken(texts: Sequence[str]) -> list[list[float]]:
        return [[float("nan"), float("nan")] for _ in texts]

    def raises(texts: Sequence[str]) -> list[list[float]]:
        raise ValueError("out of order")

    for model in (broken, raises):
        result = label(two_topics(120), model=model)
        assert result.finished
        assert result.counts["automatic"] == 0
        assert wrong(result) == 0


def test_rows_that_a_model_fails_on_go_to_people_and_the_others_do_not_suffer() -> None:
    def picky(texts: Sequence[str]) -> list[list[float]]:
        if any("lamp" in text for text in texts):
            raise ValueError("no lamps")
        return probabilities_of_texts(texts)

    result = label(two_topics(400), model=picky)
    lamps = result.results.filter(pl.col("text").str.contains("lamp"))
    assert set(lamps["signoff_by"]) == {"reviewers"}
    assert result.counts["automatic"] > 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1.5, -0.1])
def test_a_score_that_is_none_is_never_automatic(bad: float) -> None:
    model = KeywordModel(score=lambda text: bad if "lamp" in text else 0.9)
    policies: list[Policy] = [AT_TEN, Threshold(confidence=0.6)]
    for policy in policies:
        result = label(two_topics(150), model=model, policy=policy)
        lamps = result.results.filter(pl.col("text").str.contains("lamp"))
        assert set(lamps["signoff_by"]) == {"reviewers"}
        assert result.counts["automatic"] > 0


def test_a_run_looks_for_cyclic_garbage_rarely_and_gives_the_old_pace_back(rows: Rows) -> None:
    before, during = gc.get_threshold(), set[tuple[int, int, int]]()
    label(rows, on_progress=lambda _: during.add(gc.get_threshold()))
    assert min(each[0] for each in during) >= 100_000
    assert gc.get_threshold() == before


def test_a_process_that_never_looks_for_cyclic_garbage_stays_so(rows: Rows) -> None:
    before, during = gc.get_threshold(), set[int]()
    gc.set_threshold(0)
    try:
        label(rows, on_progress=lambda _: during.add(gc.get_threshold()[0]))
        assert during == {0} == {gc.get_threshold()[0]}
    finally:
        gc.set_threshold(*before)


def test_no_model_in_a_reviewers_place_makes_a_certificate(tmp_path: Path) -> None:
    class Machine:
        name, kind = "machine", "model"

        def review(self, desk: Desk) -> bool:
            raise AssertionError("nobody may be asked")

    store = str(tmp_path / "run.signoff.db")
    with pytest.raises(UsageError, match="a certificate rests on what people say"):
        run(two_topics(200), labels=LABELS, text="text", reviewer=Machine(), store=store)
    assert not Path(store).exists()
