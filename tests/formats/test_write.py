"""Writing: whole or not at all, and nothing a spreadsheet would run."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.errors import InputError, StoreError
from signoff.formats import Decisions, read_table, results_frame, write_table
from signoff.formats.results import RESULT_COLUMNS
from signoff.formats.write import count_formulas, spreadsheet_safe

FRAME = pl.DataFrame({"id": ["007", None, "NA"], "text": ["a,b", 'say "hi"', "line\nbreak"]})


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_is_read_back_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    write_table(FRAME, path)
    table = read_table(path)
    assert table.format == suffix
    assert table.frame.equals(FRAME)
    assert sorted(tmp_path.iterdir()) == [path]


def test_standard_output_takes_a_dash() -> None:
    out = io.BytesIO()
    write_table(FRAME.head(1), "-", stdout=out)
    assert out.getvalue() == b'id,text\n007,"a,b"\n'


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.tsv, \.jsonl or \.parquet"):
        write_table(FRAME, tmp_path / "out.xlsx")


def test_values_a_text_file_cannot_hold_are_written_as_json(tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": ["a"], "tags": [["x", "y"]], "at": [{"k": 1}]})
    write_table(frame, tmp_path / "out.csv")
    assert read_table(tmp_path / "out.csv").frame.rows() == [("a", '["x","y"]', '{"k":1}')]


def test_formulas_are_disarmed_in_our_columns_and_kept_in_the_users(tmp_path: Path) -> None:
    risky = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@x", "-1.5e3", "\tx", "fine", None]
    frame = pl.DataFrame({"text": risky, "signoff_answer": risky})
    write_table(frame, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[1] == "=1+1,'=1+1"
    back = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    assert back["text"].to_list() == risky
    guarded = ["'=1+1", "'+cmd|' /C calc'!A0", "-2", "'@x", "-1.5e3", "'\tx", "fine", None]
    assert back["signoff_answer"].to_list() == guarded


RISKY = ["=1+1", "+49 170", "-", "@ann", "\tx", "\r=1", "\n=1", "\uff1d1+1", "'=1", "''-5", "- a"]
CALM = ["-3.5", "+4", "-1e-3", "-.5", "a=b", "'tis", "'", "''", "", " ", "plain", "(=1)", None]


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_guarded_file_holds_no_formula_in_any_column_or_name(tmp_path: Path, suffix: str) -> None:
    texts = [*RISKY, *CALM]
    frame = pl.DataFrame(
        {
            "=A()": texts,
            "'=A()": pl.Series(texts, dtype=pl.Categorical),
            "n": [-1.5] * len(texts),
            "deep": [[each] for each in texts],
            "signoff_answer": texts,
        }
    )
    path = tmp_path / f"out.{suffix}"
    write_table(frame, path, guarded=True)
    back = pl.read_csv(path, separator="," if suffix == "csv" else "\t", infer_schema=False)
    assert back.columns == ["'=A()", "''=A()", "n", "deep", "signoff_answer"]
    wanted = [*(f"'{each}" for each in RISKY), *CALM]
    for name in ("'=A()", "''=A()", "signoff_answer"):
        assert back[name].to_list() == wanted
    assert set(back["n"]) == {"-1.5"}
    assert back["deep"].to_list()[0] == '["=1+1"]'
    assert count_formulas(frame) == 2 * len(RISKY) + 2


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_what_is_no_spreadsheet_is_never_guarded(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"=A()": RISKY, "signoff_answer": RISKY})
    path = tmp_path / f"out.{suffix}"
    write_table(frame, path, guarded=True)
    read = pl.read_ndjson if suffix == "jsonl" else pl.read_parquet
    assert read(path).equals(frame)


TEXTS = st.one_of(
    st.text(st.sampled_from("'=+-@\t\r\n.0123456789eEa \uff1d"), max_size=8), st.text(max_size=5)
)


@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_taking_an_apostrophe_away_undoes_guarding(texts: list[str]) -> None:
    guarded = spreadsheet_safe(pl.Series("text", texts))
    for text, safe in zip(texts, guarded.to_list(), strict=True):
        assert not re.match(r"[=+\-@\t\r\n]", safe) or re.fullmatch(r"[+-]?[\d.eE+-]+", safe)
        assert re.sub(r"^'(?='*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])", "", safe) == text


# ------------------------------------------------------------------------- all or nothing

FILL_THE_DISK = """
import resource, signal, sys
import polars as pl
from signoff.errors import StoreError
from signoff.formats import write_table
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_table(pl.DataFrame({"text": [str(i) * 9 for i in range(50_000)]}), sys.argv[1])
except StoreError as error:
    print(error.code, error.message)
"""


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_the_old_file_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    path.write_text("old")
    ran = subprocess.run(
        [sys.executable, "-c", FILL_THE_DISK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stdout.startswith("disk_full"), ran.stdout + ran.stderr
    assert "unchanged" in ran.stdout
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing was written"):
        write_table(FRAME, tmp_path / "missing" / "out.csv")


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Root may write everywhere: be nobody for a while."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with without_root(), pytest.raises(StoreError) as caught:
        write_table(FRAME, tmp_path / "out.csv")
    tmp_path.chmod(0o700)
    assert caught.value.code == "read_only"


def test_a_link_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_table(FRAME, link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert read_table(real).frame.equals(FRAME)


# ---------------------------------------------------------------------------- results


def test_results_are_the_rows_as_they_were_with_their_items_decisions() -> None:
    frame = pl.DataFrame({"text": ["a", "b", "a"]})
    decisions = Decisions(
        answer=["Positive", None],
        by=["model", None],
        confidence=np.array([0.97, np.nan]),
        reason=["certified", None],
        reviewers=["", None],
        model=["m1", None],
        event=["e1", None],
    )
    results = results_frame(frame, np.array([0, 1, 0]), {"label": decisions})
    assert results.columns == ["text", *RESULT_COLUMNS]
    assert results.select("text").equals(frame)
    assert results["signoff_answer"].to_list() == ["Positive", None, "Positive"]
    assert results["signoff_confidence"].to_list() == [0.97, None, 0.97]
