"""``signoff consensus``: a table of votes in, labels and reliability out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from signoff.cli import main
from signoff.job.consensus import METHODS


def write(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """Three people who are mostly right, and one who writes what comes to mind; a truth of yes for
    even items."""
    luck = np.random.default_rng(1)
    rows: list[tuple[str, ...]] = []
    for item in range(200):
        truth = "yes" if item % 2 == 0 else "no"
        for name, right in (("Ann", 0.95), ("Bob", 0.9), ("Cy", 0.85), ("Dan", 0.5)):
            said = truth if luck.random() < right else ("no" if truth == "yes" else "yes")
            rows.append((f"i{item}", name, said))
    return write(tmp_path / "votes.csv", rows, ("item", "reviewer", "answer"))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_labels_each_item(votes: Path, method: str) -> None:
    assert main(["consensus", str(votes), "--method", method]) == 0
    found = pl.read_csv(votes.with_suffix(".consensus.csv"))
    truth = ["yes" if int(name[1:]) % 2 == 0 else "no" for name in found["item"]]
    assert found.height == 200
    assert (found["signoff_answer"] == pl.Series(truth)).mean() > 0.9
    assert found["signoff_votes"].to_list() == [4] * 200
    assert found["signoff_confidence"].is_between(0.25, 1).all()


def test_whoever_guesses_is_named_first(
    votes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people.csv"
    assert main(["consensus", str(votes), "--people", str(people)]) == 0
    told = capsys.readouterr().out
    assert "800 votes of 4 people on 200 items." in told
    assert "Krippendorff" in told
    found = pl.read_csv(people)
    assert found["reviewer"][0] == "Dan"
    assert (found["signoff_right_low"] <= found["signoff_right"]).all()
    assert (found["signoff_right"] <= found["signoff_right_high"]).all()
    assert found.filter(pl.col("reviewer") == "Ann")["signoff_right"].item() > 0.88


def test_the_last_vote_of_a_person_counts_and_empty_ones_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("1", "Ann", "no"), ("1", "Ann", "yes"), ("1", "Bob", "yes"), ("2", "Ann", " ")]
    table = write(tmp_path / "v.csv", rows, ("task", "who", "label"))
    command = ["consensus", str(table), "--item", "task", "--reviewer", "who", "--answer", "label"]
    assert main([*command, "--json", "--out", str(tmp_path / "o.csv")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["votes"], told["ignored"], told["items"]) == (2, 2, 1)
    assert pl.read_csv(tmp_path / "o.csv")["signoff_answer"].to_list() == ["yes"]


@pytest.mark.parametrize(
    ("rows", "more", "told"),
    [
        ([("1", "Ann", "x")], ["--method", "best"], "--method 'best' is not known"),
        ([("1", "Ann", "x")], ["--item", "task"], "Column 'task' not in"),
        ([("1", "", "x")], [], "Row 1 of votes.csv has no 'reviewer'"),
        ([("", "Ann", "x")], [], "Row 1 of votes.csv has no 'item'"),
        ([("1", "Ann", "")], [], "has an answer in 'answer'"),
        ([(str(n), "Ann", f"text {n}") for n in range(1200)], [], "1,200 different answers"),
    ],
)
def test_bad_tables_are_refused_in_one_line(
    tmp_path: Path,
    rows: list[tuple[str, ...]],
    more: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = write(tmp_path / "votes.csv", rows, ("item", "reviewer", "answer"))
    assert main(["consensus", str(table), *more]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "votes.consensus.csv").exists()


def test_votes_nobody_shares_tell_nobodys_reliability(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write(
        tmp_path / "votes.csv",
        [("1", "Ann", "x"), ("2", "Bob", "y")],
        ("item", "reviewer", "answer"),
    )
    assert main(["consensus", str(table)]) == 0
    assert "nobody's reliability can be told" in capsys.readouterr().out


def test_labels_may_be_anything_that_people_wrote(tmp_path: Path) -> None:
    odd = ["Yes", "yes", "=1+1", "ü" * 300, "a,b\nc"]
    rows = [(str(n), who, label) for n, label in enumerate(odd) for who in ("Ann", "Bob")]
    table = write(tmp_path / "votes.csv", rows, ("item", "reviewer", "answer"))
    assert main(["consensus", str(table), "--out", str(tmp_path / "o.jsonl")]) == 0
    assert pl.read_ndjson(tmp_path / "o.jsonl")["signoff_answer"].to_list() == odd
