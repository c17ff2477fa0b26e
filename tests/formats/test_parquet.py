"""Damaged Parquet files: one clear line, also where reading one ends the process that reads it."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from signoff.errors import InputError
from signoff.formats.parquet import read_parquet
from signoff.formats.parquet_sizes import refuse_large_parquet


def written(rows: int, compression: str = "lz4", row_group: int = 1) -> bytes:
    """A file of every kind of column."""
    at = range(rows)
    frame = pl.DataFrame(
        {
            "text": [f"text {i}" if i % 4 else None for i in at],
            "label": pl.Series(["ab"[i % 2] for i in at], dtype=pl.Categorical),
            "score": [i / 7 for i in at],
            "yes": [i % 2 == 0 for i in at],
            "when": pl.Series(at).cast(pl.Datetime("us")),
            "tags": [[i, 2] for i in at],
            "more": [{"a": i, "b": str(i)} for i in at],
            "money": pl.Series(at).cast(pl.Decimal(20, 3)),
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression=compression, row_group_size=row_group)  # type: ignore[arg-type]
    return buffer.getvalue()


def outcome(data: bytes) -> str:
    """ "read", or the one line that refuses the file."""
    try:
        read_parquet(data, "x.parquet")
        return "read"
    except InputError as error:
        refused = error
    assert (refused.code, refused.exit_code) == ("damaged_file", 2)
    assert "\n" not in str(refused)
    return refused.message


def with_byte(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) + data[at + 1 :]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 30])):
        changed[rng.randrange(4, len(changed) - 4)] = rng.choice([0, 127, 255, rng.randrange(256)])
    return bytes(changed)


ABORTS = "x.parquet is a damaged Parquet file (it cannot be read to its end)."


def killer(folder: Path) -> Path:
    """A file with one changed byte that ends the process that reads it."""
    buffer = io.BytesIO()
    pl.DataFrame({"text": ["u"] * 5}).write_parquet(buffer, compression="lz4", row_group_size=1)
    whole = buffer.getvalue()
    for at in (at for at in range(4, 200) if whole[at] == 2):
        path = folder / "x.parquet"
        path.write_bytes(with_byte(whole, at, 127))
        read = f"import polars; polars.read_parquet({str(path)!r})"
        if subprocess.run([sys.executable, "-c", read], capture_output=True).returncode < 0:
            return path
    pytest.skip("not on this platform: no byte of this file makes polars abort")


def test_a_file_that_ends_the_process_that_reads_it_is_one_clear_line(tmp_path: Path) -> None:
    path = killer(tmp_path)
    assert outcome(path.read_bytes()) == ABORTS
    run = [sys.executable, "-c", "import sys; from signoff.cli import main; sys.exit(main())"]
    command = [*run, "run", str(path), "--labels", "A,B", "--reviewer", "none"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"error: {ABORTS} Copy or write it again.\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_whole_file_is_read_as_it_was_written() -> None:
    data = written(30, row_group=7)
    assert read_parquet(data, "x").equals(pl.read_parquet(io.BytesIO(data)))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_bytes_are_changed_there_is_a_table_or_one_clear_line(seed: int) -> None:
    rng = random.Random(seed)
    outcome(flipped(written(5), rng))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_bytes_are_changed_there_is_a_size_or_one_clear_line(seed: int) -> None:
    rng, data = random.Random(seed), written(40, row_group=20)
    refuse_large_parquet(data, "x.parquet", 20_000)
    for _ in range(50):
        try:
            refuse_large_parquet(flipped(data, rng), "x.parquet", 20_000)
            continue
        except InputError as error:
            caught = error
        assert caught.code in ("too_large", "damaged_file")
        assert "\n" not in str(caught)


@pytest.mark.soak
@pytest.mark.parametrize("compression", ["lz4", "zstd", "snappy", "gzip", "uncompressed"])
@pytest.mark.parametrize("rows", [5, 300, 3000])
def test_hundreds_of_damaged_files_are_tables_or_clear_lines(compression: str, rows: int) -> None:
    rng = random.Random(rows)
    data = written(rows, compression, row_group=max(1, rows // 3))
    refused = sum(outcome(flipped(data, rng)) != "read" for _ in range(60))
    assert refused > 0
