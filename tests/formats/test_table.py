"""Reading: whatever comes in, a table or one clear line."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.errors import InputError, SignoffError
from signoff.formats import Table, read_table, require_column, write_table


def read(data: bytes) -> Table:
    return read_table("-", stdin=io.BytesIO(data))


def refusal(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value


def on_disk(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


# ------------------------------------------------------------------ values stay as they are


def test_csv_values_are_text_and_stay_as_they_were_written() -> None:
    table = read(b"id,text,n\n007,NA,1.50\n08,null,1e3\n 9 ,,True\n")
    assert table.format == "csv"
    assert table.frame.rows() == [
        ("007", "NA", "1.50"),
        ("08", "null", "1e3"),
        (" 9 ", None, "True"),
    ]


def test_a_hash_sign_begins_no_comment() -> None:
    assert read(b"a,b\n#1,x\n").frame.rows() == [("#1", "x")]


cells = st.text(
    alphabet=st.one_of(
        st.sampled_from("\",;\t|\n\r '=#\\é中🙂\u200fש"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\x00"),
    ),
    max_size=12,
)


@st.composite
def text_frames(draw: st.DrawFn) -> pl.DataFrame:
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.tuples(*[cells] * width), min_size=1, max_size=6))
    names = [f'column {i}, with "everything"' for i in range(width)]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String()), orient="row")


@settings(deadline=None, max_examples=300)
@given(frame=text_frames(), separator=st.sampled_from([("csv", ","), ("tsv", "\t")]))
def test_what_was_written_is_read_back(frame: pl.DataFrame, separator: tuple[str, str]) -> None:
    buffer = io.BytesIO()
    write_table(frame, "-", format=separator[0], stdout=buffer)  # type: ignore[arg-type]
    back = read(buffer.getvalue())
    assert back.frame.rows() == frame.rows()
    assert back.frame.columns == frame.columns


@settings(deadline=None, max_examples=200)
@given(frame=text_frames(), ending=st.sampled_from(["\n", "\r\n"]))
def test_files_that_python_writes_are_read_the_same(frame: pl.DataFrame, ending: str) -> None:
    import csv

    buffer = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if ending == "\n" else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, lineterminator=ending, quoting=quoting)
    writer.writerow(frame.columns)
    writer.writerows(frame.rows())
    back = read(buffer.getvalue().encode())
    assert back.frame.fill_null("").rows() == frame.rows()


def test_a_lone_column_keeps_its_empty_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["a", None, "b", ""]})
    write_table(frame, tmp_path / "one.csv")
    assert read_table(tmp_path / "one.csv").frame.rows() == [("a",), ("",), ("b",), ("",)]


def test_blank_lines_are_no_rows() -> None:
    assert read(b"\na,b\n\n1,2\r\n\r\n3,4\n\n\n").frame.rows() == [("1", "2"), ("3", "4")]


def test_stray_quotes_inside_a_field_are_text() -> None:
    assert read(b'size,text\n1,a 5" pipe\n2,"fine, too"\n').frame.rows() == [
        ("1", 'a 5" pipe'),
        ("2", "fine, too"),
    ]


def test_lone_carriage_returns_end_lines() -> None:
    assert read(b"a,b\r1,2\r3,4\r").frame.rows() == [("1", "2"), ("3", "4")]


def test_a_cell_of_ten_megabytes_is_read() -> None:
    cell = b"x, " * 3_500_000
    for quote_elsewhere in (b"", b'3,5" pipe\n'):  # both parsers
        table = read(b'id,text\n1,"' + cell + b'"\n2,short\n' + quote_elsewhere)
        assert table.frame["text"].str.len_bytes()[0] == len(cell)


# ----------------------------------------------------------------------- told by content


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str) -> None:
    rows = [["id", "text"], ["1", "a; b, c"], ["2", "x|y"]]
    data = "\n".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows
    )
    table = read(data.encode())
    assert table.frame.rows() == [("1", "a; b, c"), ("2", "x|y")]
    assert table.format == ("tsv" if separator == "\t" else "csv")


def test_the_name_of_a_file_does_not_decide_its_format(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["a", "b"], "n": [1, 2]})
    frame.write_parquet(tmp_path / "really_parquet.csv")
    frame.write_ndjson(tmp_path / "really_json.csv")
    for name, kind in (("really_parquet.csv", "parquet"), ("really_json.csv", "jsonl")):
        table = read_table(tmp_path / name)
        assert table.format == kind
        assert table.frame.equals(frame)
        assert table.path == tmp_path / name


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read(b"\xef\xbb\xbftext,n\na,1\n").frame.columns == ["text", "n"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_decoded_and_named(encoding: str) -> None:
    table = read("text,n\nschön 🙂,1\nund gut,2\n".encode(encoding))
    assert table.frame.rows()[0] == ("schön 🙂", "1")
    assert table.notes[0].startswith("decoded as UTF-")


@pytest.mark.parametrize(
    ("encoding", "text", "named"),
    [
        ("cp1252", "Das Gerät ist schön, aber für den Preis zu langsam. Très déçu – 5 €", "1252"),
        ("cp1251", "Очень хороший товар, доставка быстрая, всем советую покупать здесь", "1251"),
        (
            "shift_jis",
            "この商品はとても良いです。また買いたいと思います。配送も早かった。",
            "Shift-JIS",
        ),
    ],
)
def test_other_encodings_are_detected_and_named(encoding: str, text: str, named: str) -> None:
    rows = "".join(f'{i},"{text}"\n' for i in range(20))
    table = read(f"id,text\n{rows}".encode(encoding))
    assert table.frame["text"].to_list() == [text] * 20
    assert named in table.notes[0]
    assert "position" in table.notes[0]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = on_disk(tmp_path, "a.tsv.gz", gzip.compress(b"a\tb\n1\t2\n", mtime=0))
    table = read_table(path)
    assert table.frame.rows() == [("1", "2")]
    assert table.format == "tsv"
    assert "unpacked gzip" in table.notes


# ------------------------------------------------------------------------------- JSON


def test_json_lines_keep_their_types() -> None:
    rows = [
        {"text": "a", "n": 1, "f": 1.5, "b": True, "tags": ["x"], "o": {"k": 1}},
        {"text": "\u2028 b", "n": None, "f": 2, "b": False, "tags": []},
    ]
    table = read("\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
    assert table.frame.to_dicts() == [rows[0], {**rows[1], "f": 2.0, "o": None}]
    assert [str(t) for t in table.frame.dtypes][:4] == ["String", "Int64", "Float64", "Boolean"]


def test_json_values_of_mixed_types_become_text_and_say_so() -> None:
    table = read(b'{"id": 7, "text": "a"}\n{"id": "007", "text": "b"}\n')
    assert table.frame["id"].to_list() == ["7", "007"]
    assert "'id'" in table.notes[0]


def test_whole_numbers_too_large_for_a_float_keep_every_digit() -> None:
    table = read(b'{"id": 9007199254740993}\n{"id": 1.5}\n')
    assert table.frame["id"].to_list() == ["9007199254740993", "1.5"]


def test_an_array_of_objects_is_read_too() -> None:
    assert read(b'[\n {"text": "a"},\n {"text": "b"}\n]\n').frame.rows() == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"text": "a"}\n{"text": \n', "line 2"),
        (b'{"text": "a"}\n[1, 2]\n', "line 2 is an array"),
        (b'{"text": "a"}\n\n3\n', "line 3 is a number"),
        (b'{"text": "a", "text": "b"}\n', "given twice"),
        (b'{"text": "\\ud800"}\n', "surrogate"),
        (b'[{"text": "a"}, 3]', "entry 2"),
        (b'[{"text": "a"},\n{"text": b}]', "line 2"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1"),
    ],
)
def test_broken_json_is_named_by_its_line(data: bytes, words: str) -> None:
    assert words in refusal(data).message


# ----------------------------------------------------------------------- frames and rows


def test_frames_of_other_libraries_are_taken() -> None:
    import pandas as pd
    import pyarrow as pa

    frame = pl.DataFrame({"text": ["a", None, "c"], "n": [1, 2, 3]})
    for other in (frame.lazy(), pd.DataFrame(frame.to_dict(as_series=False)), frame.to_arrow()):
        assert read_table(other).frame.rows() == frame.rows()
    assert isinstance(frame.to_arrow(), pa.Table)
    assert read_table(pd.DataFrame({0: ["x"], "f": [float("nan")]})).frame.rows() == [("x", None)]


def test_pandas_objects_of_mixed_types_are_taken() -> None:
    import pandas as pd

    mixed = pd.DataFrame({"v": pd.Series([1, "a", pd.NA, None, 2.5], dtype=object)})
    assert read_table(mixed).frame["v"].to_list() == ["1", "a", None, None, "2.5"]


def test_rows_of_dicts_are_taken() -> None:
    rows = ({"text": t, "n": i} for i, t in enumerate(["a", "b"]))
    table = read_table(rows)
    assert table.format == "rows"
    assert table.frame.rows() == [("a", 0), ("b", 1)]


@pytest.mark.parametrize("source", [3, {"text": ["a"]}, [1, 2], None, b"text"])
def test_other_things_are_refused(source: object) -> None:
    with pytest.raises(InputError):
        read_table(source)


# ------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty_file", "is empty"),
        (b"\xef\xbb\xbf \n\n", "empty_file", "is empty"),
        (b"text,label\n", "no_rows", "no rows"),
        (b"text,text\na,b\n", "duplicate_column", "twice"),
        (b"text,,label\na,b,c\n", "no_header", "Column 2"),
        (b"1,2\n3,4\n", "no_header", "seems to be data"),
        (b"I like it very much,pos\n" + b"So do I,pos\nNot I,neg\n" * 9, "no_header", "first line"),
        (b"a,b\n1,2\n3\n", "ragged_row", "line 3 has 1 field"),
        (b'a,b\n"x\ny",2\n1,2,3\n', "ragged_row", "line 4 has 3 fields"),
        (b'a,b\n5" x,2\n1,2,3\n', "ragged_row", "line 3 has 3 fields"),
        (b'a,b\n1,2\n"open,2\n3,4\n', "unclosed_quote", "line 3"),
        (b'a,b\n1,"x"y\n', "broken_quote", "line 2"),
        (b"a,b\n1,\x002\n", "nul_byte", "line 2"),
        (b"signoff_answer,b\n1,2\n", "reserved_column", "signoff_answer"),
        (b'{"signoff_by": 1}', "reserved_column", "signoff_by"),
        (b"PK\x03\x04....xl/workbook.xml", "wrong_format", "Excel"),
        (b"PK\x03\x04....a.csv", "wrong_format", "zip"),
        (b"PAR1junkPAR1", "damaged_file", "Parquet"),
        (b"\x1f\x8bjunk", "damaged_file", "gzip"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-9], "damaged_file", "gzip"),
        (b"<!DOCTYPE html><html></html>", "wrong_format", "web page"),
        (bytes(range(1, 256)) * 9, "wrong_format", "binary"),
        (b"\xff\xfea\x00,\x00b\x00\n", "wrong_encoding", "UTF-16"),
    ],
)
def test_bad_input_gets_one_clear_line(data: bytes, code: str, words: str) -> None:
    error = refusal(data)
    assert error.code == code
    assert words in error.message


def test_files_that_cannot_be_opened_get_one_clear_line(tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / "missing.csv", "no_such_file"),
        (tmp_path, "is_directory"),
        ("x" * 5000, "unreadable_file"),
        ("a\x00b", "unreadable_file"),
    ):
        with pytest.raises(InputError) as caught:
            read_table(path)
        assert caught.value.code == code
        assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = on_disk(tmp_path, "secret.csv", b"a,b\n1,2\n")
    path.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)  # root reads every file
    try:
        with pytest.raises(InputError, match=r"secret\.csv cannot be read"):
            read_table(path)
    finally:
        os.seteuid(was)


def test_the_index_column_that_pandas_writes_is_let_through() -> None:
    assert read(b",text\n0,a\n1,b\n").frame.columns == ["", "text"]


def test_a_name_that_recurs_is_no_missing_header_by_itself() -> None:
    assert read(b"text,spam\nhello there,spam\nbuy now,spam\n").frame.height == 2


def test_a_missing_column_is_refused_with_those_there_are() -> None:
    table = read(b"id,body\n1,2\n")
    with pytest.raises(InputError, match=r"'text' not in standard input \(has: id, body\)"):
        require_column(table, "text", "--text")


# ------------------------------------------------------------------------------ anything

csv_like = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"\r\n", b"a", b"1", b";", b"\t", b" ", b"\xc3\xa9", b"\xe9"]
    ),
    max_size=40,
).map(b"".join)
json_like = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"a"', b":", b",", b"1", b"1e999", b"\n", b"NaN", b'"\\ud800"']
    ),
    max_size=25,
).map(b"".join)
beginnings = st.sampled_from(
    [b"", b"a,b\n", b'{"a":', b"PAR1", b"\x1f\x8b\x08", b"\xff\xfe", b"PK\x03\x04", b"\xef\xbb\xbf"]
)
anything = st.tuples(beginnings, st.one_of(st.binary(max_size=60), csv_like, json_like)).map(
    b"".join
)


def is_a_table_or_refused(data: bytes) -> None:
    try:
        table = read(data)
    except SignoffError as error:
        assert "\n" not in error.message  # noqa: PT017
    else:
        assert table.frame.height > 0


@settings(deadline=None, max_examples=120)
@given(data=anything)
def test_any_bytes_are_a_table_or_a_clear_refusal(data: bytes) -> None:
    is_a_table_or_refused(data)


@pytest.mark.soak
@settings(deadline=None, max_examples=5_000)
@given(data=anything)
def test_many_more_bytes_are_a_table_or_a_clear_refusal(data: bytes) -> None:
    is_a_table_or_refused(data)


def test_a_time_that_no_calendar_has_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    late = pl.DataFrame({"text": ["a"], "at": pl.Series([2**62]).cast(pl.Datetime("us"))})
    late.write_parquet(tmp_path / "late.parquet")
    for source in (late, tmp_path / "late.parquet"):
        with pytest.raises(InputError, match="Column 'at'") as refused:
            read_table(source)
        assert refused.value.code == "wrong_time"


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(4, 700), more=st.binary(max_size=20))
def test_a_parquet_file_cut_off_is_a_clear_refusal(cut: int, more: bytes) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"text": ["a", "b"], "n": [1, 2]}).write_parquet(buffer)
    whole = buffer.getvalue()
    error = refusal(whole[: min(cut, len(whole) - 1)] + more)
    assert error.code == "damaged_file"


@settings(deadline=None, max_examples=300)
@given(data=csv_like)
def test_rows_are_never_lost_or_made_up(data: bytes) -> None:
    """Where both agree that the file is a table, the two parsers read the same rows."""
    from signoff.formats.delimited import _parse_slowly, parse_delimited

    try:
        fast = parse_delimited(data, separator=",", name="x")
        slow = _parse_slowly(data, ",", "x")
    except (InputError, UnicodeDecodeError):
        return
    if slow.header:
        assert fast.header == slow.header
        assert fast.frame.fill_null("").rows() == slow.frame.fill_null("").rows()
