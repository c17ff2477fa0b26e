"""The example data is what its script draws, and as varied as it claims to be."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (EXAMPLES / "reviews.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_script_redraws_the_committed_file_byte_for_byte(
    tmp_path: Path, hash_seed: str
) -> None:
    drawn = tmp_path / "reviews.csv"
    subprocess.run(
        [sys.executable, str(EXAMPLES / "make_reviews.py"), str(drawn)],
        env={"PYTHONHASHSEED": hash_seed},
        check=True,
    )
    assert drawn.read_bytes() == (EXAMPLES / "reviews.csv").read_bytes()


def test_there_are_at_least_1500_reviews_and_no_text_twice(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 1500
    assert len({row["text"].casefold() for row in rows}) == len(rows)
    assert len({row["id"] for row in rows}) == len(rows)


def test_the_reviews_are_short_and_no_blank_was_left_unfilled(rows: list[dict[str, str]]) -> None:
    for row in rows:
        assert 10 <= len(row["text"]) <= 280
        assert "{" not in row["text"]
        assert row["text"] == row["text"].strip()


def test_both_labels_and_every_product_occur_often(rows: list[dict[str, str]]) -> None:
    labels = Counter(row["label"] for row in rows)
    assert set(labels) == {"Positive", "Negative"}
    assert min(labels.values()) > 0.4 * len(rows)
    assert min(Counter(row["product"] for row in rows).values()) > 50
