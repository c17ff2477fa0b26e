"""Files that define a form: what they may leave out, and how they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signoff.core.questions import Choice, Form, MultiChoice, Pairwise, Rating, Spans, Text
from signoff.core.showing import ITEM_KINDS, guess_item_kind, item_kind
from signoff.errors import InputError
from signoff.formats.forms import read_form

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "form.toml"


def written(folder: Path, text: str, name: str = "form.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_a_form_of_a_choice_and_a_rating() -> None:
    sentiment, detail = read_form(EXAMPLE).questions
    assert isinstance(sentiment, Choice)
    assert isinstance(detail, Rating)
    assert (sentiment.ids, detail.high) == (("Positive", "Negative"), 3)


def test_whatever_a_form_is_its_json_reads_back_as_it(tmp_path: Path) -> None:
    form = Form(
        (
            Choice.of(["A", "B"]),
            MultiChoice(labels=MultiChoice.of(["A", "B"]).labels, name="many"),
            Rating(name="stars", low=0, high=1, step=0.1),
            Text(name="fix", field="draft"),
            Spans(labels=Spans.of(["P"]).labels, name="who"),
            Pairwise(name="better", a="x", b="y"),
        )
    )
    path = written(tmp_path, json.dumps(form.to_json()), "form.json")
    assert read_form(path) == form


def test_an_only_question_needs_no_name_and_labels_no_ids(tmp_path: Path) -> None:
    form = read_form(
        written(
            tmp_path,
            '[[question]]\nkind = "choice"\ntext = "?"\n'
            'labels = ["Yes", {id = "n", name = "No"}, {name = "Perhaps"}]\n',
        )
    )
    assert form.names == ("answer",)
    assert [label.id for label in form.only.labels] == ["Yes", "n", "Perhaps"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "defines no questions"),
        ("question = 3", "defines no questions"),
        ("[[question]", "is not TOML"),
        ('[[question]]\nkind = "sort"\ntext = "?"', "Question kind 'sort' is not known"),
        ('[[question]]\nkind = "rating"\ntext = "?"\nhihg = 3', "'hihg'"),
        ('[[question]]\nkind = "rating"\n[[question]]\nkind = "text"', "has no name"),
        ("question = [1]", "is '1', no table"),
    ],
)
def test_a_file_that_is_no_form_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_form(path)
    assert message in refused.value.message
    assert str(path) in refused.value.message
    assert refused.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_form(tmp_path / "none.toml")


CHAT = json.dumps([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}])


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ([CHAT, CHAT], "chat"),
        ([CHAT, '{"a": 1}'], "json"),
        ([CHAT, "plain"], "text"),
        (["[not json", "x"], "text"),
        (["[]"], "json"),
        (["[" * 100_000], "text"),
        ([], "text"),
    ],
)
def test_what_texts_are_is_guessed_only_where_all_of_them_are(texts: list[str], kind: str) -> None:
    assert guess_item_kind(texts) == kind


def test_a_kind_of_item_is_one_of_those_there_are() -> None:
    assert [item_kind(kind) for kind in ITEM_KINDS] == list(ITEM_KINDS)
    for wrong in ("svg", None, 3):
        with pytest.raises(InputError, match="cannot be shown"):
            item_kind(wrong)
