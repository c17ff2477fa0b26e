"""``signoff why`` on a finished run: the model that decided, its words, and what people said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from signoff.cli import main
from signoff.testing.fakes import BLAME, PRAISE, two_topics

N = 600


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("why")
    table = folder / "reviews.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text", "label"])
        writer.writeheader()
        writer.writerows([*two_topics(N), {"id": "e", "text": "", "label": "Negative"}])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNOFF_HOME", str(folder / "home"))
        command = ["run", str(table), "--text", "text", "--key", "id", "--labels"]
        command += ["Positive,Negative", "--reviewer", "column:label", "--seed", "1"]
        assert main(command) == 0
    return table


def told(table: Path, key: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert main(["why", str(table.with_suffix(".signoff.db")), key, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def rows_by(table: Path, by: str) -> list[dict[str, str]]:
    results = pl.read_csv(table.with_suffix(".signoff.csv"), infer_schema=False)
    return results.filter(pl.col("signoff_by") == by).to_dicts()


def test_a_label_of_the_model_is_explained_by_the_very_model(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = 0
    for row in rows_by(finished, "model")[::40]:
        found = told(finished, row["id"], capsys)
        seen = found["seen"]
        assert isinstance(seen, dict)
        assert (found["by"], found["answer"]) == ("model", row["signoff_answer"])
        assert found["event"] == row["signoff_event"]
        assert seen["same_model"] is True
        assert seen["answer"] == row["signoff_answer"]
        words = PRAISE if seen["answer"] == "Positive" else BLAME
        assert seen["words"][0][0] in words
        if seen["change"]:
            changed += 1
            assert set(seen["change"]) & set(words)
            assert seen["becomes"] != seen["answer"]
        assert {each["answer"] for each in seen["alike"]} <= {"Positive", "Negative"}
        assert isinstance(found["place"], int)
    assert changed > 0


def test_a_persons_answer_tells_why_the_person_was_asked(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_reason = {row["signoff_reason"]: row for row in rows_by(finished, "reviewers")}
    assert {"start", "audit", "empty"} <= set(by_reason)
    for reason, row in by_reason.items():
        found = told(finished, row["id"], capsys)
        assert found["by"] == "reviewers"
        assert found["reason"] not in ("", reason)
    audited = told(finished, by_reason["audit"]["id"], capsys)
    assert audited["frozen_answer"] is not None
    assert told(finished, by_reason["start"]["id"], capsys)["place"] is None
    assert told(finished, "e", capsys)["seen"] is None


def test_it_reads_as_sentences(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    said = ""
    for row in rows_by(finished, "model"):
        assert main(["why", str(finished.with_suffix(".signoff.db")), row["id"]]) == 0
        said = capsys.readouterr().out
        if "Without " in said:
            break
    for part in (
        "decided by the model",
        "in the frozen order",
        "For it: ",
        "it would say ",
        "Rows like it",
    ):
        assert part in said
    assert "not the very model" not in said


def test_nobody_is_told_while_people_are_to_be_blind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "r.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text", "label"])
        writer.writeheader()
        writer.writerows(two_topics(N))
    command = ["run", str(table), "--text", "text", "--key", "id", "--labels", "Positive,Negative"]
    assert main([*command, "--reviewer", "column:label", "--budget", "60"]) == 3
    store = str(table.with_suffix(".signoff.db"))
    capsys.readouterr()
    assert main(["why", store, "0001"]) == 2
    assert "people would not be blind" in capsys.readouterr().err
    assert main(["why", store, "none"]) == 2
    assert "No row" in capsys.readouterr().err


def test_a_model_that_came_with_the_rows_is_not_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "r.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text", "label", "prediction", "confidence"])
        writer.writeheader()
        for at, row in enumerate(two_topics(N, sarcasm=0.0)):
            sure = {"prediction": row["label"], "confidence": str(0.6 + at % 40 / 100)}
            writer.writerow({**row, **sure})
    command = ["run", str(table), "--text", "text", "--key", "id", "--labels", "Positive,Negative"]
    assert main([*command, "--reviewer", "column:label", "--model", "predictions"]) == 0
    found = told(table, rows_by(table, "model")[0]["id"], capsys)
    assert (found["by"], found["seen"]) == ("model", None)


FILE = """
def guess(texts):
    return [{"label": "Negative" if "sad" in text or "awful" in text else "Positive", "score": 0.8}
            for text in texts]
"""


def test_a_function_is_asked_again_with_words_taken_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE, encoding="utf-8")
    table = tmp_path / "r.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "text", "label"])
        writer.writeheader()
        for number in range(N):
            word, label = (("sad", "Negative"), ("happy", "Positive"))[number % 2]
            row = {"id": f"{number:04}", "text": f"a {word} lamp {number}", "label": label}
            writer.writerow(row)
    command = ["run", str(table), "--text", "text", "--key", "id", "--labels", "Positive,Negative"]
    assert main([*command, "--reviewer", "column:label", "--model", "mine.py:guess"]) == 0
    rows = rows_by(table, "model")
    row = next(each for each in rows if each["signoff_answer"] == "Negative")
    seen = told(table, row["id"], capsys)["seen"]
    assert isinstance(seen, dict)
    assert seen["exact"] is False
    assert seen["change"] == ["sad"]
    assert seen["becomes"] == "Positive"
    assert seen["words"][0][0] == "sad"
