"""Every kind of question, and forms of several, from rows to verified results on both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from signoff.core.items import Item
from signoff.core.questions import (
    Answer,
    AnyQuestion,
    Choice,
    Form,
    Marked,
    MultiChoice,
    Pairwise,
    Rating,
    Span,
    Spans,
    Text,
    answer_text,
)
from signoff.core.routing import Certified, People, Threshold
from signoff.errors import InputError, SignoffError, UsageError
from signoff.sdk import Result, run
from signoff.storeview import StoreView

TEN = Certified(max_error=Decimal("0.1"))
N = 400
YES_NO = ("yes", "no")
WORDS = ("Ada 🦉", "Bob", "العربية", "Cyd")


def rows(n: int = N) -> list[dict[str, Any]]:
    """Items whose text says everything there is to answer."""
    return [
        {
            "text": f"{WORDS[at % 4]} says {YES_NO[at % 2]} with {1 + at % 5} stars, no {at}",
            "long": f"answer {at} " + "x" * (at % 3),
            "short": f"answer {at}",
        }
        for at in range(n)
    ]


def truth(kind: str, text: str) -> Answer:
    """The right answer, from the text alone."""
    number = int(text.rsplit(" ", 1)[1])
    word = WORDS[number % 4]
    said: dict[str, Answer] = {
        "choice": QUESTIONS["choice"].parse("Yes" if number % 2 == 0 else "No"),
        "multichoice": QUESTIONS["multichoice"].parse(
            ["Owl", "Owl, Bird", "(none)", "Bird"][number % 4]
        ),
        "rating": QUESTIONS["rating"].parse(str(1 + number % 5)),
        "text": QUESTIONS["text"].parse(f"café {number % 7}"),
        "spans": Marked((Span(0, len(word), "Person"),)),
        "pairwise": QUESTIONS["pairwise"].parse(["a", "b", "tie", "both bad"][number % 4]),
    }
    return said[kind]


QUESTIONS: dict[str, AnyQuestion] = {
    "choice": Choice.of(["Yes", "No"]),
    "multichoice": MultiChoice.of(["Owl", "Bird"]),
    "rating": Rating(),
    "text": Text(text="What is served?"),
    "spans": Spans.of(["Person"]),
    "pairwise": Pairwise(a="long", b="short"),
}
KINDS = sorted(QUESTIONS)


class Model:
    """Says the truth but of every twelfth item, of which it is less sure."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def predict(self, items: Sequence[Any]) -> list[tuple[object, float]]:
        texts = [item if isinstance(item, str) else item["text"] for item in items]
        return [self._said(text) for text in texts]

    def _said(self, text: str) -> tuple[object, float]:
        number = int(text.rsplit(" ", 1)[1])
        wrong = number % 12 == 11
        base = text.rsplit(" ", 1)[0]
        answer = truth(self.kind, f"{base} {number + 1}" if wrong else text)
        if self.kind == "spans" and wrong:
            answer = Marked(())
        form = [answer, answer.to_json(), answer_text(answer)][number % 3]
        if self.kind == "choice":
            form = answer_text(answer)
        return form, 0.6 + 0.01 * (number % 7) if wrong else 0.9 + 0.001 * (number % 90)


def right(kind: str) -> Callable[[Item], Answer]:
    return lambda item: truth(kind, item.text)


@pytest.fixture
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL keeps columnar files in a folder that the settings name."""
    monkeypatch.setenv("SIGNOFF_ARTIFACTS", str(tmp_path / "artifacts"))


def check(url: str, *, certificates: int = 0) -> StoreView:
    view = StoreView.open(url)
    verdict = view.verify()
    assert verdict.ok, str(verdict.problem)
    assert len(verdict.certificates) == certificates
    return view


def answers_of(result: Result, question: Any, column: str = "signoff_answer") -> list[Answer]:
    return [question.parse(text) for text in result.results[column].to_list()]


@pytest.mark.parametrize("kind", KINDS)
def test_people_answer_any_kind_and_the_results_read_back(
    kind: str, store_url: str, artifacts: None
) -> None:
    question, table = QUESTIONS[kind], rows(9)
    result = run(
        table,
        question=question,
        policy=People(),
        reviewer=right(kind),
        text="text",
        store=store_url,
    )
    assert result.finished
    assert answers_of(result, question) == [truth(kind, row["text"]) for row in table]
    check(store_url).close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_any_kind_is_certified_and_wrong_means_not_the_same(
    kind: str, store_url: str, artifacts: None
) -> None:
    question, table = QUESTIONS[kind], rows()
    result = run(
        table,
        question=question,
        policy=TEN,
        model=Model(kind),
        reviewer=right(kind),
        text="text",
        store=store_url,
        seed=7,
    )
    assert result.finished
    assert result.certificate is not None
    said = answers_of(result, question)
    wrong = sum(
        not question.same(answer, truth(kind, row["text"]))
        for answer, row in zip(said, table, strict=True)
    )
    assert wrong <= result.certificate["errors"]
    assert result.counts["automatic"] > N // 3
    assert result.certificate["question"] == question.name
    view = check(store_url, certificates=1)
    proof = view.proof("row:1")
    assert proof["event"]
    view.close()


FORM = Form(
    (
        replace(QUESTIONS["choice"], name="useful"),
        replace(QUESTIONS["rating"], name="stars"),
        replace(QUESTIONS["spans"], name="who"),
    )
)
MODELS = {"useful": Model("choice"), "stars": Model("rating"), "who": Model("spans")}
OF = {"useful": "choice", "stars": "rating", "who": "spans"}


def right_of_all(item: Item) -> dict[str, Answer]:
    return {name: truth(kind, item.text) for name, kind in OF.items()}


def certified_form(url: str, **further: Any) -> Result:
    return run(
        rows(),
        question=FORM,
        policy=TEN,
        model=MODELS,
        reviewer=right_of_all,
        text="text",
        store=url,
        **further,
    )


def test_several_questions_each_have_a_certificate_over_one_sample(
    store_url: str, artifacts: None, tmp_path: Path
) -> None:
    result = certified_form(store_url, seed=3)
    assert result.finished
    assert result.certificate is not None
    issued: Mapping[str, Any] = result.certificate["questions"]  # type: ignore[assignment]
    assert list(issued) == sorted(FORM.names)
    first = issued["useful"]
    for name, certificate in issued.items():
        assert certificate["question"] == name
        for shared in ("items", "human", "audited", "automatic", "errors", "alpha", "window"):
            assert certificate[shared] == first[shared]
        said = answers_of(result, FORM.question(name), f"signoff_answer.{name}")
        wrong = sum(a != truth(OF[name], row["text"]) for a, row in zip(said, rows(), strict=True))
        assert wrong <= certificate["errors"]
        assert f"{name}: At most" in result.certificate["statement"]  # type: ignore[operator]
    assert first["automatic"] > 50
    by = [result.results[f"signoff_by.{name}"].to_list() for name in FORM.names]
    assert by[0] == by[1] == by[2], "an item is decided whole"
    view = check(store_url, certificates=3)
    with pytest.raises(InputError, match="No question is named"):
        view.proof("row:1")
    assert view.proof("row:1", "stars")["event"]
    page = view.html()
    for question in FORM.questions:
        assert question.text in page
    log = tmp_path / "a.log.jsonl"
    view.export_log(str(log), content=True)
    view.close()
    from signoff.audit.verify import verify_log

    assert verify_log(log.read_bytes().splitlines(keepends=True)).ok


@pytest.mark.parametrize(
    ("statement", "sign"),
    [
        ("UPDATE audits SET question = 'other' WHERE question = 'stars'", "audit"),
        ("DELETE FROM audits WHERE question = 'who'", "audits"),
        (
            "UPDATE pools SET model_roots = json_set(model_roots, '$.stars',"
            " json_extract(model_roots, '$.who'))",
            "model_roots",
        ),
        (
            "UPDATE reviews SET answers = json_set(answers, '$.stars', json('{\"value\":1}'))"
            " WHERE json_extract(answers, '$.stars.value') <> 1",
            "answers",
        ),
    ],
)
def test_a_change_of_one_questions_rows_is_noticed(
    tmp_path: Path, statement: str, sign: str
) -> None:
    import sqlite3

    where = tmp_path / "a.db"
    certified_form(str(where), seed=3)
    with sqlite3.connect(where) as db:
        assert db.execute(statement).rowcount > 0
    db.close()
    view = StoreView.open(str(where))
    assert sign in problem_of(view).casefold()
    view.close()


def problem_of(view: StoreView) -> str:
    """What verification finds wrong, however it says so."""
    try:
        return str(view.verify().problem)
    except SignoffError as error:
        return str(error)


def test_two_choices_are_learnt_by_the_built_in_model(store_url: str, artifacts: None) -> None:
    form = Form(
        (
            replace(QUESTIONS["choice"], name="useful"),
            replace(Choice.of(["Few", "Many"]), name="how many"),
        )
    )

    def says(item: Item) -> dict[str, str]:
        stars = int(item.text.split(" stars")[0].rsplit(" ", 1)[1])
        return {
            "useful": "Yes" if " yes " in item.text else "No",
            "how many": "Few" if stars < 3 else "Many",
        }

    result = run(rows(600), question=form, policy=TEN, reviewer=says, text="text", store=store_url)
    assert result.finished
    assert result.certificate is not None
    assert result.counts["automatic"] > 100
    check(store_url, certificates=2).close()


def test_a_threshold_lets_through_what_is_sure_in_every_question(tmp_path: Path) -> None:
    where = str(tmp_path / "a.db")
    result = run(
        rows(),
        question=FORM,
        policy=Threshold(confidence=0.8),
        model=MODELS,
        reviewer=right_of_all,
        text="text",
        store=where,
    )
    assert result.finished
    assert result.certificate is None
    assert 0 < result.counts["automatic"] < N
    check(where).close()


def test_an_unfinished_form_goes_on_where_it_was(tmp_path: Path) -> None:
    where = str(tmp_path / "a.db")
    half = certified_form(where, budget=30)
    assert not half.finished
    done = certified_form(where)
    assert done.finished
    check(where, certificates=3).close()


def test_without_a_model_people_answer_everything_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(
        rows(5), question=Rating(), reviewer=right("rating"), text="text", store=tmp_path / "a.db"
    )
    assert result.finished
    assert result.certificate is None
    assert "People answer everything: no model answers answer" in capsys.readouterr().err
    assert any("no model answers" in message for message in result.messages)


def test_a_certificate_that_no_model_could_earn_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="No model answers stars") as refused:
        run(
            rows(5),
            question=Form((QUESTIONS["choice"], replace(QUESTIONS["rating"], name="stars"))),
            policy=TEN,
            reviewer="none",
            text="text",
        )
    assert "--policy people" in refused.value.hint


def test_a_model_for_no_question_of_the_form_is_refused() -> None:
    with pytest.raises(UsageError, match="no such question"):
        run(rows(5), question=FORM, policy=TEN, model={"other": Model("text")}, reviewer="none")


def test_spans_beyond_the_text_are_refused(tmp_path: Path) -> None:
    def says(item: Item) -> Answer:
        return Marked((Span(0, len(item.text) + 1, "Person"),))

    with pytest.raises(InputError, match="ends beyond the text"):
        run(
            rows(2), question=Spans.of(["Person"]), reviewer=says, text="text", store=tmp_path / "a"
        )


def test_pairs_with_one_prompt_are_items_of_their_own(tmp_path: Path) -> None:
    pairs = [{"prompt": "Why?", "long": f"because {at}", "short": "so"} for at in range(3)]
    result = run(
        pairs, question=QUESTIONS["pairwise"], reviewer=lambda _: "tie", store=tmp_path / "a.db"
    )
    assert result.counts["items"] == 3


def test_a_column_for_each_question_answers_a_form(tmp_path: Path) -> None:
    """An earlier result, its columns renamed: what is written reads back as the same answers."""
    first = run(rows(20), question=FORM, policy=People(), reviewer=right_of_all, text="text")
    said = first.results.select("text", pl.col("^signoff_answer.*$"))
    known = said.rename(lambda name: name.replace("signoff_answer", "gold"))
    again = run(known, question=FORM, policy=People(), reviewer="column:gold", text="text")
    for name in FORM.names:
        assert again.results[f"signoff_answer.{name}"].equals(said[f"signoff_answer.{name}"])
