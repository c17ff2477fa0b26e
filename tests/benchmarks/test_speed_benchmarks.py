"""What the speed benchmarks stand on: their texts, their model, how they measure."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import polars as pl
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_the_texts_are_distinct_and_the_same_every_time(tmp_path: Path) -> None:
    from _texts import LABELS, write_texts

    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    write_texts(2000, first)
    write_texts(2000, second)
    assert first.read_bytes() == second.read_bytes()
    table = pl.read_csv(first, infer_schema=False)
    assert table.columns == ["text", "label"]
    assert table["text"].n_unique() == table.height == 2000
    assert set(table["label"].to_list()) == set(LABELS)
    words = table["text"].str.split(" ").list.len().mean()
    assert isinstance(words, float)
    assert 8 <= words <= 14


def test_the_model_answers_well_enough_to_be_certified() -> None:
    from _texts import sentence
    from _tutorial_model import KeywordModel

    rng = random.Random(3)
    texts, labels = zip(*(sentence(rng) for _ in range(3000)), strict=True)
    said = KeywordModel().predict(texts)
    wrong = sum(label != truth for (label, _), truth in zip(said, labels, strict=True))
    assert wrong < 0.045 * len(texts)


def test_a_child_is_measured_and_its_failure_ends_the_benchmark(tmp_path: Path) -> None:
    from _measure import run_python

    used = run_python(["-c", "x = bytearray(90 << 20); print(len(x))"], home=tmp_path)
    assert used.or_fail().out.strip() == str(90 << 20)
    assert used.peak_mb > 90
    assert used.seconds > 0
    with pytest.raises(SystemExit, match="exit code 3"):
        run_python(["-c", "raise SystemExit(3)"], home=tmp_path).or_fail()


def test_a_finished_measurement_is_kept(tmp_path: Path) -> None:
    from _measure import Kept

    def once() -> dict[str, float]:
        return {"seconds": 1.5}

    def never() -> dict[str, float]:
        raise AssertionError(sys.argv)

    assert Kept(tmp_path / "k.json").get("10", once) == {"seconds": 1.5}
    assert Kept(tmp_path / "k.json").get("10", never) == {"seconds": 1.5}
