"""Pictures: what they are by their bytes, and which are refused before anything decodes them."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from tests.pictures import KINDS, SVG, picture, png_that_says

from signoff.core.images import MOST_BYTES, MOST_FRAMES, image_format, read_image
from signoff.core.images.formats import MOST_SCANS
from signoff.errors import InputError

SIZES = st.tuples(st.integers(1, 300), st.integers(1, 300))


def verdict(data: bytes) -> str:
    """What is said of a file: "fine" or the code of the refusal."""
    try:
        found = read_image(data, "a picture")
    except InputError as error:
        return error.code
    return "fine" if min(found.width, found.height, found.frames) > 0 else "nothing in it"


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), size=SIZES, frames=st.integers(1, 3))
def test_a_picture_is_as_large_as_another_program_says(
    kind: str, size: tuple[int, int], frames: int
) -> None:
    data = picture(kind, size, frames=1 if kind == "JPEG" else frames)
    found = read_image(data, "a picture")
    with Pillow.open(io.BytesIO(data)) as other:
        assert (found.width, found.height) == other.size == size
        assert found.frames == getattr(other, "n_frames", 1)
        assert found.media_type == Pillow.MIME[str(other.format)]


def test_pictures_of_every_way_to_save_them_are_read() -> None:
    ways: list[tuple[str, dict[str, object]]] = [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"optimize": True, "comment": b"\xff\xd9 in a comment"}),
        ("PNG", {"optimize": True}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"}),
        ("GIF", {"comment": b"; not the end"}),
    ]
    noise = Pillow.effect_noise((67, 41), 80).convert("RGB")
    for kind, options in ways:
        file = io.BytesIO()
        noise.save(file, kind, **options)
        found = read_image(file.getvalue(), "a picture")
        assert (found.width, found.height) == (67, 41), (kind, options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_ends_too_early_is_refused(kind: str) -> None:
    data = picture(kind, (40, 30), frames=1 if kind == "JPEG" else 2)
    for kept in range(16, len(data) - 1):
        with pytest.raises(InputError) as refused:
            _ = read_image(data[:kept], "cut")
        assert refused.value.code == "damaged_image"


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), changes=st.lists(st.tuples(st.integers(0), st.binary())))
@example(kind="JPEG", changes=[(20, b"\xff" * 50)])
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(
    kind: str, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(picture(kind, (20, 20)))
    for at, new in changes:
        place = at % len(data)
        data[place : place + len(new)] = new
    assert verdict(bytes(data)) in ("fine", "damaged_image", "wrong_image", "image_too_large")


@settings(max_examples=300, deadline=None)
@given(start=st.sampled_from([picture(kind)[:16] for kind in KINDS]), rest=st.binary(max_size=400))
def test_what_only_begins_like_a_picture_is_refused_in_words(start: bytes, rest: bytes) -> None:
    assert verdict(start + rest) in ("fine", "damaged_image", "image_too_large")


def test_a_small_file_that_becomes_gigabytes_is_refused_by_what_it_says() -> None:
    gif = bytearray(picture("GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    webp = bytearray(picture("WEBP", (16_383, 1)))
    at = webp.index(b"\x9d\x01\x2a") + 3
    webp[at : at + 4] = struct.pack("<HH", 16_383, 16_383)
    jpeg = bytearray(picture("JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    for data in (png_that_says(60_000, 60_000), bytes(gif), bytes(webp), bytes(jpeg)):
        with pytest.raises(InputError, match="pixels; 64,000,000 are the most") as refused:
            _ = read_image(data, "bomb")
        assert refused.value.code == "image_too_large"


def test_a_size_that_is_said_twice_counts_as_the_larger() -> None:
    small, large = png_that_says(3, 3), png_that_says(60_000, 60_000)
    both = small[:33] + large[8:]
    with pytest.raises(InputError, match="60,000 x 60,000"):
        _ = read_image(both, "two headers")


def test_too_many_frames_scans_or_bytes_are_refused() -> None:
    with pytest.raises(InputError, match=f"{MOST_FRAMES} are the most"):
        _ = read_image(picture("GIF", (1, 1), frames=MOST_FRAMES + 1), "film")
    jpeg = picture("JPEG")
    scan = jpeg[jpeg.index(b"\xff\xda") : -2]
    with pytest.raises(InputError, match="times over"):
        _ = read_image(jpeg[:-2] + scan * MOST_SCANS + jpeg[-2:], "endless")
    with pytest.raises(InputError, match="20,000,000 bytes"):
        _ = read_image(picture() + bytes(MOST_BYTES), "fat")


def test_a_picture_without_pixels_is_refused() -> None:
    for data in (png_that_says(0, 5), b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"):
        with pytest.raises(InputError, match="it has no pixels"):
            _ = read_image(data, "nothing")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (SVG, "an SVG drawing, which may hold scripts"),
        (b"\xef\xbb\xbf  <SVG/>", "an SVG drawing"),
        (b"<html><script>alert(1)</script>", "something else"),
        (b"", "an empty file"),
        (b"BM" + bytes(60), "a BMP picture"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(60), "a HEIC or AVIF picture"),
        (b"%PDF-1.7", "a PDF file"),
        (b"\x1f\x8b\x08" + bytes(60), "a gzip file"),
    ],
)
def test_anything_else_is_refused_by_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what) as refused:
        _ = read_image(data, "photos/a.png")
    assert refused.value.code == "wrong_image"
    assert refused.value.message.startswith("photos/a.png is ")


def test_the_kind_is_told_by_content_and_not_by_name() -> None:
    assert read_image(picture("GIF"), "a.png").format == "gif"
    assert image_format(b"RIFF\x00\x00\x00\x00WAVE") is None
