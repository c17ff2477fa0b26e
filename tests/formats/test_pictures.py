"""Folders and ZIPs of pictures: no name leads out, nothing is fetched, nothing grows too large."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pictures import picture

from signoff.errors import InputError
from signoff.formats import zipped
from signoff.formats.pictures import FolderOfPictures, guess_picture_column, inner_name
from signoff.formats.zipped import read_pictured, read_zip


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    """A ZIP of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def refused(path: Path, *, most_bytes: int = 1_000_000) -> InputError:
    with pytest.raises(InputError) as error:
        _ = read_zip(path, "a.zip", most_bytes=most_bytes)
    return error.value


# ----------------------------------------------------------------------------------- names


@given(
    st.lists(
        st.sampled_from(["..", ".", "a", "b.png", "", "~", "C:", "\x00", "%2e%2e", "…"]), max_size=6
    ),
    st.sampled_from(["/", "\\"]),
    st.sampled_from(["", "/", "\\\\", "//", " "]),
)
def test_no_name_leads_out_of_its_folder(parts: list[str], slash: str, before: str) -> None:
    try:
        name = inner_name(before + slash.join(parts))
    except InputError:
        return
    inside = Path("/pictures") / name
    assert Path("/pictures") in inside.parents
    assert ".." not in inside.parts


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example/a.png",
        " HTTP://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "//evil.example/a.png",
        "data:image/png;base64,AAAA",
        "ftp://x/y.gif",
    ],
)
def test_an_address_is_refused_and_never_fetched(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="signoff fetches no pictures") as error:
        _ = FolderOfPictures(tmp_path).read(name)
    assert error.value.code == "picture_address"


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.png", "x/../../a.png", "C:\\a.png", "a\x00"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "a.png").write_bytes(picture())
    with pytest.raises(InputError, match="leads out of the folder"):
        _ = FolderOfPictures(inside).read(name)


def test_a_link_is_followed_only_inside_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.png").write_bytes(picture())
    (inside / "own.png").write_bytes(picture("GIF"))
    (inside / "out.png").symlink_to(tmp_path / "secret.png")
    (inside / "up").symlink_to(tmp_path)
    (inside / "again.png").symlink_to(inside / "own.png")
    folder = FolderOfPictures(inside)
    for name in ("out.png", "up/secret.png"):
        with pytest.raises(InputError, match="leads out"):
            _ = folder.read(name)
    assert folder.read("again.png") == picture("GIF")


def test_what_is_not_there_or_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    folder = FolderOfPictures(tmp_path)
    with pytest.raises(InputError, match=r"cat\.png is not in the folder") as error:
        _ = folder.read("cat.png")
    assert "--images" in error.value.hint
    with pytest.raises(InputError, match="is no file"):
        _ = folder.read("folder.png")
    with pytest.raises(InputError, match="has no name"):
        _ = folder.read(" ")


def test_the_column_that_names_pictures_is_found_where_there_is_one() -> None:
    frame = pl.DataFrame({"id": ["a", "b"], "photo": ["x.JPG ", None], "n": [1, 2]})
    assert guess_picture_column(frame, name="t.csv") == "photo"
    two = frame.with_columns(thumb=pl.Series(["s.png", "t.png"]))
    for unclear in (two, frame.drop("photo")):
        with pytest.raises(InputError, match="names the pictures is not clear"):
            _ = guess_picture_column(unclear, name="t.csv")


# --------------------------------------------------------------------------------- folders


def test_a_folder_is_a_row_for_each_picture_in_it(tmp_path: Path) -> None:
    (tmp_path / "cats" / ".hidden").mkdir(parents=True)
    for name in ("b.PNG", "cats/a.webp", "cats/.hidden/c.png", ".d.png", "notes.txt", "e.svg"):
        (tmp_path / name).write_bytes(picture())
    table = read_pictured(tmp_path, name="photos")
    assert table is not None
    assert table.frame.to_dict(as_series=False) == {"file": ["b.PNG", "cats/a.webp"]}
    assert table.all_pictures
    assert table.pictures is not None
    assert table.pictures.read("cats/a.webp") == picture()


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory without pictures"):
        _ = read_pictured(tmp_path, name="photos")


def test_other_data_is_neither(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    for data in (tmp_path / "a.csv", tmp_path / "nothing", "-", "", pl.DataFrame()):
        assert read_pictured(data, name="x") is None


# ------------------------------------------------------------------------------------ zips


def test_a_zip_of_pictures_is_a_row_for_each(tmp_path: Path) -> None:
    files = {"p/2.gif": picture("GIF"), "p/1.png": picture(), "__MACOSX/p/1.png": b"x"}
    table = read_zip(packed(tmp_path / "a.zip", files), "a.zip", most_bytes=1_000_000)
    assert table.frame["file"].to_list() == ["p/1.png", "p/2.gif"]
    assert table.pictures is not None
    assert table.pictures.read("p/1.png") == picture()


def test_a_table_in_a_zip_names_pictures_relative_to_itself(tmp_path: Path) -> None:
    files = {"set/rows.csv": b"photo,who\nimg/1.png,ann\n", "set/img/1.png": picture()}
    table = read_zip(packed(tmp_path / "a.zip", files), "a.zip")
    assert table.frame.rows() == [("img/1.png", "ann")]
    assert table.name == "set/rows.csv in a.zip"
    assert table.pictures is not None
    assert table.pictures.read("img\\1.png") == picture()
    with pytest.raises(InputError, match=r"img/2\.png is not in a\.zip"):
        _ = table.pictures.read("img/2.png")
    with pytest.raises(InputError, match="leads out"):
        _ = table.pictures.read("../set/img/1.png")


@pytest.mark.parametrize(
    "name", ["../a.png", "/a.png", "p/../../a.png", "C:/a.png", "p//a.png", "http://x/a.png"]
)
def test_a_zip_whose_names_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(packed(tmp_path / "a.zip", {"ok.png": picture(), name: picture()}))
    assert error.code in ("picture_path", "picture_address")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": picture()})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", picture("GIF"))
    assert "comes twice" in refused(path).message


def test_a_zip_bomb_is_refused_by_what_its_list_says(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"{n}.png": bytes(600_000) for n in range(20)})
    assert path.stat().st_size < 20_000
    error = refused(path, most_bytes=10_000_000)
    assert (error.code, error.message) == (
        "too_large",
        "a.zip unpacks to more than 10,000,000 bytes.",
    )


def test_a_zip_bomb_whose_list_lies_gives_no_more_than_it_said(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"bomb.png": bytes(5_000_000)})
    data = bytearray(path.read_bytes())
    said = struct.pack("<I", 5_000_000)
    while said in data:
        at = data.index(said)
        data[at : at + 4] = struct.pack("<I", 100)
    path.write_bytes(data)
    table = read_zip(path, "a.zip", most_bytes=1_000)
    assert table.pictures is not None
    with pytest.raises(InputError) as error:
        _ = table.pictures.read("bomb.png")
    assert error.value.code == "damaged_file"


def test_a_picture_in_a_zip_may_not_be_larger_than_any_other(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"fat.png": picture() + bytes(20_000_001)})
    table = read_zip(path, "a.zip")
    assert table.pictures is not None
    with pytest.raises(InputError, match="20,000,000 bytes"):
        _ = table.pictures.read("fat.png")


def test_a_zip_with_a_list_that_fills_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": picture()})
    data = path.read_bytes()
    opened: list[object] = []
    monkeypatch.setattr(zipped.zipfile, "ZipFile", lambda *a, **k: opened.append(a))
    many = data[:-12] + struct.pack("<HI", 0xFFFF, 46) + data[-6:]
    long = data[:-12] + struct.pack("<HI", 1, 100_000_000) + data[-6:]
    large = data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:]
    for each in (many, long, large):
        path.write_bytes(each)
        assert refused(path).code == "too_large"
    assert opened == []


def test_links_secrets_and_odd_packing_in_a_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in refused(path).message
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.png", picture())
    assert "packed in an unusual way" in refused(path).message
    data = bytearray(packed(path, {"a.png": picture()}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refused(path).message


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({"a.csv": b"x\n1\n"}, "wrong_format", "without pictures"),
        ({}, "wrong_format", "without pictures"),
        ({"a.csv": b"x\n", "b.csv": b"x\n", "1.png": b""}, "wrong_format", "holds 2 tables"),
        ({"xl/workbook.xml": b"<x/>"}, "wrong_format", "Excel workbook"),
        ({"a.csv": b"PAR1" + bytes(9), "1.png": b""}, "wrong_format", "packed once more"),
        ({"a.csv": b"", "1.png": b""}, "empty_file", "is empty"),
    ],
)
def test_a_zip_that_is_no_collection_of_pictures_is_refused(
    tmp_path: Path, files: dict[str, bytes], code: str, words: str
) -> None:
    error = refused(packed(tmp_path / "a.zip", files))
    assert (error.code, words in error.message) == (code, True), error.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=300), cut=st.integers(0, 400))
def test_a_damaged_zip_is_refused_in_words_or_means_what_it_did(
    tmp_path: Path, junk: bytes, cut: int
) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": picture()})
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % len(whole)] + junk)
    try:
        table = read_zip(path, "a.zip")
        assert table.pictures is not None
        content = table.pictures.read("a.png")
    except InputError as error:
        assert error.message.startswith("a.zip")  # noqa: PT017
        return
    # Such junk as was cut off, or as makes a comment of it, damages nothing.
    assert table.frame["file"].to_list() == ["a.png"]
    assert content == picture()
