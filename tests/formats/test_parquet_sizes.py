"""How large a Parquet file becomes: found out before anything of it is unpacked."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import polars as pl
import pytest

from signoff.errors import InputError
from signoff.formats.parquet import read_parquet
from signoff.formats.parquet_sizes import refuse_large_parquet

GIGABYTE = 1_000_000_000


def packed(frame: pl.DataFrame, compression: str = "zstd") -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression=compression)  # type: ignore[arg-type]
    return buffer.getvalue()


def refused(data: bytes, most_bytes: int) -> str:
    """The code with which a file is refused; "" where it is not."""
    try:
        refuse_large_parquet(data, "x.parquet", most_bytes)
        return ""
    except InputError as error:
        caught = error
    assert "\n" not in str(caught)
    return caught.code


def one_text(rows: int) -> bytes:
    """A text of one letter, again and again."""
    texts = pl.DataFrame({"text": ["a"]}).select(pl.col("text").repeat_by(rows).explode())
    return packed(texts)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "gzip", "uncompressed"])
def test_a_file_is_as_large_as_its_table_in_memory(compression: str) -> None:
    numbers = np.arange(200_000)
    texts = pl.Series(numbers).cast(pl.String) + " is the number of this text"
    data = packed(pl.DataFrame({"n": numbers, "text": texts}), compression)
    size = 200_000 * (8 + 4 + 5 + 27)
    assert refused(data, int(size * 1.1)) == ""
    assert refused(data, int(size * 0.9)) == "too_large"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_files_of_other_writers_are_understood(version: str, dictionary: bool) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    buffer = io.BytesIO()
    table = pyarrow.table({"n": list(range(50_000)), "more": [[n, n] for n in range(50_000)]})
    parquet.write_table(
        table, buffer, data_page_version=version, use_dictionary=dictionary, data_page_size=5_000
    )
    assert refused(buffer.getvalue(), 3_000_000) == ""
    assert refused(buffer.getvalue(), 1_000_000) == "too_large"


def test_a_small_file_of_few_long_values_is_refused() -> None:
    data = packed(pl.DataFrame({"text": ["a" * 30_000_000]}))
    assert len(data) < 10_000
    assert refused(data, 29_000_000) == "too_large"
    assert refused(data, 31_000_000) == ""


def test_a_small_file_of_very_many_short_values_is_refused() -> None:
    """Its pages are tiny also when unpacked; a row in memory is not."""
    data = one_text(5_000_000)
    assert len(data) < 20_000
    assert refused(data, 70_000_000) == "too_large"


def test_refusing_takes_no_memory() -> None:
    data = packed(pl.DataFrame({"text": ["a" * 30_000_000]}))
    tracemalloc.start()
    with pytest.raises(InputError, match="unpacks to more than 1,000,000 bytes"):
        read_parquet(data, "x.parquet", most_bytes=1_000_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200_000


def test_a_file_that_says_less_at_its_end_than_before_its_pages_is_refused() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    data = packed(pl.DataFrame({"text": ["a" * 30_000_000]}))
    column = parquet.read_metadata(io.BytesIO(data)).row_group(0).column(0)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    said = varint(column.total_uncompressed_size)
    assert said in data[footer:]
    lying = data[:footer] + data[footer:].replace(said, varint(1, length=len(said)))
    assert (
        parquet.read_metadata(io.BytesIO(lying)).row_group(0).column(0).total_uncompressed_size == 1
    )
    assert refused(lying, 1_000_000) == "too_large"


def varint(value: int, *, length: int = 0) -> bytes:
    """A whole number as Thrift writes it; ``length``: with so many bytes."""
    value <<= 1
    written = bytearray()
    while value >= 0x80 or len(written) + 1 < length:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


@pytest.mark.parametrize(
    "texts",
    [
        pl.col("text"),
        pl.col("text").cast(pl.Categorical),
        pl.col("text").cast(pl.Binary),
        pl.concat_list("text"),
        pl.struct("text", pl.col("text").alias("again")),
        pl.concat_list(pl.struct("text")),
    ],
    ids=["text", "categories", "bytes", "lists", "structs", "lists of structs"],
)
def test_a_long_text_that_stands_once_in_the_file_counts_as_often_as_it_recurs(
    texts: pl.Expr,
) -> None:
    long = pl.DataFrame({"text": ["a" * 100_000]}).select(pl.col("text").repeat_by(1000).explode())
    buffer = io.BytesIO()
    long.select(texts.alias("x")).write_parquet(buffer)
    data = buffer.getvalue()
    with pytest.raises(InputError, match="unpacks to more than 90,000,000 bytes") as caught:
        read_parquet(data, "x.parquet", most_bytes=90_000_000)
    assert caught.value.code == "too_large"


def test_a_file_that_is_not_too_large_is_read_whole() -> None:
    frame = pl.DataFrame({"text": ["a", None], "n": [1, 2], "deep": [["b"], None]})
    assert read_parquet(packed(frame), "x.parquet", most_bytes=1_000).equals(frame)


@pytest.mark.parametrize("length", [0, 3, 100, 1 << 31])
def test_a_file_without_a_list_of_its_columns_is_damaged(length: int) -> None:
    data = b"PAR1" + bytes(40) + length.to_bytes(4, "little") + b"PAR1"
    assert refused(data, GIGABYTE) == "damaged_file"
    assert refused(data[:6], GIGABYTE) == "damaged_file"
